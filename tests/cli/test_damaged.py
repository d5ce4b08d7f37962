"""A store that is damaged: every command says so in a sentence and exits with 3, whatever is damaged, and how."""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from audit.conftest import written
from audit.story import CHANNELS, START, Teller, at, in_force

from canary.cli import main
from canary.cli.commands import COMMANDS
from canary.cli.lazy import CommandGroup
from canary.cli.opening import opened, opened_evidence
from canary.config import load
from canary.ledger import Event, EventKind
from canary.ledger.events import Hold, held, paused
from canary.model import Outcome, OwnFaultError
from canary.prober.runtime import assembled

DAYS = ("--from", "2026-03-02", "--to", "2026-03-04")
PAGE = 4096

CALLS: dict[str, tuple[str, ...]] = {
    "status": (),
    "pause": ("--reason", "x"),
    "resume": (),
    "stop-all": ("--reason", "x"),
    "silence": ("--alert", "A", "--until", "2026-12-24T18:00:00Z", "--by", "x", "--reason", "x"),
    "rotate-key": (),
    "evidence key": (),
    "evidence rotate-key": (),
    "evidence status": (),
    "evidence check": (),
    "audit report": (*DAYS, "--out", "{out}/report"),
    "audit sample": (*DAYS, "--seed", "1", "--size", "5"),
    "audit bundle": (*DAYS, "--seed", "1", "--size", "2", "--out", "{out}/bundle.zip"),
    "audit commit": (*DAYS, "--out", "{out}/commitment.json"),
    "audit open": (),
    "audit verify-log": (),
    "probes list": (),
    "probes show": ("alias021000xxxxx",),
    "exceptions list": (),
    "exceptions show": ("alias.alias021000xxxxx",),
    "exceptions annotate": ("alias.alias021000xxxxx", "--note", "x", "--by", "x"),
    "retention run": (),
}
ELSEWHERE = {"demo", "check", "run", "probe", "variants", "schema", "form inspect", "audit verify"}
"""Commands that ask no store, or also others: what opens a store for the prober is tried below."""


def test_no_command_is_left_out() -> None:
    names = {
        f"{name} {below}".strip()
        for name, entry in COMMANDS.items()
        for below in (entry.commands if isinstance(entry, CommandGroup) else [""])
    }
    assert names == CALLS.keys() | ELSEWHERE


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a day and a quarter, with a signed log; not to be written to."""
    where = tmp_path_factory.mktemp("signed")
    state = where / "state"
    settings = load(written(where, state))
    with opened(settings) as ledger:
        teller = Teller(ledger)
        teller.tell(Event(EventKind.STARTED, at(1, 11.9), START), in_force(at(1, 11.9)))
        for hour in range(30):
            for channel in CHANNELS:
                bad = channel == "alias" and 10 <= hour < 13
                teller.probe(channel, at(2, hour), Outcome.JUNKED if bad else Outcome.ARRIVED, blind=hour == 5)
        teller.probe("form", at(3, 7), ends=False)
        teller.tell(paused(at(3, 8), ["form"], "rebuilt", "anna"), held(at(3, 9), "alias", Hold.CAP, "cap"))
        assert opened_evidence(settings, ledger).advance() is not None
        ledger.append(cursor=("desk", {"uid": 1})).result()
        ledger.keep(b"what was sent")
    return state


@pytest.fixture
def state(signed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(signed, tmp_path / "state"))


# What may be damaged

Damage = Callable[[Path], object]


def _pages(seed: int) -> Damage:
    """A few pages of the database, the first never, become noise or nothing, as a disk that dies leaves them."""

    def damage(state: Path) -> None:
        file, chance = state / "ledger.sqlite", random.Random(seed)
        raw = bytearray(file.read_bytes())
        for number in chance.sample(range(1, len(raw) // PAGE), 12):
            raw[number * PAGE : (number + 1) * PAGE] = chance.choice([bytes(PAGE), chance.randbytes(PAGE)])
        file.write_bytes(raw)

    return damage


def _file(name: str, content: bytes) -> Damage:
    return lambda state: (state / name).write_bytes(content)


def _cut(state: Path) -> None:
    file = state / "ledger.sqlite"
    file.write_bytes(file.read_bytes()[: 7 * PAGE + 100])


def _in_its_place(name: str, make: Callable[[Path], object]) -> Damage:
    def damage(state: Path) -> None:
        path = state / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        make(path)

    return damage


def _sql(*statements: str) -> Damage:
    def damage(state: Path) -> None:
        with closing(sqlite3.connect(state / "ledger.sqlite", isolation_level=None)) as connection:
            connection.execute("DROP TRIGGER event_no_update")
            for statement in statements:
                connection.execute(statement)

    return damage


def _bodies(sql: str) -> Damage:
    """The bodies of some events of each kind are other than they were."""
    return _sql(f"UPDATE event SET body = {sql} WHERE seq % 7 = 3")


DAMAGES: dict[str, Damage] = {
    **{f"pages {seed}": _pages(seed) for seed in range(6)},
    "empty": _file("ledger.sqlite", b""),
    "no database": _file("ledger.sqlite", b"what is this?\n" * 1000),
    "header": _file("ledger.sqlite", b"SQLite format 3\0" + b"\xff" * 5000),
    "cut off": _cut,
    "a folder": _in_its_place("ledger.sqlite", Path.mkdir),
    "a loop of links": _in_its_place("ledger.sqlite", lambda path: path.symlink_to(path)),
    "log of noise": _file("ledger.sqlite-wal", random.Random(1).randbytes(5 * PAGE)),
    "index of noise": lambda state: [
        (state / f"ledger.sqlite-{what}").write_bytes(random.Random(2).randbytes(9 * PAGE)) for what in ("wal", "shm")
    ],
    "no table of events": _sql("DROP TABLE event"),
    "no table of results": _sql("DROP TABLE result"),
    "bodies that are no JSON": _bodies("x'7b226b'"),
    "bodies that are no object": _bodies("CAST('[1]' AS BLOB)"),
    "bodies without a key": _bodies("""CAST(json_remove(CAST(body AS TEXT), '$.body') AS BLOB)"""),
    "bodies that say nothing": _bodies("""CAST(json_set(CAST(body AS TEXT), '$.body', json('{}')) AS BLOB)"""),
    "bodies of other types": _bodies("""CAST(json_set(CAST(body AS TEXT), '$.body', 3) AS BLOB)"""),
    "bodies that never end": _bodies(f"CAST('{'[' * 5000}' AS BLOB)"),
    "bodies of numbers": _bodies("42"),
    "times": _sql("UPDATE event SET at = 'yesterday' WHERE seq % 7 = 3"),
    "text that is no text": _sql("UPDATE event SET kind = CAST(x'ff' AS TEXT) WHERE seq % 7 = 3"),
    "kinds": _sql("UPDATE event SET kind = 'nonsense' WHERE seq % 7 = 3"),
    "results": _sql("UPDATE result SET outcome = 'nonsense', scheduled_at = 'soon', owed = '{' WHERE rowid % 2"),
    "snapshot": _sql("UPDATE snapshot SET book = x'00'"),
    "snapshot of another shape": _sql("UPDATE snapshot SET book = CAST('[1, 2, 3]' AS BLOB)"),
    "cursors": _sql("UPDATE cursor SET place = x'7b'"),
    "artefacts in a file": _in_its_place("artefacts", lambda path: path.write_bytes(b"")),
    "artefacts that are folders": lambda state: [
        _in_its_place(f"artefacts/{file.parent.name}/{file.name}", Path.mkdir)(state)
        for file in (state / "artefacts").rglob("*/*")
    ],
    "evidence in a file": _in_its_place("evidence", lambda path: path.write_bytes(b"")),
    "key": lambda state: [file.write_bytes(b"\xff\x00") for file in (state / "evidence" / "key").rglob("*")],
    **{
        name: (lambda state, name=name: [file.write_bytes(random.Random(3).randbytes(300))
                                         for file in (state / "evidence").rglob(name) if file.is_file()])
        for name in ("head", "checkpoint", "verified.json", "forgotten", "[0-9]*")
    },
}  # fmt: skip


def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]) -> tuple[object, str]:
    """Exit code and what was said on standard error; anything that a command lets out ends the test."""
    monkeypatch.setattr(sys, "argv", ["cpr-canary", *words])
    monkeypatch.delenv("CPR_CANARY_TRACEBACK", raising=False)
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    return code, " ".join(capsys.readouterr().err.split())  # however wide the console was when it was made


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_command_says_so(
    damage: str, state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that only read come first: what others write may mend something."""
    monkeypatch.setattr("canary.audit.report.make.to_pdf", lambda page: page.encode())  # takes longer than all the rest
    DAMAGES[damage](state)
    config = written(tmp_path, state)
    told = {}
    for name, options in CALLS.items():
        if name not in _ASKED.get(damage, CALLS):
            continue
        words = [*name.split(), str(config), *(word.format(out=tmp_path) for word in options)]
        code, said = call(capsys, monkeypatch, words)
        assert code in (0, 1, 2, 3), (name, code)
        assert code != 2 or any(words in said for words in _NOT_THERE), (name, said)
        assert (code == 3) == ("our own fault" in said), (name, code, said)
        assert "unexpected" not in said or damage in _MEANINGLESS, (name, said)
        told[name] = code
    assert told["audit verify-log"] in (1, 3) or damage in _UNSIGNED, told


_NOT_THERE = ("has no probe", "no exception", "no checkpoint was signed yet")
_MEANINGLESS = {"bodies that say nothing", "bodies without a key", "bodies of other types", "results", "times"}
"""Sound for the database, and only wrong for whoever looks for something in it: told with where that was."""

_ASKED = {"index of noise": ("status", "pause", "audit report", "audit verify-log")}
"""Not every command where each takes long: of such an index SQLite tries for ten seconds to make sense."""

_UNSIGNED = {"artefacts in a file", "artefacts that are folders", "cursors", "forgotten", "head", "key", "log of noise",
             "index of noise", "snapshot", "snapshot of another shape", "verified.json"}  # fmt: skip
"""What the log does not sign, or what is not looked at there."""


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_canary_starts_or_says_why_not(damage: str, state: Path, tmp_path: Path) -> None:
    DAMAGES[damage](state)
    settings = load(written(tmp_path, state))
    with suppress(OwnFaultError), assembled(settings) as canary:
        canary.evidence.advance()  # its faults are recorded, not raised


@pytest.fixture
def unwritable(state: Path) -> Path:
    """A state folder where no event can be written, as on a full disk."""
    with closing(sqlite3.connect(state / "ledger.sqlite", isolation_level=None)) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
    return state


def test_stop_all_throws_the_switch_even_if_nothing_can_be_recorded(
    unwritable: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = call(capsys, monkeypatch, ["stop-all", str(written(tmp_path, unwritable)), "--reason", "now"])
    assert code == 3
    assert "the kill switch is thrown and holds, but who threw it could not be recorded" in said
    assert "disk is full" in said
    assert (unwritable / "STOP").read_text() == "now\n"
