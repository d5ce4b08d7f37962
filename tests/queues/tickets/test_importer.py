"""Postfix, rt-mailgate and Request Tracker, with a mailbox beside: which of them stands still is told apart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from queues.tickets.conftest import PATIENT, QUEUES
from servers.ca_site import CaSite
from servers.canary_run import Run, configuration, running, staff
from servers.folders import server_folder
from servers.polling import until
from servers.request_tracker import PASSWORDS, RequestTracker

from canary.model import Outcome, Seen, Way

pytestmark = pytest.mark.timeout(900)  # Request Tracker is slow where everything is

INTO_TICKETS = "tickets@ca.test"
IMPORTER = "importer unix - n n - 1 pipe user=nobody argv={script} ${{nexthop}}"
CHANNELS = {
    "healthy": {"deadline": "10m"},
    "stuck": {"deadline": "5s"},
    "lost": {"deadline": "5s"},
    "unseen": {"deadline": "5s", "give_up": "20s"},
}
"""What is to become of their reports, with how long that is waited for."""
LEFT = "left in mailbox; not in cpr within 5 s"
BLIND = "cpr could not be read since the deadline; seen in mailbox"


class Importer:
    """What a mail server hands mail to, for a queue of Request Tracker."""

    def __init__(self, folder: Path, rt: RequestTracker) -> None:
        folder.chmod(0o755)
        self.script, self._stopped = folder / "importer", folder / "stopped"
        command = " ".join(rt.importer("$1"))
        self.script.write_text(f"#!/bin/sh\n[ -e {self._stopped} ] && exit 75\nexec {command}\n")
        self.script.chmod(0o755)

    def stop(self) -> None:
        """It takes nothing any more; who hands something to it is to try again later."""
        self._stopped.touch()

    def start(self) -> None:
        """It works again."""
        self._stopped.unlink(missing_ok=True)


@pytest.fixture
def importer(request_tracker: RequestTracker, tmp_path: Path) -> Iterator[Importer]:
    with server_folder(tmp_path / "importer") as folder:
        yield Importer(folder, request_tracker)


@pytest.fixture
def desk(importer: Importer, tmp_path: Path, authority: trustme.CA) -> Iterator[CaSite]:
    """A mail server that puts each report into a mailbox, and hands it to the importer."""
    transports, services = {INTO_TICKETS: "importer:CPR"}, [IMPORTER.format(script=importer.script)]
    with CaSite(tmp_path / "site", authority, transports=transports, services=services) as site:
        staff(site)
        site.sieve("# nothing\n", "desk")
        site.add_user("tickets")
        for name in CHANNELS:
            site.add_alias(name, ["desk", "tickets"])
        site.silently_drop("lost")
        yield site


def configured(desk: CaSite, rt: RequestTracker, folder: Path) -> dict[str, Any]:
    """The mailbox is in transit, and reports are worked in the tracker."""
    password = folder / "rt-password"
    password.write_text(PASSWORDS["canary"])
    login = {"username": "canary", "password": {"file": str(password)}}
    config = configuration(desk, folder, **{name: {"to": f"{name}@ca.test", **CHANNELS[name]} for name in CHANNELS})
    config["watch"]["desk"]["folders"] = [{"name": "INBOX", "queue": "mailbox", "role": "transit"}]
    tracker = {"kind": "tickets", "preset": "request-tracker", "url": rt.url, "queues": QUEUES, "poll": "1s", **login}
    config["watch"]["tracker"] = tracker
    return config


async def told(run: Run, probe: str, outcome: Outcome) -> tuple[str | None, str]:
    """Place and reason once the outcome is that."""
    await asyncio.to_thread(until, lambda: run.verdict(probe).outcome is outcome, f"that it is {outcome}", PATIENT)
    return run.verdict(probe).place, run.verdict(probe).reason


def ways(run: Run, probe: str) -> dict[str, Way]:
    """The way that the report took, as each queue shows it in which it was seen."""
    reports = [sighting for sighting in run.known(probe).case.sightings if sighting.seen is Seen.REPORT]
    return {sighting.place.queue: sighting.way or Way() for sighting in reports}


async def test_who_stands_still_is_told_apart_and_nothing_is_lost(
    desk: CaSite, importer: Importer, rt: RequestTracker, tmp_path: Path
) -> None:
    async with running(configured(desk, rt, tmp_path), tmp_path) as run:
        await asyncio.to_thread(until, lambda: "cpr" in run.prober.intake.read_at, "a look at the tickets", PATIENT)
        healthy = await run.probe("healthy")
        assert await told(run, healthy, Outcome.ARRIVED) == ("cpr", "")
        await run.until(lambda: ways(run, healthy).keys() == {"mailbox", "cpr"}, "both places")
        assert {hop.by for hop in ways(run, healthy)["cpr"].hops} >= {"mx.ca.test"}
        importer.stop()
        stuck, lost = await run.probe("stuck"), await run.probe("lost")
        assert await told(run, stuck, Outcome.WRONG_QUEUE) == ("mailbox", LEFT)
        assert await told(run, lost, Outcome.MISSING) == ("cpr", "not seen anywhere within 5 s")
        rt.stop()
        try:
            importer.start()
            unseen = await run.probe("unseen")
            assert await told(run, unseen, Outcome.INDETERMINATE) == (None, BLIND)
        finally:
            rt.start()
        assert (await told(run, stuck, Outcome.LATE))[0] == "cpr"
        sent = [str(run.known(probe).case.message_id).strip("<>") for probe in (healthy, stuck, unseen)]
        await asyncio.to_thread(
            until, lambda: [len(rt.tickets(one)) for one in sent] == [1, 1, 1], "each once", PATIENT
        )
