"""Each system that is described, on a server that answers as its vendor says: the same happenings, told apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from queues.conftest import probe_of
from queues.recording_intake import RecordingIntake
from queues.tickets.conftest import looked_at
from queues.tickets.contract.base import ContractSystem
from queues.tickets.contract.table import HAPPENINGS, SYSTEMS, System, Told
from servers.polling import until

from canary.clock import Clock
from canary.content import Ticket
from canary.model import Seen, TimeSource
from canary.queues import Found, WatchResources, loop
from canary.queues.tickets.description import preset, presets
from canary.queues.tickets.settings import TicketSettings
from canary.queues.tickets.watch import TicketWatcher, open_tickets

pytestmark = pytest.mark.timeout(900)  # a busy machine takes its time

PAGES = Path(__file__).parents[3] / "docs/systems"
ELSEWHERE_TESTED = {"request-tracker", "redmine"}
PATIENT = 120.0


@pytest.fixture(autouse=True, scope="module")
def _hurried() -> Iterator[None]:
    """Nobody minds how often these are asked."""
    with pytest.MonkeyPatch.context() as patch:
        for pause in ("FIRST_PAUSE", "REFUSED_PAUSE", "LONGEST_PAUSE"):
            patch.setattr(loop, pause, 0.05)
        yield


@dataclass(frozen=True)
class Watched:
    """A system with strangers' tickets in it, a watch of it, and what it hands in to."""

    system: ContractSystem
    intake: RecordingIntake
    watcher: TicketWatcher

    def told(self, mark: str) -> list[Found]:
        """What was handed in of a report."""
        return [found for found in self.intake.found() if found.probe == probe_of(self.intake, mark)]


@contextmanager
def watched(name: str, folder: Path, **changes: Any) -> Iterator[Watched]:
    """A system, and a watch of it that is not started yet."""
    row, intake = SYSTEMS[name], RecordingIntake()
    with row.make() as system:
        for queue in ("CPR", "General", "Archive"):
            system.arrive(queue, "a-stranger", "private words", age=3600)
        system.arrive_as_junk("a-stranger")
        given = row.settings(name, system.url, _secrets(folder)) | {
            "poll": "50ms",
            "timeout": "30s",
        }
        settings = TicketSettings.model_validate(given | changes)
        watcher = open_tickets("desk", settings, WatchResources(Clock()))
        try:
            yield Watched(system, intake, watcher)
        finally:
            watcher.stop()


def _secrets(folder: Path) -> Callable[[str], dict[str, str]]:
    def put(text: str) -> dict[str, str]:
        (folder / "secret").write_text(text)
        return {"file": str(folder / "secret")}

    return put


def said(found: list[Found]) -> set[Told]:
    """What was told, each once."""
    return {(one.forgery or one.seen, one.place.queue, one.by) for one in found}


@dataclass(frozen=True)
class AllSeen:
    """What was told of each happening in a system, and the work that was done with the report of one."""

    row: System
    found: dict[str, list[Found]]
    system: ContractSystem
    kept: str


@pytest.fixture(scope="module", params=SYSTEMS)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AllSeen:
    """All of it happens in one system, each to a report of its own; then a watch looks, and tells what it saw."""
    name: str = request.param
    with watched(name, tmp_path_factory.mktemp("secrets")) as here:
        system, intake, row = here.system, here.intake, SYSTEMS[name]
        marks = {happening: intake.probe() for happening in HAPPENINGS}
        for happening, (happen, _) in HAPPENINGS.items():
            happen(system, marks[happening])
        here.watcher.start(intake)
        wanted = {happening: row.told(happening) for happening in HAPPENINGS}
        try:
            until(
                lambda: all(said(here.told(marks[one])) >= told for one, told in wanted.items()), "all of it", PATIENT
            )
        except AssertionError:
            untold = {one: told - said(here.told(marks[one])) for one, told in wanted.items()}
            raise AssertionError(f"not told: {untold}; troubles: {intake.details()}") from None
        looked_at(intake, "cpr", "general", "spam", "others")
        assert intake.reasons() == []
        cursors = [intake.cursor(f"desk/{row.make.prefix}{queue}") for queue in ("CPR", row.general, row.junk)]
        return AllSeen(row, {h: here.told(mark) for h, mark in marks.items()}, system, f"{cursors}{intake.details()}")


@pytest.mark.parametrize("happening", HAPPENINGS)
def test_what_happened_is_told_apart(happening: str, seen: AllSeen) -> None:
    assert said(seen.found[happening]) == seen.row.told(happening)


def test_each_stage_is_told_at_its_time(seen: AllSeen) -> None:
    found = {one.seen: one for one in seen.found["taken, answered and solved"]}
    ticket = next(t for t in seen.system.filed.values() if [d.kind for d in t.done] == ["assign", "reply", "status"])
    times = dict(zip((Seen.PICKED_UP, Seen.ANSWER, Seen.CLOSED), (done.at for done in ticket.done), strict=True))
    for stage, at in {Seen.REPORT: ticket.created, **times}.items():
        if stage not in found and "taken" in seen.row.cannot:
            continue
        assert abs(found[stage].arrived_at - at) <= timedelta(seconds=found[stage].uncertainty + 0.001), stage


def test_a_report_is_whole_as_far_as_the_system_shows_it(seen: AllSeen) -> None:
    found = seen.found["arrived"][0]
    assert isinstance(found.content, Ticket)
    assert "A report." in found.content.text
    if found.place.whole:
        assert [(file.name, file.content) for file in found.content.files] == [("a.zip", bytes(range(256)))]
    if found.place.message_id:
        assert found.message_id is not None
        assert found.message_id.endswith("@persona.test>")


def test_what_was_done_is_done_with_the_message_that_was_sent(seen: AllSeen) -> None:
    found = [one for one in seen.found["taken, answered and solved"] if one.place.message_id]
    assert len({one.message_id for one in found}) <= 1
    assert all(one.message_id is not None for one in found)


def test_nothing_of_strangers_is_kept(seen: AllSeen) -> None:
    assert "private" not in seen.kept
    assert "a-stranger" not in seen.kept


FAULTS = {
    "broken": "unavailable",
    "limited": "rate_limited",
    "refused": "login_refused",
    "elsewhere": "redirected",
    "a page": "garbage",
    "endless": "too_much",
    "silent": "timeout",
    "empty": "blind",
    "down": "unreachable",
}


@contextmanager
def misbehaving(system: ContractSystem, how: str) -> Iterator[None]:
    """What changed is asked for in vain."""
    if how == "down":
        system.stop()
    elif how == "empty":
        system.empty = True
    else:
        system.misbehaves[system.listing] = how
    yield
    if how == "down":
        system.start()
    system.empty = False
    system.misbehaves.clear()


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_is_wrong_with_a_system_is_told_apart_and_nothing_is_lost(name: str, tmp_path: Path) -> None:
    with watched(name, tmp_path, timeout="2s") as here:
        here.watcher.start(here.intake)
        looked_at(here.intake, "cpr")
        marks = []
        for how, reason in FAULTS.items():
            before = here.intake.reasons().count(reason)
            with misbehaving(here.system, how):
                marks.append(here.intake.probe())
                here.system.arrive("CPR", marks[-1])
                until(lambda: here.intake.reasons().count(reason) > before, f"{reason} where it is {how}", PATIENT)  # noqa: B023  # at once
                assert not here.intake.looked_since("cpr", datetime.now(UTC))
            until(lambda: here.told(marks[-1]), f"the report that came while it was {how}", PATIENT)
        assert here.intake.genuine() == {probe_of(here.intake, mark): "cpr" for mark in marks}
        assert "sesame" not in here.intake.details()


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_an_index_shows_late_is_found(name: str, tmp_path: Path) -> None:
    with watched(name, tmp_path) as here:
        late, prompt = here.intake.probe(sought=False), here.intake.probe(sought=False)
        here.system.hidden.add(here.system.arrive("CPR", late, subject=late))
        here.system.arrive("CPR", prompt, subject=prompt)
        here.watcher.start(here.intake)
        until(lambda: here.told(prompt), "what was indexed at once", PATIENT)
        looked_at(here.intake, "cpr")
        assert here.told(late) == []
        here.system.hidden.clear()
        until(lambda: here.told(late), "what was indexed late", PATIENT)


@pytest.mark.parametrize("name", [name for name in SYSTEMS if not preset(name).moves])
def test_a_report_that_came_by_a_move_that_is_told_nowhere_came_when_it_was_noticed(name: str, tmp_path: Path) -> None:
    with watched(name, tmp_path) as here:
        mark = here.intake.probe()
        here.watcher.start(here.intake)
        looked_at(here.intake, "cpr")
        began = datetime.now(UTC)
        here.system.move(here.system.arrive("General", mark, age=3600), "CPR")
        until(lambda: here.told(mark), "the report", PATIENT)
        assert [found.source for found in here.told(mark)] == [TimeSource.NOTICED] * len(here.told(mark))
        assert all(found.arrived_at >= began for found in here.told(mark))


@pytest.mark.parametrize("name", SYSTEMS)
def test_check_finds_the_queues_and_shows_a_ticket(name: str, tmp_path: Path) -> None:
    with watched(name, tmp_path) as here:
        said, before = here.watcher.check(), here.system.prefix
        assert f"{before}CPR (monitored, shows tickets), {before}{SYSTEMS[name].general} (other, shows tickets)" in said
        number = here.system.arrive("CPR", here.intake.probe())
        here.system.solve(number)
        shown = here.watcher.show(here.system.named(number))
        assert f" in {before}CPR (watched)" in shown
        assert "closed" in shown
        assert "a-stranger" not in said + shown


def test_each_system_that_is_described_is_tried() -> None:
    assert SYSTEMS.keys() == set(presets()) - ELSEWHERE_TESTED


BLOCKS = {
    name: re.findall(r"(?s)```yaml\n(watch:.*?)```", (PAGES / f"{name}.md").read_text(encoding="utf-8"))
    for name in presets()
}


@pytest.mark.parametrize("name", presets())
def test_the_block_to_paste_is_taken(name: str) -> None:
    [block] = BLOCKS[name]
    [given] = yaml.safe_load(block)["watch"].values()
    settings = TicketSettings.model_validate(given)
    assert settings.preset == name
    assert any(queue.role == "monitored" for queue in settings.queues)


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_page_says_what_a_system_cannot_show(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    words = re.sub(r"\s+", " ", page)
    assert [sentence for sentence in SYSTEMS[name].cannot.values() if sentence not in words] == []
    headings = set(re.findall(r"^## (.*)$", page, re.MULTILINE))
    assert {"What it sees", "Permissions", "What it cannot see", "What was tried"} <= headings
