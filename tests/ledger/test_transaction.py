"""A transaction: once it is over, nothing of it is left behind but the state that it arrived at."""

from __future__ import annotations

import gc
from contextlib import closing
from pathlib import Path

from builders import CPR as QUEUE
from builders import DEADLINE, START, a_case, a_probe, after, report

from canary.judge import judge
from canary.ledger import Event, EventKind, Ledger
from canary.ledger import events as record


def folds() -> list[object]:
    return [known for known in gc.get_objects() if type(known).__name__ == "Fold"]


def test_what_was_published_goes_with_the_next_state_and_waits_for_no_search_for_garbage(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, inline=True)
    event = Event(EventKind.TROUBLE, START, {"component": "imap", "reason": "login", "detail": "no"})
    gc.collect()
    gc.disable()
    try:
        others = folds()
        ledger.append(event).result()
        before = id(ledger.state)
        ledger.append(event).result()
        assert len(folds()) == len(others)
        assert before != id(ledger.state)
    finally:
        gc.enable()
        ledger.close()


def test_the_end_of_a_probe_names_all_its_other_events_whoever_wrote_them(tmp_path: Path) -> None:
    probe, noise = a_probe(), Event(EventKind.TROUBLE, START, {"component": "imap", "reason": "login", "detail": "no"})
    begun = [record.scheduled(probe, "m" * 40), noise, record.submitting(probe.id, START, "<a@b.example>", "0" * 64)]
    found, verdict = report(QUEUE), judge(a_case(report(QUEUE)), after(DEADLINE), {})
    assert verdict.deadline
    assert verdict.outcome
    decided = record.deadline(probe.id, after(DEADLINE), verdict.deadline, verdict.outcome)
    with closing(Ledger(tmp_path, inline=True)) as ledger:
        ledger.append(*begun).result()
    with closing(Ledger(tmp_path, inline=True)) as again:  # as it is after a restart
        again.append(noise, record.sighting(after(9), found, "cpr-mailbox")).result()
        told = again.append(noise, decided, record.finished(probe.id, after(DEADLINE), verdict)).result()
        own = [event.seq for event in again.events(probe=probe.id) if event.probe == probe.id]
    assert told[-1].body["events"] == own[:-1] == [1, 3, 5, 7]
