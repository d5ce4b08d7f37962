"""Words of strangers, and of operators: printed as they are, whatever they look like, in every command."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from audit.conftest import configuration
from audit.story import Teller, at, in_force
from hypothesis import given
from hypothesis import strategies as st
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from canary import wording
from canary.cli.common import PlainConsole, painted
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.events import cleared, silenced, stopped_all
from canary.model import Outcome

HOSTILE = "[/x] [bold] \x1b[2J\x9b31m \x07 \u202e :smile: =1+1 \ud83d end"
SHOWN = "[/x] [bold] \ufffd[2J\ufffd31m \ufffd \ufffd :smile: =1+1 "
DAYS = ("--from", "2026-03-02", "--to", "2026-03-02")


def plain(text: str) -> bool:
    """Whether nothing in it moves a cursor or turns a line around."""
    return all(character.isprintable() or character in "\n\r\u202f\xa0" for character in text)


def cpr_canary(*arguments: str | bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "canary", *arguments]
    environment = {**os.environ, "COLUMNS": "250", "TERM": "dumb", "CPR_CANARY_TRACEBACK": "1"}
    done = subprocess.run(command, capture_output=True, timeout=150, check=False, env=environment)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    assert plain(done.stdout.decode() + done.stderr.decode())
    return done


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration whose ledger has such words wherever words can be."""
    folder = tmp_path_factory.mktemp("words")
    ledger = Ledger(folder / "state", inline=True)
    teller = Teller(ledger)
    teller.tell(Event(EventKind.STARTED, at(1), {"version": "0.1.0", "configuration": "c", "scheduled": True}))
    teller.tell(in_force(at(1), alias={"approved_by": HOSTILE}))
    first = teller.probe("alias", at(2, 1), Outcome.REJECTED, reason=HOSTILE)
    teller.probe("form", at(2, 1), Outcome.FORM_ERROR, reason=HOSTILE)
    teller.probe("person", at(2, 1), Outcome.INDETERMINATE, reason=HOSTILE)
    note = {"exception": f"alias.{first}", "channel": "alias", "note": HOSTILE, "by": HOSTILE, "cause": HOSTILE}
    teller.tell(
        Event(EventKind.ANNOTATED, at(2, 2), note, first),
        Event(EventKind.PAUSED, at(2, 3), {"channels": ["alias", "form"], "reason": HOSTILE, "by": HOSTILE}),
        silenced(at(2, 3), HOSTILE, at(2, 4), HOSTILE, HOSTILE),
        stopped_all(at(2, 5), HOSTILE, HOSTILE),
        cleared(at(2, 6), HOSTILE),
        Event(EventKind.RELOADED, at(2, 7), {"accepted": False, "reason": HOSTILE}),
    )
    ledger.close()
    (folder / "state" / "STOP").write_text(HOSTILE, encoding="utf-8", errors="replace")
    file = folder / "canary.yaml"
    settings = configuration(folder / "state")
    channels = {slug: {"kind": "email", "to": f"{slug}@ca.test", "arrives_in": "cpr", "approved_by": "J. Doe"}
                for slug in ("alias", "form", "person")}  # fmt: skip
    file.write_text(yaml.safe_dump(settings | {"channels": channels}), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "words",
    [
        ("status",), ("probes", "list"), ("exceptions", "list", *DAYS), ("evidence", "status"),
        ("audit", "sample", *DAYS, "--seed", "[/x]", "--size", "5"), ("retention", "run", "--dry-run"),
        ("check",), ("audit", "verify-log"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command_prints_them_as_they_are(told: Path, words: tuple[str, ...]) -> None:
    group = 2 if words[0] in ("probes", "exceptions", "evidence", "audit", "retention") else 1
    done = cpr_canary(*words[:group], str(told), *words[group:])
    assert done.returncode in (0, 1, 3), done.stderr.decode()
    machines = "--json" if words[:2] != ("audit", "sample") else "--csv"
    assert cpr_canary(*words[:group], str(told), *words[group:], machines).returncode == done.returncode
    if words[0] in ("status", "probes", "exceptions"):
        assert "[/x] [bold]" in done.stdout.decode()


def test_machines_read_the_very_words(told: Path) -> None:
    rows = json.loads(cpr_canary("probes", "list", str(told), "--json").stdout)
    kept = HOSTILE.replace("\ud83d", "?")  # in the ledger's canonical form
    assert {row["reason"] for row in rows} == {kept}
    assert "kill switch: " + kept in {
        row["state"] for row in json.loads(cpr_canary("status", str(told), "--json").stdout)["channels"]
    }


def test_a_report_and_its_tables_hold_no_control(told: Path, tmp_path: Path) -> None:
    done = cpr_canary("audit", "report", str(told), *DAYS, "--out", str(tmp_path / "out"), "--no-redact")
    assert done.returncode == 1, done.stderr.decode()  # nothing is signed in it
    files = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir() if file.suffix != ".pdf"}
    assert len(files) > 12
    for name, content in files.items():
        assert plain(content.decode("utf-8-sig")), name
    for name in ("exceptions.csv", "holds.csv", "own_faults.csv", "changes.csv", "channels.csv"):
        rows = list(csv.reader(io.StringIO(files[name].decode("utf-8-sig"), newline="")))
        assert any("[/x] [bold] \ufffd[2J" in cell for row in rows for cell in row), name


@pytest.mark.parametrize(
    "words",
    [
        (b"status", b"caf\xe9.yaml"),
        (b"pause", b"canary.yaml", b"--reason", b"\xff"),
        (b"exceptions", b"annotate", b"canary.yaml", b"x.y", b"--note", b"\xed\xa0\xbd", b"--by", b"a"),
        (b"audit", b"verify", b"x.zip", b"--key", b"caf\xe9+00000000+AAAA"),
        (b"silence", b"canary.yaml", b"--alert", b"\x80"),
        (b"form", b"inspect", b"https://caf\xe9.test/"),
        (b"caf\xe9",),
    ],
)  # fmt: skip
def test_an_argument_that_is_no_text_is_refused(words: tuple[bytes, ...]) -> None:
    done = cpr_canary(*words)
    assert done.returncode == 2
    assert b"is not UTF-8" in done.stderr


@pytest.mark.parametrize("url", ["nonsense", "ftp://ca.test/", "https://", "http://[", "https://u:p@ca.test/"])
def test_what_is_no_web_address_is_a_wrong_call(url: str) -> None:
    done = cpr_canary("form", "inspect", url)
    assert done.returncode == 2, done.stderr.decode()


def test_a_stream_that_cannot_say_it_gets_what_it_can(told: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict", "COLUMNS": "250", "TERM": "dumb"}
    command = [sys.executable, "-m", "canary", "status", str(told)]
    done = subprocess.run(command, capture_output=True, timeout=150, check=False, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    assert b"\\ufffd[2J" in done.stdout


def printed(*renderables: object) -> str:
    console = PlainConsole()
    with console.capture() as captured:
        console.print(*renderables, soft_wrap=True)
    return captured.get()


def _table(words: str) -> Table:
    table = Table(words, title=words, caption=words)
    table.add_row(words)
    return table


@pytest.mark.parametrize("shape", [str, painted, Text, _table, lambda words: Spinner("dots", painted(words)),
                                   lambda words: painted("a") + words])  # fmt: skip
@given(words=st.text("[]/bold\\:+1 a\n\x00\x07\x1b\x85\x9b\u2028\u202e\ud83d\ude00", max_size=12))
def test_whatever_is_printed_orders_nothing(shape: object, words: str) -> None:
    assert callable(shape)
    assert plain(printed(shape(words)))


@given(st.text())
def test_what_can_be_printed_stays(text: str) -> None:
    kept = wording.printable(text)
    assert plain(kept)
    assert wording.printable(kept) == kept
    kept.encode()
    if text.isprintable():
        assert kept == text
    assert json.loads(wording.to_json(text)) == text
    assert plain(wording.to_json(text))
