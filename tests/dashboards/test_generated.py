"""The JSON files are what the generator writes, byte for byte: nobody edits them by hand."""

from __future__ import annotations

from pathlib import Path

from dashboards.__main__ import BOARDS, HERE, write


def test_generated_again_they_are_the_same(tmp_path: Path) -> None:
    write(tmp_path)
    for name in BOARDS:
        assert (tmp_path / name).read_bytes() == (HERE / name).read_bytes(), f"{name}: run `make dashboards`"


def test_no_other_dashboard_lies_beside_them() -> None:
    assert {path.name for path in HERE.glob("*.json")} == set(BOARDS)
