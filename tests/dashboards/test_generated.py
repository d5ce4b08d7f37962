"""The JSON files are what the generator writes, byte for byte: nobody edits them by hand."""

from __future__ import annotations

import json
from pathlib import Path

from dashboards.__main__ import BOARDS, HERE, write


def test_generated_again_they_are_the_same(tmp_path: Path) -> None:
    write(tmp_path)
    for name in BOARDS:
        assert (tmp_path / name).read_bytes() == (HERE / name).read_bytes(), f"{name}: run `make dashboards`"


def test_no_other_dashboard_lies_beside_them() -> None:
    assert {path.name for path in HERE.glob("*.json")} == set(BOARDS)


def test_links_lead_to_the_addresses_given(tmp_path: Path) -> None:
    write(tmp_path, "https://canary.ca.test", "https://wiki.ca.test/canary")
    for name in BOARDS:
        dashboard = json.loads((tmp_path / name).read_bytes())
        constants = {v["name"]: v["query"] for v in dashboard["templating"]["list"] if v["type"] == "constant"}
        assert constants == {"canary": "https://canary.ca.test", "runbook": "https://wiki.ca.test/canary"}
