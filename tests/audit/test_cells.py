"""No text becomes a formula in a spreadsheet, and a number stays one."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from canary.audit.cells import cell
from canary.audit.report.tables import to_csv
from canary.wording import printable

FORMULA = tuple("=+-@\t\r")


@given(st.text() | st.builds("{}{}".format, st.sampled_from(["=", "+", "-", "@", "\t", " =", "\n@"]), st.text()))
def test_no_text_begins_like_a_formula(text: str) -> None:
    text = printable(text)
    content = to_csv((("head",), [(text,)])).decode("utf-8-sig")
    ((found,),) = list(csv.reader(io.StringIO(content, newline="")))[1:] or [[""]]
    assert not found.lstrip(" \n").startswith(FORMULA)
    assert found.removeprefix("'") == text.removeprefix("'") or found == f"'{text}"


def test_numbers_stay_numbers() -> None:
    assert [cell(-2.5), cell(0), cell(True), cell(None)] == [-2.5, 0, "yes", ""]
