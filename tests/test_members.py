"""Whoever adds an outcome, a stage or a kind of event is led to each place that must know it.

A place that fails here says what to do in it. What follows from a member is asked of the member itself:
``tests/test_model.py`` and ``tests/ledger/events/test_kinds.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from canary.audit.verifier.archive import VERSION as BUNDLE
from canary.ledger import SHOWN
from canary.ledger.events import EventKind
from canary.ledger.results import COLUMNS
from canary.ledger.version import VERSION as LEDGER
from canary.model import Component, Outcome, Stage
from dashboards.vocabulary import OUTCOMES, PARTS

M = TypeVar("M", bound=StrEnum)

ROOT = Path(__file__).parents[1]
STATELESS = {
    EventKind.RELOADED,
    EventKind.SILENCED,
    EventKind.ANNOTATED,
    EventKind.FORGOTTEN,
    EventKind.CHECKPOINT,
    EventKind.TIMESTAMPED,
    EventKind.COSIGNED,
    EventKind.KEY_ROTATED,
}
"""Kinds that change nothing in the state that the prober goes by."""

SENT = {Stage.SUBMITTED}
"""Stages without a latency: it begins there."""

UNEXPORTED = {Stage.SUBMITTED, Stage.ANSWERED, Stage.CLOSED}
"""Stages without a histogram in /metrics: each is some series a channel, and the table of results has them."""

KNOWN = {
    (5, 4): (
        "arrived late wrong_queue junked quarantined bounced rejected form_error altered missing indeterminate",
        "submitted accepted arrived acknowledged picked_up answered answer_received closed",
        "scheduled submitting submitted sighting flood deadline confirm finished started stopped configured reloaded "
        "held released checked trouble clock clock_stepped paused resumed stopped_all cleared silenced annotated "
        "forgotten checkpoint timestamped cosigned key_rotated",
    )
}
"""What each version of bundle and ledger knows: outcomes, stages, kinds of event."""


def text(*names: str) -> str:
    """The text of files, or of all modules in folders."""
    paths = [
        path for name in names for path in ([ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*.py"))
    ]
    assert paths
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(paths))


def names(kind: EventKind, *places: str) -> bool:
    """Whether a module names a kind of event."""
    return bool(re.search(rf"\bEventKind\.{kind.name}\b", text(*places)))


def has_row(member: StrEnum, page: str) -> bool:
    """Whether a table of the page has a row of its own, or one with others, for the member."""
    return bool(re.search(rf"^\|[^|]*`{member}`[^|]*\|", text(page), re.MULTILINE))


def alerts() -> dict[str, set[str]]:
    """The outcomes that each alert names."""
    whole = yaml.safe_load(text("deploy/prometheus/cpr-canary.alerts.yaml"))
    rules = [rule for group in whole["groups"] for rule in group["rules"]]
    named = {rule["alert"]: re.findall(r'outcome=~?"([^"]+)"', rule["expr"]) for rule in rules}
    return {alert: {word for words in found for word in words.split("|")} for alert, found in named.items() if found}


OUTCOME_PLACES: dict[str, Callable[[Outcome], bool]] = {
    "README.md has no row for it in the table of outcomes": lambda o: has_row(o, "README.md"),
    "docs/runbook.md does not say what to do about it": (
        lambda o: o is Outcome.ARRIVED or f"`{o}`" in text("docs/runbook.md")
    ),
    "dashboards/vocabulary.py has no colour for it (then: make dashboards)": lambda o: o in OUTCOMES,
    "canary/audit/verifier/outcomes.py does not check that it follows from what was seen": (
        lambda o: f'"{o}"' in text("canary/audit/verifier/outcomes.py")
    ),
}
STAGE_PLACES: dict[str, Callable[[Stage], bool]] = {
    "README.md has no row for it in the table of stages": lambda s: has_row(s, "README.md"),
    "canary/ledger/state/totals.py neither exports it (SHOWN), nor is it listed here as one that is not": (
        lambda s: (s in UNEXPORTED) is not (s in SHOWN)
    ),
    "canary/judge.py does not reach it": lambda s: s in SENT or f"Stage.{s.name}" in text("canary/judge.py"),
    "canary/ledger/results.py does not keep when it was reached": lambda s: s in SENT or s.value in COLUMNS,
}
KIND_PLACES: dict[str, Callable[[EventKind], bool]] = {
    "docs/evidence.md has no row for it in the table of kinds": lambda k: has_row(k, "docs/evidence.md"),
    "canary/ledger/state neither folds it, nor is it listed here as one that changes no state": (
        lambda k: (k in STATELESS) is not (names(k, "canary/ledger/state"))
    ),
    "canary/cli/probes.py has no words for it in the life of a probe": (
        lambda k: not k.of_probe or names(k, "canary/cli/probes.py")
    ),
    "no part of the report reads it (canary/audit/report/changes.py, diary.py or backing.py)": (
        lambda k: k.of_probe or names(k, "canary/audit")
    ),
}


def lacking(member: M, places: dict[str, Callable[[M], bool]]) -> list[str]:
    """What is to be done for a member."""
    return [f"{member!r}: {lack}" for lack, knows in places.items() if not knows(member)]


@pytest.mark.parametrize("outcome", Outcome)
def test_every_place_knows_the_outcome(outcome: Outcome) -> None:
    assert lacking(outcome, OUTCOME_PLACES) == []


@pytest.mark.parametrize("stage", Stage)
def test_every_place_knows_the_stage(stage: Stage) -> None:
    assert lacking(stage, STAGE_PLACES) == []


@pytest.mark.parametrize("kind", EventKind)
def test_every_place_knows_the_kind_of_event(kind: EventKind) -> None:
    assert lacking(kind, KIND_PLACES) == []


def test_no_place_knows_an_outcome_that_there_is_not() -> None:
    assert set(OUTCOMES) == set(Outcome)
    assert set().union(*alerts().values()) <= set(Outcome)


def test_every_part_of_ours_is_told_on_the_dashboard_and_no_other() -> None:
    assert set(PARTS) == set(Component), "dashboards/vocabulary.py says what each means (then: make dashboards)"


def test_the_alert_on_refusals_is_on_what_is_known_at_once() -> None:
    at_once = {
        outcome for outcome in Outcome if outcome.is_refusal or (outcome.is_settled and outcome.wants_confirmation)
    }
    assert alerts()["CPRCanaryHardFailure"] == at_once
    assert "increase(cpr_canary_probes_bounced_total" in text("deploy/prometheus/cpr-canary.alerts.yaml")


def test_what_an_older_verifier_or_canary_does_not_know_has_another_version() -> None:
    def words(members: Iterable[StrEnum]) -> set[str]:
        return {member.value for member in members}

    told = [set(known.split()) for known in KNOWN.get((BUNDLE, LEDGER), ("", "", ""))]
    assert told == [words(Outcome), words(Stage), words(EventKind)], (
        "raise VERSION in canary/audit/verifier/archive.py and in canary/ledger/version.py, and say here what they know"
    )


class Newcomer(StrEnum):
    """A member that nobody knows."""

    VANISHED = "vanished"


def test_a_newcomer_is_led_to_each_place() -> None:
    newcomer: Any = Newcomer.VANISHED
    lost = lacking(newcomer, OUTCOME_PLACES)
    assert len(lost) == len(OUTCOME_PLACES)
    assert "<Newcomer.VANISHED: 'vanished'>: README.md has no row for it in the table of outcomes" in lost
    assert len(lacking(newcomer, STAGE_PLACES)) == len(STAGE_PLACES)
    rows = {place: knows for place, knows in KIND_PLACES.items() if "row" in place}
    assert lacking(newcomer, rows) == [
        "<Newcomer.VANISHED: 'vanished'>: docs/evidence.md has no row for it in the table of kinds"
    ]
