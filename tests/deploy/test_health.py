"""The health checks of Prometheus and Alertmanager in compose.yaml, run against Debian's versions of both."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from deploy.files import COMPOSE, yaml_of
from servers.alertmanager import Alertmanager
from servers.http_daemon import HttpDaemon
from servers.prometheus import Prometheus

SERVERS: dict[str, tuple[type[HttpDaemon], str, str]] = {
    "prometheus": (Prometheus, "127.0.0.1:9090", "{}"),
    "alertmanager": (Alertmanager, "127.0.0.1:9093", "{route: {receiver: nobody}, receivers: [{name: nobody}]}"),
}


def check(service: str, address: str) -> int:
    """The exit code of a service's health check, asked of this address instead of its own."""
    words = yaml_of(COMPOSE)["services"][service]["healthcheck"]["test"]
    own = SERVERS[service][1]
    assert words[0] == "CMD"
    assert any(own in word for word in words)
    command = [word.replace(own, address) for word in words[1:]]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode


@pytest.mark.parametrize("service", SERVERS)
def test_health_check_tells_a_running_server_from_one_that_is_gone(tmp_path: Path, service: str) -> None:
    make, _, configuration = SERVERS[service]
    with make(tmp_path, configuration) as server:
        assert check(service, server.address) == 0
        server.stop()
        assert check(service, server.address) != 0


@pytest.mark.parametrize("service", SERVERS)
def test_flags_are_ones_that_the_server_knows(service: str) -> None:
    """All of them, of Debian's version: ``--help`` lists every flag."""
    program = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}[service]
    done = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=60, check=False)
    flags = [word.partition("=")[0] for word in yaml_of(COMPOSE)["services"][service]["command"]]
    assert [flag for flag in flags if flag not in done.stdout + done.stderr] == []
