"""A form that sends its reporter a link: the site, the mail, and the mailbox that the mail comes to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from servers import form_pages as pages
from servers.form_site import FormSite, Submitted
from starlette.responses import HTMLResponse, Response

from canary.clock import Clock
from canary.prober.letters import LettersOfProbes

PROBE = "p"
"""The probe of the report that the tests submit."""
READ = {"mailbox": datetime(2999, 1, 1, tzinfo=UTC)}
"""A mailbox that is read whenever somebody asks."""


class Mailing:
    """The site, which sends ``mails`` with ``{site}`` in them when it gets a report, and a page ``confirm``."""

    def __init__(self, folder: Path, *mails: str, clock: Clock | None = None, read: bool = True) -> None:
        self.letters = LettersOfProbes(clock or Clock(), lambda _: "mailbox", READ if read else {})
        self.mails, self.probe = mails, PROBE
        self.waited_at_link: list[bool] = []
        """Whether mails were still waited for when the link was asked for."""
        self.site = FormSite(folder, on_submission=self._send, on_load=self._load)
        self.url = self.site.url
        self.shows(HTMLResponse(pages.page("Confirmed", "<p>Your report is confirmed: CPR-7</p>")))

    def shows(self, answer: Response) -> None:
        """What the page behind the link is."""
        self.site.further["confirm"] = answer

    def followed(self) -> int:
        """How often anything was asked for behind a link."""
        return sum(path == "/confirm" for _, path, _ in self.site.asked)

    def _load(self) -> None:
        if self.site.asked[-1][1] == "/confirm":
            self.waited_at_link.append(self.letters.awaits(PROBE))

    def _send(self, report: Submitted) -> None:
        if report.page == "report":
            texts = [mail.replace("{site}", self.url) for mail in self.mails]
            self.letters.hand_on((self.probe, text.encode()) for text in texts)


def opt_in(**changes: Any) -> dict[str, Any]:
    """The setting, for the link that such a site sends."""
    return {
        "link": r"http://(127\.0\.0\.1|localhost):\d+/confirm\?token=\w+&a=1",
        "confirm": {"text": "Your report is confirmed", "reference": r"confirmed: (CPR-\d+)", "within": "20s"},
        **changes,
    }


MAIL = "Subject: Your report\n\nPlease confirm it: {site}/confirm?token=x1y2&a=1.\n"
"""A mail with the link, at the end of a sentence."""
HTML = (
    "Subject: Your report\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
    '<p><a href=3D"{site}/cancel?token=3Dx1y2&amp;a=3D1">Cancel</a>=\n'
    " <a class=3Dx href=3D'{site}/confirm?token=3Dx1y2&amp;a=3D=\n1'>Confirm</a></p>\n"
)
"""The same as HTML, after a link that must not be followed."""
