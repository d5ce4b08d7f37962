"""A value with fields replaced is the same as by the standard library, for each that the fold replaces."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest
from builders import a_case

from canary.ledger.state import State
from canary.ledger.state.replacing import replace
from canary.ledger.state.totals import ChannelTotals, Histogram

VALUES: list[Any] = [
    ChannelTotals("email", "cpr", sent=3),
    ChannelTotals("email", "cpr").due,
    Histogram(),
    State(),
    a_case(),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_each_field_is_replaced_as_by_the_standard_library(value: Any) -> None:
    before = dataclasses.asdict(value) if not isinstance(value, State) else None
    for field in dataclasses.fields(value):
        assert replace(value, **{field.name: "new"}) == dataclasses.replace(value, **{field.name: "new"})
    assert replace(value) == value
    assert before is None or dataclasses.asdict(value) == before


def test_a_field_that_is_not_there_is_told() -> None:
    with pytest.raises(TypeError, match="ChannelTotals has no field 'sending'"):
        replace(ChannelTotals("email", "cpr"), sending=1)  # type: ignore[call-arg]  # that is what is tried


@dataclass(frozen=True, slots=True)
class Checked:
    """It checks what it is made of."""

    one: int
    two: int

    def __post_init__(self) -> None:
        assert self.one < self.two


@dataclass(frozen=True)
class WithoutSlots:
    """Its fields are elsewhere."""

    one: int
    two: int


@pytest.mark.parametrize("value", [Checked(1, 2), WithoutSlots(1, 2)], ids=lambda value: type(value).__name__)
def test_no_other_class_is_taken(value: Any) -> None:
    with pytest.raises(TypeError, match="wanted a dataclass with slots"):
        replace(value, one=0)
