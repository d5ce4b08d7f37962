"""A prober with two email channels, that is not running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from metrics.recorded import opened, settings

from canary.prober.loop import Prober


@pytest.fixture
def prober(tmp_path: Path) -> Iterator[Prober]:
    prober = opened(settings(tmp_path))
    yield prober
    prober.ledger.close()
