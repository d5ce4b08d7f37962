"""The pages about mail systems that take tokens: each block to paste is one that the configuration takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from canary.queues import kinds
from canary.settings import Server

PAGES = Path(__file__).parents[2] / "docs" / "systems"
BLOCKS = [
    (page, yaml.safe_load(block))
    for page in ("microsoft-365.md", "google-workspace.md")
    for block in re.findall(r"(?s)```yaml\n(server:.*?)```", (PAGES / page).read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("page", "block"), BLOCKS, ids=[page for page, _ in BLOCKS])
def test_a_block_to_paste_is_taken(page: str, block: dict[str, Any]) -> None:
    server = Server.model_validate(block["server"])
    assert server.auth is not None
    assert server.password is None


WATCHES = [
    (page.name, name, watch)
    for page in sorted(PAGES.glob("*.md"))
    for block in re.findall(r"(?s)```yaml\n(watch:.*?)```", page.read_text(encoding="utf-8"))
    for name, watch in yaml.safe_load(block)["watch"].items()
    if "description" not in watch  # that is a file of the operator's own, which nobody has here
]


@pytest.mark.parametrize(("page", "name", "watch"), WATCHES, ids=[f"{page} {name}" for page, name, _ in WATCHES])
def test_a_watch_to_paste_is_taken(page: str, name: str, watch: dict[str, Any]) -> None:
    settings = kinds()[watch["kind"]].settings.model_validate(watch)
    assert settings.places()


def test_every_kind_of_login_by_token_is_shown() -> None:
    assert {block["server"]["auth"]["kind"] for _, block in BLOCKS} == {"microsoft", "google", "oauth"}


@pytest.mark.parametrize("page", ["microsoft-365.md", "google-workspace.md"])
def test_a_page_says_what_to_grant_what_is_not_seen_and_what_was_tried(page: str) -> None:
    headings = re.findall(r"^## (.*)$", (PAGES / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == ["What to grant, and no more", "What to paste", "What it cannot see", "What was tried"]
