"""The whole check of a bundle, question by question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509

from . import canonical, dkim, meaning, outcomes, probes, sample, times, tlog
from .archive import Archive
from .blackouts import blackouts
from .commitment import check_challenge, check_commitment
from .deleted import Deleted
from .findings import Findings, RefusedError, require
from .limits import MOST_DRAWN
from .log import Event, check_order, read_log
from .messages import Messages
from .period import PERIOD, Period, check_period
from .totals import check_totals, heads_within
from .windows import Closeness

BUNDLE, FILES = "bundle is well-formed", "files are those that the manifest names"
ASKED = "bundle is the one that was asked for"
ORDER = "times of events are in order"
WHOLE = "no event of a probe is left out"
COMPLETE, OUTCOME = "probes: scheduled before, result after", "outcomes follow from what was seen"
KEPT = "checkpoints that you kept are the beginning of this log"
LISTED, SUMMARIES = "probes are in the population as their events tell", "summaries say what the events say"


@dataclass(frozen=True)
class Options:
    """What the auditor brings: nothing of it may come out of the bundle. Times in seconds."""

    keys: Sequence[tlog.Key]
    roots: Sequence[x509.Certificate] = ()
    witnesses: Sequence[tlog.Key] = ()
    tolerance: float = 60.0
    period: tuple[datetime, datetime] | None = None
    """From the one time to before the other: what was asked for, as seed and size were. What is None is a gap."""
    seed: str | None = None
    size: int | None = None
    commitment: bytes | None = None
    """The file that the CA gave before it knew the seed."""
    seed_token: bytes | None = None
    """A time-stamp over the commitment, whose SHA-256 is the seed."""
    kept: Sequence[tlog.Head] = ()
    """Checkpoints that the auditor had before, from wherever the log is published."""
    providers: dkim.Keys = field(default_factory=dkim.Keys)
    """Keys of mail providers, as DNS has them."""
    within: float | None = None
    """How closely each time is to be proved; None for twice the interval that the log's own time-stamps tell."""
    opened: Mapping[str, str] = field(default_factory=dict)
    """By their hash: sealed texts that the auditor was told, as :func:`meaning.read_opened` reads them."""


def verify(path: Path, options: Options) -> Findings:
    """Check the bundle in a file. Raises OSError if it cannot be read; all else is among the findings."""
    findings = Findings()
    path.open("rb").close()
    with findings.one(BUNDLE):
        require(bool(options.keys), "no key of the log was given (--key), and one out of the bundle proves nothing")
        archive = Archive(path)
        try:
            _Check(archive, options, findings).run()
        finally:
            archive.close()
    return findings


def _span(period: tuple[datetime, datetime]) -> str:
    return " to ".join(f"{time:%Y-%m-%dT%H:%M:%S.%f}Z" for time in period)


class _Check:
    def __init__(self, archive: Archive, options: Options, findings: Findings) -> None:
        self._archive, self._options, self._findings = archive, options, findings
        self._tolerance = timedelta(seconds=options.tolerance)
        self._beheaded: list[str] = []
        """The probes whose first event is not there."""
        self._indeterminate = 0

    def run(self) -> None:
        archive, findings, options = self._archive, self._findings, self._options
        manifest = archive.manifest
        self._period = period = Period.read(manifest["period"])
        self._seed, self._size = manifest["seed"], manifest["size"]
        require(self._size <= MOST_DRAWN, f"the manifest draws more than {MOST_DRAWN} probes")
        self._ids: list[str] = [*manifest["probes"], *manifest["asked"]]
        with findings.one(ASKED):
            self._check_asked()
        self._tell_unasked()
        findings.facts.update(
            sha256=archive.digest,
            origin=manifest["origin"],
            seed=self._seed,
            size=self._size,
            period=manifest["period"],
        )
        log = read_log(archive, options.keys, findings)
        if log is None:
            findings.unchecked("everything else", "the newest checkpoint is not genuine, so nothing stands on it")
            return
        self._log = log
        findings.facts["checkpoint"] = {"size": log.newest.size, "root": log.newest.root.hex()}
        self._check_kept()
        check_order(log, self._tolerance, ORDER, findings)
        newest = log.events.get(log.newest.size)
        with findings.one(PERIOD):
            require(newest is not None, f"event {log.newest.size}, the newest in the log, is not in the bundle")
            self._check_keys_named()
        check_period(log, period, self._tolerance, findings)
        check_commitment(options.commitment, archive, log, findings)
        check_challenge(options.commitment, options.seed_token, self._seed, options.roots, findings)
        proved = times.read_stamps(archive, log, options.roots, findings)
        times.check_within(log, proved, self._tolerance, findings)
        cosigned = times.read_witnesses(archive, log, options.witnesses, self._tolerance, findings)
        self._deleted = Deleted(log, archive.files, proved if options.roots else None, self._tolerance, findings)
        self._messages = Messages(
            archive, log, self._deleted, self._tolerance, dkim.Providers(options.providers), findings
        )
        self._messages.check_marks()
        self._steps = log.kind("clock_stepped")
        self._faults = [event for kind in outcomes.FAULTS for event in log.kind(kind)]
        self._probes = probes.events_of(log, self._ids)
        last = {probe: max((event.seq for event in events), default=0) for probe, events in self._probes.items()}
        times.check_covered(last, proved, cosigned, bool(options.roots), findings)
        within = timedelta(seconds=options.within) if options.within is not None else None
        self._close = Closeness(log, proved, within, self._tolerance)
        self._meanings = meaning.Meanings(log, findings, self._tolerance, options.opened)
        findings.facts["probes"] = [self._check_probe(probe) for probe in self._probes]
        self._meanings.tell()
        findings.facts["within"] = (
            max((fact.get("within") or 0 for fact in findings.facts["probes"]), default=0) or None
        )
        findings.facts["blackouts"] = blackouts(log, period)
        findings.facts["providers"] = self._messages.providers.to_json()
        self._check_population(period)
        findings.facts["deleted"] = self._deleted.to_json(
            sample.spots(self._seed, self._size, period.start, period.end), period.until
        )
        self._check_other_files()
        self._finish()

    def _check_asked(self) -> None:
        """The manifest's own fields, against what the auditor says to have asked for."""
        manifest, options = self._archive.manifest, self._options
        ids = self._ids
        good = isinstance(self._seed, str) and type(self._size) is int and self._size >= 0
        good &= all(isinstance(manifest[name], list) for name in ("probes", "asked", "vkeys"))
        require(good and all(isinstance(probe, str) for probe in ids), "the manifest has no sample")
        require(len(set(ids)) == len(ids), "the manifest names a probe twice")
        keys = [str(tlog.Key.parse(key)) for key in manifest["vkeys"]]
        require(keys == manifest["vkeys"] and bool(keys), "the manifest names no keys")
        require(options.seed in (None, self._seed), f"the seed is {self._seed:.80}, and {options.seed} was asked for")
        require(options.size in (None, self._size), f"the size is {self._size}, and {options.size} was asked for")
        given = (self._period.since, self._period.until)
        require(
            options.period in (None, given),
            f"the period is {_span(given)}, and {_span(options.period or given)} was asked for: of the rest nothing is "
            "shown",
        )

    def _tell_unasked(self) -> None:
        """What the auditor did not say, so that the bundle may be about something else."""
        for name in ("period", "seed", "size"):
            if getattr(self._options, name) is None:
                self._findings.unchecked(ASKED, f"which {name} was asked for was not given")

    def _check_kept(self) -> None:
        """That the log which the auditor is shown now is the one that everybody was shown before."""
        if not (self._options.kept or self._options.witnesses):
            self._findings.unchecked(KEPT, "neither a checkpoint that was kept (--kept) nor a witness (--witness) "
                                     "was given: others may be shown another log")  # fmt: skip
        for kept in self._options.kept:
            with self._findings.one(KEPT, f"checkpoint of {kept.size} events"):
                known = self._log.heads.get(kept.size)
                require(
                    known is not None,
                    "the bundle does not prove that its log begins with it: either that was left out, or this is not "
                    "the log that you were shown. Accept nothing before it is proved (audit bundle --kept)",
                )
                assert known is not None
                same = (kept.origin, kept.root) == (known.origin, known.root)
                require(same, "has another root than the one in the bundle: a fork")

    def _check_keys_named(self) -> None:
        names = [str(tlog.Key.parse(e.body["new"])) for e in self._log.kind("key_rotated")]
        ours = [name for name in names if name.startswith(f"{self._log.newest.origin}+")]
        require(not ours or ours == self._archive.manifest["vkeys"], "the manifest names other keys than the log")

    def _check_probe(self, probe: str) -> dict[str, Any]:
        """One probe of the sample; returns what there is to tell of it."""
        findings, log, events = self._findings, self._log, self._probes[probe]
        subject = f"probe {probe}"
        fact: dict[str, Any] = {"probe": probe, "events": len(events)}
        scheduled = probes.first(events, "scheduled")
        if scheduled is None:
            self._beheaded.append(probe)  # the population will tell whether its first events were deleted
        else:
            self._meanings.check(scheduled)
            with findings.one(COMPLETE, subject):
                probes.check_complete(events, max(event.at for event in log.events.values()), self._tolerance)
            self._check_outcome(subject, events)
        with findings.one(WHOLE, subject):
            probes.check_whole(events, self._steps, log.forgotten)
        if not events:
            return fact | {"outcome": "deleted"}
        carried = self._messages.check(subject, events)
        self._check_summary(probe, events)
        after, before = self._close.bounds(carried, events[-1].seq)
        finished = probes.first(events, "finished")
        fact |= {
            "channel": events[0].body.get("channel"),
            "outcome": finished.body["outcome"] if finished else None,
            "carried": carried,
            "not_before": after.isoformat() if after else None,
            "not_after": before.isoformat() if before else None,
            "within": self._within(subject, events, carried),
        }
        return fact

    def _within(self, subject: str, events: list[Event], carried: int | None) -> float | None:
        """How far apart, in seconds, the time-stamps around an event are at most."""
        return self._close.check(subject, events, carried, self._findings) if self._options.roots else None

    def _check_outcome(self, subject: str, events: list[Event]) -> None:
        with self._findings.one(OUTCOME, subject):
            outcomes.check_outcome(events, self._steps, self._faults)
        ours = bool(outcomes.indeterminate(events))
        self._indeterminate += ours
        row = self._findings.row(OUTCOME)
        row.said = (
            f"{self._indeterminate} of {row.checked} are indeterminate, by faults of the canary's that the log tells"
        )

    def _check_summary(self, probe: str, events: list[Event]) -> None:
        with self._findings.one(SUMMARIES, f"probe {probe}"):
            name = f"probes/{probe}/summary.json"
            require(name in self._archive.files, f"{name} is not there")
            right = canonical.dumps(probes.summary(events, self._deleted.rules))
            require(self._archive.read(name) == right, f"{name} says something else than the events")

    def _check_other_files(self) -> None:
        """Files that only other events name, such as tokens; whatever nothing names fails."""
        named = {item.sha256 for event in self._log.events.values() for item in probes.artefacts([event])}
        named |= {event.body["totals"]["channels"] for event in self._log.kind("checkpoint")}
        for name in list(self._archive.unread):
            if name == "population.csv" or name.startswith("timestamps/"):
                continue
            with self._findings.one(FILES, name):
                found = sha256()
                for piece in self._archive.pieces(name):
                    found.update(piece)
                known = name == f"artefacts/{found.hexdigest()}" and found.hexdigest() in named
                require(known, "nothing in the bundle asks for it")

    def _check_population(self, period: Period) -> None:
        findings, log = self._findings, self._log
        numbers = sample.spots(self._seed, self._size, period.start, period.end)
        asked = {*self._ids, *(log.events[seq].probe or "" for seq in numbers if seq in log.events)}
        for seq in numbers:
            if seq in log.events and log.events[seq].probe not in self._probes:
                self._check_picked(log.events[seq], period)
        population = sample.Population()
        back = sum(max(0.0, -event.body["seconds"]) for event in log.kind("clock_stepped"))
        slack = self._tolerance + timedelta(seconds=back)
        with findings.one(sample.POPULATION):
            require("population.csv" in self._archive.files, "population.csv is not there")
            population = sample.read_population(
                self._archive, (self._seed, self._size), period, (asked, set(numbers)), heads_within(log, period), slack
            )
        if findings.row(sample.POPULATION).failed:
            return
        counts = dict(sorted(population.results.items()))
        findings.facts["population"] = {"count": population.count, "unfinished": population.unfinished, **counts}
        findings.row(
            sample.POPULATION
        ).said = f"{population.count} scheduled, {population.unfinished} of them not ended"
        with findings.one(sample.SAMPLE):
            right = population.lowest
            require(self._archive.manifest["probes"] == right, "the seed gives other probes: " + ", ".join(right[:20]))
        for probe in self._beheaded:
            with findings.one(COMPLETE, f"probe {probe}"):
                begun = population.rows.get(probe)
                require(begun is not None and begun.scheduled in log.forgotten, "no event says that it was scheduled")
                assert begun is not None
                self._deleted.check_event(begun.scheduled, begun.at)
        for probe, events in self._probes.items():
            listed = population.rows.get(probe)
            if probe not in self._beheaded and (probe in self._archive.manifest["probes"] or listed is not None):
                with findings.one(LISTED, f"probe {probe}"):
                    sample.check_row(listed, events, period.end)
        sample.check_spots(log, numbers, population, period.start, findings)
        check_totals(self._archive, log, period, population, self._tolerance, findings)

    def _check_picked(self, event: Event, period: Period) -> None:
        """When an event that the seed picked was put into the log: nothing in the period is without a time-stamp.

        And whether the log goes by what it says to be in force.
        """
        if event.kind == "configured":
            self._meanings.check_recorded(event)
        self._within("picked at random", [event], None)
        if self._options.roots and event.at < period.until:
            with self._findings.one(times.COVERED, f"event {event.seq}"):
                require(self._close.covers(event.seq), "no time-stamp is over it")

    def _finish(self) -> None:
        """Every file was read with the digest that the manifest names, or is said to be wrong."""
        for name in list(self._archive.unread):
            with self._findings.one(FILES, name):
                for _ in self._archive.pieces(name):
                    pass
        row = self._findings.row(FILES)
        row.checked = len(self._archive.files)


__all__ = ["Options", "RefusedError", "verify"]
