"""Somebody else's package, installed and found by its entry points: a way in and a ticket system, on the whole way."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml
from servers.canary_run import Run, running, written

from canary import channels, plugins, queues
from canary.config import load, whole
from canary.ledger import EventKind, inventories
from canary.model import Actor, DeadlineResult, Outcome, Seen, Stage
from canary.prober.in_force import snapshot
from canary.sealing import SealingKey

SOURCE = Path(__file__).parents[1] / "third_party"


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as pip installs it, in a folder of its own."""
    source, target = tmp_path_factory.mktemp("source") / "drawer", tmp_path_factory.mktemp("packages")
    shutil.copytree(SOURCE, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    alone = ["--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *alone, "--target", str(target), str(source)], check=True)
    return target


@pytest.fixture
def installed(packages: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package on the path, as after its installation and a restart."""
    cached = (plugins.installed, channels.kinds, queues.kinds, whole.model)
    monkeypatch.syspath_prepend(packages)
    for function in cached:
        function.cache_clear()
    yield
    monkeypatch.undo()
    for function in cached:
        function.cache_clear()


class Drawer:
    """The ticket system, and those who work with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def text(self, probe: str) -> str:
        """What the ticket says."""
        return str(self._read(probe)["text"])

    def do(self, probe: str, what: str, by: str = "anna", **more: str) -> None:
        """Do something with the ticket of a probe."""
        ticket = self._read(probe)
        ticket["history"].append({"at": datetime.now(UTC).isoformat(), "by": by, "what": what, **more})
        self.put(probe, ticket)

    def put(self, name: str, ticket: dict[str, Any]) -> None:
        """Write a ticket, whole."""
        beside = self.folder / f"{name}.new"
        beside.write_text(json.dumps(ticket), encoding="utf-8")
        beside.replace(self.folder / f"{name}.json")

    def change(self, probe: str, old: str, new: str) -> None:
        """Change the words of a ticket."""
        ticket = self._read(probe)
        self.put(probe, ticket | {"text": ticket["text"].replace(old, new)})

    def _read(self, probe: str) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.folder / f"{probe}.json").read_bytes())
        return read


@pytest.fixture
def drawer(installed: None, tmp_path: Path) -> Drawer:
    return Drawer(tmp_path / "drawer")


def configuration(drawer: Drawer, folder: Path, **channel: str) -> dict[str, Any]:
    """A channel into the drawer, and the drawer watched. No server is there, and none is needed."""
    return {
        "operator": {"name": "Test CA", "domains": ["ca.test"], "verify": "ask extension 4711"},
        "state": str(folder / "state"),
        "watch": {
            "desk": {
                "kind": "drawer",
                "folder": str(drawer.folder),
                "queues": {"cpr": "monitored", "general": "other"},
                "poll": "100ms",
            }
        },
        "senders": {
            "researcher": {
                "name": "Robin Hayes",
                "address": "robin@sender.test",
                "submission": {"host": "127.0.0.1", "port": 1, "tls": "none"},
            }
        },
        "channels": {
            "box": {
                "kind": "drawer",
                "folder": str(drawer.folder),
                "owner": "ca.test",
                "arrives_in": "cpr",
                "approved_by": "the tests",
                "interval": "1h",
                "deadline": "60s",
                "give_up": "1h",
                **channel,
            }
        },
    }


def probing(drawer: Drawer, folder: Path, **channel: str) -> AbstractAsyncContextManager[Run]:
    return running(configuration(drawer, folder, **channel), folder)


async def filed(run: Run) -> str:
    """A probe whose ticket is in the drawer."""
    await run.watching()
    probe = await run.probe("box")
    await run.until(lambda: run.known(probe).case.submission, "the ticket")
    return probe


def test_the_package_is_found_by_its_entry_points(installed: None) -> None:
    for group in ("canary.channels", "canary.queues"):
        [point] = [point for point in entry_points(group=group) if point.name == "drawer"]
        assert point.dist is not None
        assert point.dist.name == "cpr-canary-drawer"
    assert channels.kinds()["drawer"].settings.__module__ == "drawer.channel"
    assert queues.kinds()["drawer"].replies is None


async def test_a_report_arrives_and_is_taken_answered_and_closed(drawer: Drawer, tmp_path: Path) -> None:
    async with probing(drawer, tmp_path) as run:
        probe = await filed(run)
        assert run.verdict(probe).stages.keys() == {Stage.ACCEPTED}
        drawer.do(probe, "sorted", by="system", queue="cpr")
        verdict = await run.outcome(probe)
        assert (verdict.outcome, verdict.place) == (Outcome.ARRIVED, "cpr")
        for what, by, more, stage in (
            ("acknowledged", "system", {"words": "We have it."}, Stage.ACKNOWLEDGED),
            ("taken", "anna", {}, Stage.PICKED_UP),
            ("answered", "anna", {"words": "Which key is it?"}, Stage.ANSWERED),
            ("closed", "anna", {}, Stage.CLOSED),
        ):
            assert stage not in run.verdict(probe).stages
            drawer.do(probe, what, by=by, **more)
            await run.until(lambda stage=stage: stage in run.verdict(probe).stages, stage)
        seen = run.known(probe).case.sightings
        assert run.verdict(probe).outcome is Outcome.ARRIVED
    assert [sighting.seen for sighting in seen] == [
        Seen.REPORT,
        Seen.ACKNOWLEDGEMENT,
        Seen.PICKED_UP,
        Seen.ANSWER,
        Seen.CLOSED,
    ]
    assert [sighting.by for sighting in seen] == [Actor.MACHINE, Actor.MACHINE, *[Actor.HUMAN] * 3]
    assert [sighting.intact for sighting in seen] == [True, None, None, None, None]


async def test_a_ticket_that_a_machine_takes_is_picked_up_by_nobody(drawer: Drawer, tmp_path: Path) -> None:
    async with probing(drawer, tmp_path) as run:
        probe = await filed(run)
        drawer.do(probe, "sorted", by="system", queue="cpr")
        drawer.do(probe, "taken", by="system")
        drawer.do(probe, "closed", by="system")
        await run.until(lambda: Stage.CLOSED in run.verdict(probe).stages, "its end")
        assert run.verdict(probe).stages.keys() == {Stage.ACCEPTED, Stage.ARRIVED, Stage.CLOSED}


async def test_a_report_in_another_queue_and_then_in_the_right_one(drawer: Drawer, tmp_path: Path) -> None:
    async with probing(drawer, tmp_path) as run:
        probe = await filed(run)
        drawer.do(probe, "sorted", by="system", queue="general")
        drawer.do(probe, "taken")
        verdict = await run.outcome(probe)
        assert (verdict.outcome, verdict.place) == (Outcome.WRONG_QUEUE, "general")
        assert Stage.PICKED_UP not in verdict.stages
        drawer.do(probe, "sorted", queue="cpr")
        await run.until(lambda: run.verdict(probe).outcome is Outcome.ARRIVED, "its arrival")


async def test_what_is_owed_after_the_arrival_is_waited_for(drawer: Drawer, tmp_path: Path) -> None:
    async with probing(drawer, tmp_path, deadline="1s", answered_within="10m") as run:
        probe = await filed(run)
        drawer.do(probe, "sorted", by="system", queue="cpr")
        await run.until(lambda: run.events(EventKind.DEADLINE, probe), "the deadline")
        assert run.verdict(probe).owed == {Stage.ANSWERED: None}
        assert not run.events(EventKind.FINISHED, probe)
        drawer.do(probe, "answered", words="Which key is it?")
        [finished] = await run.until(lambda: run.events(EventKind.FINISHED, probe), "its end")
    assert (finished.body["outcome"], finished.body["owed"]) == ("arrived", {"answered": "met"})


async def test_words_that_were_changed_are_told(drawer: Drawer, tmp_path: Path) -> None:
    async with probing(drawer, tmp_path) as run:
        probe = await filed(run)
        drawer.change(probe, "4711", "0815")
        drawer.do(probe, "sorted", by="system", queue="cpr")
        verdict = await run.outcome(probe)
    assert verdict.outcome is Outcome.ALTERED
    assert "0815" in verdict.reason


async def test_a_drawer_that_is_not_there_takes_nothing(drawer: Drawer, tmp_path: Path) -> None:
    async with probing(drawer, tmp_path) as run:
        await run.watching()
        drawer.folder.rename(tmp_path / "away")
        verdict = await run.outcome(await run.probe("box"))
        assert verdict.outcome is Outcome.FORM_ERROR
        await run.until(lambda: run.events(EventKind.TROUBLE), "our trouble")
        assert run.events(EventKind.TROUBLE)[0].body["reason"] == "gone"


async def test_a_watch_that_cannot_prove_that_it_sees_makes_no_report_missing(drawer: Drawer, tmp_path: Path) -> None:
    """Where the drawer was mounted there is an empty folder: it can be read, and proves nothing."""
    async with probing(drawer, tmp_path, deadline="1s", give_up="1s") as run:
        known = await filed(run)
        drawer.do(known, "sorted", by="system", queue="cpr")
        await run.outcome(known)
        drawer.folder.rename(tmp_path / "away")
        drawer.folder.mkdir()
        lost = await run.probe("box")
        verdict = await run.outcome(lost)
        assert verdict.outcome is Outcome.INDETERMINATE
        assert verdict.deadline is DeadlineResult.INDETERMINATE
        assert {event.body["reason"] for event in run.events(EventKind.TROUBLE)} == {"blind"}


async def test_strangers_tickets_leave_no_trace_and_forged_marks_arrive_nowhere(drawer: Drawer, tmp_path: Path) -> None:
    async with probing(drawer, tmp_path) as run:
        probe = await filed(run)
        history = [{"at": datetime.now(UTC).isoformat(), "by": "system", "what": "sorted", "queue": "cpr"}]
        secret = base64.b64encode(b"a stranger's key").decode()
        files = [{"name": "key.pem", "media_type": "text/plain", "content": secret}]
        drawer.put("stranger", {"text": "A real report", "files": files, "history": history})
        mark = run.known(probe).mark
        forged = mark[:32] + ("a" if mark[32] != "a" else "b") + mark[33:]
        drawer.put("forger", {"text": f"About {forged}", "files": [], "history": history})
        await run.until(lambda: run.verdict(probe).forged, "the forgery")
        assert run.verdict(probe).outcome is None
        assert len(run.events(EventKind.SIGHTING)) == 1
        kept = [path.read_bytes() for path in (tmp_path / "state" / "artefacts").rglob("*") if path.is_file()]
        assert not any(b"real report" in content or secret.encode() in content for content in kept)


def test_the_configuration_on_the_page_is_accepted(drawer: Drawer, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^```yaml\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    value = configuration(drawer, tmp_path) | yaml.safe_load(block)
    value["operator"]["domains"] = ["example-ca.example"]
    config = load(written(value, tmp_path))
    assert (config.watch["desk"].kind, config.channels["box"].kind) == ("drawer", "drawer")
    assert config.channels["box"].targets() == ("example-ca.example",)
    [told] = inventories(snapshot(config, datetime.now(UTC), SealingKey(b"k" * 32)))
    assert told.channels["box"]["target"] == {"owner": "example-ca.example", "drawer": "/srv/drawer"}
    desk = {"watch": "desk", "kind": "drawer", "role": "monitored", "name": "cpr"}
    assert told.channels["box"]["queues"] == {"cpr": desk}


@pytest.mark.parametrize("name", ["channel", "queue"])
def test_each_is_short(name: str) -> None:
    assert len((SOURCE / "drawer" / f"{name}.py").read_text("utf-8").splitlines()) < 120
