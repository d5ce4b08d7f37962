"""The operator lies, with every key, about which probes there were: the list does not add up, or he was bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from audit.verifier.office import JUNK, Office, packed, period_of, refused, sealed, unpacked

from canary.audit.bundle import population
from canary.audit.bundle.commitment import Commitment
from canary.audit.bundle.heads import Heads, RecordedHead
from canary.audit.bundle.sample import spots
from canary.audit.verifier import commitment, period, sample, tlog, totals, verify
from canary.audit.verifier.__main__ import period as asked_for
from canary.audit.verifier.findings import Findings
from canary.audit.verifier.verify import Options
from canary.evidence import log as evidence_log
from canary.evidence.totals import Table
from canary.ledger import EventKind
from canary.ledger.reader import LedgerReader
from canary.ledger.result_reader import Scheduled

Lie = Callable[[list[Scheduled]], list[Scheduled]]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Six probes in the period, two of which failed; some were before it."""
    opened = Office(tmp_path / "state")
    opened.log.advance()
    opened.probe()
    for _ in range(3):
        opened.log.advance(force=True)
    opened.begun = opened.now()
    for happened in ({}, {}, {"arrives": None}, {}, {"place": JUNK}, {}):
        opened.probe(**happened)  # type: ignore[arg-type]  # as the parameters are called
        opened.log.advance(force=True)
    opened.stop()
    yield opened
    opened.close()


def check(
    office: Office,
    bound: Commitment | None,
    seed: str = "7",
    size: int = 2,
    given: bytes = b"",
    tolerance: float = 60,
) -> Findings:
    """What is found in a bundle by this commitment; ``given`` is the one that the auditor has, if it is another."""
    path = office.folder / "bundle.zip"
    office.bundle(path, replace(office.wanted(seed, size), bound=bound))
    own = given or (bound.written() if bound else None)
    key, days = tlog.Key.parse(office.vkey), asked_for(**period_of(path))
    return verify.verify(path, Options([key], period=days, seed=seed, size=size, commitment=own, tolerance=tolerance))


def lies(monkeypatch: pytest.MonkeyPatch, lie: Lie) -> None:
    """Have every list of probes be another one."""
    honest = LedgerReader.listed
    monkeypatch.setattr(LedgerReader, "listed", lambda self, start: iter(lie(list(honest(self, start)))))


def test_who_was_bound_and_does_not_lie_is_believed(office: Office) -> None:
    found = check(office, office.bound())
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    rows = (commitment.COMMITTED, period.PERIOD, totals.TOTALS, totals.BY_CHANNEL, sample.SPOTS)
    assert [found.rows[row].state for row in rows] == ["ok"] * 5
    assert found.facts["totals"]["scheduled"] == found.facts["population"]["count"] == 6
    assert found.facts["totals"]["result_missed"] == found.facts["population"]["missed"] == 2


def _left_out(rows: list[Scheduled]) -> list[Scheduled]:
    return [row for row in rows if row.result == "met"]


def _called_good(rows: list[Scheduled]) -> list[Scheduled]:
    return [replace(row, result="met", outcome="arrived") for row in rows]


def _called_our_fault(rows: list[Scheduled]) -> list[Scheduled]:
    return [replace(row, result="indeterminate", outcome="indeterminate") if row.result == "missed" else row
            for row in rows]  # fmt: skip


def _unfinished(rows: list[Scheduled]) -> list[Scheduled]:
    return [replace(row, result="", outcome="", finished=None) if row.result == "missed" else row for row in rows]


def _another_channel(rows: list[Scheduled]) -> list[Scheduled]:
    return [replace(row, channel="form") if row.result == "missed" else row for row in rows]


def _padded(rows: list[Scheduled]) -> list[Scheduled]:
    """Between each two a good one that never was: hundreds are as easily made."""
    made_up = [
        replace(one, probe="madeupmadeup" + letter * 4, seq=one.seq + 1)
        for letter, (one, other) in zip("abcdefgh", pairwise(rows), strict=False)
        if other.seq > one.seq + 1
    ]
    return sorted([*rows, *made_up], key=lambda row: row.seq)


def _swapped_for_made_up(rows: list[Scheduled]) -> list[Scheduled]:
    """As many as there were: each that failed makes room for a good one, and the numbers of results stay behind."""
    return [replace(row, probe="swappedswapped22", result="met", outcome="arrived") if row.outcome == "junked" else row
            for row in rows]  # fmt: skip


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (_left_out, "scheduled: 4 are listed, and the totals grew by 6; result_missed: 0 are listed, .* by 2"),
        (_called_good, "outcome_arrived: 6 are listed, and the totals grew by 4"),
        (_called_our_fault, "result_indeterminate: 2 are listed, and the totals grew by 0"),
        (_unfinished, "result_missed: 0 are listed, and the totals grew by 2"),
        (_padded, "scheduled: .* are listed, and the totals grew by 6"),
        (_swapped_for_made_up, "outcome_junked: 0 are listed, and the totals grew by 1"),
    ],
)
@pytest.mark.parametrize("seed", ["1", "2"])
def test_a_list_that_lies_does_not_add_up_whatever_the_seed(
    office: Office, monkeypatch: pytest.MonkeyPatch, lie: Lie, reason: str, seed: str
) -> None:
    lies(monkeypatch, lie)
    refused(check(office, office.bound(), seed, size=0), totals.TOTALS, reason)


def test_failures_that_are_listed_with_another_channel(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    lies(monkeypatch, _another_channel)
    refused(check(office, office.bound(), size=0), totals.BY_CHANNEL, "channel alias: .*scheduled: 4 are listed")


def test_a_list_that_was_made_when_the_seed_was_known(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    given = office.bound().written()
    lies(monkeypatch, _left_out)
    found = check(office, office.bound(), given=given)
    refused(found, commitment.COMMITTED, "another list of all probes was bound to")


@pytest.mark.parametrize("events", [1, 0])
def test_a_beginning_that_suits_him(office: Office, monkeypatch: pytest.MonkeyPatch, events: int) -> None:
    """An older checkpoint than the newest before the period, or none: other events are picked, others are listed."""
    honest = Heads.before

    def older(self: Heads, since: str) -> RecordedHead | None:
        newest = honest(self, since)
        assert newest is not None
        return self.older(newest.size, 1)[0] if events else None

    monkeypatch.setattr(Heads, "before", older)
    refused(
        check(office, office.bound(), tolerance=0),
        period.PERIOD,
        "it begins with .* was signed at .*, which is before the period",
    )


def test_an_end_that_suits_him(office: Office) -> None:
    given = office.bound()
    for _ in range(2):
        office.log.advance(force=True)
    later = office.bound()
    assert later.part.end > given.part.end
    bound = replace(later, part=replace(later.part, until=given.part.until))
    found = check(office, bound, given=given.written())
    refused(found, commitment.COMMITTED, "it is about another period, or another part of the log")


def test_an_end_whose_totals_were_never_told(office: Office) -> None:
    """He is bound to the very newest checkpoint, of which no event tells yet, so there is nothing to add up to."""
    newest = office.log.latest()
    assert newest is not None
    bound = office.bound()
    bound = replace(bound, part=replace(bound.part, end=newest.size), root=newest.root.hex())
    listed = population.write(office.folder / "listed", office.ledger, bound.part)
    refused(check(office, replace(bound, population=listed.sha256)), totals.TOTALS, "no event tells of it")


def test_another_log_than_was_bound_to(office: Office) -> None:
    bound = office.bound()
    given = replace(bound, root="ab" * 32).written()
    refused(check(office, bound, given=given), commitment.COMMITTED, "the log was another one at")
    given = replace(bound, origin="other.example/log").written()
    refused(check(office, bound, given=given), commitment.COMMITTED, "is of another log")
    refused(check(office, bound, given=b"{}"), commitment.COMMITTED, "it is no cpr-canary-commitment@1")


HIDDEN = ("scheduled", "result_missed", "outcome_junked", "outcome_missing")


def lies_in_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on checkpoints tell the totals of probes that arrived alone, and so do lists."""
    honest = evidence_log.told

    def told(found: Table, written: bytes, *, kept: bool) -> dict[str, object]:
        sums = {name: number for name, number in found.sums.items() if name not in HIDDEN}
        sums["scheduled"] = sums.get("result_met", 0)
        return honest(found, written, kept=False) | {"channels": "00" * 32, "sums": sums}

    monkeypatch.setattr(evidence_log, "told", told)
    lies(monkeypatch, _left_out)


def test_totals_that_lie_when_he_is_to_be_bound(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end is told anew with totals that fit the list; those on the way, which the seed brings in, do not."""
    lies_in_totals(monkeypatch)
    for _ in range(3):
        office.log.advance(force=True)
    for seed in "12":
        found = check(office, office.bound(), seed, size=50)
        refused(found, totals.TOTALS, r"at \d+ events: scheduled: \d are listed, and the totals grew by \d")


def test_totals_that_are_told_anew_afterwards(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each checkpoint there is a second event, with totals that fit the list, and that one is in the bundle.

    The first one does not stand right behind its checkpoint, as something else was told meanwhile.
    """
    honest, at = evidence_log.told, Heads.at

    def after_something_else(found: Table, written: bytes, *, kept: bool) -> dict[str, object]:
        office.tell(EventKind.ANNOTATED, note="meanwhile")
        return honest(found, written, kept=kept)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(evidence_log, "told", after_something_else)
        office.log.advance(force=True)
        office.begun = office.now()
        for happened in ({}, {"place": JUNK}, {}, {}):
            office.probe(**happened)  # type: ignore[arg-type]  # as the parameters are called
            office.log.advance(force=True)
    again: dict[int, RecordedHead] = {}
    for event in list(office.ledger.events(kind=EventKind.CHECKPOINT)):
        met = sum(row.result == "met" for row in office.ledger.at(event.body["size"]).listed(0))
        sums = {"scheduled": met, "result_met": met, "outcome_arrived": met} if met else {}
        body = {**event.body, "totals": {"channels": "00" * 32, "kept": False, "sums": sums}}
        told = office.add(replace(event, at=office.now(), body=body, seq=0))[0]
        again[event.body["size"]] = RecordedHead(event.body["size"], told.seq, "")
    lies_in_totals(monkeypatch)
    for _ in range(2):
        office.log.advance(force=True)
    bound = office.bound()
    monkeypatch.setattr(Heads, "at", lambda self, size: again.get(size) or at(self, size))
    late = r"event \d+ tells of it .* s after event \d+ had followed it"
    refused(check(office, bound, tolerance=0), totals.TOTALS, late)


def test_totals_that_lied_as_they_went(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """He never counts what fails, and leaves it out of the list: only events that are picked at random tell.

    So often as the formula says: by one event in the part of the log that belongs to such a probe.
    """
    lies_in_totals(monkeypatch)
    office.log.advance(force=True)
    office.begun = office.now()
    hidden = [office.probe(), office.probe(place=JUNK), office.probe(arrives=None), office.probe()][1:3]
    office.stop()
    bound = office.bound()
    events = {event.seq for probe in hidden for event in office.ledger.events(probe=probe)}
    verdicts = {}
    for seed in map(str, range(12)):
        hit = not events.isdisjoint(spots(seed, 2, bound.part.start, bound.part.end))
        verdicts[hit] = found = check(office, bound, seed)
        assert found.ok is not hit, found.to_json()["checks"]
    assert set(verdicts) == {True, False}
    refused(verdicts[True], sample.SPOTS, "is of the probe .*, which is not in the population")


def picked(office: Office, bound: Commitment, *kinds: EventKind) -> tuple[str, str]:
    """A seed that draws no probe and picks an event of these kinds, and the probe that it is of."""
    for seed in map(str, range(1000)):
        [spot] = spots(seed, 1, bound.part.start, bound.part.end)
        leaf = office.ledger.leaf(spot)
        assert leaf is not None
        if leaf.kind in kinds and leaf.probe:
            return seed, leaf.probe
    raise AssertionError(kinds)


@pytest.mark.parametrize("kind", [EventKind.FINISHED, EventKind.DEADLINE, EventKind.SCHEDULED])
def test_a_picked_event_says_what_the_list_says(office: Office, kind: EventKind) -> None:
    """Also of a probe that is not in the sample: its result, its end and its beginning."""
    bound = office.bound()
    seed, probe = picked(office, bound, kind)
    check(office, bound, seed, 1)
    files = unpacked(office.folder / "bundle.zip")
    lines = files["population.csv"].decode().splitlines()
    turned = []
    for line in lines:
        known = line.split(",")
        if known[0] == probe:
            known = {
                EventKind.FINISHED: [*known[:6], "late"],
                EventKind.DEADLINE: [*known[:5], "indeterminate", known[6]],
                EventKind.SCHEDULED: [*known[:4], "form", *known[5:]],
            }[kind]
        turned.append(",".join(known))
    path = packed(office.folder / "turned.zip", sealed(files | {"population.csv": ("\n".join(turned) + "\n").encode()}))
    found = verify.verify(path, Options([tlog.Key.parse(office.vkey)]))
    refused(found, sample.SPOTS, f"is of the probe {probe}, of which the list says")


def test_a_made_up_probe_where_the_log_has_something_else(office: Office) -> None:
    bound = office.bound()
    seed, _ = picked(office, bound, EventKind.SUBMITTING)
    [spot] = spots(seed, 1, bound.part.start, bound.part.end)
    check(office, bound, seed, 1)
    files = unpacked(office.folder / "bundle.zip")
    head, *lines = files["population.csv"].decode().splitlines()
    made_up = lines[0].split(",")
    lines.append(",".join(["madeupmadeupmade", str(spot), str(bound.part.end), *made_up[3:]]))
    lines.sort(key=lambda line: int(line.split(",")[1]))
    listed = "\n".join([head, *lines]) + "\n"
    found = verify.verify(
        packed(office.folder / "padded.zip", sealed(files | {"population.csv": listed.encode()})),
        Options([tlog.Key.parse(office.vkey)], tolerance=3600),
    )
    refused(found, sample.SPOTS, f"event {spot}: is submitting of .*, and the list has it as scheduled of madeupmadeup")
