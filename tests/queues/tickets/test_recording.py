"""A recording of a ticket system's answers: its shape is there, and nothing that anybody wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from queues.tickets.conftest import QUEUES
from servers.contract_tracker import ContractTracker

from canary.clock import Clock
from canary.model import OwnFaultError
from canary.queues import WatchResources
from canary.queues.tickets.description import preset
from canary.queues.tickets.interface import Call
from canary.queues.tickets.recording import Recording, meant, shape
from canary.queues.tickets.settings import TicketSettings
from canary.queues.tickets.watch import TicketWatcher, open_tickets

RT = preset("request-tracker")
ANY_CALL = [RT.queues, RT.changed, RT.one, *RT.history, RT.message[0].parts, *RT.find]
SHAPE = re.compile(r"[xX0\x00-\x2f:-@\[-`{-\x7f]*")
"""What is left of a text: no letter but x, no digit but 0, and nothing that is not ASCII."""

STRANGERS = st.text(min_size=1, max_size=300) | st.sampled_from(
    ["Robin", "robin@persona.test", "aaaa2222bbbb", "ß", "٣"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | STRANGERS,
    lambda below: st.lists(below, max_size=5) | st.dictionaries(STRANGERS, below, max_size=5),
    max_leaves=20,
)


def strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from value
            for below in value.values():
                yield from strings(below)
        case list():
            for below in value:
                yield from strings(below)


def numbers(value: Any) -> Iterator[float]:
    match value:
        case bool():
            pass
        case int() | float():
            yield value
        case dict() | list():
            for below in value.values() if isinstance(value, dict) else value:
                yield from numbers(below)


@given(VALUES, st.lists(STRANGERS, min_size=1, max_size=5), st.sampled_from(ANY_CALL))
def test_no_text_of_a_stranger_is_left(value: Any, said: list[str], call: Call) -> None:
    # what somebody wrote stands anywhere, also where a list is by what somebody is called
    answer = {"items": [{"Subject": value, "Creator": said, "by": dict.fromkeys(said, value)}], "id": value}
    left = shape(answer, meant(RT, call))
    fields = {"items", "Subject", "Creator", "by", "id"}
    names = {text for text in strings(value) if text not in said}  # a name that is said nowhere may be one of a field
    for text in strings(left):
        assert SHAPE.fullmatch(text) or text in fields or (text in names and text.isascii() and "@" not in text[1:])
    assert all(set(str(number)) <= set("01-.einfa") for number in numbers(left))
    json.dumps(left, allow_nan=False)


@given(st.text(max_size=200))
def test_a_text_keeps_its_length_and_its_letter_case(text: str) -> None:
    left = shape(text, {})
    assert len(left) == len(text)
    assert [letter.isupper() for letter in left] == [
        letter.isupper() and letter.isalpha() for letter in text
    ]  # of what has no case, and is no letter, nothing is told


TOLD = {
    "Type": "Status", "Field": "Queue", "OldValue": "new", "NewValue": "resolved",
    "Created": "2026-11-28T10:00:00Z", "Creator": {"id": "anna"}, "ObjectId": 4711,
}  # fmt: skip


def test_what_the_description_has_a_meaning_for_stays() -> None:
    [left] = shape({"items": [TOLD]}, meant(RT, RT.history[0]))["items"]
    assert left == {
        "Type": "Status", "Field": "Queue", "OldValue": "xxx", "NewValue": "resolved",
        "Created": "0000-00-00X00:00:00X", "Creator": {"id": "xxxx"}, "ObjectId": 1111,
    }  # fmt: skip
    assert shape({"items": [TOLD]}, meant(RT, RT.changed))["items"][0]["Type"] == "Xxxxxx"


def test_what_is_long_or_deep_is_cut() -> None:
    assert shape("a" * 300, {}) == "x" * 200 + "[300]"
    assert shape([1] * 60, {}) == [*[1] * 50, "[60]"]
    deep: Any = "a"
    for _ in range(500):
        deep = [deep]
    assert json.dumps(shape(deep, {})) == "[" * 20 + "null" + "]" * 20


def test_an_answer_that_is_no_json_is_told_by_its_shape() -> None:
    recording = Recording(RT.title, partial(meant, RT))
    recording.heard(RT.changed, 502, {"server": "proxy.ca.test"}, b"<h1>Bad Gateway of ca.test</h1>")
    [answer] = json.loads(recording.told("unavailable"))["answers"]
    assert answer == {
        "asked": "GET /tickets", "status": 502, "headers": {"server": "xxxxx.xx.xxxx"},
        "answer": "<x0>Xxx Xxxxxxx xx xx.xxxx</x0>",
    }  # fmt: skip


@pytest.fixture
def tracker() -> Iterator[ContractTracker]:
    with ContractTracker() as running:
        running.open("CPR", "a-stranger", "private words", age=3600)
        yield running


def watcher(tracker: ContractTracker, folder: Path) -> TicketWatcher:
    (folder / "token").write_text("sesame-open-now")
    given: Mapping[str, Any] = {"kind": "tickets", "preset": "request-tracker", "url": tracker.url, "queues": QUEUES}
    settings = TicketSettings.model_validate({**given, "token": {"file": str(folder / "token")}})
    return open_tickets("desk", settings, WatchResources(Clock()))


def test_a_recording_has_the_questions_and_neither_a_host_nor_a_secret(
    tracker: ContractTracker, tmp_path: Path
) -> None:
    told = watcher(tracker, tmp_path).record("1")
    asked = [answer["asked"] for answer in json.loads(told)["answers"]]
    assert asked == [
        "GET /queues/all", "GET /ticket/{ticket}", "GET /ticket/{ticket}/history",
        "GET /transaction/{entry}/attachments", "GET /attachment/{part}",
    ]  # fmt: skip
    for word in ("sesame", "stranger", "private", "127.0.0.1", "CPR", "General", "persona", "robin"):
        assert word not in told
    assert json.loads(told)["ended"] == "well"
    assert '"Status": "new"' in told


def test_what_could_not_be_read_is_recorded_too(tracker: ContractTracker, tmp_path: Path) -> None:
    tracker.misbehaves["/ticket/1"] = "no list"
    told = json.loads(watcher(tracker, tmp_path).record("1"))
    assert (told["ended"], told["answers"][-1]["answer"]) == ("garbage", {"items": {"id": 1}})
    tracker.__exit__()
    with pytest.raises(OwnFaultError, match="ConnectError"):
        watcher(tracker, tmp_path).record(None)
