"""Some thousand hostile cases for every parser of ours, always the same ones; the soak has others each time."""

from __future__ import annotations

from random import Random

import pytest
from soak.fuzz import FoundError, Parser, fuzz
from soak.hostile import Language
from soak.parsers import PARSERS

SEED = 1
CASES, CASES_OF_THE_FAST_LANE = 2000, 200


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_no_input_breaks_a_parser(parser: Parser, pytestconfig: pytest.Config) -> None:
    cases = CASES_OF_THE_FAST_LANE if pytestconfig.option.fast else CASES
    assert fuzz(parser, SEED, cases) == cases // parser.costly


LETTERS = Language([b"abc"], [b"a", b"b"])


def test_an_error_out_of_contract_is_told_with_its_input_and_seed() -> None:
    def broken(raw: bytes) -> None:
        if b"bb" in raw:
            raise KeyError("bb")

    with pytest.raises(FoundError, match=r"(?s)broken: KeyError\('bb'\) for b'.*bb.*'.*seed 7, case [0-9]+ of broken"):
        fuzz(Parser("broken", broken, LETTERS, (ValueError,)), 7, 3000)
    assert fuzz(Parser("broken", broken, LETTERS, (KeyError,)), 7, 1000) == 1000


def test_quadratic_growth_is_told() -> None:
    def quadratic(raw: bytes) -> None:
        for at in range(0, len(raw), 4):
            raw.count(b"zz", 0, at)

    with pytest.raises(FoundError, match=r"quadratic: .* s of CPU for 12[0-9]+ bytes, .* s for 48"):
        Parser("quadratic", quadratic, LETTERS).try_growth(Random(1))


def test_the_same_seed_makes_the_same_cases() -> None:
    first, second = Random(3), Random(3)
    assert [LETTERS.case(first) for _ in range(100)] == [LETTERS.case(second) for _ in range(100)]
