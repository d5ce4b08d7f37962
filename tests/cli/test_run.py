"""What run says of a fault: a port that is taken is told as one, and nothing else is."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from metrics.recorded import settings

from canary.cli.run import _run
from canary.config import load
from canary.model import OwnFaultError
from canary.prober.runtime import Runtime, assembled


class Broken(Runtime):
    """A canary whose work ends with an error of the system that has nothing to do with its port."""

    async def run(self, **_: Any) -> None:
        raise OSError(24, "too many open files")


async def test_an_error_of_the_system_out_of_the_prober_is_not_about_the_port(tmp_path: Path) -> None:
    path = settings(tmp_path)
    config = load(path)
    with assembled(config) as canary:
        canary.__class__ = Broken
        with pytest.raises(OSError, match="too many open files"):
            await _run(path, config, canary)


async def test_a_port_that_is_taken_is_told_with_its_address(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = settings(tmp_path, listen=f"127.0.0.1:{port}")
        config = load(path)
        with assembled(config) as canary, pytest.raises(OwnFaultError, match=f"cannot listen on 127.0.0.1:{port}"):
            await _run(path, config, canary)
