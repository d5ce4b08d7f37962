"""What a ticket's history says of a report: each act in the queue that it was done in, whoever merged what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from canary.content import Ticket
from canary.model import Actor, Place, Role, Seen
from canary.queues import Found
from canary.queues.tickets.answers import Act, ListedTicket
from canary.queues.tickets.story import Opening, Tale, told

BEGAN = datetime(2026, 11, 28, 12, tzinfo=UTC)
PLACES: Mapping[str, Place] = {"1": Place("general", Role.OTHER), "3": Place("cpr", Role.MONITORED)}
TALE = Tale(PLACES, frozenset({"robot"}), 1.0)


def act(number: int, means: str | None, by: str = "anna", ticket: str = "7", old: str = "", new: str = "") -> Act:
    return Act(str(number), ticket, BEGAN + timedelta(seconds=10 * number), by, means, old, new)


def tell(*acts: Act, queue: str = "3", ident: str = "7") -> list[Found]:
    opened = act(0, "created", by="robin")
    ticket = ListedTicket(ident, "", queue, "new", BEGAN, BEGAN)
    return told(TALE, ticket, [*acts, opened], Opening(opened, None, Ticket("words")), {"probe": None})


def test_each_move_is_told_at_its_time() -> None:
    found = tell(act(1, "moved", old="1", new="3"), act(2, "moved", old="3", new="1"), queue="1")
    assert [(one.place.queue, one.where) for one in found] == [("general", "7"), ("cpr", "7"), ("general", "7")]
    half = timedelta(seconds=0.5)
    assert [one.arrived_at - BEGAN - half for one in found] == [timedelta(seconds=s) for s in (0, 10, 20)]


def test_who_reported_takes_and_answers_nothing() -> None:
    found = tell(act(1, "answered", "robin"), act(2, "picked_up", "robin"), act(3, "closed", "robin"))
    assert [(one.seen, one.by) for one in found] == [(Seen.REPORT, None), (Seen.CLOSED, Actor.MACHINE)]


def test_a_status_that_is_said_to_be_the_end_closes() -> None:
    tale = replace(TALE, ends=frozenset({"fertig"}))
    acts = [
        act(1, "picked_up", old="neu", new="in Arbeit"),
        act(2, "picked_up", new="Fertig"),
        act(0, "created", "robin"),
    ]
    ticket = ListedTicket("7", "", "3", "Fertig", BEGAN, BEGAN)
    found = told(tale, ticket, acts, Opening(acts[-1], None, Ticket("words")), {"probe": None})
    assert [one.seen for one in found] == [Seen.REPORT, Seen.PICKED_UP, Seen.CLOSED]


def test_what_was_done_with_another_ticket_counts_from_the_merge_on() -> None:
    found = tell(
        act(1, "answered", ticket="9"),
        act(2, "merged"),
        act(3, "answered", ticket="9"),
        act(4, "moved", ticket="9", old="1", new="3"),
        act(5, "closed", ticket="9"),
        ident="9",
    )
    assert [one.seen for one in found if one.seen is not Seen.REPORT] == [Seen.PICKED_UP, Seen.ANSWER, Seen.CLOSED]


def test_who_takes_a_ticket_out_of_its_queue_has_it_from_there() -> None:
    found = tell(act(1, "taken", old="3", new="005anna"), act(2, "answered"), queue="")
    assert [(one.seen, one.place.queue) for one in found] == [
        (Seen.REPORT, "cpr"), (Seen.PICKED_UP, "cpr"), (Seen.ANSWER, "cpr"),
    ]  # fmt: skip
    back = tell(act(1, "taken", old="3"), act(2, "moved", old="005anna", new="1"), queue="1")
    assert [(one.seen, one.place.queue) for one in back] == [
        (Seen.REPORT, "cpr"), (Seen.PICKED_UP, "cpr"), (Seen.REPORT, "general"),
    ]  # fmt: skip
    assert tell(act(1, "picked_up", old="new"), queue="") == []


MEANINGS = st.sampled_from(["created", "moved", "merged", "taken", "picked_up", "answered", "closed", None])
ACTS = st.lists(
    st.builds(
        Act,
        st.text(max_size=3),
        st.sampled_from(["7", "9"]),
        st.integers(-(10**8), 10**8).map(lambda seconds: BEGAN + timedelta(seconds=seconds)),
        st.sampled_from(["anna", "robot", "robin", ""]),
        MEANINGS,
        st.sampled_from(["1", "3", "5", ""]),
        st.sampled_from(["1", "3", "5", ""]),
    ),
    max_size=20,
)


@given(ACTS, st.sampled_from(["7", "9"]), st.sampled_from(["1", "3", "5"]))
def test_any_history_is_told_in_the_order_of_time(acts: list[Act], ident: str, queue: str) -> None:
    found = tell(*acts, queue=queue, ident=ident)
    times = [one.arrived_at for one in found]
    assert times == sorted(times)
    assert all(one.by is not Actor.MACHINE for one in found if one.seen in (Seen.PICKED_UP, Seen.ANSWER))
    assert all((one.content is not None) == (one.seen is Seen.REPORT) for one in found)


def test_what_is_done_with_a_report_is_done_with_the_message_that_was_sent() -> None:
    opened = act(0, "created", by="robin")
    acts = [opened, act(1, "picked_up"), act(2, "answered"), act(3, "closed")]
    ticket, sent = ListedTicket("7", "", "3", "new", BEGAN, BEGAN), "<report@persona.test>"
    found = told(TALE, ticket, acts, Opening(opened, sent, Ticket("words")), {"probe": None})
    assert [one.seen for one in found] == [Seen.REPORT, Seen.PICKED_UP, Seen.ANSWER, Seen.CLOSED]
    assert {one.message_id for one in found} == {sent}
