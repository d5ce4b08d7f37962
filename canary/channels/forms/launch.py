"""How the browser starts: which one, in its sandbox or not, in a folder of ours, every process of it limited."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import structlog
from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Playwright, async_playwright

from canary.budgets import BROWSER
from canary.channels.forms.folder import BrowserFolder
from canary.channels.forms.guard import Guard
from canary.channels.forms.naming import FINDER
from canary.channels.forms.processes import Processes
from canary.channels.forms.relay import Relay
from canary.channels.forms.settings import BrowserSettings
from canary.model import Component, OwnFaultError
from canary.threads import in_thread

_NAMES = (
    "chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "microsoft-edge-stable", "microsoft-edge",
)  # fmt: skip
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    # The first or pages are told that nobody sits in front of it; for the second the browser asks whom a page names.
    "--disable-blink-features=AutomationControlled,FedCm",
)
_ABOUT_THE_SANDBOX = ("sandbox", "zygote_host")
"""What is in the last words of a Chromium that may not have its sandbox: that there is none that it can use, or, where
it may make user namespaces but not chroot in them (as in Podman), only the name of the file that builds it."""
_STOPS_WITHIN = 10.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A browser that runs, what watches over it, and what it needs."""

    browser: PlaywrightBrowser
    guard: Guard
    relay: Relay
    processes: Processes
    folder: BrowserFolder
    user_agent: str
    facts: str
    """Which browser it is, and whether it runs in its sandbox and why not."""
    _playwright: Playwright

    async def stop(self) -> None:
        """End it as it should be, and if that takes too long then by force; its folder goes with it."""
        try:
            async with asyncio.timeout(_STOPS_WITHIN):
                with suppress(PlaywrightError):  # it has ended already
                    await self.browser.close()
                await self._playwright.stop()
        except Exception as error:  # Playwright raises a bare one if its driver has ended
            _log.info("the browser's driver is ended by force", error=repr(error))
            self.processes.end()
            self.processes.end_driver()
        finally:
            await self.relay.close()
            await in_thread(self.folder.remove)


async def launch(settings: BrowserSettings) -> Running:
    """Start the browser. Raises OwnFaultError(BROWSER) with reason ``missing``, ``sandbox`` or ``crashed``."""
    relay, folder, playwright = Relay(), None, None
    try:
        folder = await in_thread(BrowserFolder)
        options = await relay.open()
        playwright = await _driver(folder.path)
        browser, facts = await _launched(playwright, settings, options)
        session = await browser.new_browser_cdp_session()
        version = await session.send("Browser.getVersion")
        known = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
        processes = Processes(next(int(process["id"]) for process in known if process["type"] == "browser"))
        await in_thread(lambda: processes.limit(BROWSER.decoded or 0))
        guard = Guard(session, relay)
        await guard.start()
    except BaseException as error:
        if playwright is not None:
            await playwright.stop()
        if folder is not None:
            folder.remove()
        await relay.close()
        if isinstance(error, PlaywrightError | OSError):
            raise OwnFaultError(Component.BROWSER, "crashed", f"browser does not start: {error}") from error
        raise
    agent = version["userAgent"].replace("Headless", "")
    return Running(browser, guard, relay, processes, folder, agent, facts, playwright)


async def _driver(folder: Path) -> Playwright:
    try:
        with _temporary_files_in(folder):
            playwright = await async_playwright().start()
    except Exception as error:  # Playwright raises a bare one if its driver ends at once
        raise OwnFaultError(Component.BROWSER, "crashed", f"Playwright's driver does not start: {error}") from error
    await playwright.selectors.register("control", FINDER, content_script=True)  # out of reach of a page's own scripts
    return playwright


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Whatever is started meanwhile has its temporary files in ``folder``: Playwright's driver can be told in no other
    way, and leaves them behind when it is killed."""
    gettempdir()  # is looked up once: where our own files go does not change
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before


async def _launched(
    playwright: Playwright, settings: BrowserSettings, options: Sequence[str]
) -> tuple[PlaywrightBrowser, str]:
    """With the sandbox the settings ask for; ``auto`` tries on and falls back to off, and says so."""
    path = find_executable(settings.executable, Path(playwright.chromium.executable_path))
    wish = settings.sandbox
    root = os.geteuid() == 0
    why = "by configuration" if wish == "off" else "running as root" if root else ""
    if wish == "on" or (wish == "auto" and not root):
        try:
            browser = await _start(playwright, path, options, sandbox=True)
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
            return browser, f"Chromium {browser.version} ({path}), sandbox on"
    browser = await _start(playwright, path, options, sandbox=False)
    return browser, f"Chromium {browser.version} ({path}), sandbox off: {why}"


async def _start(playwright: Playwright, path: Path, options: Sequence[str], *, sandbox: bool) -> PlaywrightBrowser:
    """Launch it, deaf to signals: Ctrl-C in a terminal reaches Playwright too, and a form in hand is to end first."""
    return await playwright.chromium.launch(
        executable_path=path,
        args=[*_QUIET, *options],
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
