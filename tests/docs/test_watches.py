"""The pages about systems that are watched: each block to paste is one that the configuration takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from canary.queues import kinds

PAGES = Path(__file__).parents[2] / "docs" / "systems"
BLOCKS = [
    (page.stem, name, settings)
    for page in sorted(PAGES.glob("*.md"))
    for block in re.findall(r"(?s)```yaml\n(watch:.*?)```", page.read_text(encoding="utf-8"))
    for name, settings in yaml.safe_load(block)["watch"].items()
    if "description" not in settings  # the file is of whoever describes a system
]


@pytest.mark.parametrize(("page", "name", "settings"), BLOCKS, ids=[f"{page} {name}" for page, name, _ in BLOCKS])
def test_a_watch_to_paste_is_taken(page: str, name: str, settings: dict[str, Any]) -> None:
    watch = kinds()[settings["kind"]].settings.model_validate(settings)
    assert watch.places()


@pytest.mark.parametrize("page", ["osticket", "freescout"])
def test_where_there_is_no_api_the_mailbox_of_notifications_is_watched(page: str) -> None:
    [settings] = [settings for of, _, settings in BLOCKS if of == page]
    assert settings["kind"] == "imap"
    assert all(folder["notifications"] for folder in settings["folders"])
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    assert "There is no preset" in text
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[-3:] == ["What to paste", "What it cannot see", "What was tried"]
