"""Descriptions: ours can be read, and what is wrong with one of somebody else's is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from queues.tickets.conftest import QUEUES

from canary.queues.tickets.description import Description, described, preset, presets
from canary.queues.tickets.settings import TicketSettings

PRESET = Path(__file__).parents[3] / "canary/queues/tickets/systems/request-tracker.yaml"
PAGES = Path(__file__).parents[3] / "docs/systems"
ANOTHER = (PAGES / "another.md").read_text(encoding="utf-8")
DESCRIPTION = "".join(
    (Path(__file__).parents[3] / f"canary/queues/tickets/{name}.py").read_text(encoding="utf-8")
    for name in ("interface", "description")
)


@pytest.mark.parametrize("name", presets())
def test_each_of_ours_can_be_read_and_has_its_page(name: str) -> None:
    assert preset(name).title
    assert f"preset: {name}" in (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert f"({name}.md)" in (PAGES / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", (PAGES / "README.md").read_text(encoding="utf-8")))
def test_the_index_of_systems_leads_to_their_pages(link: str) -> None:
    assert (PAGES / link).is_file()


ODD = re.findall(r"(?m)^\| [a-z, ]+ \| (`.*?) \|", ANOTHER)


@pytest.mark.parametrize("word", [word for row in ODD for word in re.findall(r"`(\w+)`", row)])
def test_each_word_for_what_is_odd_is_one_of_a_description(word: str) -> None:
    assert re.search(rf"^    {word}: ", DESCRIPTION, re.MULTILINE)


WRONG = {
    "title: X": "ticket: Field required",
    "[": "while parsing",
    "[" * 100_000: "more than 2000 brackets",
    "a: &a 1\nb: *a": "has aliases",
    "- 1": "should be a valid dictionary",
    "\x00": "unacceptable character",
    "x" * 300_000: "more than 262144 bytes",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:10])
def test_what_is_wrong_with_a_description_is_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=WRONG[text]):
        described(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"one": {"path": "/ticket/{number}"}}, "unknown names in braces: number"),
        ({"one": {"path": "https://elsewhere.test/"}}, "should match pattern"),
        (
            {"history": [{"path": "/history", "id": "id", "at": "at", "acts": [{"is": "opened"}]}]},
            "history.0.acts.0.is: Input should be 'created'",
        ),
        ({"message": [{"parts": {"path": "/message"}}]}, "message.0: Value error, want either content, or text"),
        ({"corners": {"Spam": {"message": []}}}, "corners.Spam.changed: Field required"),
        ({"surplus": 1}, "surplus: Extra inputs are not permitted"),
    ],
)
def test_a_mistake_is_told_where_it_stands(change: dict[str, object], told: str, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(PRESET.read_text()) | change))
    with pytest.raises(ValueError, match=told):
        described(path)


TOKENS = {
    "kind": "oauth", "token_url": "https://login.ca.test/token", "client_id": "canary", "client_secret": {"env": "T"},
}  # fmt: skip
GIVEN = {
    "kind": "tickets", "preset": "request-tracker", "url": "https://rt.ca.test", "token": {"env": "T"},
    "queues": QUEUES,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"preset": "word-perfect"},
            f"no ticket system is called 'word-perfect' here; wanted one of {', '.join(presets())}",
        ),
        ({"preset": None}, "got both or none of preset and description"),
        ({"url": "http://rt.ca.test"}, "http:// is only for loopback addresses"),
        ({"url": "https://user:password@rt.ca.test"}, "url"),
        ({"token": None}, "want either username and password, or a token, or auth"),
        ({"username": "canary"}, "want either username and password, or a token, or auth"),
        ({"auth": TOKENS}, "want either username and password, or a token, or auth"),
        ({"queues": [*QUEUES, QUEUES[0]]}, "two queues have the same name"),
        ({"elsewhere": "cpr"}, "two queues have the same queue"),
        ({"queues": []}, "at least 1 item"),
    ],
)
def test_settings_that_cannot_be_are_refused(change: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TicketSettings.model_validate(GIVEN | change)
    assert told in str(refused.value)


def test_places_show_what_is_done_there() -> None:
    settings = TicketSettings.model_validate(GIVEN | {"elsewhere": "others"})
    assert [(place.queue, place.role.value, place.work) for place in settings.places()] == [
        ("cpr", "monitored", True), ("general", "other", True), ("spam", "junk", True), ("others", "other", True),
    ]  # fmt: skip
    assert settings.names() == {"cpr": "CPR", "general": "General", "spam": "Spam", "others": "*"}


def test_the_page_for_whoever_describes_a_system_has_every_key() -> None:
    page = (PAGES / "another.md").read_text(encoding="utf-8").partition("\n## Another mail gateway\n")[0]
    rows = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    keys = [key for row in rows for key in re.findall(r"`(\w+)`", row)]
    assert sorted(keys) == sorted(Description.model_fields)
