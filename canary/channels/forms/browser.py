"""The browser: one, warm, shared by all web forms; a fresh context for every probe."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import BrowserContext, Playwright, async_playwright
from playwright.async_api import Error as PlaywrightError

from canary.channels.forms.settings import BrowserSettings
from canary.model import Component, OwnFaultError

_NAMES = (
    "chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "microsoft-edge-stable", "microsoft-edge",
)  # fmt: skip
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--disable-blink-features=AutomationControlled",  # or pages are told that nobody sits in front of it
)
_ABOUT_THE_SANDBOX = ("sandbox", "zygote_host")
"""What is in the last words of a Chromium that may not have its sandbox: that there is none that it can use, or, where
it may make user namespaces but not chroot in them (as in Podman), only the name of the file that builds it."""


class Browser:
    """Started when it is first needed, and again when it has crashed. Belongs to one event loop."""

    def __init__(self, settings: BrowserSettings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._playwright: Playwright | None = None
        self._browser: PlaywrightBrowser | None = None
        self._user_agent = ""
        self._facts = ""

    @asynccontextmanager
    async def context(self) -> AsyncIterator[BrowserContext]:
        """A fresh context: no cookies, no cache, nothing of an earlier probe.

        Raises OwnFaultError(BROWSER) with reason ``missing``, ``sandbox`` or ``crashed``.
        """
        browser = await self._running()
        try:
            context = await browser.new_context(
                user_agent=self._user_agent, accept_downloads=False, service_workers="block"
            )
        except PlaywrightError as error:
            raise OwnFaultError(Component.BROWSER, "crashed", f"no new browser context: {error.message}") from error
        try:
            yield context
        finally:
            if browser.is_connected():
                await context.tracing.stop()  # or Playwright leaves a folder of it behind, one a probe
                await context.close()

    async def describe(self) -> str:
        """Start it if need be; which browser it is, and whether it runs in its sandbox and why not."""
        await self._running()
        return self._facts

    async def close(self) -> None:
        """End it, and with it every context that is in use. The next :meth:`context` starts it again."""
        async with self._lock:
            await self._stop()

    async def _running(self) -> PlaywrightBrowser:
        async with self._lock:
            if self._browser is not None and self._browser.is_connected():
                return self._browser
            await self._stop()
            self._playwright = await _driver()
            try:
                self._browser = await self._launch(self._playwright)
                session = await self._browser.new_browser_cdp_session()
                version = await session.send("Browser.getVersion")
                await session.detach()
            except PlaywrightError as error:
                await self._stop()
                raise OwnFaultError(Component.BROWSER, "crashed", f"browser does not start: {error.message}") from error
            except BaseException:
                await self._stop()
                raise
            self._user_agent = version["userAgent"].replace("Headless", "")
            return self._browser

    async def _launch(self, playwright: Playwright) -> PlaywrightBrowser:
        """Launch with the sandbox the settings ask for; ``auto`` tries on and falls back to off, and says so."""
        path = find_executable(self._settings.executable, Path(playwright.chromium.executable_path))
        wish = self._settings.sandbox
        root = os.geteuid() == 0
        why = "by configuration" if wish == "off" else "running as root" if root else ""
        if wish == "on" or (wish == "auto" and not root):
            try:
                browser = await _start(playwright, path, sandbox=True)
            except PlaywrightError as error:
                if not any(sign in error.message for sign in _ABOUT_THE_SANDBOX):
                    raise
                if wish == "on":
                    advice = "run as an unprivileged user and allow user namespaces, or set sandbox: auto"
                    raise OwnFaultError(
                        Component.BROWSER, "sandbox", f"{path} does not start in its sandbox; {advice}"
                    ) from error
                why = "the system does not let it start (user namespaces)"
            else:
                self._facts = f"Chromium {browser.version} ({path}), sandbox on"
                return browser
        browser = await _start(playwright, path, sandbox=False)
        self._facts = f"Chromium {browser.version} ({path}), sandbox off: {why}"
        return browser

    async def _stop(self) -> None:
        browser, playwright = self._browser, self._playwright
        self._browser = self._playwright = None
        try:
            if browser is not None:
                await browser.close()
        except PlaywrightError:
            pass  # it has crashed already, and that is why we are here
        finally:
            if playwright is not None:
                await playwright.stop()


async def _driver() -> Playwright:
    try:
        return await async_playwright().start()
    except Exception as error:  # Playwright raises a bare one if its driver ends at once
        raise OwnFaultError(Component.BROWSER, "crashed", f"Playwright's driver does not start: {error}") from error


async def _start(playwright: Playwright, path: Path, *, sandbox: bool) -> PlaywrightBrowser:
    """Launch it, deaf to signals: Ctrl-C in a terminal reaches Playwright too, and a form in hand is to end first."""
    return await playwright.chromium.launch(
        executable_path=path,
        args=_QUIET,
        chromium_sandbox=sandbox,
        handle_sigint=False,
        handle_sigterm=False,
        handle_sighup=False,
    )


def find_executable(wanted: Path | None, own: Path, search: str | None = None) -> Path:
    """The browser to use: the ``wanted`` one, else one of the system's, else Playwright's ``own``.

    ``search`` is a list of folders as in PATH, which is the default. Raises OwnFaultError(BROWSER, "missing").
    """
    get = "get one with: apt-get install chromium (or: playwright install chromium)"
    if wanted is not None:
        if not os.access(wanted, os.X_OK):
            raise OwnFaultError(Component.BROWSER, "missing", f"no browser at {wanted}, which executable names; {get}")
        return wanted
    for name in _NAMES:
        found = shutil.which(name, path=search)
        if found:
            return Path(found)
    if not own.exists():
        raise OwnFaultError(Component.BROWSER, "missing", f"no Chromium, Chrome or Edge found; {get}")
    return own
