"""What a channel meant in a period is told version by version, and what changed in words that people read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from audit.inventories import an_inventory

from canary.audit.period import Period
from canary.audit.report.changes import Change
from canary.audit.report.differences import difference
from canary.audit.report.redact import redacted
from canary.audit.report.versions import in_force, of, values
from canary.ledger import Inventory

PERIOD = Period(date(2026, 3, 2), date(2026, 3, 4))
QUEUE = {"role": "monitored", "server": "imap.ca.test:993", "name": "CPR", "account": {"sealed": "a" * 64}}
CHANNEL: dict[str, Any] = {
    "kind": "email", "approved_by": "J. Doe", "interval": 3600.0, "deadline": 900.0, "answered_within": None,
    "target": {"targets": ["ca.test"], "to": "cpr@ca.test"}, "queues": {"cpr_in": QUEUE}, "arrives_in": ["cpr_in"],
    "reachability_only": False, "settings": {"sealed": "5" * 64},
}  # fmt: skip


def at(hour: float) -> datetime:
    """An hour of the second of March."""
    return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)


def inventory(hour: float, **channels: dict[str, Any]) -> Inventory:
    """What is in force from an hour on: a channel of this name with these settings changed."""
    whole = {slug: CHANNEL | changed for slug, changed in channels.items()}
    return an_inventory(at(hour), configuration=f"{hour}", channels=whole)


def test_each_value_stands_with_the_times_in_which_it_was_in_force() -> None:
    known = [
        inventory(-30, alias={}),
        inventory(-20, alias={"interval": 60.0}),  # all before the period
        inventory(-1, alias={}),
        inventory(5, alias={"interval": 7200.0}),
        inventory(6, alias={"interval": 7200.0, "approved_by": "A. Roe"}),
        inventory(8, form={}),
        inventory(20, alias={"interval": 7200.0}),
    ]
    found = in_force(known, PERIOD)
    versions = found["alias"]
    assert [(one.start, one.end) for one in versions] == [
        (at(-1), at(5)), (at(5), at(6)), (at(6), at(8)), (at(20), None),
    ]  # fmt: skip
    assert [(one.start, one.end) for one in of(versions, ())] == [(at(-1), at(8)), (at(20), None)]
    assert [(one.words, one.start, one.end) for one in values(versions, changed=True) if one.setting == "interval"] == [
        ("1:00:00", at(-1), at(5)), ("2:00:00", at(5), at(8)), ("2:00:00", at(20), None),
    ]  # fmt: skip
    assert {one.setting for one in values(versions, changed=True)} == {"interval", "approved_by"}
    assert {one.setting for one in values(versions, but=("settings",))} == CHANNEL.keys() - {"settings"}
    assert values(found["form"], changed=True) == []


MOVED = {"queues": {"cpr_in": QUEUE | {"server": "imap.other.test:993"}}}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"interval": 1800.0}, "interval was 1:00:00, is 0:30:00"),
        ({"answered_within": 86_400.0}, "answered within was none, is 24:00:00"),
        ({"target": {"targets": ["ca.test"], "to": "x@ca.test"}}, "target to was cpr@ca.test, is x@ca.test"),
        (MOVED, "queues cpr_in server was imap.ca.test:993, is imap.other.test:993"),
        ({"queues": {"cpr_in": QUEUE | {"account": {"sealed": "b" * 64}}}},
         "queues cpr_in account was changed, both sealed"),
        ({"queues": {}}, "queues cpr_in was role monitored, server imap.ca.test:993, name CPR, account "
                         "sealed: of a person, is none"),
        ({"queues": {"sha256": "e" * 64}}, "is too large to be told, SHA-256 " + "e" * 64),
        ({"reachability_only": True}, "reachability only was no, is yes"),
        ({"settings": {"sealed": "6" * 64}}, "settings that are told sealed were changed"),
        ({"settings": {"sealed": "6" * 64}, "kind": "contact"}, "kind was email, is contact"),
    ],
)  # fmt: skip
def test_what_changed_is_told_in_words(changed: dict[str, Any], words: str) -> None:
    said = difference(inventory(1, alias={}), inventory(2, alias=changed))
    assert said.startswith("channel alias: ")
    assert said.endswith(words)
    assert not set(said) & set("{}[]'")


def test_what_changed_alike_in_several_channels_and_their_watch_stands_once() -> None:
    before, after = inventory(1, a={}, b={}), inventory(2, a=MOVED, b=MOVED)
    before = replace(before, watches={"desk": {"queues": CHANNEL["queues"], "kind": "imap"}})
    after = replace(after, watches={"desk": {"queues": MOVED["queues"], "kind": "imap"}})
    assert difference(before, after) == (
        "channel a, b: queues cpr_in server was imap.ca.test:993, is imap.other.test:993"
    )


def test_blackouts_and_drills_are_told_as_they_come_and_go() -> None:
    rest = {
        "channels": ["alias"], "from": "2026-03-02T10:00:00.000000Z", "until": "2026-03-02T12:00:00.000000Z",
        "reason": "mail server moves", "approved_by": "J. Doe <j.doe@ca.test>",
    }  # fmt: skip
    plain = inventory(1, alias={})
    dark = replace(inventory(2, alias={}), blackouts=(rest,))
    words = "alias, 2026-03-02 10:00:00 to 2026-03-02 12:00:00, mail server moves, approved by J. Doe <j.doe@ca.test>"
    assert difference(plain, dark) == f"blackout added: {words}"
    assert difference(dark, plain) == f"blackout removed: {words}"
    everywhere = replace(plain, blackouts=(rest | {"channels": []},))
    assert difference(plain, everywhere) == f"blackout added: {words.replace('alias', 'every channel')}"
    drill = {"name": "night drill", "date": "2026-03-03", "channels": ["alias"], "approved_by": "J. Doe"}
    assert difference(plain, replace(plain, blind_drills=(drill,))) == (
        "blind drill added: night drill, alias, 2026-03-03, approved by J. Doe"
    )
    assert difference(plain, replace(plain, configuration="other")) == (
        "settings of neither a channel nor a watch, a blackout or a drill"
    )
    assert difference(plain, plain) == ""


def test_a_rule_of_retention_that_changed_is_told() -> None:
    before = replace(inventory(1, alias={}), retention={"messages": 90 * 86_400.0, "events": 63_072_000.0})
    after = replace(inventory(2, alias={}), retention={"messages": 8_640_000.0, "events": 63_072_000.0})
    assert difference(before, after) == "retention of messages was 2160:00:00, is 2400:00:00"


def test_with_another_key_nobody_can_tell_what_is_sealed() -> None:
    other = replace(inventory(2, alias={"settings": {"sealed": "6" * 64}}), sealed_by="1" * 16)
    said = difference(inventory(1, alias={}), other)
    assert said == "what is sealed is sealed with another key, so whether it is what it was cannot be told"


def test_who_approved_it_stays_and_other_people_do_not() -> None:
    settings = {"approved_by": "J. Doe <j.doe@ca.test>", "variants": ["by anna@ca.test"]}
    rest = {
        "channels": ["alias"], "from": "2026-03-02T10:00:00.000000Z", "until": "2026-03-02T12:00:00.000000Z",
        "reason": "anna@ca.test is away", "approved_by": "J. Doe <j.doe@ca.test>",
    }  # fmt: skip
    before, after = inventory(1, alias={}), replace(inventory(2, alias=settings), blackouts=(rest,))
    change = redacted(Change(at(2), "in force", in_words=difference(before, after, redact=True)))
    assert "anna" not in change.in_words
    assert change.in_words.endswith("[redacted]@ca.test is away, approved by J. Doe <j.doe@ca.test>")
    assert "anna@ca.test is away" in difference(before, after)
    assert "approved by was J. Doe, is J. Doe <j.doe@ca.test>" in change.in_words
    assert "variants was none, is by [redacted]@ca.test" in change.in_words
