"""What was checked, and what was found: a row a question, so that nothing is left out silently."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .limits import MOST_FAILURES

PROVED, GAPS, REFUSED = "proved", "proved with gaps", "refused"
EXITS = {PROVED: 0, REFUSED: 1, GAPS: 3}
"""What a verdict is to the one who called; 2 is a wrong call."""


class RefusedError(ValueError):
    """Something in the bundle is not as it must be, said in a sentence."""


@dataclass
class Row:
    """One question, and how often it was answered well and badly."""

    what: str
    checked: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    unchecked: dict[str, int] = field(default_factory=dict)
    """Why it was not, or not always, asked; and how often. Each is a gap in what is proved."""
    said: str = ""
    """What else there is to say."""

    @property
    def state(self) -> str:
        """``failed``, ``gap``, ``ok``, or ``nothing`` where there was nothing to check."""
        return "failed" if self.failed else "gap" if self.unchecked else "ok" if self.checked else "nothing"


class Findings:
    """Every row, in the order in which they were first asked, and what the bundle says of itself."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.facts: dict[str, Any] = {}

    @property
    def ok(self) -> bool:
        """Whether something was checked and nothing failed."""
        return bool(self.rows) and not any(row.failed for row in self.rows.values())

    @property
    def verdict(self) -> str:
        """``refused`` if anything failed, ``proved with gaps`` if anything could not be checked, else ``proved``."""
        return REFUSED if not self.ok else GAPS if any(row.unchecked for row in self.rows.values()) else PROVED

    def row(self, what: str) -> Row:
        """The row of a question, made if there is none yet."""
        return self.rows.setdefault(what, Row(what))

    @contextmanager
    def one(self, what: str, subject: str = "") -> Iterator[None]:
        """Ask once: whatever is raised inside is a failure, so nothing that cannot be read passes as good."""
        row = self.row(what)
        row.checked += 1
        try:
            yield
        except Exception as error:  # also what nobody thought of: to be refused, not to end the check
            why = str(error) if isinstance(error, RefusedError) else f"cannot be read: {error!r:.200}"
            self.failed(what, f"{subject}: {why}" if subject else why)

    def failed(self, what: str, why: str) -> None:
        """A failure of a question."""
        row = self.row(what)
        row.failed += 1
        if len(row.failures) < MOST_FAILURES:
            row.failures.append(why)

    def unchecked(self, what: str, why: str) -> None:
        """A question that could not be asked: a gap, which is in the verdict. What there is not is none."""
        row = self.row(what)
        if why in row.unchecked or len(row.unchecked) < MOST_FAILURES:
            row.unchecked[why] = row.unchecked.get(why, 0) + 1

    def to_json(self) -> dict[str, Any]:
        """Everything that was found, for machines."""
        checks = [
            {
                "what": row.what,
                "state": row.state,
                "checked": row.checked,
                "failed": row.failed,
                "failures": row.failures,
                "unchecked": row.unchecked,
                "said": row.said,
            }
            for row in self.rows.values()
        ]
        return {"verdict": self.verdict, "bundle": self.facts, "checks": checks}


def require(good: bool, otherwise: str) -> None:
    """Raise :class:`RefusedError` with ``otherwise`` unless ``good``."""
    if not good:
        raise RefusedError(otherwise)
