"""What describes a mail gateway: what is read of its answers, whatever they are, and which mistakes are told."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from canary.model import Role
from canary.queues.gateways.description import (
    GatewayDescription,
    HeldFields,
    gateway_preset,
    gateway_presets,
    held_messages,
)
from canary.queues.gateways.known import KnownHeld, KnownHeldBack
from canary.queues.gateways.settings import GatewaySettings
from canary.queues.rest.answers import UnlikeDescriptionError
from canary.queues.tickets.interface import DescribedApi, Paging

PAGES = Path(__file__).parents[3] / "docs/systems"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=8), below, max_size=4),
    max_leaves=12,
)
NAMES = (
    "guid",
    "date",
    "messageid",
    "subject",
    "id",
    "received",
    "status",
    "message_id",
    "timestamp_quarantine",
    "released",
)


@pytest.mark.parametrize("name", gateway_presets())
@given(items=st.lists(JSON | st.dictionaries(st.sampled_from(NAMES), JSON), max_size=3))
def test_whatever_stands_in_a_list_is_a_message_or_told(name: str, items: list[Any]) -> None:
    try:
        found = list(held_messages(items, gateway_preset(name).message))
    except UnlikeDescriptionError:
        return
    assert len(found) <= len(items)
    for message in found:
        assert message.id
        assert message.at.tzinfo is UTC
        assert len(message.why) <= 120
        assert message.header.endswith(b"\r\n\r\n") or message.header == b"\r\n"


def test_no_line_is_put_into_a_header_by_what_a_list_tells() -> None:
    item = {
        "guid": "1",
        "date": "2026-01-15 20:00:00",
        "subject": "a\r\nMessage-ID: <b@c.test>",
        "messageid": "<d@e.test>",
    }
    [message] = held_messages([item], gateway_preset("proofpoint").message)
    assert message.header == b"Subject: a Message-ID: <b@c.test>\r\nMessage-ID: d@e.test\r\n\r\n"


def test_what_is_known_to_be_held_back_is_kept_by_its_cursor_and_bounded() -> None:
    known = KnownHeldBack()
    for number in range(150):
        known.add(f"g{number}", KnownHeld(f"probe-{number}", None, datetime(2026, 1, 1, 0, number % 60, tzinfo=UTC)))
    again = KnownHeldBack(str(known))
    assert str(again) == str(known)
    assert (again.of("probe-49"), again.of("probe-50")) == ([], ["g50"])
    assert again.take("g50") == KnownHeld("probe-50", None, datetime(2026, 1, 1, 0, 50, tzinfo=UTC))
    assert again.take("g50") is None


BLOCKS = {
    name: re.findall(r"(?s)```yaml\n(watch:.*?)```", (PAGES / f"{name}.md").read_text(encoding="utf-8"))
    for name in gateway_presets()
}


@pytest.mark.parametrize("name", gateway_presets())
def test_the_block_to_paste_is_taken_and_the_page_says_what_cannot_be_seen(name: str) -> None:
    [block] = BLOCKS[name]
    [given] = yaml.safe_load(block)["watch"].values()
    settings = GatewaySettings.model_validate(given)
    assert settings.preset == name
    assert {place.role for place in settings.places()} == {Role.QUARANTINE}
    headings = set(re.findall(r"^## (.*)$", (PAGES / f"{name}.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"What it sees", "Permissions", "What it cannot see", "What was tried"} <= headings
    assert f"]({name}.md)" in (PAGES / "README.md").read_text(encoding="utf-8")


def test_the_page_for_whoever_describes_a_gateway_has_every_key() -> None:
    page = (PAGES / "another.md").read_text(encoding="utf-8").partition("\n## Another mail gateway\n")[2]
    keys = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert sorted(keys) == sorted(GatewayDescription.model_fields.keys() - DescribedApi.model_fields.keys())
    assert [field for field in HeldFields.model_fields if f"`{field}`" not in page] == []


GIVEN = {
    "kind": "gateway_quarantine",
    "preset": "proofpoint",
    "url": "https://pps.ca.test:10000",
    "username": "canary",
    "password": {"env": "X"},
    "quarantines": [{"folder": "Quarantine", "recipient": "cpr@ca.test", "queue": "held"}],
}
TWO = [
    {"folder": "A", "recipient": "cpr@ca.test", "queue": "held"},
    {"folder": "B", "recipient": "cpr@ca.test", "queue": "held"},
]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"preset": "barracuda"},
            "no mail gateway is called 'barracuda' here; wanted one of mimecast, proofpoint, trellix",
        ),
        (
            {"quarantines": [{"folder": "Quarantine", "queue": "held"}]},
            "asked by recipient and folder: want that of held",
        ),
        ({"quarantines": TWO}, "two quarantines have the same queue: held, held"),
        ({"preset": "mimecast"}, "asked by neither recipient nor folder: want that of held"),
        ({"preset": "mimecast", "quarantines": [{"queue": "a"}, {"queue": "b"}]}, "has one quarantine, got 2"),
        ({"url": "http://pps.example"}, "http:// is only for loopback"),
        ({"token": {"env": "X"}}, "want either username and password, or a token, or auth"),
    ],
)
def test_a_mistake_is_told(changes: dict[str, Any], said: str) -> None:
    settings = GatewaySettings.model_validate(GIVEN)
    assert settings.names() == {"held": "Quarantine, cpr@ca.test"}
    assert settings.system() == {"server": "pps.ca.test:10000", "account": "canary"}
    with pytest.raises(ValidationError, match=re.escape(said)):
        GatewaySettings.model_validate({**GIVEN, **changes})


def test_a_description_that_cannot_tell_ours_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("title: X\nheld: {path: /q}\nmessage: {id: id, at: at}\n")
    with pytest.raises(ValidationError, match="nothing tells which message is ours"):
        GatewaySettings.model_validate({**GIVEN, "preset": None, "description": str(file)})
    file.write_text("title: X\nheld: {path: '/q/{recipient}'}\nmessage: {id: id, at: at, message_id: mid}\n")
    watched = [{"recipient": "cpr@ca.test", "queue": "held"}]
    settings = GatewaySettings.model_validate(
        {**GIVEN, "preset": None, "description": str(file), "quarantines": watched}
    )
    assert isinstance(settings.described, DescribedApi)
    assert not settings.described.asks_for_each


def test_pages_are_by_parameters_of_the_query_unless_it_is_said() -> None:
    assert Paging(parameter="page", most=10).within == "query"
