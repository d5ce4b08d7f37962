"""What was found of a report, as the system that has it shows it: a whole message, or text and files. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

from canary.model import Attachment


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is stored (RFC 5322)."""

    raw: bytes = field(repr=False)

    def artefact(self) -> bytes:
        """What is kept as evidence: the message."""
        return self.raw


@dataclass(frozen=True, slots=True)
class Ticket:
    """The text of a ticket, plain or HTML, and its files: what a system shows that does not give the message away."""

    text: str = field(repr=False)
    files: tuple[Attachment, ...] = ()

    def artefact(self) -> bytes:
        """What is kept as evidence: JSON in ASCII of ``text`` and ``files``, whose contents are in Base64.

        ASCII, since an API may hand out text that UTF-8 cannot say (half a surrogate pair).
        """
        files = [
            {"name": file.name, "media_type": file.media_type, "content": base64.b64encode(file.content).decode()}
            for file in self.files
        ]
        return json.dumps({"text": self.text, "files": files}, sort_keys=True).encode()


Content = Message | Ticket
"""What a system shows of a report."""
