"""A way in: the report is put into the drawer as a ticket that nobody has sorted yet."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Literal

from canary.channels import Kind, Resources, Sender, UnusableError
from canary.channels.forms.steps import payload
from canary.model import Failure, Outgoing, Report, Submission
from canary.settings import ChannelSettings, FilePath


class DrawerSettings(ChannelSettings):
    """A drawer, and whose it is."""

    kind: Literal["drawer"]
    folder: FilePath
    owner: str

    def targets(self) -> tuple[str, ...]:
        """The domain that is written to: it must be one of the operator's own."""
        return (self.owner,)

    def target(self) -> dict[str, str]:
        """Where exactly a report goes: what an auditor compares with what the CA publishes."""
        return {"owner": self.owner, "drawer": str(self.folder)}


class DrawerChannel:
    """Meets :class:`canary.channels.Channel`."""

    def __init__(self, settings: DrawerSettings, sender: Sender, resources: Resources) -> None:
        self._folder, self._clock = settings.folder, resources.clock

    def prepare(self, report: Report) -> Outgoing:
        """Pure: what is going to be written, as evidence. The ticket has no Message-ID."""
        return Outgoing(report, payload(report, {"text": report.text}, report.attachments))

    async def submit(self, outgoing: Outgoing, *, within: float) -> Submission:
        """Put it in, once. What goes wrong is told in the Submission and never raised."""
        began, steady = self._clock.now(), self._clock.monotonic()
        ticket = {
            "text": f"Report of {outgoing.report.person.name}:\n\n{outgoing.report.text}",
            "files": [
                {"name": f.name, "media_type": f.media_type, "content": base64.b64encode(f.content).decode()}
                for f in outgoing.report.attachments
            ],
            "history": [{"at": began.isoformat(), "by": "system", "what": "created"}],
        }
        failure, reason = None, "put into the drawer"
        try:
            await asyncio.to_thread(write, self._folder / f"{outgoing.report.probe}.json", ticket)
        except OSError as error:  # the drawer is the CA's: that it takes nothing is its fault
            failure, reason = Failure.FORM_ERROR, f"the drawer does not open: {error.strerror}"
        seconds = self._clock.monotonic() - steady
        return Submission(began, failure is None, seconds, failure, reason=reason)

    async def check(self) -> str:
        """Look without sending anything."""
        if not self._folder.is_dir():
            raise UnusableError(f"there is no drawer at {self._folder}")
        return f"a drawer at {self._folder}"

    async def close(self) -> None:
        """Nothing is kept open."""


def write(path: Path, ticket: object) -> None:
    """Write a ticket so that nobody ever sees half of it. Raises OSError."""
    beside = path.with_suffix(".new")
    try:
        beside.write_text(json.dumps(ticket), encoding="utf-8")
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink()


KIND = Kind(DrawerSettings, DrawerChannel)
