from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Error as PlaywrightError

from canary.budgets import BROWSER, BROWSER_PAGE, MIB
from canary.channels.forms.browser import Browser, excess
from canary.channels.forms.launch import find_executable
from canary.channels.forms.processes import Held
from canary.channels.forms.settings import BrowserSettings
from canary.clock import Clock
from canary.model import Component, OwnFaultError


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    browser = Browser(BrowserSettings(), Clock())
    yield browser
    await browser.close()


async def process_of(browser: Browser) -> int:
    async with browser.visit() as visited:
        assert visited.context.browser is not None
        session = await visited.context.browser.new_browser_cdp_session()
        processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    return next(int(process["id"]) for process in processes if process["type"] == "browser")


async def test_one_browser_serves_all_contexts_and_none_knows_of_another(browser: Browser) -> None:
    first = await process_of(browser)
    async with browser.visit() as first_visit, browser.visit() as second_visit:
        one, other = first_visit.context, second_visit.context
        await one.add_cookies([{"name": "a", "value": "b", "url": "https://ca.example"}])
        assert len(await one.cookies()) == 1
        assert await other.cookies() == []
    assert await process_of(browser) == first


async def test_it_starts_again_after_a_crash_and_after_close(browser: Browser) -> None:
    first = await process_of(browser)
    os.kill(first, signal.SIGKILL)
    second = None
    while second is None:
        with suppress(OwnFaultError, PlaywrightError):  # as long as the crash was not noticed yet
            second = await process_of(browser)
    assert second != first
    await browser.close()
    await browser.close()
    assert await process_of(browser) not in (first, second)


async def test_a_page_sees_an_ordinary_browser(browser: Browser) -> None:
    async with browser.visit() as visited:
        page = await visited.context.new_page()
        agent, driven = await page.evaluate("[navigator.userAgent, navigator.webdriver]")
    assert "Chrome/" in agent
    assert "Headless" not in agent
    assert driven is False


async def test_it_tells_what_it_is_and_whether_in_its_sandbox(browser: Browser) -> None:
    told = await browser.describe()
    assert told.startswith("Chromium ")
    assert "sandbox on" in told or "sandbox off: " in told
    if os.geteuid() == 0:
        assert told.endswith("sandbox off: running as root")


async def test_without_the_sandbox_on_request() -> None:
    browser = Browser(BrowserSettings(sandbox="off"), Clock())
    assert (await browser.describe()).endswith("sandbox off: by configuration")
    await browser.close()


async def test_an_insisted_sandbox_starts_or_is_our_own_fault() -> None:
    browser = Browser(BrowserSettings(sandbox="on"), Clock())
    try:
        told = await browser.describe()
    except OwnFaultError as fault:
        told = f"{fault.component} {fault.reason}: {fault.detail}"
    await browser.close()
    refused = told.startswith("browser sandbox: ") and "run as an unprivileged user" in told
    assert refused or (told.endswith("sandbox on") and os.geteuid() != 0)


@pytest.mark.parametrize(
    "last_words",
    [
        "FATAL:content/browser/zygote_host/zygote_host_impl_linux.cc:128] No usable sandbox!",
        "FATAL:content/browser/zygote_host/zygote_host_impl_linux.cc:221] Check failed: . : No such file (2)",
    ],
)
async def test_a_refused_sandbox_is_told_from_a_crash(tmp_path: Path, last_words: str) -> None:
    refused = tmp_path / "chromium"
    refused.write_text(f"#!/bin/sh\necho '{last_words}' >&2\nexit 1\n")
    refused.chmod(0o755)
    with pytest.raises(OwnFaultError) as fault:
        await Browser(BrowserSettings(executable=refused, sandbox="on"), Clock()).describe()
    assert (fault.value.component, fault.value.reason) == (Component.BROWSER, "sandbox")


async def test_what_is_no_browser_is_our_own_fault(tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(OwnFaultError) as fault:
        await Browser(BrowserSettings(executable=broken), Clock()).describe()
    assert (fault.value.component, fault.value.reason) == (Component.BROWSER, "crashed")


def make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return path


def test_the_wanted_browser_comes_first_then_the_systems_then_our_own(tmp_path: Path) -> None:
    wanted, own = make(tmp_path / "wanted"), make(tmp_path / "own")
    system = str(tmp_path / "bin")
    assert find_executable(None, own, system) == own
    edge = make(tmp_path / "bin" / "microsoft-edge")
    assert find_executable(None, own, system) == edge
    chromium = make(tmp_path / "bin" / "chromium")
    assert find_executable(None, own, system) == chromium
    assert find_executable(wanted, own, system) == wanted


@pytest.mark.parametrize("wanted", [None, Path("/nonexistent/chrome")])
def test_a_missing_browser_is_explained_with_the_command_that_gets_it(tmp_path: Path, wanted: Path | None) -> None:
    with pytest.raises(OwnFaultError) as fault:
        find_executable(wanted, tmp_path / "own", str(tmp_path))
    assert (fault.value.component, fault.value.reason) == (Component.BROWSER, "missing")
    assert "apt-get install chromium" in fault.value.detail
    assert "playwright install chromium" in fault.value.detail


def held(*sizes: int, other: int = 0) -> list[Held]:
    return [
        *(Held(number, size * MIB, page=True) for number, size in enumerate(sizes)),
        Held(99, other * MIB, page=False),
    ]


def test_what_holds_too_much_is_ended_and_as_little_as_may_be() -> None:
    page, together = (BROWSER_PAGE.decoded or 0) // MIB, (BROWSER.decoded or 0) // MIB
    assert excess([]) == (None, "")
    assert excess(held(page, page, other=together - 2 * page)) == (None, "")
    alone, _ = excess(held(50, page + 1))
    assert alone is not None
    assert alone.pid == 1
    largest, why = excess(held(50, page, other=together - page))
    assert largest is not None
    assert (largest.pid, why.startswith(BROWSER.what)) == (1, True)
    assert excess(held(50, 50, other=together))[0] is None
