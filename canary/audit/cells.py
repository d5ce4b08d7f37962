"""What stands in the cells of tables for spreadsheets: a text can never become a formula."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from canary import wording
from canary.ledger.events import timestamp

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def cell(value: Any) -> Any:
    """A value as a cell: a text of what can be printed, and where a spreadsheet might take it for a formula, with an
    apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, timedelta):
        return round(value.total_seconds(), 3)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | date):
        return value
    text = wording.printable(str(value))
    return f"'{text}" if text.lstrip(" \n").startswith(_FORMULA) or text.startswith(_FORMULA) else text
