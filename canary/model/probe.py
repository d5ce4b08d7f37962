"""A probe, where it may be seen, what was seen of it, and what is said of it: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from canary.model.way import Way
from canary.model.words import (
    Actor,
    Component,
    DeadlineResult,
    Failure,
    Forgery,
    Outcome,
    Role,
    Seen,
    Stage,
    Surplus,
    TimeSource,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A queue by its slug, with what it is for and what it can tell.

    ``message_id`` says that it shows the Message-ID with which a report was sent (a ticket system may not): then a
    report that could not be compared counts there only with that one. ``whole`` says that it shows the whole content
    and not a part of it, ``work`` that it shows what is done with a report: who picked it up, answered, closed it.
    ``delivery`` says that it shows what became of the delivery: that a report was sent back, put off, passed on.
    """

    queue: str
    role: Role
    message_id: bool = True
    whole: bool = True
    work: bool = False
    delivery: bool = False


@dataclass(frozen=True, slots=True)
class Depth:
    """How full a queue is, strangers' reports included; only counts and ages, never contents.

    ``oldest_unread`` is when the oldest unread message came that is no report of ours; None if there is none.
    """

    unread: int
    read: int
    oldest_unread: datetime | None


@dataclass(frozen=True, slots=True)
class Probe:
    """One synthetic report.

    ``expected`` are the slugs of the monitored queues that must *all* receive it (an alias with three members whose
    mailboxes are watched has three). ``deadline`` and ``give_up`` are seconds after submission; ``owed`` are the
    further stages that are promised, each with the seconds after submission by which it is to be reached. ``replies``
    is the slug of the place where the sender reads what comes back, None if it does not. ``in_turn`` says that sender
    and variant were those whose turn it was, and not chosen by somebody. ``confirms`` is the id of the failed probe
    that this one was sent to confirm. ``configured`` is the number of the event that says what the channel means.
    """

    id: str
    channel: str
    kind: str
    sender: str
    variant: str
    scheduled_at: datetime
    expected: frozenset[str]
    deadline: float
    give_up: float
    owed: Mapping[Stage, float] = field(default_factory=dict)
    replies: str | None = None
    blind: bool = False
    in_turn: bool = False
    confirms: str | None = None
    configured: int = 0


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server of the recipient's domain that a report was handed to, or offered last, past any provider.

    ``tls`` is its version, "" without; ``certificate`` is "verified", "pinned" (by DANE), or what is wrong with it, ""
    where none was shown. ``policy`` is the mode of its domain's MTA-STS (RFC 8461), ``dane`` whether the DNS pins its
    certificate (RFC 7672), and ``policy_said`` what was found of both in a sentence.
    """

    host: str
    address: str
    tls: str = ""
    certificate: str = ""
    policy: str = ""
    dane: bool = False
    policy_said: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """The result of one attempt to submit.

    ``accepted`` says that the other side took the report (an SMTP 250, a confirmation page); it is a weak stage and
    never an arrival. ``uncertain`` says that the connection died where the report may or may not have been taken: it is
    never sent again, and watched. ``reason`` is the full reply, the page's own words, or our own fault in a sentence.
    ``steps`` are (name, seconds since the start) in order, ``artefacts`` are (name, content) to be kept as evidence.
    ``troubles`` are (component, reason, detail) of what went wrong besides, whatever became of the report.
    ``mail_server`` is set where a sender has no provider.
    """

    at: datetime
    accepted: bool
    seconds: float
    failure: Failure | None = None
    uncertain: bool = False
    reason: str = ""
    reference: str | None = None
    component: Component | None = None
    own_reason: str | None = None
    attempts: int = 1
    steps: tuple[tuple[str, float], ...] = ()
    artefacts: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    troubles: tuple[tuple[Component, str, str], ...] = ()
    mail_server: MailServer | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A mark that was seen at a place, at a time, by a watcher.

    ``arrived_at`` comes from ``source``, give or take ``uncertainty`` seconds; ``noticed_at`` is when we saw it.
    ``message`` is the SHA-256 of the whole message as found, ``where`` names the stored copy of it to its watcher, in
    the ``generation`` of the place's numbering (IMAP's UIDVALIDITY): see :meth:`is_copy_of`. ``intact`` is None where
    it was not compared. ``forgery`` is set by whoever could already tell. ``by`` is who did it, where that is known.
    """

    seen: Seen
    probe: str
    place: Place
    arrived_at: datetime
    source: TimeSource
    uncertainty: float
    noticed_at: datetime
    message: str
    message_id: str | None = None
    intact: bool | None = None
    forgery: Forgery | None = None
    detail: str = ""
    where: str = ""
    generation: int = 0
    by: Actor | None = None
    way: Way | None = None

    def is_copy_of(self, other: Sighting) -> bool:
        """Whether both are the same stored copy, seen twice: after a restart, or under other numbers.

        A mail system that delivers twice may store the same bytes twice: two numbers of one generation are two copies.
        What a machine did with a copy and what a human did with it are two things.
        """
        same = self.identity == other.identity
        return same and (self.where == other.where or self.generation != other.generation)

    @property
    def identity(self) -> tuple[object, ...]:
        """What one copy has in common each time, whatever its place says of itself; and a report, whoever moved it."""
        by = None if self.seen is Seen.REPORT else self.by
        return self.place.queue, self.place.role, self.message, self.seen, by


@dataclass(frozen=True, slots=True)
class Flood:
    """Sightings of which so many were kept that more of them are only counted.

    ``probe`` and ``channel`` are None where no probe of ours is known by the id in the mark, and ``probe`` alone for
    several of a channel that were counted together. ``why`` is what speaks
    against them, or that they tell nothing new.
    """

    probe: str | None
    channel: str | None
    queue: str
    role: Role
    why: Forgery | Surplus


@dataclass(frozen=True, slots=True)
class Case:
    """A probe and all that is known about it; the input of the judge.

    ``submitting_at`` is set once sending may have begun: a case with it and without ``submission`` was cut off in the
    middle, is never sent again, and is watched. ``message_id`` is the Message-ID we sent (None for forms, whose
    back end writes its own).
    """

    probe: Probe
    submitting_at: datetime | None = None
    message_id: str | None = None
    submission: Submission | None = None
    sightings: tuple[Sighting, ...] = ()

    @property
    def started_at(self) -> datetime:
        """The zero of every latency: when sending began, or was due."""
        if self.submission is not None:
            return self.submission.at
        return self.submitting_at or self.probe.scheduled_at

    def with_sighting(self, sighting: Sighting) -> Case:
        """This case and one more sighting."""
        return replace(self, sightings=(*self.sightings, sighting))

    def moved(self, by: timedelta) -> Case:
        """This case by a clock that was set by so much since: all its times are moved, so no latency changes."""
        return replace(
            self,
            probe=replace(self.probe, scheduled_at=self.probe.scheduled_at + by),
            submitting_at=self.submitting_at and self.submitting_at + by,
            submission=self.submission and replace(self.submission, at=self.submission.at + by),
            sightings=tuple(
                replace(seen, arrived_at=seen.arrived_at + by, noticed_at=seen.noticed_at + by)
                for seen in self.sightings
            ),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says of a case at a moment.

    ``outcome`` is None while nothing can be said. ``deadline`` is None until the deadline result is known. ``final``
    says that nothing that may still come is waited for. ``place`` is the queue that tells where it went, ``stages`` the
    seconds from submission to each stage that was reached, and ``owed`` what became of each stage that is owed, None
    while it may still be reached in time.
    """

    outcome: Outcome | None
    deadline: DeadlineResult | None
    final: bool
    place: str | None
    reason: str
    stages: dict[Stage, float]
    duplicates: int
    forged: dict[Forgery, int]
    owed: dict[Stage, DeadlineResult | None] = field(default_factory=dict)
