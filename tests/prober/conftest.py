"""A CA in memory for the prober, with whatever is asked of it, on simulated time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from prober.simulated import Simulated

from canary import channels, plugins, queues
from canary.config import whole


@contextmanager
def memory_ca_installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The CA in memory, whose kinds are installed as somebody else's package is."""
    cached = (plugins.installed, channels.kinds, queues.kinds, whole.model)
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "memory_ca")
    for function in cached:
        function.cache_clear()
    yield import_module("memory_ca")
    monkeypatch.undo()
    for function in cached:
        function.cache_clear()


@pytest.fixture
def simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulated]:
    """A canary beside a CA in memory."""
    with memory_ca_installed(monkeypatch):
        yield Simulated(tmp_path)
