"""Who is blamed, and whether it pages, for what providers, gateways and filters do to a report: on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers.answer_pages import answering, by_script
from servers.ca_site import CaSite
from servers.canary_run import Run, configuration, running

from canary.ledger import EventKind
from canary.model import DeadlineResult, Outcome, Verdict
from dashboards.limits import CONFIRMED

FILLED = {"Your name": "{name}", "Email": "{email}", "Description": "{text}"}
PLAIN = {"variants": ["plain", "V02-zip"], "deadline": "4s"}


async def failing_after(run: Run, variant: str, channel: str = "alias") -> tuple[list[Verdict], int]:
    """What two probes one after the other come to, and how many of them count as confirmed failures for a page."""
    verdicts = []
    for _ in range(CONFIRMED):
        probe = await run.probe(channel, variant=variant)
        verdicts.append(await run.outcome(probe))
        await run.until(lambda probe=probe: run.verdict(probe).deadline or run.events(EventKind.FINISHED, probe), "it")
    await run.rounds(2)
    return verdicts, len(run.ledger.state.totals.channels[channel].failing)


@pytest.mark.parametrize(
    ("variant", "reply"),
    [("plain", "550 5.4.5 daily sending quota exceeded"), ("V02-zip", "552 5.7.0 outgoing message blocked by policy")],
    ids=["at RCPT", "at DATA"],
)
async def test_what_the_senders_own_server_refuses_blames_and_pages_nobody(
    ca: CaSite, tmp_path: Path, variant: str, reply: str
) -> None:
    ca.reject_recipient("problem-report@ca.test", reply) if variant == "plain" else ca.refuse_attachments(reply)
    async with running(configuration(ca, tmp_path, alias=PLAIN), tmp_path) as run:
        await run.watching()
        verdicts, failing = await failing_after(run, variant)
    assert {(v.outcome, v.deadline) for v in verdicts} == {(Outcome.INDETERMINATE, DeadlineResult.INDETERMINATE)}
    assert all(reply[10:] in verdict.reason for verdict in verdicts)
    assert failing == 0


async def test_another_message_id_is_no_loss(ca: CaSite, tmp_path: Path) -> None:
    ca.rename()
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        verdict = await run.outcome(await run.probe())
    [(_, _, raw)] = ca.messages("desk", "CPR")
    assert b"@gateway.invalid>" in raw
    assert (verdict.outcome, verdict.place, verdict.forged) == (Outcome.ARRIVED, "cpr", {})


async def test_a_text_that_a_filter_cuts_is_altered_and_pages(ca: CaSite, tmp_path: Path) -> None:
    ca.cut_body(b"4711")
    async with running(configuration(ca, tmp_path, alias=PLAIN), tmp_path) as run:
        await run.watching()
        verdicts, failing = await failing_after(run, "plain")
    assert {verdict.outcome for verdict in verdicts} == {Outcome.ALTERED}
    assert failing == CONFIRMED


async def test_a_form_that_regrets_in_plain_words_is_the_cas_and_pages(ca: CaSite, tmp_path: Path) -> None:
    page = by_script("await post('/store'); say('<p>Your report could not be delivered. Please write to us.</p>')")
    async with answering({"report": page}, {"store": (500, "out of order")}) as site:
        steps = [{"fill": {"label": label, "with": text}} for label, text in FILLED.items()] + [
            {"click": "Send report"}
        ]
        form = {"kind": "web_form", "url": f"{site.url}/report", "steps": steps, "confirm": {"text": "Thank you"}}
        config = configuration(ca, tmp_path, form=form | {"serial": "00c0ffee00c0ffee"})
        del config["channels"]["form"]["to"]
        config["operator"]["domains"].append("127.0.0.1")
        async with running(config, tmp_path) as run:
            await run.watching()
            verdicts, failing = await failing_after(run, "plain", "form")
    assert {verdict.outcome for verdict in verdicts} == {Outcome.FORM_ERROR}
    assert all("Your report could not be delivered. Please write to us." in verdict.reason for verdict in verdicts)
    assert failing == CONFIRMED
