"""A good configuration: what it says to the rest of the program, its schema, its digest, and where secrets stay."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from servers.json_schema import Schema

from canary.channels import Kind
from canary.channels import kinds as channel_kinds
from canary.config import Config, ConfigError, digest, load, schema
from canary.model import Person, Place, Role
from canary.queues import WatchKind
from canary.queues import kinds as queue_kinds
from canary.reports import VARIANTS

HERE = Path(__file__).parent
GOOD = HERE / "good.yaml"
EXAMPLE = HERE.parents[1] / "deploy" / "cpr-canary.example.yaml"
EXAMPLES = sorted(EXAMPLE.parent.glob("*.example.yaml"))


def tree() -> dict[str, Any]:
    """The good file as plain values, to be changed."""
    value: dict[str, Any] = yaml.safe_load(GOOD.read_text(encoding="utf-8"))
    return value


def loaded(folder: Path, value: Any) -> Config:
    """A configuration of these values, in ``folder``."""
    path = folder / "canary.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return load(path)


@pytest.fixture(scope="module")
def example() -> Config:
    """The annotated example."""
    return load(EXAMPLE)


def ours(kinds: Mapping[str, Kind] | Mapping[str, WatchKind]) -> set[str]:
    """The kinds that come with this package."""
    return {name for name, kind in kinds.items() if kind.settings.__module__.startswith("canary.")}


class TestExample:
    def test_has_every_kind_of_channel_and_two_senders(self, example: Config) -> None:
        assert {channel.kind for channel in example.channels.values()} == ours(channel_kinds())
        assert len(example.channels) == 7
        assert list(example.senders) == ["researcher", "freemail"]

    def test_has_every_kind_of_watch(self, example: Config) -> None:
        replies = {sender.replies.kind for sender in example.senders.values() if sender.replies}
        watches = {watch.kind for path in EXAMPLES for watch in load(path).watch.values()}
        assert watches == ours(queue_kinds())
        assert replies == {name for name in ours(queue_kinds()) if queue_kinds()[name].replies}

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
    def test_meets_the_schema(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert Schema(schema()).faults(yaml.load(text, _Plain)) == []

    def test_names_every_section(self, example: Config) -> None:
        assert example.model_fields_set == set(Config.model_fields)


class _Plain(yaml.SafeLoader):
    """YAML as JSON has it: a time is text."""


_Plain.add_constructor("tag:yaml.org,2002:timestamp", yaml.SafeLoader.construct_yaml_str)


class TestWhatOthersAsk:
    def test_queues_by_name(self, example: Config) -> None:
        queues = example.queues()
        assert queues["cpr"] == Place("cpr", Role.MONITORED)
        assert queues["quarantine"] == Place("quarantine", Role.QUARANTINE)
        assert queues["ben-inbox"].role is Role.OTHER
        assert queues["cpr-junk"].role is Role.JUNK

    def test_senders_are_those_named_or_all(self, example: Config) -> None:
        assert example.senders_of("contact-anna") == ("researcher",)
        assert example.senders_of("report-form") == ("researcher", "freemail")

    def test_variants_are_those_named_or_all_that_fit(self, example: Config) -> None:
        assert example.variants_of("ccadb-alias") == ("plain", "V04", "V05", "V06", "V08", "V12")
        by_mail = example.variants_of("problem-alias")
        assert by_mail == tuple(name for name, variant in VARIANTS.items() if not variant.identifier)
        by_form = example.variants_of("report-form")
        assert by_form
        assert not any(VARIANTS[variant].needs_email for variant in by_form)

    def test_a_promised_way_to_name_a_certificate_is_a_variant_more(self, example: Config) -> None:
        before = example.variants_of("ccadb-alias")
        promising = {"serial": "0123456789", "identifiers": ("serial", "serial-colons")}
        changed = example.channels["ccadb-alias"].model_copy(update=promising)
        channels = example.channels | {"ccadb-alias": changed}
        after = example.model_copy(update={"channels": channels}).variants_of("ccadb-alias")
        assert after == (*before, "V22-serial", "V22-serial-colons")

    def test_a_sender_as_a_channel_needs_it(self, example: Config) -> None:
        sender = example.open_sender("researcher")
        assert sender.person == Person(
            "Robin Hayes", "robin@hayes-research.example", "+1 555 0100", "Hayes Security Research"
        )
        assert sender.envelope == "bounces+{mark}@hayes-research.example"
        assert sender.submission.host == "smtp.hayes-research.example"

    def test_the_envelope_is_made_of_the_address_if_none_is_given(self, example: Config) -> None:
        assert example.open_sender("freemail").envelope == "kim.larsen.77+{mark}@freemail.example"

    def test_what_comes_back_to_a_sender_has_a_place_if_it_is_read(self, example: Config) -> None:
        assert example.replies_of("researcher") == Place("researcher-replies", Role.REPLIES)
        silent = example.senders["researcher"].model_copy(update={"replies": None})
        other = example.model_copy(update={"senders": example.senders | {"researcher": silent}})
        assert other.replies_of("researcher") is None

    def test_blind_only_on_the_approved_day_and_channel(self, example: Config) -> None:
        noon = datetime(2026, 10, 17, 12, tzinfo=UTC)
        assert example.is_blind("problem-alias", noon)
        assert not example.is_blind("report-form", noon)
        assert not example.is_blind("problem-alias", datetime(2026, 10, 18, 0, tzinfo=UTC))

    def test_in_a_blackout_its_channels_rest(self, example: Config) -> None:
        (blackout,) = example.blackouts
        assert blackout.rests("report-form")
        assert not blackout.rests("problem-alias")
        assert blackout == type(blackout).model_validate(blackout.model_dump(by_alias=True))  # which was asked nothing

    def test_in_a_blackout_without_channels_all_rest(self, tmp_path: Path) -> None:
        window = {"from": "2026-12-24T18:00:00+01:00", "until": "2026-12-25T06:00:00Z"}
        config = loaded(tmp_path, tree() | {"blackouts": [window | {"reason": "rest", "approved_by": "us"}]})
        assert config.blackouts[0].start == datetime(2026, 12, 24, 17, tzinfo=UTC)
        assert config.blackouts[0].rests("alias")

    @pytest.mark.parametrize(
        ("listen", "host", "port"),
        [("127.0.0.1:0", "127.0.0.1", 0), ("[::1]:9750", "::1", 9750), ("h-1:80", "h-1", 80)],
    )
    def test_where_to_listen(self, tmp_path: Path, listen: str, host: str, port: int) -> None:
        web = loaded(tmp_path, tree() | {"web": {"listen": listen}}).web
        assert (web.host, web.port) == (host, port)

    @pytest.mark.parametrize(
        ("host", "owned"),
        [("ca.test", True), ("MX.CA.test.", True), ("evilca.test", False), ("ca.test.evil.test", False), ("", False)],
    )
    def test_own_domains(self, host: str, owned: bool) -> None:
        assert load(GOOD).operator.owns(host) is owned


class TestPaths:
    def test_count_from_the_folder_of_the_file(self, tmp_path: Path) -> None:
        loaded(tmp_path, tree())
        with contextlib.chdir(tmp_path):
            assert load(Path("canary.yaml")).state == tmp_path / "state"

    def test_an_absolute_one_stays(self, tmp_path: Path) -> None:
        assert loaded(tmp_path, tree() | {"state": "/var/lib/x"}).state == Path("/var/lib/x")

    def test_a_secret_file_too(self, tmp_path: Path) -> None:
        (tmp_path / "password").write_text("hunter2\n", encoding="utf-8")
        value = tree()
        value["watch"]["desk"]["server"]["password"] = {"file": "password"}
        assert loaded(tmp_path, value).watch["desk"].server.password.reveal() == "hunter2"  # type: ignore[attr-defined]


class TestDigestAndSecrets:
    def test_the_digest_is_that_of_the_content(self, tmp_path: Path) -> None:
        value = tree()
        first = digest(loaded(tmp_path, value))
        assert first == digest(loaded(tmp_path, dict(reversed(value.items()))))
        assert len(first) == 64
        assert int(first, 16)

    def test_any_change_changes_it(self, tmp_path: Path) -> None:
        value = tree()
        first = digest(loaded(tmp_path, value))
        value["channels"]["alias"]["deadline"] = "901s"
        assert digest(loaded(tmp_path, value)) != first

    def test_the_digest_does_not_depend_on_a_secret(self, tmp_path: Path) -> None:
        value, secret = tree(), tmp_path / "password"
        value["watch"]["desk"]["server"]["password"] = {"file": "password"}
        digests = set()
        for password in ("hunter2", "hunter3"):
            secret.write_text(password, encoding="utf-8")
            digests.add(digest(loaded(tmp_path, value)))
        assert len(digests) == 1

    def test_a_configuration_prints_no_secret(self, tmp_path: Path) -> None:
        value = tree()
        value["watch"]["desk"]["server"]["password"] = {"file": "password"}
        (tmp_path / "password").write_text("hunter2", encoding="utf-8")
        config = loaded(tmp_path, value)
        assert "hunter2" not in f"{config} {config!r} {config.model_dump()} {config.model_dump_json()}"
        assert "<secret>" in repr(config)


class TestSchema:
    def test_is_json_with_every_kind(self) -> None:
        text = json.dumps(schema())
        assert '"https://json-schema.org/draft/2020-12/schema"' in text
        for kind in ("email", "contact", "web_form", "http_form", "imap"):
            assert f'"const": "{kind}"' in text

    @pytest.mark.parametrize(
        "path", [("state",), ("channels", "alias", "to"), ("watch", "desk", "kind"), ("operator", "verify")]
    )
    def test_refuses_what_lacks_a_key(self, path: tuple[str, ...]) -> None:
        value = node = tree()
        for step in path[:-1]:
            node = node[step]
        del node[path[-1]]
        assert Schema(schema()).faults(value)

    def test_refuses_an_unknown_key_and_takes_the_good_file(self) -> None:
        assert Schema(schema()).faults(tree()) == []
        assert Schema(schema()).faults(tree() | {"colour": "red"}) == ["/colour: unknown"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every key and item below ``value``."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for step, below in steps for place in [(*path, step), *_places(below, (*path, step))]]


@settings(deadline=None, max_examples=300)
@given(place=st.sampled_from(_places(tree())), other=VALUES)
def test_whatever_stands_anywhere_is_taken_or_refused_with_a_mistake(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[Any, ...], other: object
) -> None:
    value = node = copy.deepcopy(tree())
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = other
    try:
        outcome: Config | ConfigError = loaded(tmp_path_factory.getbasetemp(), value)
    except ConfigError as error:
        outcome = error
    refused = isinstance(outcome, ConfigError)
    assert not refused or (outcome.mistakes and all(m.message and m.line >= 1 for m in outcome.mistakes))
