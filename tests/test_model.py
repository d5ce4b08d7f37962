"""What follows from an outcome or a stage stands on it."""

from __future__ import annotations

import pytest

from canary.model import DeadlineResult, Outcome, Stage

MET, MISSED, INDETERMINATE = DeadlineResult
FACTS = {  # deadline result, and which of settled, wrong_place, refusal, wants_confirmation hold
    Outcome.ARRIVED: (MET, {"settled"}),
    Outcome.LATE: (MISSED, {"settled"}),
    Outcome.WRONG_QUEUE: (MISSED, {"wrong_place", "confirmation"}),
    Outcome.JUNKED: (MISSED, {"wrong_place", "confirmation"}),
    Outcome.QUARANTINED: (MISSED, {"wrong_place", "confirmation"}),
    Outcome.BOUNCED: (MISSED, {"confirmation"}),
    Outcome.REJECTED: (MISSED, {"refusal", "confirmation"}),
    Outcome.FORM_ERROR: (MISSED, {"refusal", "confirmation"}),
    Outcome.ALTERED: (MISSED, {"settled", "confirmation"}),
    Outcome.MISSING: (MISSED, {"confirmation"}),
    Outcome.INDETERMINATE: (INDETERMINATE, set()),
}


@pytest.mark.parametrize("outcome", Outcome)
def test_the_facts_of_an_outcome(outcome: Outcome) -> None:
    assert outcome in FACTS, f"{outcome!r} is new: say here what follows from it, and in canary/model/words.py"
    facts = {
        "settled": outcome.is_settled,
        "wrong_place": outcome.is_wrong_place,
        "refusal": outcome.is_refusal,
        "confirmation": outcome.wants_confirmation,
    }
    assert (outcome.deadline_result, {fact for fact, holds in facts.items() if holds}) == FACTS[outcome]


STAGES = {  # which of owed, queue (shows it), replies (show it) hold
    Stage.SUBMITTED: set(),
    Stage.ACCEPTED: set(),
    Stage.ARRIVED: set(),
    Stage.ACKNOWLEDGED: {"owed", "queue", "replies"},
    Stage.PICKED_UP: {"owed", "queue"},
    Stage.ANSWERED: {"owed", "queue"},
    Stage.ANSWER_RECEIVED: {"owed", "replies"},
    Stage.CLOSED: {"queue"},
}


@pytest.mark.parametrize("stage", Stage)
def test_the_facts_of_a_stage(stage: Stage) -> None:
    assert stage in STAGES, f"{stage!r} is new: say here what follows from it, and in canary/model/words.py"
    facts = {"owed": stage.may_be_owed, "queue": stage.is_shown_by_queue, "replies": stage.is_shown_by_replies}
    assert {fact for fact, holds in facts.items() if holds} == STAGES[stage]
