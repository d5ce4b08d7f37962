"""A form in several languages: each version is a channel of its own, with what it does not say from the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from canary.channels.forms.settings import HttpFormSettings, WebFormSettings
from canary.config import Config, ConfigError, load

GOOD = Path(__file__).with_name("good.yaml")
STEPS = [{"fill": {"label": "Description", "with": "{text}"}}, {"click": "Send"}]
GERMAN = {
    "url": "https://www.ca.test/de/melden",
    "confirm": {"text": "Vielen Dank"},
    "steps": [{"fill": {"label": "Beschreibung", "with": "{text}"}}, {"click": "Absenden"}],
}


def loaded(folder: Path, channels: dict[str, Any], **more: Any) -> Config:
    tree = yaml.safe_load(GOOD.read_text(encoding="utf-8"))
    shared = {"arrives_in": "cpr", "approved_by": "the tests", "interval": "1h", "confirm": {"text": "Thank you"}}
    tree["channels"] = {slug: shared | channel for slug, channel in channels.items()}
    file = folder / "canary.yaml"
    file.write_text(yaml.safe_dump(tree | more, sort_keys=False), encoding="utf-8")
    return load(file)


def web(**languages: Any) -> dict[str, Any]:
    return {"kind": "web_form", "url": "https://www.ca.test/en/report", "steps": STEPS, "languages": languages}


def test_each_version_is_a_channel_of_its_own(tmp_path: Path) -> None:
    config = loaded(tmp_path, {"form": web(de=GERMAN, hu=GERMAN | {"url": "https://hu.ca.test/"})})
    assert [*config.channels] == ["form", "form-de", "form-hu"]
    first, german, hungarian = (config.channels[slug] for slug in config.channels)
    assert isinstance(german, WebFormSettings)
    assert (german.url, german.confirm.text, german.steps[-1].title) == (GERMAN["url"], "Vielen Dank", "click Absenden")
    assert (german.interval, german.arrives_in, german.languages) == (3600, ("cpr",), {})
    assert (first.targets(), hungarian.targets()) == (("www.ca.test",), ("hu.ca.test",))
    assert config.variants_of("form-de") == config.variants_of("form")


def test_fields_are_those_of_the_first_one_unless_it_says_others(tmp_path: Path) -> None:
    other = {"url": "https://www.ca.test/de", "confirm": {"text": "Danke"}}
    versions = {"de": other, "hu": other | {"fields": {"uzenet": "{text}"}}}
    form = {"kind": "http_form", "url": "https://www.ca.test/en", "fields": {"text": "{text}"}, "languages": versions}
    config = loaded(tmp_path, {"form": form})
    german, hungarian = config.channels["form-de"], config.channels["form-hu"]
    assert isinstance(german, HttpFormSettings)
    assert isinstance(hungarian, HttpFormSettings)
    assert (german.fields, hungarian.fields) == ({"text": "{text}"}, {"uzenet": "{text}"})


def test_what_names_the_channel_names_its_versions(tmp_path: Path) -> None:
    window = {"from": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z", "reason": "a move", "approved_by": "us"}
    drill = {"name": "autumn", "date": "2026-10-17", "channels": ["form", "other"], "approved_by": "the CEO"}
    channels = {"form": web(de=GERMAN), "other": web() | {"url": "https://other.ca.test/"}}
    config = loaded(tmp_path, channels, blackouts=[window | {"channels": ["form"]}], blind_drills=[drill])
    assert config.blackouts[0].channels == ("form", "form-de")
    assert config.blind_drills[0].channels == ("form", "form-de", "other")


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        ({"form": web(de=GERMAN | {"url": "https://x.example/"})}, "got the target x.example"),
        ({"form": web(de=GERMAN), "form-de": web()}, '"form-de" is a channel already'),
        ({"f" * 38: web(de=GERMAN)}, "is too long, want a channel with a shorter name"),
        ({"form": web(de=GERMAN | {"steps": STEPS[:1]})}, "languages.de: no step clicks"),
        ({"form": web(de=GERMAN | {"steps": STEPS[1:]})}, "languages.de: nothing puts {text}"),
        ({"form": web(de={"url": "https://www.ca.test/de"})}, "channels.form.languages.de.confirm: missing"),
        ({"form": web(German=GERMAN)}, "channels.form.languages.German"),
        ({"form": web(de=GERMAN | {"interval": "1h"})}, "unknown key"),
    ],
)
def test_what_makes_no_sense_is_told_where_it_stands(tmp_path: Path, channels: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, channels)
    assert words in str(refused.value), str(refused.value)
