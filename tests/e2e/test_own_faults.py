"""Our own faults are indeterminate, and counted apart: never for or against the CA."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trustme
from servers.ca_site import CaSite
from servers.canary_run import configuration, direct, running
from servers.certificates import authority_file

from canary.ledger import EventKind
from canary.model import DeadlineResult, Outcome, OwnFaultError


def errors(run: Any, component: str) -> dict[str, int]:
    return {key: n for key, n in run.ledger.state.totals.errors.items() if key.startswith(component + "/")}


async def test_our_smtp_server_down(ca: CaSite, tmp_path: Path) -> None:
    config = configuration(ca, tmp_path)
    config["senders"]["researcher"]["submission"]["port"] = 1
    async with running(config, tmp_path) as run:
        verdict = await run.outcome(await run.probe())
        assert (verdict.outcome, verdict.deadline) == (Outcome.INDETERMINATE, DeadlineResult.INDETERMINATE)
        assert errors(run, "smtp")
        await run.until(lambda: run.events(EventKind.FINISHED), "the end")
        assert run.ledger.state.totals.channels["alias"].deadline_results == {"indeterminate": 1}


async def test_wrong_imap_password(ca: CaSite, tmp_path: Path) -> None:
    config = configuration(ca, tmp_path, alias={"deadline": "3s", "give_up": "6s"})
    wrong = tmp_path / "wrong"
    wrong.write_text("not the password", encoding="utf-8")
    config["watch"]["desk"]["server"]["password"] = {"file": str(wrong)}
    async with running(config, tmp_path) as run:
        verdict = await run.outcome(await run.probe())
        assert verdict.outcome is Outcome.INDETERMINATE
        assert "could not be read" in verdict.reason
        assert errors(run, "imap")
    [message] = ca.messages("desk", "CPR")  # it was there; we could not look, and do not blame the CA
    assert message


async def test_arrival_while_we_could_not_look_counts_from_when_it_arrived(ca: CaSite, tmp_path: Path) -> None:
    config = direct(configuration(ca, tmp_path, alias={"deadline": "20s"}), ca)
    async with running(config, tmp_path) as run:
        await run.watching()
        ca.dovecot.stop()
        probe = await run.probe()
        await run.until(lambda: run.known(probe).case.submission, "the submission")
        ca.dovecot.start()
        ca.postfix.release()
        assert (await run.outcome(probe)).outcome is Outcome.ARRIVED


async def test_imap_server_restarted_in_mid_probe(ca: CaSite, tmp_path: Path) -> None:
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        ca.hold()
        probe = await run.probe()
        await run.until(lambda: run.known(probe).case.submission, "the submission")
        ca.dovecot.restart()
        ca.release()
        verdict = await run.outcome(probe)
        assert (verdict.outcome, verdict.duplicates) == (Outcome.ARRIVED, 0)


@pytest.mark.parametrize("where", ["submission", "imap"])
async def test_certificate_of_an_unknown_authority(ca: CaSite, tmp_path: Path, where: str) -> None:
    config = configuration(ca, tmp_path, alias={"deadline": "3s", "give_up": "6s"})
    unknown = tmp_path / "unknown"
    unknown.mkdir()
    server = {
        "submission": config["senders"]["researcher"]["submission"],
        "imap": config["watch"]["desk"]["server"],
    }[where]
    server["ca_file"] = str(authority_file(trustme.CA(), unknown))
    async with running(config, tmp_path) as run:
        assert (await run.outcome(await run.probe())).outcome is Outcome.INDETERMINATE
        assert errors(run, "smtp" if where == "submission" else "imap")


async def test_browser_missing(ca: CaSite, tmp_path: Path) -> None:
    form = {
        "kind": "web_form",
        "url": "http://localhost:1/report",
        "steps": [{"fill": {"label": "Description", "with": "{text}"}}, {"click": "Send"}],
        "confirm": {"text": "Thank you"},
    }
    config = configuration(ca, tmp_path, form=form)
    del config["channels"]["form"]["to"]
    config["browser"] = {"executable": str(tmp_path / "no-browser")}
    async with running(config, tmp_path) as run:
        verdict = await run.outcome(await run.probe("form"))
        assert verdict.outcome is Outcome.INDETERMINATE
        assert errors(run, "browser")


async def test_what_cannot_be_recorded_is_not_sent(ca: CaSite, tmp_path: Path) -> None:
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        with closing(sqlite3.connect(tmp_path / "state" / "ledger.sqlite", isolation_level=None)) as vandal:
            vandal.execute("ALTER TABLE event RENAME TO gone")
            with pytest.raises(OwnFaultError, match="could not be written"):
                await run.probe()
            vandal.execute("ALTER TABLE gone RENAME TO event")
        assert run.ledger.not_written > 0
        assert ca.messages("desk", "CPR") == []
        assert (await run.outcome(await run.probe())).outcome is Outcome.ARRIVED
