"""The runbook has a heading for every alert and for nothing else, and what it tells somebody to type exists."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import typer.core
import typer.main
from deploy.metrics_used import alerts

from canary.cli.main import app
from canary.metrics import PREFIX, TABLE

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
NAMES = sorted({alert.name for alert in alerts()})
GENERAL = {"How to silence"}


@cache
def sections() -> dict[str, str]:
    """The text below each heading of the second level."""
    parts = re.split(r"(?m)^## (.+)$", RUNBOOK.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(text: str) -> list[str]:
    """The lines of the shell blocks."""
    return [line for block in re.findall(r"(?s)```sh\n(.*?)```", text) for line in block.splitlines()]


def anchor(heading: str) -> str:
    """Where a heading is linked to, as GitHub and most others make it."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def test_a_heading_for_every_alert_and_no_other() -> None:
    assert sections().keys() - GENERAL == set(NAMES)


def test_every_link_of_an_alert_leads_to_its_heading() -> None:
    for alert in alerts():
        assert alert.annotations["runbook_url"].rpartition("#")[2] == anchor(alert.name)


def test_links_within_lead_somewhere() -> None:
    anchors = {anchor(heading) for heading in sections()}
    linked = re.findall(r"\]\(#([^)]+)\)", RUNBOOK.read_text(encoding="utf-8"))
    assert linked
    assert set(linked) <= anchors


@pytest.mark.parametrize("name", NAMES)
def test_a_section_says_all_it_must(name: str) -> None:
    text = sections()[name]
    for part in ("**Means.**", "**The reporter sees**", "**First**", "**Wake**", "**Silence**"):
        assert text.count(part) == 1, part
    assert len(commands(text)) == 3
    silence = text.partition("**Silence**")[2]
    assert re.search(r"at most [0-9]+ (hour|day)|until|never", silence), "for how long?"


def test_every_command_exists() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    text = RUNBOOK.read_text(encoding="utf-8")
    inline = [line for line in re.findall(r"`(cpr-canary [^`]*)`", text) if not line.endswith("`")]
    lines = [line for line in [*commands(text), *inline] if line.startswith("cpr-canary ")]
    assert len(lines) >= len(NAMES)
    for line in lines:
        words = shlex.split(line.replace("$CONFIG", str(RUNBOOK)))[1:]
        found = group
        while isinstance(found, typer.core.TyperGroup):
            assert words[0] in found.commands, line
            found, words = found.commands[words[0]], words[1:]  # type: ignore[assignment]
        found.make_context(line, words)  # raises the usage error; runs nothing


def test_severities_are_told_right() -> None:
    """A warning says that nobody is woken; a page says who is."""
    for alert in alerts():
        wakes = not sections()[alert.name].partition("**Wake**")[2].lstrip().startswith("nobody")
        if alert.labels["severity"] == "critical":
            assert wakes, alert.name
        elif alert.name not in {a.name for a in alerts() if a.labels["severity"] == "critical"}:
            assert wakes == (alert.labels["severity"] == "none"), alert.name


def test_metrics_that_it_names_exist() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    assert {name.removeprefix(PREFIX) for name in re.findall(rf"`({PREFIX}\w+)`", text)} <= TABLE.keys()
    for pattern in re.findall(r"grep (?:-E )?'?([\w()|]+)", text):
        if pattern != "blackouts":
            assert any(re.search(pattern.split(".")[0], name) for name in TABLE), pattern
