"""The commands around bundles, and the check of a whole ledger that somebody wrote into."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from audit.verifier.conftest import Healthy
from audit.verifier.office import Office, asked, packed, sealed
from bench.bench_audit import configuration
from bench.history import History
from typer.testing import CliRunner, Result

from canary.audit.named_files import named_by
from canary.audit.whole import check_whole
from canary.cli.main import app
from canary.ledger import EventKind, Ledger

TODAY = f"{datetime.now(UTC):%Y-%m-%d}"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path / "state", "example-ca.test/cpr-canary")
    opened.log.advance()
    opened.probe()
    opened.probe(arrives=None)
    opened.stop()
    yield opened
    opened.close()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "canary.yaml"
    file.write_text(yaml.safe_dump(configuration(tmp_path / "state", History(channels=1))), encoding="utf-8")
    return file


def bundle(config: Path, *more: object, size: int = 2) -> Result:
    out = config.with_name("bundle.zip")
    days = ("--from", TODAY, "--to", f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}")
    return run("bundle", config, *days, "--seed", "7", "--size", size, "--out", out, *more)


def test_a_bundle_is_made_and_checked(office: Office, config: Path) -> None:
    made = bundle(config)
    assert made.exit_code == 0, made.output
    assert "2 of 2 probes" in made.stdout
    file = config.with_name("bundle.zip")
    brought = ("verify", file, "--key", office.vkey, *asked(file))
    checked = run(*brought, "--json")
    assert checked.exit_code == 3, checked.output
    told = json.loads(checked.stdout)
    assert told["verdict"] == "proved with gaps"
    assert told["bundle"]["sha256"] in made.stdout
    by_hand = run(*brought)
    assert by_hand.exit_code == 3
    assert by_hand.stdout.startswith("PROVED WITH GAPS: nothing is wrong, and ")


def test_a_bundle_that_is_cut_short_is_told_as_such(office: Office, config: Path) -> None:
    """Its maker says so loudly, and whoever asked for the whole period refuses it."""
    made = bundle(config)
    until = asked(config.with_name("bundle.zip"))[-1]
    assert f"CUT SHORT: it ends at {until}, with what is signed" in " ".join(made.stderr.split())
    day = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    told = run("verify", config.with_name("bundle.zip"), "--key", office.vkey, "--from", TODAY, "--to", day)
    assert told.exit_code == 1
    assert f"to {until}, and " in told.stdout
    assert "was asked for: of the rest nothing is shown" in told.stdout


def test_a_checkpoint_that_was_kept_is_proved(office: Office, config: Path, tmp_path: Path) -> None:
    kept = tmp_path / "checkpoint"
    kept.write_bytes(office.log.published.read_bytes())
    office.probe()
    office.stop()
    assert bundle(config, "--kept", kept).exit_code == 0
    file = config.with_name("bundle.zip")
    told = run("verify", file, "--key", office.vkey, "--kept", kept, *asked(file))
    assert told.exit_code == 3, told.output
    assert "checkpoints that you kept are the beginning of this log: 1 checked" in told.stdout
    assert bundle(config, "--kept", config).exit_code == 2
    kept.write_bytes(kept.read_bytes() + bytes(65536))
    told = run("verify", file, "--key", office.vkey, "--kept", kept, *asked(file))
    assert told.exit_code == 2
    assert "has more than 65536 bytes" in told.output.replace("\n", " ")


def test_a_tampered_bundle_exits_1(healthy: Healthy, tmp_path: Path) -> None:
    name = healthy.sent()
    path = packed(tmp_path / "b.zip", sealed(healthy.files | {name: b"another"}))
    told = run("verify", path, "--key", healthy.first_key, *asked(path))
    assert told.exit_code == 1
    assert "another file than the one that the event names" in told.stdout
    assert told.stdout.startswith("REFUSED: 1 thing(s) are not as they must be, so nothing here is proved\n")


def test_without_a_key_nothing_is_checked(healthy: Healthy) -> None:
    told = run("verify", healthy.path, *asked(healthy.path))
    assert told.exit_code == 2
    assert "--key" in told.output


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        ((), "--from"),
        (("--from", TODAY), "--to"),
        (("--from", TODAY, "--to", "2020-01-01"), "there is nothing between"),
        (("--from", TODAY, "--to", "2020-02-30"), "not a day: 2020-02-30"),
        (("--from", "9999-12-31", "--to", "9999-12-31"), "not a day: 9999-12-31"),
        (("--from", "yesterday", "--to", TODAY), "not a time: 'yesterday'"),
    ],
)
def test_a_period_that_was_not_asked_for(healthy: Healthy, days: tuple[str, ...], reason: str) -> None:
    told = run("verify", healthy.path, "--key", healthy.first_key, *days)
    assert told.exit_code == 2
    assert reason in " ".join(told.output.split())


def test_what_cannot_be_made_is_said(office: Office, config: Path) -> None:
    assert "there is no probe aaaaaaaaaaaaaaaa" in bundle(config, "--probe", "a" * 16).output
    assert bundle(config, "--probe", "a" * 16).exit_code == 2
    assert not config.with_name("bundle.zip").exists()
    assert [path.name for path in config.parent.iterdir() if path.suffix == ".new"] == []
    early = run("bundle", config, "--from", "2020-01-01", "--to", "2020-01-02", "--seed", "7", "--size", "1", "--out",
                config.with_name("b.zip"))  # fmt: skip
    assert early.exit_code == 0, early.output
    assert "0 of 0 probes" in early.stdout


def test_nothing_that_is_signed_makes_no_bundle(tmp_path: Path, config: Path) -> None:
    Ledger(tmp_path / "state").close()
    told = bundle(config)
    assert told.exit_code == 2
    assert "no checkpoint was signed yet" in told.output


def test_the_whole_ledger_is_as_it_was_signed(office: Office, config: Path) -> None:
    told = run("verify-log", config)
    assert told.exit_code == 0, told.output
    assert "and 2 results: as they were signed" in told.stdout
    assert json.loads(run("verify-log", config, "--json").stdout)["problems"] == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE event SET body = CAST(replace(CAST(body AS TEXT), 'missing', 'arrived') AS BLOB)", "not the one that"),
        ("UPDATE result SET outcome = 'arrived' WHERE outcome = 'missing'", "outcome is 'arrived' in the table"),
        ("DELETE FROM result WHERE outcome = 'missing'", "is not in the table"),
        ("DELETE FROM event WHERE seq = 5", "event 5 is missing"),
        ("UPDATE event SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 5", "event 5 stands in the ledger under"),
        (
            "UPDATE event SET kind = 'trouble' WHERE kind = 'scheduled'",
            "under another time, kind or probe than it says",
        ),
        ("UPDATE event SET probe = NULL WHERE kind = 'scheduled'", "under another time, kind or probe than it says"),
    ],
)
def test_a_ledger_that_was_written_into_is_not(office: Office, config: Path, change: str, reason: str) -> None:
    office.close()
    with sqlite3.connect(office.folder / "ledger.sqlite") as database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute(change)
    told = run("verify-log", config, "--json")
    assert told.exit_code == 1, told.output
    assert any(reason in problem for problem in json.loads(told.stdout)["problems"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Path.unlink, r"event \d+ names the file [0-9a-f]{64}, which is not kept; nothing says that it was deleted"),
        (lambda file: file.write_bytes(b""), r"the file [0-9a-f]{64}, which event \d+ names, is not what it was"),
        (lambda file: file.write_bytes(file.read_bytes() + b"."), "is not what it was"),
    ],
)
@pytest.mark.parametrize("kind", [EventKind.SUBMITTING, EventKind.SUBMITTED, EventKind.SIGHTING])
def test_a_file_that_an_event_names_is_looked_at_where_that_is_asked(
    office: Office, config: Path, kind: EventKind, change: Callable[[Path], object], reason: str
) -> None:
    good = run("verify-log", config, "--files")
    assert good.exit_code == 0, good.output
    assert re.search(r"events, 5 files and 2 results: as they were signed", good.stdout)
    (name, *_) = named_by(next(office.ledger.events(kind=kind)))
    change(office.ledger.artefacts.path(name))
    assert run("verify-log", config).exit_code == 0
    told = run("verify-log", config, "--files", "--json")
    assert told.exit_code == 1
    (problem,) = json.loads(told.stdout)["problems"]
    assert re.search(reason, problem)


def test_what_retention_deleted_is_told_and_excuses_no_later_event(office: Office, config: Path) -> None:
    sent = next(office.ledger.events(kind=EventKind.SUBMITTING))
    file = office.ledger.artefacts.path(sent.body["payload"])
    kept = file.read_bytes()
    file.unlink()
    body = {"rule": "messages", "first": 1, "last": sent.seq, "count": 1, "artefacts": [sent.body["payload"]]}
    office.tell(EventKind.FORGOTTEN, **body)
    office.stop()
    assert run("verify-log", config, "--files").exit_code == 0
    office.ledger.artefacts.put(kept)
    office.add(replace(sent, at=office.now(), seq=0))
    office.stop()
    assert run("verify-log", config, "--files").exit_code == 0
    file.unlink()
    told = run("verify-log", config, "--files", "--json")
    (problem,) = json.loads(told.stdout)["problems"]
    assert problem.endswith("which is not kept; nothing says that it was deleted")


def test_a_bit_in_a_tile_is_found(office: Office, config: Path) -> None:
    for tile in (office.log.folder / "log" / "tile").rglob("[0-9]*"):
        if tile.is_file():
            raw = tile.read_bytes()
            tile.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
    assert run("verify-log", config).exit_code == 1


def test_what_is_checked_is_one_moment(office: Office) -> None:
    with office.log.moment() as standing:
        office.probe()
        office.stop()
        assert check_whole(standing, office.now(), lambda *_: None).root != check_whole(
            office.log, office.now(), lambda *_: None
        ).root  # fmt: skip
        assert check_whole(standing, office.now(), lambda *_: None).ok


def test_progress_comes_to_an_end(office: Office) -> None:
    for _ in range(100):
        office.probe()
    office.log.advance(force=True)
    seen: list[tuple[str, int, int]] = []
    found = check_whole(office.log, office.now(), lambda *told: seen.append(told))
    assert found.ok
    assert (found.events, found.results) == (found.events, 102)
    assert seen[-1] == ("results", 102, 102)
    events = [done for what, done, _ in seen if what == "events"]
    assert events == sorted(events)
    assert events[-1] == found.events
