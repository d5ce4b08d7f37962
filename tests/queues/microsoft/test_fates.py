"""What rows and steps of a message trace say, in whatever form they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers.contract_graph import STEPS

from canary.model import Role, Seen
from canary.queues.microsoft.fates import FATES, TraceStep, fate_of, is_of, told, trace_row, trace_steps, when

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROW = {
    "id": "a3f6d2c1",
    "messageId": "<m@persona.test>",
    "recipientAddress": "Alice@ca.test",
    "status": "delivered",
    "receivedDateTime": "2026-03-01T12:00:00Z",
}


def step(event: str, description: str = "", after: float = 5.0) -> TraceStep:
    return TraceStep(AT + timedelta(seconds=after), event, description)


@pytest.mark.parametrize(
    ("status", "seen", "role"),
    [
        ("delivered", Seen.REPORT, None),
        ("Delivered", Seen.REPORT, None),
        ("filteredAsSpam", Seen.REPORT, Role.JUNK),
        ("FilteredAsSpam", Seen.REPORT, Role.JUNK),
        ("quarantined", Seen.REPORT, Role.QUARANTINE),
        ("failed", Seen.BOUNCE, None),
        ("pending", Seen.DELAY_NOTICE, None),
        ("expanded", Seen.DELIVERY_NOTICE, None),
    ],
)
def test_each_status_comes_to_something(status: str, seen: Seen, role: Role | None) -> None:
    fate = fate_of(trace_row({**ROW, "status": status}), [])
    assert fate is not None
    assert (fate.seen, fate.role) == (seen, role)


@pytest.mark.parametrize("ident", ["../../users/boss", "a/b", "a?b", "a b", "", None, "x" * 101])
def test_a_row_whose_name_would_lead_elsewhere_is_none(ident: str | None) -> None:
    with pytest.raises(ValueError, match="want a row of a message trace"):
        trace_row({**ROW, "id": ident})


@pytest.mark.parametrize("status", ["gettingStatus", "unknownFutureValue", "resolved", "", None, 7])
def test_of_any_other_nothing_is_known_yet(status: object) -> None:
    assert fate_of(trace_row({**ROW, "status": status}), [step("deliver")]) is None


@pytest.mark.parametrize(
    ("folder", "role"), [("JunkEmail", Role.JUNK), ("QuarantinedEmailSecured", Role.QUARANTINE), ("Inbox", None)]
)
def test_a_delivery_into_another_folder_is_no_delivery(folder: str, role: Role | None) -> None:
    steps = [step("deliver", f"The message was successfully delivered to the folder: DefaultFolderType:{folder}")]
    fate = fate_of(trace_row(ROW), steps)
    assert fate is not None
    assert fate.role is role


@pytest.mark.parametrize("status", STEPS)
def test_the_step_that_says_so_tells_when(status: str) -> None:
    fate = FATES[status.casefold()]
    event, said = STEPS[status]
    steps = [step("receive", after=0), step(event.casefold(), said, after=7), step("receive", after=9)]
    assert when(fate, steps) == AT + timedelta(seconds=7)
    assert when(fate, steps[:1]) is None


def test_why_it_was_not_delivered_is_told_without_an_address() -> None:
    words = told("carol", FATES["failed"], [step("fail", STEPS["failed"][1])])
    assert words == "carol: not delivered (the mailbox is full, 554 5.2.2 mailbox full; (address))"
    assert told("dan", FATES["failed"], []) == "dan: not delivered"
    assert told("dan", FATES["quarantined"], [step("spam", "dan@ca.test")]) == "dan: quarantined"
    delayed = told("dan", FATES["pending"], [step("defer", STEPS["pending"][1])])
    assert delayed == "dan: still tried (450 4.4.317 Cannot connect to remote server)"


@pytest.mark.parametrize("shown", ["<m@persona.test>", "m@persona.test", " <m@persona.test> "])
def test_a_message_is_known_with_and_without_brackets(shown: str) -> None:
    assert is_of(trace_row({**ROW, "messageId": shown}), "<m@persona.test>")


@pytest.mark.parametrize("shown", ["<other@persona.test>", "<m@persona.test.evil>", "<M@persona.test>x"])
def test_another_message_is_another_one(shown: str) -> None:
    assert not is_of(trace_row({**ROW, "messageId": shown}), "<m@persona.test>")


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*ROW, "value", "event"]), inner),
    max_leaves=10,
)


@given(anything)
def test_whatever_stands_there_is_a_row_or_told(item: object) -> None:
    try:
        row = trace_row(item)
    except ValueError:
        return
    assert row.id
    assert row.received.tzinfo


@given(anything)
def test_whatever_stands_there_are_steps_or_told(answer: object) -> None:
    try:
        steps = trace_steps(answer)
    except ValueError:
        return
    assert all(one.at.tzinfo for one in steps)


@given(st.text(max_size=400))
def test_whatever_a_server_said_is_told_in_one_short_printable_line(said: str) -> None:
    words = told("carol", FATES["failed"], [step("fail", f"Reason: [{{LED={said}}}]")])
    assert words.isprintable()
    assert len(words) < 800
