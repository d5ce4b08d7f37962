"""What strangers put into the mailbox never improves an outcome, and what is theirs is never touched."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from prometheus_client import generate_latest
from servers.ca_site import CaSite
from servers.canary_run import Run, configuration, running

from canary.keyring import open_keyring
from canary.mark import new_probe_id
from canary.metrics import registry
from canary.model import Forgery, Outcome

SOON = {"deadline": "4s"}
STRANGER = b"\r\n".join(
    [
        b"From: someone@elsewhere.test",
        b"To: problem-report@ca.test",
        b"Subject: Key compromise report",
        b"Message-ID: <real@elsewhere.test>",
        b"Date: Sat, 21 Nov 2026 10:00:00 +0000",
        b"",
        b"Our key was stolen. Please revoke.",
        b"",
    ]
)


def carrying(mark: str) -> bytes:
    """A message of somebody else's with a mark in it."""
    message = EmailMessage()
    message["From"] = "forger@elsewhere.test"
    message["To"] = "problem-report@ca.test"
    message["Subject"] = f"report {mark}"
    message["Message-ID"] = f"<{mark}@elsewhere.test>"
    message.set_content(f"All is well with {mark}.")
    return message.as_bytes()


def forged(run: Run) -> dict[str, int]:
    return run.ledger.state.totals.channels["alias"].forged


async def test_forged_mark_is_counted_and_the_report_stays_missing(ca: CaSite, tmp_path: Path) -> None:
    ca.silently_drop("problem-report")
    async with running(configuration(ca, tmp_path, alias=SOON), tmp_path) as run:
        await run.watching()
        probe = await run.probe()
        mark = run.known(probe).mark
        ca.deliver("desk", carrying(mark[:-1] + ("a" if mark[-1] != "a" else "b")), "CPR")
        assert (await run.outcome(probe)).outcome is Outcome.MISSING
        await run.until(lambda: forged(run).get(Forgery.BAD_MAC), "the forgery")
        assert run.ledger.state.totals.channels["alias"].last_success == 0


async def test_mark_in_another_message_is_a_replay_and_the_report_stays_missing(ca: CaSite, tmp_path: Path) -> None:
    ca.silently_drop("problem-report")
    async with running(configuration(ca, tmp_path, alias=SOON), tmp_path) as run:
        await run.watching()
        probe = await run.probe()
        ca.deliver("desk", carrying(run.known(probe).mark), "CPR")
        assert (await run.outcome(probe)).outcome is Outcome.MISSING
        await run.until(lambda: forged(run).get(Forgery.REPLAYED), "the replay")


async def test_yesterdays_report_delivered_again_does_not_hide_that_todays_is_missing(
    ca: CaSite, tmp_path: Path
) -> None:
    async with running(configuration(ca, tmp_path, alias=SOON | {"deadline": "10s"}), tmp_path) as run:
        await run.watching()
        await run.outcome(await run.probe())
        [(_, _, earlier)] = ca.messages("desk", "CPR")
        ca.silently_drop("problem-report")
        probe = await run.probe()
        ca.deliver("desk", b"Received: from forger by mx; " + earlier, "CPR")
        assert (await run.outcome(probe)).outcome is Outcome.MISSING


async def test_mark_of_a_probe_that_was_never_recorded(ca: CaSite, tmp_path: Path) -> None:
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        keys = open_keyring(run.prober.config.state / "mark.key")
        ca.deliver("desk", carrying(keys.make(new_probe_id(), datetime.now(UTC))), "CPR")
        await run.until(lambda: run.ledger.state.totals.unattributed.get(Forgery.UNKNOWN_ID), "the forgery")


async def test_another_installations_marks_in_the_same_mailbox_are_left_alone(ca: CaSite, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    one, other = (configuration(ca, folder) for folder in folders)
    other["watch"]["desk"]["clean_up"] = "delete"
    async with running(one, folders[0]) as first, running(other, folders[1]) as second:
        await first.watching()
        await second.watching()
        probes = [await first.probe(), await second.probe()]
        assert (await first.outcome(probes[0])).outcome is Outcome.ARRIVED
        assert (await second.outcome(probes[1])).outcome is Outcome.ARRIVED
        assert (forged(first), forged(second)) == ({}, {})
        assert first.ledger.state.totals.unattributed == second.ledger.state.totals.unattributed == {}


async def test_strangers_unread_mail_stays_unread_and_untouched_even_with_clean_up(ca: CaSite, tmp_path: Path) -> None:
    """A report of three days ago is what a peer's clean-up expunged; ours removes its own message only."""
    for folder in ("INBOX", "CPR", "General"):
        ca.deliver("desk", STRANGER, folder)
    config = configuration(ca, tmp_path, alias={"deadline": "5s"})
    config["watch"]["desk"]["clean_up"] = "delete"
    async with running(config, tmp_path) as run:
        await run.watching()
        await run.outcome(await run.probe())
        await run.until(lambda: len(ca.messages("desk", "CPR")) == 1, "our own message to be removed")
    for folder in ("INBOX", "CPR", "General"):
        [(_, flags, raw)] = ca.messages("desk", folder)
        assert b"\\Seen" not in flags
        assert b"Our key was stolen" in raw


async def test_no_byte_of_a_message_becomes_a_metric(ca: CaSite, tmp_path: Path) -> None:
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        mark = run.known(await run.probe()).mark
        ca.deliver("desk", carrying(mark).replace(b"forger", b"mallory"), "CPR")
        await run.until(lambda: forged(run).get(Forgery.REPLAYED), "the replay")
        text = generate_latest(registry(run.prober)).decode()
    assert "mallory" not in text
    assert mark not in text
    assert "@" not in text
