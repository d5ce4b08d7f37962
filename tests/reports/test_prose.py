"""The prose and its little grammar."""

from __future__ import annotations

import re
from importlib.resources import files
from random import Random

import pytest

from canary.reports import VARIANTS
from canary.reports.facts import Facts
from canary.reports.prose import load, say, some

TEXTS = sorted(entry.name.removesuffix(".txt") for entry in (files("canary.reports") / "texts").iterdir())
KNOWN = dict.fromkeys(
    ("operator", "verify", "probe", "mark", "log_root", "subject", "file", "key", "serial", "identifier"), "x"
)


@pytest.mark.parametrize("name", TEXTS)
def test_every_line_of_every_text_can_be_said(name: str) -> None:
    rng = Random(1)
    for slots in load(name).values():
        for slot in slots:
            for line in slot:
                said = say((line,), Facts(rng, dict(KNOWN)), rng)
                assert said
                assert not re.search(r"\{[a-z]+\}|^[<|]|\w\|\w", said), said


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "names"])
def test_every_thing_can_be_said_in_several_ways(name: str) -> None:
    for title, slots in load(name).items():
        for slot in slots:
            ways = {say(slot, Facts(Random(0), dict(KNOWN)), Random(seed)) for seed in range(60)}
            assert len(ways) >= 3 or slot == ("{log}",), (title, slot)


def test_every_text_is_used() -> None:
    used = {text for variant in VARIANTS.values() for text in variant.texts}
    used |= {language for variant in VARIANTS.values() for language, _ in variant.languages}
    assert used | {"names"} == set(TEXTS)


def test_choices_and_facts() -> None:
    rng = Random(3)
    assert {say(("<a|b> {fact}",), {"fact": "<c|d>"}, rng) for _ in range(30)} == {"a <c|d>", "b <c|d>"}
    with pytest.raises(KeyError):
        say(("{absent}",), {}, rng)


def test_some_lines_in_any_order() -> None:
    slots = (("one", "two"), ("three",))
    seen = {tuple(line for (line,) in some(slots, Random(seed))) for seed in range(200)}
    assert () in seen
    assert {("one", "three"), ("three", "one")} <= seen
