"""Every fault that real CAs had, on a real mail system, gives its own outcome; a healthy channel gives arrived."""

from __future__ import annotations

from email import message_from_bytes
from pathlib import Path

import pytest
from servers.ca_site import CaSite
from servers.canary_run import INTO_CPR, configuration, direct, running

from canary.ledger import EventKind
from canary.model import DeadlineResult, Outcome, Seen, Stage, Verdict

SOON = {"deadline": "4s"}


async def outcome_of(ca: CaSite, folder: Path, *, straight: bool = False, **settings: str | list[str]) -> Verdict:
    """Send one probe through the alias and wait for its outcome."""
    config = configuration(ca, folder, alias=settings)
    async with running(direct(config, ca) if straight else config, folder) as run:
        await run.watching()
        return await run.outcome(await run.probe())


async def test_healthy_channel_arrives(ca: CaSite, tmp_path: Path) -> None:
    verdict = await outcome_of(ca, tmp_path)
    assert (verdict.outcome, verdict.place, verdict.duplicates, verdict.forged) == (Outcome.ARRIVED, "cpr", 0, {})
    assert verdict.stages.keys() == {Stage.ACCEPTED, Stage.ARRIVED}


@pytest.mark.parametrize("variant", ["V01-pkcs1", "V02-txz", "V21-html", "V21-ar", "V21-charset", "V21-forwarded"])
async def test_healthy_channel_takes_every_shape_of_report(ca: CaSite, tmp_path: Path, variant: str) -> None:
    assert (await outcome_of(ca, tmp_path, variants=[variant])).outcome is Outcome.ARRIVED


async def test_wrong_queue_by_rule(ca: CaSite, tmp_path: Path) -> None:
    ca.sieve('require "fileinto"; fileinto "General";', "desk")
    verdict = await outcome_of(ca, tmp_path)
    assert (verdict.outcome, verdict.place) == (Outcome.WRONG_QUEUE, "general")


async def test_junk_by_sieve_is_found_in_the_folder_of_special_use(ca: CaSite, tmp_path: Path) -> None:
    ca.sieve('require "fileinto"; fileinto "Junk";', "desk")
    verdict = await outcome_of(ca, tmp_path)
    assert (verdict.outcome, verdict.place) == (Outcome.JUNKED, "cpr-junk")


async def test_junk_for_one_sender_only(ca: CaSite, tmp_path: Path) -> None:
    ca.sieve(
        'require "fileinto"; if address :contains "from" "freemail@" { fileinto "Junk"; } else { fileinto "CPR"; }',
        "desk",
    )
    config = configuration(ca, tmp_path, alias={"senders": ["researcher", "freemail"]})
    async with running(config, tmp_path) as run:
        await run.watching()
        probes = [await run.probe(sender=sender) for sender in ("researcher", "freemail")]
        outcomes = [(await run.outcome(probe)).outcome for probe in probes]
    assert outcomes == [Outcome.ARRIVED, Outcome.JUNKED]


async def test_quarantine_folder(ca: CaSite, tmp_path: Path) -> None:
    ca.sieve('require "fileinto"; fileinto "Quarantine";', "desk")
    assert (await outcome_of(ca, tmp_path)).outcome is Outcome.QUARANTINED


async def test_550_at_rcpt_is_rejected_with_the_whole_reply(ca: CaSite, tmp_path: Path) -> None:
    ca.reject_recipient("problem-report@ca.test", "550 5.1.1 this alias has expired")
    verdict = await outcome_of(ca, tmp_path, straight=True)
    assert verdict.outcome is Outcome.REJECTED
    assert "550" in verdict.reason
    assert "this alias has expired" in verdict.reason
    assert "RCPT" in verdict.reason


async def test_552_at_data_for_an_attachment_is_rejected_and_a_plain_report_is_not(ca: CaSite, tmp_path: Path) -> None:
    ca.refuse_attachments("552 5.7.0 attachments not accepted")
    config = direct(configuration(ca, tmp_path, alias={"variants": ["plain", "V02-zip"]}), ca)
    async with running(config, tmp_path) as run:
        await run.watching()
        refused, plain = await run.probe(variant="V02-zip"), await run.probe(variant="plain")
        verdict = await run.outcome(refused)
        assert verdict.outcome is Outcome.REJECTED
        assert "552 5.7.0 attachments not accepted" in verdict.reason
        assert "DATA" in verdict.reason
        assert (await run.outcome(plain)).outcome is Outcome.ARRIVED


async def test_250_and_then_silence_is_missing(ca: CaSite, tmp_path: Path) -> None:
    ca.silently_drop("problem-report")
    verdict = await outcome_of(ca, tmp_path, **SOON)
    assert (verdict.outcome, verdict.deadline) == (Outcome.MISSING, DeadlineResult.MISSED)
    assert Stage.ACCEPTED in verdict.stages  # a 250 is a stage, and never an arrival


async def test_delayed_past_the_deadline_is_late_and_was_missing_at_the_deadline(ca: CaSite, tmp_path: Path) -> None:
    ca.hold()
    async with running(configuration(ca, tmp_path, alias=SOON), tmp_path) as run:
        await run.watching()
        probe = await run.probe()
        assert (await run.outcome(probe)).outcome is Outcome.MISSING
        await run.until(lambda: run.events(EventKind.DEADLINE, probe), "the deadline")
        await run.later(2)  # a mail server's times are exact to a second
        ca.release()
        await run.until(lambda: run.events(EventKind.FINISHED, probe), "the end")
        [deadline], [finished] = run.events(EventKind.DEADLINE, probe), run.events(EventKind.FINISHED, probe)
    assert (deadline.body["result"], deadline.body["outcome"]) == ("missed", "missing")
    assert finished.body["outcome"] == "late"
    assert finished.body["stages"]["arrived"] > 4


async def test_bounce_after_acceptance(ca: CaSite, tmp_path: Path) -> None:
    ca.bounce_later("desk")
    verdict = await outcome_of(ca, tmp_path)
    assert (verdict.outcome, verdict.place) == (Outcome.BOUNCED, "researcher-replies")
    assert "5.1.1" in verdict.reason


async def test_departed_member_of_an_alias_is_told_although_the_others_have_it(ca: CaSite, tmp_path: Path) -> None:
    ca.add_user("carol")
    ca.add_alias("problem-report", ["desk", "carol"])
    ca.remove_user("carol")
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        probe = await run.probe()
        await run.until(
            lambda: any(sighting.seen is Seen.BOUNCE for sighting in run.known(probe).case.sightings), "the bounce"
        )
        await run.until(lambda: Stage.ARRIVED in run.verdict(probe).stages, "the copy of the others")
        verdict = run.verdict(probe)
    assert (verdict.outcome, verdict.place) == (Outcome.ARRIVED, "cpr")
    assert verdict.reason.startswith("sent back from elsewhere: ")
    assert "5.1.1" in verdict.reason
    assert "carol" in verdict.reason


async def test_alias_whose_members_are_all_watched_is_missing_where_one_of_them_does_not_get_it(
    ca: CaSite, tmp_path: Path
) -> None:
    ca.add_alias("problem-report", ["desk", "alice"])
    ca.sieve(INTO_CPR, "alice")
    ca.silently_drop("alice")
    config = configuration(ca, tmp_path, alias={"arrives_in": ["cpr", "alice-cpr"], **SOON})
    desk = config["watch"]["desk"]
    config["watch"]["alice"] = {
        **desk,
        "server": {**desk["server"], "username": "alice"},
        "folders": [{"name": "CPR", "queue": "alice-cpr", "role": "monitored"}],
    }
    async with running(config, tmp_path) as run:
        await run.watching()
        missing = await run.outcome(await run.probe())
        ca.heal()
        arrived = await run.outcome(await run.probe())
    assert (missing.outcome, missing.place) == (Outcome.MISSING, "alice-cpr")
    assert (arrived.outcome, arrived.duplicates) == (Outcome.ARRIVED, 0)  # a copy for each member is no duplicate


async def test_body_rewritten_in_transit_is_altered(ca: CaSite, tmp_path: Path) -> None:
    ca.rewrite_body(b"4711", b"0815")
    verdict = await outcome_of(ca, tmp_path)
    assert verdict.outcome is Outcome.ALTERED
    assert verdict.reason


async def test_duplicate_delivery_arrives_and_is_counted(ca: CaSite, tmp_path: Path) -> None:
    ca.duplicate("problem-report")
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        probe = await run.probe()
        await run.until(lambda: run.verdict(probe).duplicates == 1, "the second copy")
        assert run.verdict(probe).outcome is Outcome.ARRIVED
        assert run.ledger.state.totals.channels["alias"].duplicates == 1


async def test_acknowledgement_is_a_stage_of_its_own(ca: CaSite, tmp_path: Path) -> None:
    note = 'vacation :addresses ["problem-report@ca.test"] "We have your report, case 4711.";'
    ca.sieve(f'require ["fileinto", "vacation"]; {note} fileinto "CPR";', "desk")
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        probe = await run.probe()
        seen = await run.until(
            lambda: [s.seen for s in run.known(probe).case.sightings if s.seen is not Seen.REPORT], "reply"
        )
        assert set(seen) <= {Seen.ACKNOWLEDGEMENT, Seen.OUT_OF_OFFICE}


async def test_nothing_that_is_sent_says_canary_to_a_filter(ca: CaSite, tmp_path: Path) -> None:
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        await run.outcome(await run.probe())
    [(_, _, raw)] = ca.messages("desk", "CPR")
    names = {name.lower() for name in message_from_bytes(raw)}
    assert not names & {"auto-submitted", "precedence", "x-mailer", "user-agent", "list-id"}
    assert not any("canary" in name for name in names)
