"""Our own tickets are closed in each system whose API can, as its vendor describes that; nobody else's is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from queues.conftest import forge, probe_of
from queues.tickets.conftest import looked_at
from queues.tickets.contract.table import SYSTEMS
from queues.tickets.test_presets import PATIENT, watched
from servers.polling import until

from canary.queues.tickets.closing import NOTE
from canary.queues.tickets.description import preset

pytestmark = pytest.mark.timeout(900)  # a busy machine takes its time

CLOSING = [name for name in SYSTEMS if preset(name).close]
SAYS_NOTHING = {"github-issues"}
"""Where there is no note that is for those alone who work there."""


def test_most_systems_close_and_a_page_says_which_right_that_takes() -> None:
    assert set(SYSTEMS) - set(CLOSING) == {"jira-cloud", "jira-data-center", "znuny"}
    pages = Path(__file__).parents[3] / "docs/systems"
    for name in (*CLOSING, "redmine", "request-tracker"):
        assert "\n## Closing what is ours\n" in (pages / f"{name}.md").read_text(encoding="utf-8"), name


@pytest.mark.parametrize("name", CLOSING)
def test_what_is_ours_is_closed_with_a_note_and_nothing_else_is_touched(name: str, tmp_path: Path) -> None:
    row = SYSTEMS[name]
    ourselves = ("canary", str(row.make.users["canary"]), f"005{row.make.users['canary']}")
    with watched(name, tmp_path, close=True, machines=(*row.machines, *ourselves)) as here:
        system, intake = here.system, here.intake
        mark, worked, deleted = (intake.probe() for _ in range(3))
        ours, solved, gone = (system.arrive("CPR", each) for each in (mark, worked, deleted))
        lie = system.arrive("CPR", forge(intake.probe()))
        system.solve(solved)
        system.delete(gone)
        for number in system.filed:  # even if the intake offered everything
            intake.offer(f"desk/{row.make.prefix}CPR", system.named(number))
            intake.offer(f"desk/{row.make.prefix}CPR", f"{system.named(number)}/{number}")
        here.watcher.start(intake)
        until(lambda: any(done.by == "canary" for done in system.filed[ours].done), "that it is closed", PATIENT)
        looked_at(intake, "cpr")
        looked_at(intake, "cpr")
        assert "close_refused" not in intake.reasons(), intake.details()
        by_us = {n: [d for d in ticket.done if d.by == "canary"] for n, ticket in system.filed.items()}
        assert [number for number, done in by_us.items() if done] == [ours], (lie, by_us)
        assert system.filed[ours].status == "solved"
        notes = [done.new for done in by_us[ours] if done.kind == "note"]
        assert notes == ([] if name in SAYS_NOTHING else [NOTE])
        assert all(found.by != "human" for found in intake.found() if found.probe == probe_of(intake, mark))


@pytest.mark.parametrize("name", CLOSING)
def test_nothing_is_written_unless_asked_for(name: str, tmp_path: Path) -> None:
    with watched(name, tmp_path) as here:
        mark = here.intake.probe()
        ours = here.system.arrive("CPR", mark)
        here.intake.offer(f"desk/{SYSTEMS[name].make.prefix}CPR", here.system.named(ours))
        here.watcher.start(here.intake)
        until(lambda: here.told(mark), "the report", PATIENT)
        looked_at(here.intake, "cpr")
        assert not here.system.filed[ours].done
