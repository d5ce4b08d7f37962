"""What was said in a dialogue with a submission server, line by line, for the evidence."""

from __future__ import annotations

from canary.clock import Clock
from canary.model import MailServer


class Transcript:
    """What was said, with seconds since the start. It never holds a secret, nor the message itself."""

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self.started = clock.monotonic()
        """When it began, in the clock's monotonic seconds."""
        self.connected: float | None = None
        """Seconds from the start until there was a connection for the message; None as long as there is none."""
        self.mail_server: MailServer | None = None
        """The recipient's own server that was spoken to last; None where a provider's is."""
        self._lines: list[tuple[float, str]] = []

    def seconds(self) -> float:
        """Seconds since the dialogue began."""
        return self._monotonic() - self.started

    def note(self, text: str) -> None:
        """Something that is neither a command nor a reply."""
        self._lines.append((self.seconds(), f"-- {text}"))

    def said(self, command: str) -> None:
        """Note a command of ours as it is sent."""
        self._lines.append((self.seconds(), f"C: {command}"))

    def heard(self, code: int, text: str) -> None:
        """A reply of the server's, of one or more lines."""
        *first, last = text.split("\n")
        at = self.seconds()
        self._lines += [(at, f"S: {code}-{line}") for line in first]
        self._lines.append((at, f"S: {code} {last}"))

    def render(self) -> bytes:
        """The whole of it as UTF-8 text."""
        return "".join(f"{at:9.3f} {line}\n" for at, line in self._lines).encode()
