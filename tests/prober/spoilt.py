"""Configurations of which something cannot be used: a table, and how each gets so."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from canary.config import Config, load
from canary.evidence import keys as evidence_keys
from canary.evidence.keys import FileKeys, Signer
from canary.evidence.notes import VKey
from canary.ledger import EventKind
from canary.metrics import registry
from canary.prober.runtime import Runtime

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
