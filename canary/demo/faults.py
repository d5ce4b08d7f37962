"""Ways in which real CAs lost reports, to be switched on in the demo CA.

Times and causes come from the CAs' own incident reports (Mozilla Bugzilla, ``bugzilla.mozilla.org/show_bug.cgi?id=``):
from the first report sent until somebody at the CA was aware of it. Each fault breaks one field of
:class:`canary.demo.mail_system.Rules`, so any of them can be on at the same time and be mended alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from canary.demo.directory import ALIAS
from canary.demo.mail_system import Rules
from canary.model import Outcome

if TYPE_CHECKING:
    from canary.demo.ca import DemoCa


@dataclass(frozen=True, slots=True)
class Incident:
    """What it was in reality. ``hours`` until it was noticed; ``at_least`` if the end is not known."""

    bug: int
    ca: str
    hours: float
    at_least: bool = False

    @property
    def days(self) -> str:
        """The time until it was noticed in days, for people."""
        return f"{'> ' if self.at_least else ''}{self.hours / 24:.1f} d"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something to break. ``rule`` is the field of Rules that it sets to ``broken``.

    ``channel`` is the slug of the channel in which the canary must see it, with ``outcome``, at the queue ``place``
    (None where nothing was seen, or only what came back) and, in the verdict's reason, ``words``. Only reports of
    ``sender`` in ``variant`` are sure to be hit where these are given; others still arrive.
    """

    name: str
    title: str
    breaks: str
    incident: Incident
    channel: str
    outcome: Outcome
    rule: str
    broken: Any
    place: str | None = None
    words: str = ""
    sender: str | None = None
    variant: str | None = None

    def apply(self, ca: DemoCa) -> None:
        """Break it; what is already on its way is delivered as it was."""
        ca.rules = replace(ca.rules, **{self.rule: self.broken})

    def mend(self, ca: DemoCa) -> None:
        """Undo what the fault did to the CA."""
        ca.rules = replace(ca.rules, **{self.rule: getattr(Rules(), self.rule)})


FAULTS = (
    Fault(
        name="unclassified",
        title="Form reports end in the general queue",
        breaks="the form's classifier has no category for problem reports; they wait with all other enquiries",
        incident=Incident(1967929, "KIR", 237.0),
        channel="form",
        outcome=Outcome.WRONG_QUEUE,
        rule="classified",
        broken=False,
        place="general",
    ),
    Fault(
        name="departed",
        title="The alias holds somebody who left",
        breaks="one member of the alias no longer works here; that member's copy bounces, the others get theirs",
        incident=Incident(1967929, "KIR", 166.1),
        channel="alias",
        outcome=Outcome.BOUNCED,
        rule="departed",
        broken=frozenset({"judit"}),
        words="judit.sandor",
    ),
    Fault(
        name="holiday",
        title="The named contact is on holiday",
        breaks="her mail program, which files reports into the desk's queue, is off; they sit in her inbox, unread",
        incident=Incident(1967929, "KIR", 64.7),
        channel="contact-anna",
        outcome=Outcome.WRONG_QUEUE,
        rule="away",
        broken=frozenset({"anna"}),
        place="anna-inbox",
    ),
    Fault(
        name="junk-by-sender",
        title="Free mail senders are junked",
        breaks="the spam filter junks reports from a free mail address, and lets the same report from others through",
        incident=Incident(1886626, "certSIGN", 309.8),
        channel="alias",
        outcome=Outcome.JUNKED,
        rule="junked",
        broken=frozenset({"freemail.test"}),
        place="judit-junk",
        sender="freemail",
    ),
    Fault(
        name="silent-drop",
        title="Accepted and thrown away",
        breaks="mail to the alias is answered 250 and vanishes: no bounce, no acknowledgement",
        incident=Incident(1970727, "eMudhra", 48.0, at_least=True),
        channel="alias",
        outcome=Outcome.MISSING,
        rule="swallowed",
        broken=frozenset({ALIAS}),
    ),
    Fault(
        name="bounce",
        title="The alias has expired",
        breaks="the alias was made with an end date, and nobody renewed it",
        incident=Incident(1963629, "HARICA", 288.0),
        channel="alias",
        outcome=Outcome.BOUNCED,
        rule="expired",
        broken=frozenset({ALIAS}),
        words="expired",
    ),
    Fault(
        name="quarantine",
        title="Archives are held by the gateway",
        breaks="the malware filter quarantines archives, which is how leaked keys are sent; nobody is told",
        incident=Incident(1943528, "Entrust", 40.5),
        channel="alias",
        outcome=Outcome.QUARANTINED,
        rule="quarantined",
        broken=(".zip", ".7z", ".tar", ".tar.gz", ".tar.xz"),
        place="quarantine",
        variant="V02-txz",
    ),
)
"""In the order in which the demo shows them: KIR's three first."""

BY_NAME = {fault.name: fault for fault in FAULTS}
