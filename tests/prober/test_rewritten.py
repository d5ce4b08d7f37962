"""A report whose Message-ID, author or envelope somebody wrote anew on its way: by its words it is what was sent."""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from random import Random

import pytest
from builders import CPR, GENERAL, JUNK, START, a_probe, after, taken

from canary.channels.email.mime import render
from canary.clock import Clock
from canary.config.sections import Gateway
from canary.content import Message
from canary.judge import judge
from canary.ledger import Ledger
from canary.ledger import events as record
from canary.mark import Keyring, new_probe_id
from canary.model import Forgery, Outcome, Person, Place, Seen, TimeSource, Verdict
from canary.prober.intake import LedgerIntake
from canary.queues import Found
from canary.queues.imap.headers import marks_in, message_id
from canary.reports.composer import compose
from canary.weighing import REPLAY_AFTER

KEYS = Keyring([b"k" * 32])
PROBE = new_probe_id(Random(3))
MARK = KEYS.make(PROBE, START)
MESSAGE_ID = f"<{MARK}@quist.example>"
REPORT = compose(
    "V04", probe=PROBE, mark=MARK, person=Person("Ada Quist", "ada@quist.example"), operator="Example CA",
    verify="https://ca.example/canary", at=START, rng=Random(5),
)  # fmt: skip
SENT = render(REPORT, to="cpr@ca.example", message_id=MESSAGE_ID, date=START, rng=Random(1))
OTHER = "<0123456789.1@outlook.example>"
LOOKED = {"cpr": after(86_400.0), "general": after(86_400.0), "junk": after(86_400.0)}


class Desk:
    """A ledger with one probe that was sent, and the intake of what is found of it."""

    def __init__(self, folder: Path) -> None:
        self.now = after(30)
        self.ledger = Ledger(folder / "state", inline=True)
        clock = Clock(wall=self.now.timestamp, monotonic=self._elapsed)
        self.intake = LedgerIntake(
            self.ledger, KEYS, clock, lambda _: None, lambda: Gateway(links=("https://go.gate.example/*",))
        )
        self.ledger.append(
            record.scheduled(a_probe(PROBE), MARK),
            record.submitting(PROBE, START, MESSAGE_ID, self.ledger.keep(SENT)),
            record.submitted(PROBE, after(1), taken(), {}),
        ).result()
        self._number = 0

    def _elapsed(self) -> float:
        return (self.now - START).total_seconds()

    def find(self, raw: bytes, place: Place = CPR, at: float = 10.0) -> None:
        """Hand in a message as a mailbox's watcher does."""
        self._number += 1
        self.now = after(at + 20)
        known = message_id(raw.partition(b"\r\n\r\n")[0])
        found = Found(Seen.REPORT, PROBE, place, after(at), TimeSource.RECEIVED, 1.0, Message(raw), message_id=known)
        self.intake.hand_in("w", [found], {"uid": self._number})

    def verdict(self) -> Verdict:
        return judge(self.ledger.state.open[PROBE].case, after(901), LOOKED)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.ledger.close()


def renamed(raw: bytes, *more: str) -> bytes:
    """A message with another Message-ID, and these lines before its header."""
    raw = re.sub(rb"(?m)^Message-ID: .*\r\n", f"Message-ID: {OTHER}\r\n".encode(), raw)
    return "".join(f"{line}\r\n" for line in more).encode() + raw


def forwarded(raw: bytes, *, attached: bool) -> bytes:
    """A message of a mailbox rule that forwards another one."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = "Reports <reports@ca.example>"
    mail["Subject"] = "FW: a report"
    mail["Message-ID"] = OTHER
    mail["References"] = MESSAGE_ID
    if attached:
        mail.set_content("See the attached message.")
        mail.add_attachment(message_from_bytes(raw, policy=policy.SMTP))
    else:
        mail.set_content(f"-----Original Message-----\nFrom: Ada Quist\n\n{REPORT.text}")
    return mail.as_bytes()


def enclosed(raw: bytes, media_type: str) -> bytes:
    """A message in another one, in Base64."""
    head = f"From: desk@ca.example\r\nMessage-ID: {OTHER}\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n"
    about = f"\r\nSee below.\r\n--q\r\nContent-Type: {media_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return (head + about).encode() + encodebytes(raw) + b"\r\n--q--\r\n"


def as_list(raw: bytes) -> bytes:
    """What a list makes of it: a tag in the subject, its own author and a footer."""
    raw = re.sub(rb"(?m)^Subject: ", b"Subject: [cpr] ", renamed(raw, "List-Id: <cpr.lists.ca.example>"))
    raw = re.sub(rb"(?m)^From: .*\r\n", b"From: Ada Quist via cpr <cpr@lists.ca.example>\r\n", raw)
    mail = message_from_bytes(raw, policy=policy.SMTP)
    footer = "\n_____\ncpr mailing list\n"
    mail.set_content(mail.get_content() + footer)  # type: ignore[attr-defined]  # of the policy
    return mail.as_bytes()


def as_html(raw: bytes) -> bytes:
    """HTML alone, in another character set."""
    mail = message_from_bytes(renamed(raw), policy=policy.SMTP)
    text = REPORT.text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>\n")
    mail.set_content(f"<html><body>{text}</body></html>", subtype="html", charset="gb18030")  # type: ignore[attr-defined]  # of the policy
    return mail.as_bytes()


def with_subject_encoded(raw: bytes) -> bytes:
    return re.sub(rb"(?m)^Subject: .*\r\n(?:[ \t].*\r\n)*", b"Subject: =?utf-8?B?W3Rlc3Rd?=\r\n", renamed(raw))


REWRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "the old Message-ID in another field": lambda raw: renamed(raw, f"X-Microsoft-Original-Message-ID: {MESSAGE_ID}"),
    "the old Message-ID as X-Google-Original": lambda raw: renamed(raw, f"X-Google-Original-Message-ID: {MESSAGE_ID}"),
    "no trace of the old Message-ID": renamed,
    "two Message-IDs, theirs first": lambda raw: f"Message-ID: {OTHER}\r\n".encode() + raw,
    "two Message-IDs, ours first": lambda raw: raw.replace(b"Subject:", f"Message-ID: {OTHER}\r\nSubject:".encode(), 1),
    "no Message-ID": lambda raw: re.sub(rb"(?m)^Message-ID: .*\r\n", b"", raw),
    "forwarded in the text": lambda raw: forwarded(raw, attached=False),
    "forwarded as an attachment": lambda raw: forwarded(raw, attached=True),
    "forwarded in Base64": lambda raw: enclosed(raw, "message/rfc822"),
    "forwarded as a file": lambda raw: enclosed(raw, 'application/octet-stream; name="a report.eml"'),
    "resent": lambda raw: renamed(raw, "Resent-From: <desk@ca.example>", "Resent-Message-ID: <again@ca.example>"),
    "sent on by a list": as_list,
    "HTML in another character set": as_html,
    "another subject": with_subject_encoded,
    "links of a declared gateway": lambda raw: renamed(raw).replace(
        b"https://ca.example/canary", b"https://go.gate.example/c/1"
    ),
}


@pytest.mark.parametrize("name", REWRITTEN)
@pytest.mark.parametrize(
    ("place", "outcome"),
    [(CPR, Outcome.ARRIVED), (JUNK, Outcome.JUNKED), (GENERAL, Outcome.WRONG_QUEUE)],
    ids=["cpr", "junk", "general"],
)
def test_a_report_that_was_rewritten_is_where_it_is(desk: Desk, name: str, place: Place, outcome: Outcome) -> None:
    raw = REWRITTEN[name](SENT)
    assert [mark.text for mark in KEYS.find_in_message(raw) if mark.genuine] == [MARK]
    desk.find(raw, place)
    found = desk.verdict()
    assert (found.outcome, found.forged) == (outcome, {}), found.reason


def test_a_forward_in_whose_header_the_mark_is_kept_is_found_without_a_search() -> None:
    header = forwarded(SENT, attached=True).partition(b"\r\n\r\n")[0]
    assert [mark.text for mark in marks_in(KEYS, header) if mark.genuine] == [MARK]


def test_a_report_that_was_renamed_and_cut_is_altered(desk: Desk) -> None:
    head, _, body = renamed(SENT).partition(b"\r\n\r\n")
    desk.find(head + b"\r\n\r\n" + body[: len(body) // 2])
    found = desk.verdict()
    assert found.outcome is Outcome.ALTERED
    assert re.search(r"[0-9]+ of [0-9]+ characters are left \([345][0-9] %\)", found.reason)


@pytest.mark.parametrize("text", [f"All is well with {MARK}.", f"Reference: {MARK}\n" * 9, f"Re: {MARK}\nThank you."])
def test_a_mark_in_another_message_is_a_replay_and_it_is_told_where_it_lies(desk: Desk, text: str) -> None:
    desk.find(f"From: forger@evil.example\r\nMessage-ID: {OTHER}\r\n\r\n{text}\r\n".encode())
    found = desk.verdict()
    assert (found.outcome, found.forged) == (Outcome.MISSING, {Forgery.REPLAYED: 1})
    assert "in cpr lies what does not count: another message that has its mark" in found.reason
    assert "not seen anywhere" not in found.reason
    desk.find(SENT)
    assert desk.verdict().outcome is Outcome.ARRIVED


def test_a_copy_by_another_message_id_long_after_the_first_is_a_replay(desk: Desk) -> None:
    desk.find(SENT)
    desk.find(renamed(SENT), at=20.0)
    assert (desk.verdict().duplicates, desk.verdict().forged) == (1, {})
    desk.find(forwarded(SENT, attached=False), at=REPLAY_AFTER + 60)
    assert (desk.verdict().outcome, desk.verdict().forged) == (Outcome.ARRIVED, {Forgery.REPLAYED: 1})
