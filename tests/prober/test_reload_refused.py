"""A configuration of which anything cannot be used is refused, and all of the running one stays: a table of them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import yaml
from prober.conftest import memory_ca_installed
from prometheus_client import generate_latest
from servers.polling import until

from canary.budgets import Budget
from canary.config import Config, load
from canary.config.sections import Web
from canary.evidence import keys as evidence_keys
from canary.evidence.keys import FileKeys, Signer
from canary.evidence.notes import VKey
from canary.ledger import EventKind
from canary.metrics import registry
from canary.model import CanaryError, Component, OwnFaultError
from canary.prober import reloading
from canary.prober.gate import stop_all, stop_reason
from canary.prober.runtime import Runtime, assembled

NEVER = threading.Event()


@dataclass
class Live:
    """A canary at work beside a CA in memory, and its configuration, which a case spoils."""

    folder: Path
    patch: pytest.MonkeyPatch
    kinds: Any
    tree: dict[str, Any] = field(init=False)
    canary: Runtime = field(init=False)

    def __post_init__(self) -> None:
        self.secret = self.folder / "secret"
        self.secret.write_text("a secret")
        submission = {"host": "localhost", "port": 25, "username": "ann", "password": {"file": "secret"}}
        channel = {"kind": "memory", "ca": "one", "arrives_in": "cpr", "approved_by": "the CEO", "entrance": "front"}
        self.tree = {
            "operator": {"name": "Test CA", "domains": ["ca.test", "other.test"], "verify": "call 4711"},
            "state": "state",
            "web": {"listen": "127.0.0.1:0"},
            "evidence": {"checkpoint_every": "1h"},
            "watch": {"desk": {"kind": "memory", "ca": "one", "queues": {"cpr": "monitored"}}},
            "senders": {"ann": {"name": "Ann", "address": "ann@probe.test", "submission": submission}},
            "channels": {"front": channel},
        }

    def load(self) -> Config:
        """What the file says now."""
        file = self.folder / "canary.yaml"
        file.write_text(yaml.safe_dump(self.tree), encoding="utf-8")
        return load(file)

    def restore(self, good: str, **more: Any) -> None:
        """What the file said before, with ``more``, and the files that it names."""
        self.tree = yaml.safe_load(good) | more
        for name in ("secret", "key", "tsa.pem"):
            path = self.folder / name
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        self.secret.write_text("a secret")

    def kms(self, plugin: Any) -> None:
        """Have the evidence's keys from somebody else's package."""
        KMS["plugin"] = plugin
        point = EntryPoint("kms", f"{__name__}:kms", "canary.evidence_keys")
        self.patch.setattr(evidence_keys, "entry_points", lambda group: [point])
        self.tree["evidence"]["key"] = {"plugin": {"name": "kms"}}

    def evidence(self, **more: Any) -> None:
        self.tree["evidence"] |= more

    @property
    def log(self) -> Path:
        return self.folder / "state" / "evidence" / "log" / "checkpoint"

    def reloads(self) -> list[dict[str, Any]]:
        return [event.body for event in self.canary.ledger.events(kind=EventKind.RELOADED)]

    def metric(self) -> str:
        lines = generate_latest(registry(self.canary.prober)).decode().splitlines()
        return next(line for line in lines if line.startswith("cpr_canary_config_last_reload_successful"))


KMS: dict[str, Any] = {}


def kms(options: dict[str, str], name: str) -> Any:
    return KMS["plugin"](name)


@dataclass
class Spoilt(FileKeys):
    """The keys of the running evidence, whose signatures are made otherwise."""

    path: Path
    name: str
    signature: Callable[[bytes], bytes]

    def __post_init__(self) -> None:
        super().__init__(self.path, self.name)

    def signers(self) -> list[Signer]:
        return [SpoiltSigner(signer.vkey, self.signature) for signer in super().signers()]


@dataclass
class SpoiltSigner:
    vkey: VKey
    sign: Callable[[bytes], bytes]


def raising(error: BaseException) -> Callable[..., Any]:
    def raises(*_: Any, **__: Any) -> Any:
        raise error

    return raises


def hanging(*_: Any, **__: Any) -> Any:
    NEVER.wait()


def spoilt(live: Live, signature: Callable[[bytes], bytes]) -> None:
    live.kms(lambda name: Spoilt(live.folder / "state/evidence/key", name, signature))


def key_file(live: Live, make: Callable[[Path], object]) -> None:
    make(live.folder / "key")
    live.evidence(key={"file": "key"})


def wide(path: Path) -> None:
    path.write_text("key")
    path.chmod(0o644)


def tsa(live: Live, content: str | None) -> None:
    if content is not None:
        (live.folder / "tsa.pem").write_text(content)
    live.evidence(timestamps=[{"name": "one", "url": "https://tsa.test", "ca_file": "tsa.pem"}])


def in_fifo(live: Live) -> None:
    tsa(live, None)
    os.mkfifo(live.folder / "tsa.pem")


def fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def kind(live: Live, name: str, attribute: str, value: Any) -> None:
    live.patch.setattr(getattr(live.kinds, name), attribute, value)


CASES: dict[str, tuple[str, Callable[[Live], object]]] = {
    "a mistake": ("unknown key", lambda live: live.tree.update(surprise=1)),
    "a channel of no kind": ('unknown kind "fax"', lambda live: live.tree["channels"]["front"].update(kind="fax")),
    "keys of an unknown kind": (
        "no package brings evidence keys of the kind 'absent'",
        lambda live: live.evidence(key={"plugin": {"name": "absent"}}),
    ),
    "keys of a kind that raises": ("no such region", lambda live: live.kms(raising(RuntimeError("no such region")))),
    "keys of a kind that ends the process": ("SystemExit", lambda live: live.kms(raising(SystemExit(9)))),
    "keys of a kind that hangs": ("0.3 s; it hangs at evidence", lambda live: live.kms(hanging)),
    "keys that cannot be listed": (
        "AttributeError",
        lambda live: live.kms(lambda name: object()),
    ),
    "keys that refuse to sign": ("denied", lambda live: spoilt(live, raising(PermissionError("denied")))),
    "keys that sign wrongly": ("is not genuine", lambda live: spoilt(live, lambda _: bytes(64))),
    "keys that hang while they sign": ("0.3 s; it hangs at evidence", lambda live: spoilt(live, hanging)),
    "another key": ("is not where the configuration says", lambda live: live.evidence(key={"file": "nowhere"})),
    "a key that others can read": (r"wanted 0600 \(chmod 600", lambda live: key_file(live, wide)),
    "a key file that is a FIFO": ("key is a FIFO", lambda live: key_file(live, fifo)),
    "a key file that is a folder": ("key is a folder", lambda live: key_file(live, Path.mkdir)),
    "a key file with something else": ("holds no key", lambda live: key_file(live, lambda path: path.touch(0o600))),
    "a module that is none": (
        "evidence_key|token",
        lambda live: live.evidence(
            key={"pkcs11": {"module": "none.so", "token": "t", "label": "l", "pin": {"file": "secret"}}}
        ),
    ),
    "certificates that are not there": (
        "evidence.timestamps.0..ca_file: .*tsa.pem holds no",
        lambda live: tsa(live, None),
    ),
    "certificates that are none": (
        "evidence.timestamps.0..ca_file: .*tsa.pem holds no",
        lambda live: tsa(live, "none"),
    ),
    "a secret that is not there": (
        "senders.ann.submission.password: secret not found, or empty",
        lambda live: live.secret.unlink(),
    ),
    "a secret that is a FIFO": ("submission.password: secret not found", lambda live: fifo(live.secret)),
    "a secret that is no text": (
        "submission.password: secret not found",
        lambda live: live.secret.write_bytes(b"\xff"),
    ),
    "a secret in no variable": (
        "environment variable NOT_SET",
        lambda live: live.tree["senders"]["ann"]["submission"].update(password={"env": "NOT_SET"}),
    ),
    "certificates in a FIFO": ("tsa.pem holds no .* is a FIFO", in_fifo),
    "a browser that is none": (
        "browser.executable: .*secret is no program that can be run",
        lambda live: live.tree.update(browser={"executable": "secret"}),
    ),
    "rules that are not there": (
        "audit.deadlines: .*nowhere cannot be read",
        lambda live: live.tree.update(audit={"deadlines": "nowhere"}),
    ),
    "a file that hangs": ("0.3 s; it hangs at the file", lambda live: live.patch.setattr(live, "load", hanging)),
    "a file that cannot be read": (
        "canary.yaml:1: No such file",
        lambda live: live.patch.setattr(live, "load", lambda: load(live.folder / "nowhere" / "canary.yaml")),
    ),
    "a watch that cannot be opened": (
        "watch.desk cannot be opened: .*can't start",
        lambda live: kind(live, "MemoryWatcher", "__init__", raising(RuntimeError("can't start new thread"))),
    ),
    "a watch that hangs while it is opened": (
        "0.3 s; it hangs at watch",
        lambda live: kind(live, "MemoryWatcher", "__init__", hanging),
    ),
    "a watch that cannot begin": (
        "the watcher of desk could not begin: .*can't start",
        lambda live: breaks_once(live, "start"),
    ),
    "a channel that cannot be opened": (
        "channels.front for sender ann cannot be used: .*no driver",
        lambda live: kind(live, "MemoryChannel", "__init__", raising(RuntimeError("no driver"))),
    ),
    "a channel that stops the iteration": (
        "channels.front for sender ann cannot be used: StopIteration",
        lambda live: kind(live, "MemoryChannel", "__init__", raising(StopIteration())),
    ),
    "a channel that hangs while it is opened": (
        "0.3 s; it hangs at channels.front for sender ann",
        lambda live: kind(live, "MemoryChannel", "__init__", hanging),
    ),
    "another state folder": ("^state: got .*other, want .*state", lambda live: live.tree.update(state="other")),
    "another port": (
        "^web.listen: got 127.0.0.1:1, want 127.0.0.1:0",
        lambda live: live.tree["web"].update(listen="127.0.0.1:1"),
    ),
    "another log": (
        "^evidence.origin: got other.test/log, want ca.test/cpr-canary",
        lambda live: live.evidence(origin="other.test/log"),
    ),
    "a log of another first domain": (
        "^evidence.origin: got other.test/cpr-canary, want ca.test/cpr-canary",
        lambda live: live.tree["operator"]["domains"].reverse(),
    ),
}
"""What is wrong with the configuration: a pattern of what is said of it, and how it gets so."""


def breaks_once(live: Live, method: str) -> None:
    """Have one call fail, and those after it work: the old watch begins again."""
    works, calls = getattr(live.kinds.MemoryWatcher, method), iter([RuntimeError("can't start new thread")])

    def breaks(self: Any, *given: Any) -> Any:
        for error in calls:
            raise error
        return works(self, *given)

    kind(live, "MemoryWatcher", method, breaks)


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    with memory_ca_installed(monkeypatch) as kinds:
        kinds.CAS["one"] = kinds.MemoryCa(now=lambda: datetime.now(UTC))
        yield Live(tmp_path, monkeypatch, kinds)
        NEVER.set()
        until(lambda: not hanging_threads(), "the end of what hung")
        NEVER.clear()


def hanging_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "canary-made"]


@asynccontextmanager
async def at_work(live: Live) -> AsyncIterator[Runtime]:
    """The canary, until the block ends; it has signed once."""
    with assembled(live.load()) as live.canary:
        running = asyncio.create_task(live.canary.run())
        try:
            await asyncio.to_thread(until, lambda: live.log.exists() and live.canary.prober.last_tick, "the start")
            yield live.canary
        finally:
            live.canary.stop()
            await running


async def refused(live: Live, words: str, name: str = "") -> None:
    """Reload, and assert that it is refused in these words, and that nothing of the running one has changed."""
    prober, evidence = live.canary.prober, live.canary.evidence
    before = (prober.endpoints, prober.config, evidence.generation, prober.reloaded_at)
    with pytest.raises(CanaryError, match=words):
        await prober.reload(live.load)
    assert (prober.endpoints, prober.config, evidence.generation, prober.reloaded_at) == before, name
    assert (prober.reload_ok, live.metric()) == (False, "cpr_canary_config_last_reload_successful 0.0"), name
    assert live.reloads()[-1]["accepted"] is False, name
    if "key" in live.tree["evidence"]:
        old, new = live.log.read_bytes(), await asyncio.to_thread(evidence.log.advance, force=True)
        assert new is not None, name
        assert live.log.read_bytes() != old, name


async def test_what_cannot_be_used_is_refused_and_all_of_the_running_one_stays(live: Live) -> None:
    """One after another, on one canary: none leaves anything for the next one, nor for a good one in between."""
    good, patch = yaml.safe_dump(live.tree), live.patch
    async with at_work(live) as canary:
        for number, (name, (words, spoil)) in enumerate(CASES.items(), 1):
            with patch.context() as live.patch:
                if "hang" in name:
                    live.patch.setattr(reloading, "RELOAD", Budget("all of it", seconds=0.3))
                spoil(live)
                await refused(live, words, name)
            live.restore(good, confirm_after=f"{number}s")
            await canary.prober.reload(live.load)
            assert (canary.prober.config.confirm_after, canary.prober.reload_ok) == (number, True), name
    assert [body["accepted"] for body in live.reloads()] == [False, True] * len(CASES)


def test_it_is_known_of_every_key_how_it_changes() -> None:
    """Whoever adds a section finds out here that a reload must take it over, or refuse it by its name in FIXED."""
    by_whom = {
        "operator": "what is composed; but for the log's name",
        "state": "fixed",
        "web": "canary.web.access; but for listen",
        "browser": "the new endpoints",
        "limits": "the gate",
        "retention": "whoever forgets daily",
        "evidence": "the new generation; but for origin",
        "audit": "commands, which read the file themselves",
        "confirm_after": "judging",
        "gateway": "whoever takes in mail",
        "watch": "the new endpoints",
        "senders": "the new endpoints",
        "channels": "the new endpoints",
        "blackouts": "the gate",
        "blind_drills": "whoever composes",
    }
    assert set(Config.model_fields) == set(by_whom)
    assert set(Web.model_fields) == {"listen", "hosts", "token", "config_file", "histograms"}
    assert list(reloading.FIXED) == ["state", "web.listen", "evidence.origin"]


async def test_one_that_cannot_be_recorded_is_refused(live: Live) -> None:
    async with at_work(live) as canary:
        recorder, record = canary.prober._recorder, canary.prober._recorder.record

        async def full(*events: Any, **more: Any) -> Any:
            if any(event.kind is EventKind.CONFIGURED for event in events):
                raise OwnFaultError(Component.STORE, "not_written", "the disk is full")
            return await record(*events, **more)

        with live.patch.context() as patch:
            patch.setattr(recorder, "record", full)
            live.tree["confirm_after"] = "7s"
            await refused(live, "the disk is full")
        await canary.prober.reload(live.load)
        assert canary.prober.reload_ok


async def test_the_kill_switch_is_looked_for_where_it_always_was(live: Live) -> None:
    async with at_work(live) as canary:
        live.tree["state"] = "other"
        await refused(live, "^state: got ")
        stop_all(live.folder / "state", "enough")
        assert stop_reason(canary.prober.config.state) == "enough"
        assert await canary.prober._asked.now() == "enough"
    assert not (live.folder / "other").exists()


async def test_a_caller_that_goes_away_leaves_no_half_of_it(live: Live) -> None:
    async with at_work(live) as canary:
        before, live.tree["confirm_after"] = canary.prober.endpoints, "7s"
        asking = asyncio.create_task(canary.prober.reload(live.load))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        await asyncio.to_thread(until, lambda: canary.prober.endpoints is not before, "the new one")
        await canary.prober.reload(live.load)
    assert [body["accepted"] for body in live.reloads()] == [True, True]
