"""Budgets: what is taken ends where they say, and the page for operators says the same."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from canary import budgets
from canary.audit.verifier import limits
from canary.budgets import Budget, BudgetError

PAGE = Path(__file__).parents[1] / "docs/limits.md"
PACKAGE = Path(budgets.__file__).parent
MEASURES = ("received", "decoded", "seconds", "number", "depth")


def told(value: float | timedelta | None) -> str:
    if isinstance(value, timedelta):
        return f"{value.days} days"
    return "" if value is None else f"{value:,g}" if isinstance(value, float) else f"{value:,}"


def rows() -> list[str]:
    """The rows that the page must have: one for each budget, in the order of their names."""
    named = {name: value for name, value in vars(budgets).items() if isinstance(value, Budget)}
    return [
        f"| `{name}` | {budget.what} | {told(budget.received)} | {told(budget.decoded)} | {told(budget.seconds)} | "
        f"{f'{budget.number:,} {budget.pieces}' if budget.number is not None else ''} | {told(budget.depth)} |"
        for name, budget in sorted(named.items())
    ]


def written(part: str) -> list[str]:
    return [line for line in part.splitlines() if line.startswith("| `")]


def test_the_page_shows_every_budget_and_nothing_else() -> None:
    ours, _ = PAGE.read_text(encoding="utf-8").split("\n## The verifier\n")
    assert written(ours) == rows(), "docs/limits.md wants these rows:\n" + "\n".join(rows())


def test_the_page_shows_every_limit_of_the_verifier_and_nothing_else() -> None:
    _, verifiers = PAGE.read_text(encoding="utf-8").split("\n## The verifier\n")
    found = {cells[1].strip(" `"): cells[3].strip() for cells in (line.split("|") for line in written(verifiers))}
    named = {name: value for name, value in vars(limits).items() if name.startswith(("LARGEST_", "LONGEST_", "MOST_"))}
    files = named.pop("LARGEST_FILES")
    wanted = named | {f'LARGEST_FILES["{kind}"]': value for kind, value in files.items()}
    assert found == {name: told(value) for name, value in sorted(wanted.items())}


def test_the_verifier_has_its_limits_in_one_file() -> None:
    of_a_standard = re.compile("_LARGEST_(EXACT|ARC) ")  # of numbers in JSON, and in object identifiers
    elsewhere = [
        f"{file.name}: {line}"
        for file in Path(limits.__file__).parent.glob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.match(r"_?[A-Z_]*(LARGEST|LONGEST|MOST|LIMIT|MAX)[A-Z_]* = [0-9]", line)
        and file.name != "limits.py"
        and not of_a_standard.match(line)
    ]
    assert elsewhere == []


def test_every_budget_is_somebodys() -> None:
    """A limit that nobody holds is none."""
    code = "\n".join(file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py") if file.name != "budgets.py")
    named = [name for name, value in vars(budgets).items() if isinstance(value, Budget)]
    assert [name for name in named if not re.search(rf"\b{name}\b", code)] == []


@pytest.mark.parametrize("measure", MEASURES)
def test_a_measure_may_be_reached_and_not_passed(measure: str) -> None:
    budget = Budget("a thing", **{measure: 7}, pieces="things")
    budget.hold(**{measure: 7})
    with pytest.raises(BudgetError, match=r"^a thing: .*\b7\b"):
        budget.hold(**{measure: 8})


def test_what_has_no_such_measure_may_cost_anything() -> None:
    Budget("a thing").hold(received=1 << 40, decoded=1 << 40, seconds=1e9, number=1 << 40, depth=1 << 40)


@pytest.mark.parametrize("size", [0, 6, 7])
def test_what_fits_is_read_whole(tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(bytes(size))
    assert len(Budget("a file", received=7).read_path(tmp_path / "file")) == size


def test_no_byte_more_is_read_than_shows_that_it_is_too_much() -> None:
    file = io.BytesIO(bytes(1000))
    with pytest.raises(BudgetError, match=r"^a file: more than 7 bytes$"):
        Budget("a file", received=7).read(file)
    assert file.tell() == 8


async def test_a_stream_without_an_end_is_left_where_it_is_too_much() -> None:
    given: list[bytes] = []

    def stream() -> Iterator[bytes]:
        while True:
            given.append(b"four")
            yield given[-1]

    async def async_stream() -> AsyncIterator[bytes]:
        for piece in stream():
            yield piece

    with pytest.raises(BudgetError, match="more than 9 bytes"):
        Budget("a stream", received=9).gather(stream())
    with pytest.raises(BudgetError, match="more than 9 bytes"):
        await Budget("a stream", received=9).agather(async_stream())
    assert len(given) == 6


async def test_an_exchange_ends_at_its_deadline_and_other_timeouts_are_left_as_they_are() -> None:
    with pytest.raises(BudgetError, match=r"^an exchange: not whole within 0.01 s$"):
        async with Budget("an exchange", seconds=0.01).deadline():
            await asyncio.Event().wait()
    with pytest.raises(TimeoutError):
        async with Budget("an exchange", seconds=60).deadline():
            raise TimeoutError
    async with Budget("an exchange").deadline():
        pass
