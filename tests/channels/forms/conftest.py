"""What most tests of forms need: one browser for all tests of a file, since its start takes a second."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from canary.channels.forms.browser import Browser
from canary.channels.forms.settings import BrowserSettings
from canary.clock import Clock


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A browser as it is configured by default."""
    browser = Browser(BrowserSettings(), Clock())
    yield browser
    await browser.close()
