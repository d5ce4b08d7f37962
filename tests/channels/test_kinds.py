"""Kinds of channel: what others must know of one stands on it, and nobody asks for one by its name."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from metrics.recorded import of, opened, probed, sample
from typer.testing import CliRunner

from canary import plugins
from canary.channels import Carries, kinds
from canary.cli.main import app
from canary.config import load, whole
from canary.model import Seen
from canary.queues import kinds as watches
from canary.reports import VARIANTS

ROOT = Path(__file__).parents[2]
THIRD_PARTY = Path(__file__).with_name("third_party")
PLAIN = tuple(variant.id for variant in VARIANTS.values() if not (variant.needs_email or variant.identifier))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody else's package with two kinds of channel, found by its entry points."""
    known = (plugins.installed, kinds, whole.model)
    monkeypatch.syspath_prepend(THIRD_PARTY)
    for cached in known:
        cached.cache_clear()
    yield
    monkeypatch.undo()
    for cached in known:
        cached.cache_clear()


@pytest.fixture
def config(installed: None, tmp_path: Path) -> Path:
    """A configuration with boxes and clerks, for two senders, and a mailbox that nobody answers for."""
    value = yaml.safe_load((ROOT / "tests" / "config" / "good.yaml").read_text(encoding="utf-8"))
    value["watch"]["desk"]["server"] |= {"host": "127.0.0.1", "port": 1}
    value["senders"]["lay"] = value["senders"]["researcher"] | {"address": "kim@sender.test"}
    value["channels"] = {
        slug: {"kind": kind, "host": "ca.test", "arrives_in": "cpr", "approved_by": "the tests"}
        for slug, kind in {"box": "drop_box", "other-box": "drop_box", "anna": "clerk", "ben": "clerk"}.items()
    }
    path = tmp_path / "canary.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    return path


def test_our_own_kinds_say_what_they_are() -> None:
    assert {name: (kind.carries, kind.person, kind.shares_submission) for name, kind in kinds().items()} == {
        "email": (Carries.EVERY, False, True),
        "contact": (Carries.EVERY, True, True),
        "web_form": (Carries.PLAIN, False, False),
        "http_form": (Carries.PLAIN, False, False),
    }


def test_a_kind_of_others_gets_the_variants_that_it_carries(config: Path) -> None:
    settings = load(config)
    assert settings.variants_of("box") == PLAIN
    assert settings.variants_of("anna") == tuple(variant.id for variant in VARIANTS.values() if not variant.identifier)
    assert 0 < len(PLAIN) < len(VARIANTS)


def test_a_shared_submission_server_is_looked_at_once_a_sender(config: Path) -> None:
    said = CliRunner().invoke(app, ["check", str(config), "--json"], catch_exceptions=False)
    looked_at = {finding["what"]: finding["detail"] for finding in json.loads(said.stdout)}
    ways_in = {what: detail for what, detail in looked_at.items() if what.startswith(("channel ", "sender "))}
    assert ways_in == {
        "channel box": "ca.test takes letters of researcher",
        "channel other-box": "ca.test takes letters of researcher",
        "sender researcher": "ca.test takes letters of researcher",
        "sender lay": "ca.test takes letters of lay",
    }


def test_whether_a_person_is_there_is_told_of_kinds_with_one_behind_them(config: Path) -> None:
    prober = opened(config)
    probed(prober.ledger, "box", kind="drop_box", replies=(Seen.OUT_OF_OFFICE,))
    probed(prober.ledger, "anna", kind="clerk", replies=(Seen.OUT_OF_OFFICE,))
    for name, told in (("contacts_available", 0.0), ("contacts_on_leave", 1.0)):
        assert sample(prober, name, **of("anna", "clerk")) == told
        assert sample(prober, name, **of("box", "drop_box")) is None
    prober.ledger.close()


def named(path: Path) -> set[str]:
    """The kinds of channel and watch that a module names in its texts."""
    texts = {node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)}
    return texts & (kinds().keys() | watches().keys())


def test_nobody_else_asks_for_a_kind_by_its_name() -> None:
    """The demo writes a configuration, as an operator does, and has a form with a field for an email address.

    A part of ours whose faults are counted may be called like a kind of watch.
    """
    others = [
        path
        for folder in ("canary", "dashboards")
        for path in (ROOT / folder).rglob("*.py")
        if path.relative_to(ROOT).parts[:2] not in {("canary", "channels"), ("canary", "queues")}
    ]
    assert {path.relative_to(ROOT).as_posix(): found for path in others if (found := named(path))} == {
        "canary/demo/configuration.py": {"web_form", "email", "contact", "imap"},
        "canary/demo/form.py": {"email"},
        "canary/model/words.py": {"imap", "tickets"},
        "dashboards/vocabulary.py": {"imap", "tickets"},
    }
