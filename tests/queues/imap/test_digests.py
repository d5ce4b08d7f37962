"""Digests of quarantines that come to a watched mailbox, on a real Dovecot; and what the judge makes of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from builders import START, a_case, after
from judging import verdict
from queues.conftest import Watch, looked
from queues.digests import digest
from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from servers.ca_site import CaSite, User
from servers.polling import until

from canary.content import Ticket
from canary.model import DeadlineResult, Outcome, Place, Role, Seen, Sighting, TimeSource


def test_what_a_digest_lists_is_in_the_quarantine_and_the_digest_is_left_alone(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    mark, arrived, unknown = intake.probe(), intake.probe(), intake.probe(known=False)
    first, second = digest("Proofpoint", mark), digest("Proofpoint", mark.upper())
    for message in (first, second, digest("Mimecast", unknown), raw(mail(f"About {arrived}"))):
        site.deliver("desk", message, "CPR")
    watch(desk, clean_up="delete")
    until(lambda: len(intake.found()) >= 3, "both digests and the report")
    looked(intake, "cpr")
    *held, report = sorted(intake.found(), key=lambda found: found.place.role, reverse=True)
    assert report.place.role is Role.MONITORED
    for found in held:
        assert found.place == Place("cpr", Role.QUARANTINE, message_id=False, whole=False)
        assert (found.seen, found.forgery, found.source) == (Seen.REPORT, None, TimeSource.NOTICED)
        assert isinstance(found.content, Ticket)
        assert mark in found.content.text.lower()
        assert timedelta(0) < datetime.now(UTC) - found.arrived_at + timedelta(seconds=found.uncertainty)
    assert len({(found.where, found.generation) for found in held}) == 1
    for found in (*held, report):
        intake.offer("desk/CPR", found.where)
    until(lambda: len(site.messages("desk", "CPR")) == 3, "the report gone, and no digest")
    assert {json.loads(found.where)["folder"] for found in held} == {"CPR"}


def listed(at: float, uncertainty: float) -> Sighting:
    """A report as a digest lists it that came so many seconds after submission."""
    place = Place("cpr", Role.QUARANTINE, message_id=False, whole=False)
    return Sighting(
        Seen.REPORT, "p", place, after(at), TimeSource.NOTICED, uncertainty, after(at), "d" * 64, detail="listed"
    )


def test_the_outcome_is_quarantined_however_late_the_digest_comes() -> None:
    case = a_case(listed(3600.0, 3600.0))
    found = verdict(case)
    assert (found.outcome, found.place, found.forged) == (Outcome.QUARANTINED, "cpr", {})
    assert found.deadline is DeadlineResult.MISSED
    assert case.started_at == START
