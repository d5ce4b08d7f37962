"""One history of four weeks for all workers: it takes half a minute to make."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from tests.dashboards.past import create, serve
from tests.dashboards.queries import Prometheus


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory; made by the first worker that asks."""
    shared = tmp_path_factory.getbasetemp().parent
    folder, done = shared / "past", shared / "past-is-made"
    with (shared / "past.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            folder.mkdir()
            create(folder)
            done.touch()
    return folder / "data"


@pytest.fixture(scope="session")
def prometheus(past: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus of this worker's own that has seen it."""
    own = tmp_path_factory.mktemp("prometheus")
    copytree(past, own / "data", ignore=lambda *_: {"lock"})
    with serve(own / "data") as url:
        yield Prometheus(url)
