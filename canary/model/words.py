"""The closed lists of the project: outcomes, stages, roles, and what follows from each of them."""

from __future__ import annotations

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
    """What a place is for: only the monitored one is right, and a reply mailbox is not the CA's at all.

    A report may pass one in transit, as it does a mailbox that a ticket system takes its mail from; it has gone astray
    there only if it was not taken on by the deadline.
    """

    MONITORED = "monitored"
    TRANSIT = "transit"
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
    UNSURE = "unsure"  # a message that may be this or that: it shows no stage, and changes no outcome


class TimeSource(StrEnum):
    """Where an arrival time was read."""

    RECEIVED = "received"  # the topmost Received header
    INTERNALDATE = "internaldate"
    RECORD = "record"  # the record that a ticket system or a mail platform keeps of it
    NOTICED = "noticed"  # nothing better than the moment we saw it


class Forgery(StrEnum):
    """Why a sighting does not count."""

    BAD_MAC = "bad_mac"
    UNKNOWN_ID = "unknown_id"
    REPLAYED = "replayed"
    EXPIRED = "expired"


class Surplus(StrEnum):
    """Why a sighting that nothing speaks against tells nothing new, once many like it were kept."""

    DUPLICATE = "duplicate"  # one more copy of the report in a monitored queue
    REPEATED = "repeated"  # seen there before, in the same way


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
    PLATFORM = "platform"
    BROWSER = "browser"
    DNS = "dns"
    STORE = "store"
    CLOCK = "clock"
    CONFIG = "config"
