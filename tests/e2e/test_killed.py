"""A prober that is killed at any instant loses nothing, sends nothing twice, and judges by the true arrival time."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email import message_from_bytes
from pathlib import Path

import pytest
from servers.ca_site import CaSite
from servers.canary_run import configuration, written
from servers.polling import until

ROUNDS = 5


def events(folder: Path) -> list[dict[str, object]]:
    """The ledger as another program reads it."""
    path = folder / "state" / "ledger.sqlite"
    if not path.exists():
        return []
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        return [json.loads(body) for (body,) in connection.execute("SELECT body FROM event ORDER BY seq")]
    except sqlite3.OperationalError:  # the tables are not there yet
        return []
    finally:
        connection.close()


def kinds(folder: Path) -> Counter[str]:
    return Counter(str(event["kind"]) for event in events(folder))


@contextmanager
def canary(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``cpr-canary run`` in a process of its own; killed with -9 at the end, if it still runs."""
    with (config.parent / "log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "canary", "run", str(config)], stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def busy(ca: CaSite, folder: Path) -> Path:
    """A canary that probes every few seconds."""
    settings = {"interval": "10s", "max_per_hour": 1000, "deadline": "15s", "give_up": "15s"}
    config = configuration(
        ca, folder, **{f"alias{n}": {**settings, "to": f"problem-report{n}@ca.test"} for n in range(5)}
    )
    for n in range(5):
        ca.add_alias(f"problem-report{n}", ["desk"])
    return written(config, folder)


def await_all_ends(folder: Path) -> None:
    def ended() -> bool:
        seen = kinds(folder)
        return seen["scheduled"] == seen["finished"] > 0

    until(ended, "every probe to have an end", timeout=120)


def no_more_probes(folder: Path) -> None:
    (folder / "state" / "STOP").write_text("the test has seen enough\n")


def assert_nothing_lost_or_sent_twice(ca: CaSite, folder: Path) -> None:
    recorded = events(folder)
    assert [event["seq"] for event in recorded] == list(range(1, len(recorded) + 1))
    sent = Counter(message_from_bytes(raw)["Message-ID"] for _, _, raw in ca.messages("desk", "CPR"))
    assert set(sent.values()) <= {1}
    submitting = {e["body"]["message_id"]: e["probe"] for e in recorded if e["kind"] == "submitting"}  # type: ignore[index]
    assert sent.keys() <= submitting.keys(), "a report was sent before it was recorded"
    outcomes = {e["probe"]: e["body"]["outcome"] for e in recorded if e["kind"] == "finished"}  # type: ignore[index]
    for message_id in sent:
        assert outcomes[submitting[message_id]] == "arrived", "a report that arrived was judged otherwise"
    assert set(outcomes.values()) <= {"arrived", "indeterminate"}


STAGES: dict[str, Callable[[Counter[str]], bool]] = {
    "started": lambda seen: seen["started"] > 0,
    "scheduled": lambda seen: seen["scheduled"] > 0,
    "submitting": lambda seen: seen["submitting"] > 0,
    "submitted": lambda seen: seen["submitted"] > 0,
    "sighting": lambda seen: seen["sighting"] > 0,
    "finished": lambda seen: seen["finished"] > 0,
}


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_a_stage(ca: CaSite, tmp_path: Path, stage: str) -> None:
    config = busy(ca, tmp_path)
    with canary(config):
        until(lambda: STAGES[stage](kinds(tmp_path)), stage, timeout=90)
    if stage == "started":
        with canary(config):
            until(lambda: kinds(tmp_path)["scheduled"], "a probe", timeout=90)
    no_more_probes(tmp_path)
    with canary(config):
        await_all_ends(tmp_path)
    assert_nothing_lost_or_sent_twice(ca, tmp_path)


def test_killed_again_and_again_at_random_instants(ca: CaSite, tmp_path: Path) -> None:
    config = busy(ca, tmp_path)
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    sys.stdout.write(f"SEED={seed} repeats the chances of this run\n")  # pytest shows it with a failure
    chance = random.Random(seed)
    for _ in range(ROUNDS):
        with canary(config):
            wanted = len(events(tmp_path)) + chance.randint(3, 10)
            until(lambda wanted=wanted: len(events(tmp_path)) >= wanted, "work", timeout=90)
            time.sleep(chance.random() * 0.2)
    no_more_probes(tmp_path)
    with canary(config):
        await_all_ends(tmp_path)
    assert_nothing_lost_or_sent_twice(ca, tmp_path)


def test_report_that_arrived_while_we_were_dead_is_judged_by_its_true_arrival(ca: CaSite, tmp_path: Path) -> None:
    config = busy(ca, tmp_path)
    ca.hold()
    with canary(config):
        until(lambda: kinds(tmp_path)["submitted"], "a submission", timeout=90)
    ca.release()
    until(lambda: ca.messages("desk", "CPR"), "the delivery")
    no_more_probes(tmp_path)
    until(lambda: time.time() > until_deadline(tmp_path), "the deadline to pass", timeout=60)
    with canary(config):
        await_all_ends(tmp_path)
    assert_nothing_lost_or_sent_twice(ca, tmp_path)


def test_report_that_was_lost_while_we_were_dead_for_longer_than_give_up_is_missing(ca: CaSite, tmp_path: Path) -> None:
    config = busy(ca, tmp_path)
    for n in range(5):
        ca.silently_drop(f"problem-report{n}")
    with canary(config):
        until(lambda: kinds(tmp_path)["submitted"], "a submission", timeout=90)
    no_more_probes(tmp_path)
    until(lambda: time.time() > until_deadline(tmp_path), "the deadline to pass", timeout=60)
    with canary(config):
        await_all_ends(tmp_path)
    sent = {str(e["probe"]) for e in events(tmp_path) if e["kind"] == "submitted" and e["body"]["accepted"]}  # type: ignore[index]
    said = {str(e["probe"]): e["body"] for e in events(tmp_path) if e["kind"] == "finished"}
    decided = {str(e["probe"]): e["body"] for e in events(tmp_path) if e["kind"] == "deadline"}
    assert {said[probe]["outcome"] for probe in sent} == {"missing"}  # type: ignore[index]
    assert {decided[probe]["result"] for probe in sent} == {"missed"}  # type: ignore[index]


def until_deadline(folder: Path) -> float:
    """When the last deadline will have passed, POSIX seconds."""
    sent = [str(e["body"]["at"]) for e in events(folder) if e["kind"] == "submitted"]  # type: ignore[index]
    return max(datetime.fromisoformat(at).timestamp() for at in sent) + 16


def test_second_canary_on_the_same_ledger_is_refused(ca: CaSite, tmp_path: Path) -> None:
    config = busy(ca, tmp_path)
    with canary(config):
        until(lambda: kinds(tmp_path)["started"], "the start", timeout=60)
        command = [sys.executable, "-m", "canary", "run", str(config)]
        second = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert second.returncode == 3
    assert b"already uses" in second.stderr
