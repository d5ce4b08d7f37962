"""What the tests of several commands share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

GOOD = Path(__file__).parents[1] / "config" / "good.yaml"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose servers nobody asks, with a state folder of its own."""
    path = tmp_path / "canary.yaml"
    shutil.copy(GOOD, path)
    return path
