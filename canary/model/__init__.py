"""The nouns of the project, as frozen values. This package imports nothing else of ours.

A *probe* is one synthetic Certificate Problem Report, by one *sender*, in one *variant*, through one *channel*.
What is seen of it later is a *sighting*, at a *place*. A *case* is a probe with all that is known about it;
:mod:`canary.judge` turns a case into a verdict. All times are aware UTC datetimes, all durations are seconds.
"""

from canary.model.errors import CanaryError, OwnFaultError
from canary.model.probe import Case, Depth, Flood, MailServer, Place, Probe, Sighting, Submission, Verdict
from canary.model.report import MARK_LENGTH, Attachment, Identifier, Outgoing, Person, Report
from canary.model.way import Authentication, Hop, SpamVerdict, Way
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

__all__ = [
    "MARK_LENGTH",
    "Actor",
    "Attachment",
    "Authentication",
    "CanaryError",
    "Case",
    "Component",
    "DeadlineResult",
    "Depth",
    "Failure",
    "Flood",
    "Forgery",
    "Hop",
    "Identifier",
    "MailServer",
    "Outcome",
    "Outgoing",
    "OwnFaultError",
    "Person",
    "Place",
    "Probe",
    "Report",
    "Role",
    "Seen",
    "Sighting",
    "SpamVerdict",
    "Stage",
    "Submission",
    "Surplus",
    "TimeSource",
    "Verdict",
    "Way",
]
