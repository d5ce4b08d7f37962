"""The nouns of the project, as frozen values. This module imports nothing of ours.

A *probe* is one synthetic Certificate Problem Report, by one *sender*, in one *variant*, through one *channel*.
What is seen of it later is a *sighting*, at a *place*. A *case* is a probe with all that is known about it;
:mod:`canary.judge` turns a case into a verdict. All times are aware UTC datetimes, all durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class DeadlineResult(StrEnum):
    """What a limit found. Of the arrival deadline it is decided once, and the only input of the service level."""

    MET = "met"
    MISSED = "missed"
    INDETERMINATE = "indeterminate"


class Outcome(StrEnum):
    """How a probe ended, and what follows from that."""

    ARRIVED = "arrived"
    LATE = "late"
    WRONG_QUEUE = "wrong_queue"
    JUNKED = "junked"
    QUARANTINED = "quarantined"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    FORM_ERROR = "form_error"
    ALTERED = "altered"
    MISSING = "missing"
    INDETERMINATE = "indeterminate"

    @property
    def deadline_result(self) -> DeadlineResult:
        """What the arrival deadline finds of a probe that stands so when it is over."""
        if self is Outcome.ARRIVED:
            return DeadlineResult.MET
        return DeadlineResult.INDETERMINATE if self is Outcome.INDETERMINATE else DeadlineResult.MISSED

    @property
    def is_settled(self) -> bool:
        """The report is where it belongs: nothing that may still be seen changes how it got there."""
        return self in (Outcome.ARRIVED, Outcome.LATE, Outcome.ALTERED)

    @property
    def is_wrong_place(self) -> bool:
        """The report lies where nobody works it, and may yet be moved to where it belongs."""
        return self in (Outcome.WRONG_QUEUE, Outcome.JUNKED, Outcome.QUARANTINED)

    @property
    def is_refusal(self) -> bool:
        """The other side did not take the report: known at once."""
        return self in (Outcome.REJECTED, Outcome.FORM_ERROR)

    @property
    def wants_confirmation(self) -> bool:
        """Another probe is sent to see whether it stays so, since one failure proves little; what is late did come."""
        return self.deadline_result is DeadlineResult.MISSED and self is not Outcome.LATE


class Role(StrEnum):
    """What a place is for: only the monitored one is right, and a reply mailbox is not the CA's at all."""

    MONITORED = "monitored"
    OTHER = "other"
    JUNK = "junk"
    QUARANTINE = "quarantine"
    REPLIES = "replies"


class Stage(StrEnum):
    """The stages a probe may reach, in their usual order."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    ACKNOWLEDGED = "acknowledged"
    PICKED_UP = "picked_up"  # a human took it
    ANSWERED = "answered"  # a human replied, as the CA's queue shows
    ANSWER_RECEIVED = "answer_received"  # the reply reached the reporter
    CLOSED = "closed"

    @property
    def may_be_owed(self) -> bool:
        """Whether a channel may promise it by a time of its own; the arrival is owed always, by the deadline."""
        return self in (Stage.ACKNOWLEDGED, Stage.PICKED_UP, Stage.ANSWERED, Stage.ANSWER_RECEIVED)

    @property
    def is_shown_by_queue(self) -> bool:
        """Whether what happens in a CA's queue may show it, once the report has arrived there."""
        return self in (Stage.ACKNOWLEDGED, Stage.PICKED_UP, Stage.ANSWERED, Stage.CLOSED)

    @property
    def is_shown_by_replies(self) -> bool:
        """Whether what comes back to the sender may show it."""
        return self in (Stage.ACKNOWLEDGED, Stage.ANSWER_RECEIVED)


class Actor(StrEnum):
    """Who did what was seen."""

    MACHINE = "machine"
    HUMAN = "human"


class Seen(StrEnum):
    """What was seen: the report itself in a queue, what was done with it there, or what came back to the sender."""

    REPORT = "report"
    ACKNOWLEDGEMENT = "acknowledgement"  # automatic, RFC 3834
    PICKED_UP = "picked_up"  # somebody took it, as a CA's queue shows
    ANSWER = "answer"
    CLOSED = "closed"  # as a CA's queue shows
    OUT_OF_OFFICE = "out_of_office"
    BOUNCE = "bounce"  # a permanent failure, RFC 3464 action "failed"
    DELAY_NOTICE = "delay_notice"  # RFC 3464 action "delayed"
    DELIVERY_NOTICE = "delivery_notice"  # RFC 3464 action "delivered", "relayed" or "expanded"


class TimeSource(StrEnum):
    """Where an arrival time was read."""

    RECEIVED = "received"  # the topmost Received header
    INTERNALDATE = "internaldate"
    RECORD = "record"  # the record that a ticket system keeps of it
    NOTICED = "noticed"  # nothing better than the moment we saw it


class Forgery(StrEnum):
    """Why a sighting does not count."""

    BAD_MAC = "bad_mac"
    UNKNOWN_ID = "unknown_id"
    REPLAYED = "replayed"
    EXPIRED = "expired"


class Failure(StrEnum):
    """Why a submission did not go through. The first two are the CA's, the third is ours."""

    REJECTED = "rejected"
    FORM_ERROR = "form_error"
    OURS = "ours"


class Component(StrEnum):
    """The part of ourselves that failed; a closed set, since it is a metric label."""

    SMTP = "smtp"
    IMAP = "imap"
    HTTP = "http"
    TICKETS = "tickets"
    BROWSER = "browser"
    DNS = "dns"
    STORE = "store"
    CLOCK = "clock"
    CONFIG = "config"


class CanaryError(Exception):
    """The root of every error of ours, for whoever calls the library and need not know its parts.

    Its text is for people: what is wrong, where, what to do about it, and never a secret. An error that is also one of
    Python's (a ValueError) stands under that as well.
    """


class OwnFaultError(CanaryError):
    """Something of ours is broken: never counted for or against the CA.

    ``reason`` is a short snake_case word from the raiser's closed list (it becomes a metric label), ``detail`` a
    sentence for people that never holds a secret.
    """

    def __init__(self, component: Component, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.component, self.reason, self.detail = component, reason, detail


@dataclass(frozen=True, slots=True)
class Place:
    """A queue by its slug, with what it is for and what it can tell.

    ``message_id`` says that it shows the Message-ID with which a report was sent (a ticket system may not): then what
    is seen there of the report itself counts only with that one. ``whole`` says that it shows the whole content and not
    a part of it, ``work`` that it shows what is done with a report: who picked it up, answered, closed it.
    """

    queue: str
    role: Role
    message_id: bool = True
    whole: bool = True
    work: bool = False


@dataclass(frozen=True, slots=True)
class Depth:
    """How full a queue is, strangers' reports included; only counts and ages, never contents."""

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
    that this one was sent to confirm.
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


@dataclass(frozen=True, slots=True)
class Submission:
    """The result of one attempt to submit.

    ``accepted`` says that the other side took the report (an SMTP 250, a confirmation page); it is a weak stage and
    never an arrival. ``uncertain`` says that the connection died where the report may or may not have been taken: it is
    never sent again, and watched. ``reason`` is the full reply, the page's own words, or our own fault in a sentence.
    ``steps`` are (name, seconds since the start) in order, ``artefacts`` are (name, content) to be kept as evidence.
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

    def is_copy_of(self, other: Sighting) -> bool:
        """Whether both are the same stored copy, seen twice: after a restart, or under other numbers.

        A mail system that delivers twice may store the same bytes twice: two numbers of one generation are two copies.
        What a machine did with a copy and what a human did with it are two things.
        """
        same = self._identity() == other._identity()
        return same and (self.where == other.where or self.generation != other.generation)

    def _identity(self) -> tuple[object, ...]:
        """What one copy has in common each time, whatever its place says of itself; and a report, whoever moved it."""
        by = None if self.seen is Seen.REPORT else self.by
        return self.place.queue, self.place.role, self.message, self.seen, by


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


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a report: made afresh for it, or as it was found."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """Who a sender says to be, for a message's From and for the fields of a form."""

    name: str
    address: str
    phone: str = ""
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A composed synthetic CPR, before a channel gives it its outer form.

    ``mark`` is the text form of the mark, which ``subject`` and ``text`` already contain. ``html`` is the whole HTML
    body for variants that have one (``html_only`` if there is no plain text part beside it), ``charset`` the character
    set of the body, ``references`` a Message-ID that the report answers, ``serial`` a certificate serial for forms that
    demand one (only ever one that the operator configured).
    """

    probe: str
    variant: str
    mark: str
    person: Person
    subject: str
    text: str
    language: str = "en"
    html: str | None = None
    html_only: bool = False
    charset: str = "utf-8"
    attachments: tuple[Attachment, ...] = ()
    references: str | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Exactly what a channel is going to send: recorded before it is sent.

    ``payload`` is the RFC 5322 message of an email, or the canonical JSON of a form's fields.
    """

    report: Report
    payload: bytes = field(repr=False)
    message_id: str | None = None
