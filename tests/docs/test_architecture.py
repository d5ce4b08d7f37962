"""The newcomer's page: every file that it names is there, and its floors are those that `make lint` checks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from canary.cli.commands import COMMANDS
from canary.ledger import EventKind

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PROSE = re.sub(r"(?s)```.*?```", "", PAGE)
FILES = sorted(set(re.findall(r"`([\w./-]+(?:/|\.(?:py|md|yaml|toml)))`", PROSE)))
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]


def test_it_names_files() -> None:
    assert len(FILES) > 40


@pytest.mark.parametrize("name", FILES)
def test_what_it_names_is_there(name: str) -> None:
    places = [ROOT / name, ROOT / "canary" / name]
    found = [path for path in places if (path.is_dir() if name.endswith("/") else path.is_file())]
    assert len(found) == 1


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", PROSE))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).is_file()


def test_its_floors_are_those_of_the_contract() -> None:
    [drawn] = re.findall(r"(?s)```\n(cli .*?)```", PAGE)
    floors = [re.split(r"\s{2,}", line)[0].split(" | ") for line in drawn.splitlines()]
    [layers] = [contract["layers"] for contract in CONTRACTS if contract["type"] == "layers"]
    assert floors == [[room.removeprefix("canary.") for room in layer.split(" | ")] for layer in layers]


def test_its_commands_and_events_are_ours() -> None:
    words = set(re.findall(r"`([a-z]+)`", PROSE))
    events = {"scheduled", "submitting", "submitted", "sighting", "deadline", "confirm", "finished"}
    assert events <= words
    assert events <= {kind.value for kind in EventKind}
    assert {"run", "probe"} <= words & COMMANDS.keys()
