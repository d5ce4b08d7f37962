"""Packages of others: what raises, hangs or answers nonsense is told by its name, and takes nothing else along."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from queues.recording_intake import RecordingIntake

from canary import channels, plugins, queues
from canary.budgets import Budget
from canary.clock import Clock
from canary.config import Config, ConfigError, load, schema, whole
from canary.config.advice import advice
from canary.model import Component, Outcome, OwnFaultError
from canary.prober import endpoints as module
from canary.prober.endpoints import Endpoints

GOOD = Path(__file__).with_name("config") / "good.yaml"

HEAD = """
from typing import Any, Literal
from canary.channels import Kind
from canary.queues import WatchKind, WatchSettings
from canary.model import OwnFaultError, Place, Role
from canary.settings import ChannelSettings

class Box(ChannelSettings):
    kind: Literal["evil"]
    def targets(self): return ("ca.test",)

class Look(WatchSettings):
    kind: Literal["evil"]
    def places(self): return (Place("evil", Role.MONITORED),)

class Way:
    def __init__(self, settings, sender, resources): pass
    def prepare(self, report): return None
    async def submit(self, outgoing, *, within): return 3
    async def check(self): return "well"
    async def close(self): pass

class Watch:
    def __init__(self, name, settings, resources): pass
    def start(self, intake): pass
    def stop(self): pass
    def check(self): return "well"

KIND, WATCH = Kind(Box, Way), WatchKind(Look, Watch)
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a package of the name ``evil`` whose kinds are in a module that ends with this text."""
    cached = (plugins.installed, channels.kinds, queues.kinds, whole.model)
    folder = tmp_path / "site"
    info = folder / "evil-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    names = [*"abcdefgh"]

    def install(text: str, name: str = "evil") -> None:
        module_name = f"evil_{abs(hash((text, tmp_path)))}_{names.pop()}"
        (folder / f"{module_name}.py").write_text(HEAD + textwrap.dedent(text), encoding="utf-8")
        groups = {"canary.channels": "KIND", "canary.queues": "WATCH"}
        (info / "entry_points.txt").write_text(
            "".join(f"[{group}]\n{name} = {module_name}:{what}\n" for group, what in groups.items())
        )
        for function in cached:
            function.cache_clear()

    monkeypatch.syspath_prepend(folder)
    yield install
    monkeypatch.undo()
    for function in cached:
        function.cache_clear()


def using(tmp_path: Path) -> Path:
    """A configuration with a channel and a watch of that kind, beside good ones."""
    value = yaml.safe_load(GOOD.read_text(encoding="utf-8"))
    value["channels"]["theirs"] = {"kind": "evil", "arrives_in": "cpr", "approved_by": "the tests"}
    value["watch"]["theirs"] = {"kind": "evil"}
    path = tmp_path / "canary.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    return path


LOADING: dict[str, tuple[str, str]] = {
    "raises": ("raise RuntimeError('no licence')", "no licence"),
    "needs what is not there": ("import no_such_module", "no_such_module"),
    "exits": ("raise SystemExit(0)", "SystemExit(0)"),
    "hangs": ("import threading\nthreading.Event().wait()", "not whole within 0.3 s"),
    "lacks it": ("del KIND, WATCH", "KIND"),
    "nothing": ("KIND = WATCH = None", "got NoneType"),
    "a class": ("KIND, WATCH = Kind, WatchKind", "got type"),
    "wrong settings": ("KIND, WATCH = Kind(dict, Way), WatchKind(dict, Watch)", "want a class that derives from"),
    "no way to open": ("KIND, WATCH = Kind(Box, None), WatchKind(Look, None)", "it opens by None"),
    "settings that cannot be": (
        "class Odd:\n    pass\n"
        "class Box(ChannelSettings):\n    kind: Literal['evil']\n    odd: Odd\n"
        "class Look(WatchSettings):\n    kind: Literal['evil']\n    odd: Odd\n"
        "KIND, WATCH = Kind(Box, Way), WatchKind(Look, Watch)",
        "Odd",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", LOADING)
def test_one_that_cannot_be_loaded_is_refused_alone(
    how: str, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, told = LOADING[how]
    if how == "hangs":
        monkeypatch.setattr(plugins, "PLUGIN", Budget("what a plug-in does while it is loaded", seconds=0.3))
    install(text)
    config = load(GOOD)  # which names no kind of theirs
    assert schema()
    found = {why for where, why in advice(config) if where == "plug-ins"}
    assert len(found) == 2
    assert all('kind "evil": evil (evil_' in why for why in found)
    with pytest.raises(ConfigError) as caught:
        load(using(tmp_path))
    assert {mistake.where for mistake in caught.value.mistakes} >= {"channels.theirs.kind", "watch.theirs.kind"}
    for mistake in caught.value.mistakes:
        assert 'kind "evil": evil (evil_' in mistake.message
        assert told in mistake.message or how == "lacks it"


def test_nobody_takes_the_name_of_a_kind_of_ours(install: Install, tmp_path: Path) -> None:
    install("", name="email")
    config = load(GOOD)
    assert channels.kinds()["email"].settings.__module__ == "canary.channels.email.settings"
    assert any("by the name of one of ours" in why for _, why in advice(config))


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("Box.targets = lambda self: 1 / 0", "channels.theirs", "ZeroDivisionError"),
        ("Box.targets = lambda self: None", "channels.theirs", "got None, want domains"),
        ("Box.targets = lambda self: (b'ca.test',)", "channels.theirs", "want domains"),
        ("Box.addresses = lambda self: ['x@ca.test']", "channels.theirs", "want addresses by key"),
        ("Box.addresses = lambda self: {1: 2}", "channels.theirs", "want addresses by key"),
        ("Look.places = lambda self: 3", "watch.theirs", "got 3, want places"),
        ("Look.places = lambda self: ('cpr',)", "watch.theirs", "want places"),
        ("del Look.places", "watch.theirs", "NotImplementedError"),
    ],
)
def test_what_settings_do_not_say_is_a_mistake_with_its_place(
    text: str, where: str, told: str, install: Install, tmp_path: Path
) -> None:
    install(text)
    with pytest.raises(ConfigError) as caught:
        load(using(tmp_path))
    (mistake,) = caught.value.mistakes
    assert (mistake.where, told in mistake.message) == (where, True), mistake
    assert mistake.line > 1
    assert 'kind "evil" does not say' in mistake.message


# What a channel and a watcher of theirs do when they are used


@pytest.fixture
def used(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Endpoints]:
    monkeypatch.setattr(module, "_LOOK_WITHIN", 0.3)
    monkeypatch.setattr(module, "_STOP_WITHIN", 0.3)

    def use(text: str) -> Endpoints:
        install(text)
        return Endpoints(load(using(tmp_path)), Clock())

    return use


LOOKS = {
    "raises": "async def check(self): raise KeyError('x')\nWay.check = check\nWatch.check = lambda self: 1 / 0",
    "raises what nobody catches": "def check(self): raise SystemError\nWay.check = Watch.check = check",
    "answers nonsense": "async def check(self): return 7\nWay.check, Watch.check = check, lambda self: None",
    "awaits nothing": "Way.check = lambda self: 'x'\nWatch.check = lambda self: b''",
    "hangs": "import asyncio, threading\nasync def check(self): await asyncio.Event().wait()\n"
             "Way.check, Watch.check = check, lambda self: threading.Event().wait()",
}  # fmt: skip


@pytest.mark.parametrize("how", LOOKS)
async def test_a_look_ends_with_a_fault_of_ours(how: str, used: Callable[[str], Endpoints]) -> None:
    endpoints = used(LOOKS[how])
    outcome, words = await endpoints.look("theirs")
    assert outcome is Outcome.INDETERMINATE
    assert "channel theirs" in words
    with pytest.raises(OwnFaultError, match="watch theirs") as caught:
        await endpoints.check_watch("theirs")
    assert caught.value.component is Component.CONFIG
    assert caught.value.reason == ("hangs" if how == "hangs" else "unexpected")
    await endpoints.close()


@pytest.mark.parametrize(
    "text",
    [
        "def close(self): raise KeyError('x')\nWay.close = close",
        "async def close(self): raise KeyError('x')\nWay.close = close",
        "Way.close = lambda self: None",
        "import asyncio\nasync def close(self): await asyncio.Event().wait()\nWay.close = close",
    ],
)
async def test_whatever_one_does_when_it_is_closed_the_others_are_closed(
    text: str, used: Callable[[str], Endpoints], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints, closed = used(text), []
    config: Config = endpoints.config

    class Good:
        async def close(self) -> None:
            closed.append(self)

    theirs = endpoints.channel("theirs", config.senders_of("theirs")[0])
    others: dict[tuple[str, str], Any] = {("a", "x"): Good(), ("theirs", "x"): theirs, ("z", "x"): Good()}
    monkeypatch.setattr(endpoints, "_channels", others)
    await endpoints.close()
    assert len(closed) == 2


@pytest.mark.parametrize("text", ["def start(self, intake): raise KeyError('x')\nWatch.start = start"])
def test_a_watcher_that_cannot_begin_is_named(text: str, used: Callable[[str], Endpoints]) -> None:
    endpoints = used(text)
    for name in [name for name in endpoints.watchers if name != "theirs"]:
        del endpoints.watchers[name]
    endpoints.start(RecordingIntake())
    assert endpoints.troubles() == {"watch theirs": "it could not begin: KeyError: 'x'"}
