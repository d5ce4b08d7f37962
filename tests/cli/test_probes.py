"""``cpr-canary probes``: which probes failed, and all that is known of one, as whoever is paged asks it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from builders import CPR, DEADLINE, START, a_case, a_probe, after, done, message, report, taken
from cli.test_commands import cpr_canary
from ledger.test_results import NAME, life
from servers.ca_site import CaSite
from servers.canary_run import configuration, staff, written

from canary.config import load
from canary.judge import judge
from canary.ledger import Event, Ledger
from canary.ledger import events as record
from canary.mail.way import read_way
from canary.model import DeadlineResult, Failure, Flood, Forgery, Outcome, Role, Seen, Stage

LOST = "anotherprobe2222"
WAITING = "waitingprobe2222"


@pytest.fixture
def filled(config: Path) -> Callable[..., Path]:
    """The configuration of a ledger with these events in it."""

    def fill(*events: Event) -> Path:
        ledger = Ledger(load(config).state, inline=True)
        ledger.append(*events).result()
        ledger.close()
        return config

    return fill


def rows(config: Path, *options: str) -> list[dict[str, object]]:
    done = cpr_canary("probes", "list", config, "--json", *options)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def on_its_way(name: str = WAITING, at: float = 600) -> tuple[Event, ...]:
    probe = replace(a_probe(name), scheduled_at=after(at))
    return record.scheduled(probe, "w" * 40), record.submitting(name, after(at), None, message(0))


def test_newest_first_and_those_on_their_way_among_them(filled: Callable[..., Path]) -> None:
    config = filled(*life(), *life(LOST, at=60, arrives=False), *on_its_way(at=30))
    found = rows(config)
    assert [row["probe"] for row in found] == [LOST, WAITING, NAME]
    assert [row["final"] for row in found] == [True, False, True]
    assert [row["outcome"] for row in found] == ["missing", "indeterminate", "arrived"]  # hours ago, and nobody looked
    assert found[2]["stages"] == {"accepted": 0.5, "arrived": 12.0}
    assert [row["probe"] for row in rows(config, "--newest", "1")] == [LOST]


def test_what_was_owed_and_missed(filled: Callable[..., Path]) -> None:
    case = a_case(report(), done(Seen.PICKED_UP, at=80, place=CPR), owed={Stage.PICKED_UP: 60, Stage.ANSWERED: 90})
    verdict = judge(case, after(DEADLINE), {"cpr": after(DEADLINE)})
    begun = record.scheduled(case.probe, "m" * 40)
    config = filled(begun, *life()[1:3], record.finished(NAME, after(DEADLINE), verdict))
    [row] = rows(config)
    assert row["owed"] == {"picked_up": "missed", "answered": "missed"}
    assert row["stages"] == {"accepted": 0.5, "arrived": 10, "picked_up": 80}
    listed = " ".join(cpr_canary("probes", "list", config).stdout.split())
    assert "not picked up, answered in time" in listed
    shown = " ".join(cpr_canary("probes", "show", config, NAME).stdout.split())
    assert "picked up within 60 s" in shown
    assert "answered: missed" in shown


def test_failed_ones_alone(filled: Callable[..., Path]) -> None:
    config = filled(*life(), *life(LOST, at=60, arrives=False))
    assert [row["probe"] for row in rows(config, "--failed")] == [LOST]


def test_none_that_failed(filled: Callable[..., Path]) -> None:
    config = filled(*life())
    assert rows(config, "--failed") == []
    assert cpr_canary("probes", "list", config, "--failed").stdout == "no such probe\n"


def test_a_probe_that_missed_its_deadline_and_may_still_come(filled: Callable[..., Path]) -> None:
    sent = record.submitted(WAITING, after(601), replace(taken(), at=after(600)), {})
    missed = record.deadline(WAITING, after(600 + DEADLINE), DeadlineResult.MISSED, Outcome.MISSING)
    [row] = rows(filled(*on_its_way(), sent, missed), "--failed")
    assert (row["final"], row["outcome"], row["place"]) == (False, "missing", "cpr")
    assert "not seen anywhere" in str(row["reason"])


def test_only_one_channel(filled: Callable[..., Path]) -> None:
    elsewhere = record.scheduled(replace(a_probe(WAITING), channel="form", scheduled_at=after(600)), "w" * 40)
    config = filled(*life(), elsewhere)
    assert [row["probe"] for row in rows(config, "--channel", "alias")] == [NAME]
    done = cpr_canary("probes", "list", config, "--channel", "no")
    assert done.returncode == 2
    assert "alias" in done.stderr


def test_one_probe_with_every_event_and_file(filled: Callable[..., Path]) -> None:
    config = filled(*life(LOST, at=60, arrives=False))
    ledger = Ledger(load(config).state, inline=True)
    ledger.artefacts.put(b"0")  # what was sent
    kept = ledger.artefacts.path(message(0))
    ledger.close()
    shown = json.loads(cpr_canary("probes", "show", config, LOST, "--json").stdout)
    assert [event["kind"] for event in shown["events"]] == [
        "scheduled", "submitting", "submitted", "deadline", "finished",
    ]  # fmt: skip
    assert shown["files"] == {"what was sent": str(kept)}
    screen = cpr_canary("probes", "show", config, LOST).stdout
    for words in (LOST, "V01 by researcher through alias", "deadline missed", "ended: missing", "not seen anywhere"):
        assert words in screen
    assert f"what was sent: {kept}" in screen


def test_what_was_only_counted(filled: Callable[..., Path]) -> None:
    flood = Flood(NAME, "alias", "cpr", Role.MONITORED, Forgery.BAD_MAC)
    config = filled(*life()[:-2], record.flood(after(90), flood, 980, after(30)), *life()[-2:])
    shown = " ".join(cpr_canary("probes", "show", config, NAME).stdout.split())
    assert "980 more" in shown
    assert "bad_mac" in shown


def test_a_probe_that_is_not_there(config: Path) -> None:
    Ledger(load(config).state).close()
    done = cpr_canary("probes", "show", config, "nothing")
    assert done.returncode == 2
    assert "probes list" in done.stderr


def test_words_of_a_server_cannot_paint_the_terminal(filled: Callable[..., Path]) -> None:
    said = replace(taken(), accepted=False, failure=Failure.REJECTED, reason="550 \x1b[31m[red]no (at RCPT TO)")
    config = filled(*on_its_way(), record.submitted(WAITING, after(601), said, {}))
    for command in (("list", config), ("show", config, WAITING)):
        screen = cpr_canary("probes", *command).stdout
        assert "[31m[red]no (at RCPT TO)" in screen
        assert "\x1b" not in screen


def test_a_long_reason_is_cut_in_the_list_and_whole_in_the_story(filled: Callable[..., Path]) -> None:
    said = replace(taken(), accepted=False, failure=Failure.REJECTED, reason=f"550 {'x' * 300} the end")
    config = filled(*on_its_way(), record.submitted(WAITING, after(601), said, {}))
    assert "the end" not in cpr_canary("probes", "list", config).stdout
    assert "the end" in cpr_canary("probes", "show", config, WAITING).stdout


def test_what_a_real_probe_left(site: CaSite, tmp_path: Path) -> None:
    staff(site)
    config = written(configuration(site, tmp_path), tmp_path)
    probe = json.loads(cpr_canary("probe", config, "--channel", "alias", "--json").stdout)["probe"]
    [row] = rows(config, "--channel", "alias")
    assert (row["probe"], row["outcome"], row["place"]) == (probe, "arrived", "cpr")
    shown = cpr_canary("probes", "show", config, probe)
    assert "seen: report" in shown.stdout
    assert "in cpr (monitored)" in shown.stdout
    files = json.loads(cpr_canary("probes", "show", config, probe, "--json").stdout)["files"]
    assert set(files) == {"what was sent", "smtp-transcript.txt", "what was seen (1)"}
    assert b"RCPT TO" in Path(files["smtp-transcript.txt"]).read_bytes()


def test_the_way_that_a_report_took_hop_by_hop(filled: Callable[..., Path]) -> None:
    header = (
        b"Authentication-Results: mx.ca.test; spf=pass smtp.mailfrom=persona.test; dkim=fail\n"
        b"Received: from mx.ca.test ([127.0.0.1]) by imap.ca.test with LMTP; Sun, 01 Mar 2026 12:03:20 +0000\n"
        b"Received: from a.test by mx.ca.test (version=TLS1_3); Sun, 01 Mar 2026 12:00:02 +0000\n"
        b"Received: by a.test; Sun, 01 Mar 2026 12:09:00 +0000\nX-Spam-Status: Yes, score=7.1\n"
    )
    seen = replace(report(), way=read_way(header, START, after(205)))
    config = filled(*life()[:3], record.sighting(after(205), seen, "desk"))
    shown = cpr_canary("probes", "show", config, NAME).stdout
    words = " ".join(shown.split())
    assert "the way to cpr, as its header says" in words
    assert "198.0 s" in words
    assert "TLS 1.3" in words
    assert "538.0 s earlier than the hop before" in words
    assert "authenticated: SPF pass (persona.test), DKIM fail, says mx.ca.test" in words
    assert "spam filter SpamAssassin: spam, score 7.1" in words
    told = json.loads(cpr_canary("probes", "show", config, NAME, "--json").stdout)
    [way] = [event["body"]["way"] for event in told["events"] if event["kind"] == "sighting"]
    assert [hop["by"] for hop in way["hops"]] == ["a.test", "mx.ca.test", "imap.ca.test"]
    assert all(hop["seconds"] >= 0 for hop in way["hops"])
