"""What the tests of Microsoft's platform share: a contract server, a token server, watchers that are stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from queues.recording_intake import RecordingIntake
from servers.certificates import authority_file
from servers.contract_graph import ContractGraph
from servers.polling import until
from servers.token_server import TokenServer

from canary.clock import Clock
from canary.queues import Intake, WatchResources, loop
from canary.queues.microsoft.settings import TraceSettings
from canary.queues.microsoft.watch import TraceWatcher, open_trace

SECRET = "s3cr3t~of-the-client"
PATIENT = 120.0
"""Seconds that something may take where the machine is busy."""
MEMBERS = ("alice", "bob", "carol", "dan")
RECIPIENTS = [{"address": f"{who}@ca.test", "queue": who} for who in MEMBERS]
ALIAS = {"address": "reports@ca.test", "queue": "reports"}
Start = Callable[..., TraceWatcher]


@pytest.fixture(scope="session")
def graph_tokens(authority: trustme.CA) -> Iterator[TokenServer]:
    with TokenServer(authority) as running:
        yield running


@pytest.fixture
def tokens(graph_tokens: TokenServer, monkeypatch: pytest.MonkeyPatch) -> TokenServer:
    """The token server as on its first day; the secret of the application is in the environment."""
    monkeypatch.setenv("SECRET", SECRET)
    graph_tokens.heal()
    graph_tokens.roles = ("ExchangeMessageTrace.Read.All",)
    return graph_tokens


@pytest.fixture
def graph(tokens: TokenServer) -> Iterator[ContractGraph]:
    with ContractGraph(tokens.is_good) as running:
        yield running


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody minds how often this one is asked."""
    monkeypatch.setattr(loop, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(loop, "REFUSED_PAUSE", 0.05)


@pytest.fixture
def intake() -> RecordingIntake:
    return RecordingIntake()


@pytest.fixture
def settings(graph: ContractGraph, tokens: TokenServer, authority: trustme.CA, tmp_path: Path) -> Callable[..., Any]:
    """The settings of a watch of the message trace, asked often; what is not given is as it usually is."""
    auth = tokens.microsoft(secret={"env": "SECRET"}, ca_file=str(authority_file(authority, tmp_path)))

    def made(**changes: Any) -> TraceSettings:
        given = {"kind": "microsoft_trace", "auth": auth, "url": graph.url, "recipients": [*RECIPIENTS, ALIAS]}
        return TraceSettings.model_validate({**given, "poll": "50ms", "delay": "1s", "timeout": "60s", **changes})

    return made


@pytest.fixture
def start(settings: Callable[..., TraceSettings], intake: RecordingIntake) -> Iterator[Start]:
    """Starts watchers of the message trace under the name ``exchange``."""
    running: list[TraceWatcher] = []

    def begin(into: Intake = intake, **changes: Any) -> TraceWatcher:
        watcher = open_trace("exchange", settings(**changes), WatchResources(Clock()))
        running.append(watcher)
        watcher.start(into)
        return watcher

    yield begin
    for watcher in running:
        watcher.stop()


def looked(intake: RecordingIntake, *queues: str) -> None:
    """Wait until each queue was read to its end, as it was from now on."""
    now = datetime.now(UTC)
    names = queues or ("alice", "alice-junk", "alice-quarantine")
    until(
        lambda: all(intake.looked_since(queue, now) for queue in names),
        f"a look into {names}, told: {intake.details()}",
        PATIENT,
    )


def known(graph: ContractGraph, intake: RecordingIntake) -> None:
    """An earlier report that the trace shows, and is sought no more."""
    mark = intake.probe(sought=False)
    graph.trace(f"<{mark}@persona.test>", age=3600, alice="delivered")
    intake.hand_in(
        "exchange",
        [],
        {"known": f"<{mark}@persona.test>", "received": graph.rows[-1].received.isoformat()},
    )
