"""From a real run of the canary to an auditor's desk: real mail and forms, a bundle by command, checked by another."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import yaml
from audit.verifier.test_verifier import run_alone
from servers.polling import until
from servers.tsa import Tsa
from typer.testing import CliRunner

from canary.audit.verifier.__main__ import main
from canary.audit.verifier.commitment import COMMITTED
from canary.cli.main import app
from canary.cli.opening import opened_evidence
from canary.config import load
from canary.demo.ca import DemoCa
from canary.demo.faults import BY_NAME
from canary.demo.following import Canary, Shown, Turn, working
from canary.evidence.service import Evidence
from canary.ledger import EventKind, Ledger
from canary.web import listen


class Nobody:
    """An onlooker who does not look."""

    def in_flight(self, probes: object) -> None:
        pass

    def ended(self, probe: Shown) -> None:
        pass


async def story(config_file: Path, ca: DemoCa) -> list[str]:
    """Probes through every channel, one of them junked; returns their ids once all have ended or are told."""
    config = load(config_file)
    with closing(Ledger(config.state)) as ledger, closing(listen("127.0.0.1", 0)) as listener:
        async with working(config, ledger, listener) as canary:
            await canary.ready()
            await asyncio.to_thread(until, canary.evidence.latest, "the first checkpoint")
            every = await canary.probe([Turn(channel) for channel in config.channels], Nobody())
            fault = BY_NAME["junk-by-sender"]
            fault.apply(ca)
            told = await canary.probe([Turn(fault.channel, fault.sender, fault.variant, fault)], Nobody())
            fault.mend(ca)
            await asyncio.to_thread(until, lambda: _ended(canary, every), "the ends of those that arrived")
            await asyncio.to_thread(until, lambda: _told(ledger), "a checkpoint over the beginning of the last probe")
        await _sign_the_rest(opened_evidence(config, ledger))
        return [shown.case.probe.id for shown in (*every, *told)]


def _ended(canary: Canary, probes: list[Shown]) -> bool:
    return not any(probe.case.probe.id in canary.prober.ledger.state.open for probe in probes)


def _told(ledger: Ledger) -> bool:
    """Whether the log itself has a checkpoint over each probe, which says what was in force when it began."""
    [newest], [last] = (
        list(ledger.events(kind=kind, newest=1)) for kind in (EventKind.CHECKPOINT, EventKind.SCHEDULED)
    )
    return bool(newest.body["size"] >= last.seq)


async def _sign_the_rest(evidence: Evidence) -> None:
    """A checkpoint over all, however busy the machine was when the canary stopped, and its time-stamp."""
    await asyncio.to_thread(evidence.advance)
    [authority] = evidence.authorities
    await authority.do(next(evidence.log.ledger.events(kind=EventKind.CHECKPOINT, newest=1)))


async def test_a_real_run_is_proved_to_somebody_else(tmp_path: Path, alone: Path) -> None:
    with Tsa(tmp_path / "tsa") as tsa:
        async with DemoCa(tmp_path) as ca:
            tree = yaml.safe_load(ca.configuration())
            tree["evidence"]["timestamps"] = [{"name": "tsa", "url": tsa.url, "ca_file": str(tsa.ca_file)}]
            file = tmp_path / "canary.yaml"
            file.write_text(yaml.safe_dump(tree), encoding="utf-8")
            ids = await story(file, ca)
        today, bundle = f"{datetime.now(UTC):%Y-%m-%d}", tmp_path / "bundle.zip"
        period = ["--from", today, "--to", today, "--seed", "from the auditor", "--size", "4"]
        run = CliRunner()
        made = run.invoke(
            app, ["audit", "bundle", str(file), *period, "--probe", ids[-1], "--out", str(bundle), "--json"]
        )
        assert made.exit_code == 0, made.output
        key = run.invoke(app, ["evidence", "key", str(file), "--json"])
        vkey = json.loads(key.stdout)["vkey"]
        until, kept = json.loads(made.stdout)["until"], load(file).state / "evidence/log/checkpoint"
        brought = ["--key", vkey, "--tsa-ca", str(tsa.ca_file), "--seed", "from the auditor", "--size", "4"]
        brought += ["--from", today, "--to", until, "--kept", str(kept)]
        ended = run_alone(alone, str(bundle), *brought, "--json")
        assert ended.returncode == 3, ended.stdout + ended.stderr
        told = json.loads(ended.stdout)
        assert [row["what"] for row in told["checks"] if row["state"] != "ok"] == [COMMITTED]  # today is not over
        assert told["bundle"]["population"]["count"] == len(ids)
        outcomes = {fact["probe"]: fact for fact in told["bundle"]["probes"]}
        assert set(outcomes) == {*json.loads(made.stdout)["probes"]} <= set(ids)
        assert all(fact["carried"] for fact in outcomes.values())
        checked = {row["what"]: row["checked"] for row in told["checks"]}
        assert checked["messages carry the mark that the log tells"] >= 2 * 4
        assert run.invoke(app, ["audit", "verify", str(bundle), *brought]).exit_code == 3
        assert (
            run.invoke(app, ["audit", "verify", str(bundle), *brought, "--key", vkey.replace("A", "B")]).exit_code == 2
        )
        assert run.invoke(app, ["audit", "verify-log", str(file)]).exit_code == 0
        assert main([str(bundle), *brought]) == 3
