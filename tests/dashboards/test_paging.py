"""Four weeks of the example installation: what pages, how soon, and that nothing does that failed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from canary.ledger import Event, EventKind
from canary.model import DeadlineResult
from dashboards.limits import CONFIRMED
from tests.dashboards import history
from tests.dashboards.history import END, History, Incident, example_history

SOON = timedelta(seconds=90)
"""From the first failure on: the rest of three minutes is for a scrape, an evaluation and half a minute of patience."""

WRONG = {
    "report-form": (),
    "legacy-form": (history.WRONG_QUEUE,),
    "problem-alias": (
        history.ALIAS_DEAD, history.SLOW_MORNING, history.FILTER_HITS_ARCHIVES, history.FREEMAIL_JUNKED
    ),
    "ccadb-alias": (history.SLOW_WEEK, history.MEMBER_LOST),
    "contact-anna": (),
    "contact-ben": (),
    "contact-chloe": (),
}  # fmt: skip
"""By channel: what is wrong with it for longer than one report."""


class Watched(History):
    """Notes when a channel is to be paged for, and what it lost."""

    def __init__(self, *arguments: object) -> None:
        self.begun: dict[str, list[datetime]] = defaultdict(list)
        """By channel: when its failing was confirmed, each time anew."""
        self.lost: dict[str, list[datetime]] = defaultdict(list)
        """By channel: when the reports were sent that missed their deadline."""
        self._failing: set[str] = set()
        super().__init__(*arguments)  # type: ignore[arg-type]  # as it is made

    def _write(self, event: Event) -> None:
        super()._write(event)
        state = self._ledger.state
        if event.kind is EventKind.DEADLINE and event.body["result"] == DeadlineResult.MISSED:
            probe = state.open[event.probe or ""].case.probe
            self.lost[probe.channel].append(probe.scheduled_at)
        for channel, totals in state.totals.channels.items():
            if len(totals.failing) < CONFIRMED:
                self._failing.discard(channel)
            elif channel not in self._failing:
                self._failing.add(channel)
                self.begun[channel].append(event.at)


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "History", Watched)
        with example_history(tmp_path_factory.mktemp("weeks")) as made:
            assert isinstance(made, Watched)
            made.go_to(END)
            yield made


def begin(incident: Incident) -> datetime:
    return END - timedelta(hours=incident.begin)


def during(channel: str, at: datetime, slack: timedelta) -> bool:
    """Whether something is wrong with a channel, or was so shortly before."""
    return any(begin(i) <= at < begin(i) + timedelta(hours=i.hours) + slack for i in WRONG[channel])


def test_nothing_is_paged_for_one_report_that_is_lost(weeks: Watched) -> None:
    assert weeks.lost.keys() <= WRONG.keys()
    once = [
        (channel, at) for channel, times in weeks.lost.items() for at in times if not during(channel, at, timedelta(0))
    ]
    assert len(once) > 5, "there must be some"
    paged = [(channel, at) for channel, times in weeks.begun.items() for at in times]
    assert [(channel, at) for channel, at in paged if not during(channel, at, timedelta(hours=1))] == []


@pytest.mark.parametrize(
    ("channel", "incident"),
    [("legacy-form", history.WRONG_QUEUE), ("problem-alias", history.FREEMAIL_JUNKED)],
    ids=["wrong queue", "junk, of one sender"],
)
def test_what_shows_itself_is_paged_soon_after_the_first_that_fails(
    weeks: Watched, channel: str, incident: Incident
) -> None:
    first = min(at for at in weeks.lost[channel] if at >= begin(incident))
    paged = min(at for at in weeks.begun[channel] if at >= first)
    assert paged - first < SOON


@pytest.mark.parametrize(
    ("channel", "incident"),
    [("problem-alias", history.ALIAS_DEAD), ("ccadb-alias", history.MEMBER_LOST)],
    ids=["all lost", "one of three members"],
)
def test_silence_is_paged_after_two_deadlines_and_the_confirmation(
    weeks: Watched, channel: str, incident: Incident
) -> None:
    deadline = timedelta(minutes=15)
    first = min(at for at in weeks.lost[channel] if at >= begin(incident))
    paged = min(at for at in weeks.begun[channel] if at >= first)
    assert deadline < paged - first < 2 * deadline + SOON
