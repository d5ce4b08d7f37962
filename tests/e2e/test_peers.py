"""What other mail round-trip monitors got wrong when they were tried, each shown to be right here."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import generate_latest
from servers.ca_site import CaSite
from servers.canary_run import INTO_CPR, Run, configuration, running
from servers.polling import until

from canary.metrics import PREFIX, registry
from canary.model import Outcome, Stage

LABELS = {"channel": "alias", "kind": "email", "queue": "cpr"}


def state(run: Run) -> float | None:
    return registry(run.prober).get_sample_value(PREFIX + "channel_state", LABELS)


async def test_leftover_of_an_earlier_probe_does_not_stand_in_for_one_that_went_astray(
    ca: CaSite, tmp_path: Path
) -> None:
    """A plugin that searched for its fixed subject said OK three times of three."""
    async with running(configuration(ca, tmp_path, alias={"deadline": "4s"}), tmp_path) as run:
        await run.watching()
        assert (await run.outcome(await run.probe())).outcome is Outcome.ARRIVED
        ca.add_alias("problem-report", ["bob"])
        assert (await run.outcome(await run.probe())).outcome is Outcome.MISSING
        assert len(ca.messages("desk", "CPR")) == 1  # the leftover is there, and fools nobody


async def test_failed_submission_does_not_leave_the_channel_looking_well(ca: CaSite, tmp_path: Path) -> None:
    """An exporter kept its success gauge at the old value when sending failed."""
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        await run.outcome(await run.probe())
        assert state(run) == 1
        ca.postfix.stop()
        assert (await run.outcome(await run.probe())).outcome is Outcome.INDETERMINATE
        assert state(run) == 2


async def test_report_that_does_not_come_turns_the_very_series_that_was_good(ca: CaSite, tmp_path: Path) -> None:
    """An exporter put the zero into a series of another name, and the real one stayed at one."""
    async with running(configuration(ca, tmp_path, alias={"deadline": "4s"}), tmp_path) as run:
        await run.watching()
        await run.outcome(await run.probe())
        assert state(run) == 1
        ca.silently_drop("problem-report")
        await run.outcome(await run.probe())
        await run.until(lambda: state(run) == 0, "the state to be failing")


async def test_spam_folder_is_no_success(ca: CaSite, tmp_path: Path) -> None:
    """An exporter counted a hit in the spam folder as received."""
    ca.sieve('require "fileinto"; fileinto "Junk";', "desk")
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        assert (await run.outcome(await run.probe())).outcome is Outcome.JUNKED
        assert state(run) == 0


async def test_servers_that_answer_are_not_an_arrival(ca: CaSite, tmp_path: Path) -> None:
    """A monitor said up after a connection that sent nothing."""
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        assert await run.prober.endpoints.channel("alias", "researcher").check()
        assert state(run) == 2


async def test_every_probe_is_counted_once_although_two_members_get_it(ca: CaSite, tmp_path: Path) -> None:
    """An exporter saw 84 arrivals, 42 of them late, of 42 probes to an alias with two members."""
    ca.add_alias("problem-report", ["desk", "alice"])
    ca.sieve(INTO_CPR, "alice")
    config = configuration(ca, tmp_path, alias={"arrives_in": ["alice-cpr", "cpr"]})
    desk = config["watch"]["desk"]
    config["watch"]["alice"] = {
        **desk,
        "server": {**desk["server"], "username": "alice"},
        "folders": [{"name": "CPR", "queue": "alice-cpr", "role": "monitored"}],
    }
    async with running(config, tmp_path) as run:
        await run.watching()
        for _ in range(3):
            await run.outcome(await run.probe())
        totals = run.ledger.state.totals.channels["alias"]
        assert sum(totals.stages[Stage.ARRIVED].counts) == 3
        assert totals.duplicates == 0


async def test_many_channels_at_once_lose_no_probe(ca: CaSite, tmp_path: Path) -> None:
    """An exporter died of concurrent map writes, in two of six starts with 1000 targets."""
    names = [f"c{n}" for n in range(150)]
    for name in names:
        ca.add_alias(name, ["desk"])
    channels = {name: {"to": f"{name}@ca.test", "deadline": "120s"} for name in names}
    async with running(configuration(ca, tmp_path, **channels), tmp_path) as run:
        await run.watching()
        probes = [await run.probe(name) for name in names]
        for probe in probes:
            assert (await run.outcome(probe)).outcome is Outcome.ARRIVED
    until(lambda: len(ca.messages("desk", "CPR")) == len(names), "every message", timeout=30)


async def test_no_series_begins_with_a_stranger(ca: CaSite, tmp_path: Path) -> None:
    """An exporter took label values from the mail: whoever could write to it could make series."""
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        await run.watching()
        for n in range(5):
            said = f"From: nobody{n}@x.test\r\nSubject: nobody-{n}\r\nMessage-ID: <nobody{n}@x.test>\r\n"
            ca.deliver("desk", f"{said}Received: from nobody.test by x\r\n\r\nnobody {n}\r\n".encode(), "CPR")
        await run.until(lambda: run.prober.intake.depths["cpr"].unread == 5, "the mail to be seen")
        shown = generate_latest(registry(run.prober)).decode()
        assert registry(run.prober).get_sample_value(PREFIX + "queue_items", {"queue": "cpr", "state": "unread"}) == 5
        assert "nobody" not in shown
