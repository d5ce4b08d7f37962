"""The page of whose fault what is, row by row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
WHOSE = {"ours": {"indeterminate", ""}, "nobody's": {"arrived"}}
"""The outcomes that belong to whom; every other one is the CA's."""


@dataclass(frozen=True)
class Row:
    """A place where a probe may fail, what happens there, and what the page says of it."""

    where: str
    what: str
    whose: str
    outcome: str
    told_as: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def sections() -> dict[str, list[Row]]:
    """The rows of the page by its headings."""
    _, *rest = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: _rows(text) for name, text in zip(rest[::2], rest[1::2], strict=True)}


def _rows(text: str) -> list[Row]:
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.MULTILINE)
    ]
    return [
        Row(where, what, whose, outcome.strip("`"), told.strip("`")) for where, what, whose, outcome, told in lines[2:]
    ]
