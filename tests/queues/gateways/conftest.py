"""What the tests of mail gateways share: each one, with how it is logged in to, and watches that end with a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme
from queues.recording_intake import RecordingIntake
from servers.certificates import authority_file
from servers.contract_gateways import CPR, ContractGateway, MimecastGateway, ProofpointGateway, TrellixGateway
from servers.token_server import TokenServer

from canary.clock import Clock
from canary.queues import WatchResources, loop
from canary.queues.gateways.settings import GatewaySettings
from canary.queues.gateways.watch import GatewayWatcher, open_gateway

GATEWAYS: dict[str, type[ContractGateway]] = {
    "proofpoint": ProofpointGateway,
    "mimecast": MimecastGateway,
    "trellix": TrellixGateway,
}
BY = {
    "proofpoint": {"folder": "Quarantine", "recipient": CPR},
    "mimecast": {},
    "trellix": {"recipient": CPR},
}
"""What each is asked by."""
MadeGateway = Callable[..., GatewayWatcher]


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody minds how often these are asked."""
    for pause in ("FIRST_PAUSE", "REFUSED_PAUSE", "LONGEST_PAUSE"):
        monkeypatch.setattr(loop, pause, 0.05)


@pytest.fixture(scope="session")
def gateway_tokens(authority: trustme.CA) -> Iterator[TokenServer]:
    with TokenServer(authority) as running:
        yield running


@pytest.fixture
def intake() -> RecordingIntake:
    return RecordingIntake()


@pytest.fixture
def gateway(request: pytest.FixtureRequest, gateway_tokens: TokenServer) -> Iterator[ContractGateway]:
    """The gateway that the test's parameter names, with a stranger's message held back."""
    gateway_tokens.heal()
    with GATEWAYS[request.param](gateway_tokens.is_good) as running:
        running.hold("a-stranger@elsewhere.test", "private words", age=3600)
        yield running


@pytest.fixture
def made(gateway: ContractGateway, gateway_tokens: TokenServer, authority: trustme.CA, tmp_path: Path) -> MadeGateway:
    """Makes a watcher of the gateway, which asks often."""
    name = next(name for name, kind in GATEWAYS.items() if isinstance(gateway, kind))
    (tmp_path / "secret").write_text("sesame-open-now")
    secret = {"file": str(tmp_path / "secret")}
    login: dict[str, dict[str, Any]] = {
        "proofpoint": {"username": "canary", "password": secret},
        "mimecast": {"auth": gateway_tokens.generic(ca_file=str(authority_file(authority, tmp_path)))},
        "trellix": {"token": secret},
    }

    def make(**changes: Any) -> GatewayWatcher:
        given = {"kind": "gateway_quarantine", "preset": name, "url": gateway.url, "poll": "50ms", "timeout": "30s"}
        watched = {"quarantines": [{"queue": "held", **BY[name]}]}
        settings = GatewaySettings.model_validate({**given, **login[name], **watched, **changes})
        return open_gateway("gateway", settings, WatchResources(Clock()))

    return make


@pytest.fixture
def begin(made: MadeGateway, intake: RecordingIntake) -> Iterator[MadeGateway]:
    """Starts such watchers, and stops them at the end."""
    with ExitStack() as running:

        def start(**changes: Any) -> GatewayWatcher:
            watcher = made(**changes)
            running.callback(watcher.stop)
            watcher.start(intake)
            return watcher

        yield start
