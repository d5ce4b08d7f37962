"""The chance of missing a fault is what docs/evidence.md says, whatever the operator tries; seeds are fixed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import count, islice
from math import comb, sqrt

import pytest

from canary.audit.verifier.sample import Lowest, rank, spots

N, FAILED, EVENTS = 300, 15, 6
"""Probes; how many of them failed and are listed as good; events of each."""
TRIES = 600


def ids(numbers: Iterable[int], salt: str = "") -> Iterator[str]:
    return (sha256(f"{salt}{number}".encode()).hexdigest()[:16] for number in numbers)


def drawn(listed: list[str], seed: str, size: int) -> list[str]:
    lowest = Lowest(seed, size)
    for probe in listed:
        lowest.add(probe)
    return lowest.probes()


def missed(listed: list[str], failed: set[str], seed: str, size: int) -> bool:
    return failed.isdisjoint(drawn(listed, seed, size))


def chance(size: int, probes: int = N, failed: int = FAILED) -> float:
    """That a sample has none of those that failed."""
    return comb(probes - failed, size) / comb(probes, size)


def near(found: int, tries: int, p: float) -> bool:
    """Within five standard deviations."""
    return abs(found - tries * p) <= 5 * sqrt(tries * p * (1 - p)) + 1


LISTED = list(ids(range(N)))
BAD = set(LISTED[:FAILED])


@pytest.mark.parametrize("size", [1, 10, 25, 60])
def test_a_sample_misses_as_often_as_the_formula_says(size: int) -> None:
    found = sum(missed(LISTED, BAD, f"seed {number}", size) for number in range(TRIES))
    assert near(found, TRIES, chance(size))
    assert chance(size) <= (1 - FAILED / N) ** size


@pytest.mark.parametrize("size", [10, 25, 60])
def test_picked_events_miss_as_often_as_the_formula_says(size: int) -> None:
    length, start = N * EVENTS, 1000
    hidden = set(range(start + 100, start + 100 + FAILED * EVENTS))  # in one place or in many, it is the same
    found = sum(hidden.isdisjoint(spots(f"seed {number}", size, start, start + length)) for number in range(TRIES))
    assert near(found, TRIES, (1 - len(hidden) / length) ** size)


def ground(seed: str, size: int) -> list[str]:
    """A list that hides what failed from this seed: made-up good probes, whose ids he tried until they rank before."""
    first = min(rank(seed, probe) for probe in BAD)
    made_up = (probe for probe in ids(count(), seed) if rank(seed, probe) < first)
    return [*LISTED, *islice(made_up, size)]


def test_who_knows_the_seed_first_hides_what_he_likes() -> None:
    """Why there is a commitment: of 25 probes drawn from 300, with every twentieth bad, 26 % would be missed."""
    assert round(chance(25), 2) == 0.26
    assert all(missed(ground(f"known {seed}", 25), BAD, f"known {seed}", 25) for seed in range(20))


def test_who_is_bound_first_gains_nothing_by_what_he_made_up() -> None:
    """He made a list that hides all from a seed of his own, and is bound to it; then the auditor chooses one."""
    listed = ground("his own", 25)
    assert missed(listed, BAD, "his own", 25)
    found = sum(missed(listed, BAD, f"seed {number}", 25) for number in range(TRIES))
    assert near(found, TRIES, chance(25, len(listed)))


@pytest.mark.parametrize("times", [2, 5, 20])
def test_a_seed_that_can_be_asked_for_again_is_worth_as_much_less(times: int) -> None:
    """A time-stamp as the seed: each request gives another token, and he shows the one that hides the most."""
    size, p, tries = 60, chance(60), TRIES // 2
    found = sum(
        any(missed(LISTED, BAD, rank(f"{number}", f"token {n}"), size) for n in range(times)) for number in range(tries)
    )
    right = 1 - (1 - p) ** times
    assert near(found, tries, right)
    assert right <= times * p
