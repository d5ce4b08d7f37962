"""A running demo CA, and who writes to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from demo.outside import Outside

from canary.demo.ca import DemoCa


@pytest.fixture
async def ca(tmp_path: Path) -> AsyncIterator[DemoCa]:
    async with DemoCa(tmp_path) as running:
        yield running


@pytest.fixture
def outside(ca: DemoCa) -> Outside:
    return Outside(ca)


@pytest.fixture
async def visitor(ca: DemoCa) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=ca.form_url.removesuffix("/report"), follow_redirects=True) as client:
        yield client
