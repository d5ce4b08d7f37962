"""What a warm web form probe costs beside bare Playwright that does the same clicks, interleaved in one run.

Run as ``python tests/bench/bench_form.py [ROUNDS]``: prints one JSON object, and a table to standard error.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from channels.opened import resources
from playwright.async_api import async_playwright
from servers.form_examples import SENDER, report, web_form
from servers.form_site import FormSite

from canary.channels.forms.browser import Browser
from canary.channels.forms.launch import find_executable
from canary.channels.forms.settings import BrowserSettings
from canary.channels.forms.web import WebFormChannel
from canary.clock import Clock

LIMIT = 1.3


async def bare(browser: Any, url: str) -> None:
    """The clicks of the example's steps, as one would write them down."""
    known = report()
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(url)
    await page.get_by_label("Your name").fill(known.person.name)
    await page.get_by_label("Email address").fill(known.person.address)
    await page.get_by_label("Topic").select_option(label="Certificate problem report")
    await page.get_by_role("radio", name="TLS").check()
    await page.get_by_label("Serial number").fill("0123456789abcdef")
    await page.get_by_label("Subject").fill(known.subject)
    await page.get_by_label("Description of the problem").fill(known.text)
    await page.get_by_label("I agree").check()
    await page.get_by_role("button", name="Send report").click()
    await page.get_by_text("Thank you for your report").wait_for()
    await context.close()


async def measure(rounds: int) -> dict[str, Any]:
    """Medians in milliseconds, and how many reports the site took."""
    browser = Browser(BrowserSettings(), Clock())
    times: dict[str, list[float]] = {"bare": [], "probe": []}
    with TemporaryDirectory() as folder, FormSite(Path(folder)) as site:
        channel = WebFormChannel(web_form(site.url, "report"), SENDER, resources(browser))
        async with async_playwright() as playwright:
            path = find_executable(None, Path(playwright.chromium.executable_path))
            other = await playwright.chromium.launch(executable_path=path, chromium_sandbox=False)
            for number in range(rounds + 1):  # the first round warms up
                start = time.perf_counter()
                await bare(other, f"{site.url}/report")
                middle = time.perf_counter()
                result = await channel.submit(channel.prepare(report()), within=60)
                end = time.perf_counter()
                if not result.accepted:
                    raise RuntimeError(result.reason)
                if number:
                    times["bare"].append(middle - start)
                    times["probe"].append(end - middle)
        taken = len(site.submissions)
        facts = await browser.describe()
    await browser.close()
    typical = {name: round(median(values) * 1000, 1) for name, values in times.items()}
    ratio = round(typical["probe"] / typical["bare"], 3)
    return {
        "rounds": rounds, "bare_ms": typical["bare"], "probe_ms": typical["probe"], "ratio": ratio, "limit": LIMIT,
        "within_limit": ratio <= LIMIT, "submissions": taken, "browser": facts,
    }  # fmt: skip


def main(rounds: int = 20) -> dict[str, Any]:
    """Measure, print, return the numbers."""
    result = asyncio.run(measure(rounds))
    lines = [f"{name:8}{result[f'{name}_ms']:8.1f} ms" for name in ("bare", "probe")]
    sys.stderr.write("\n".join([*lines, f"{'ratio':8}{result['ratio']:8.3f}  (at most {LIMIT})"]) + "\n")
    return result


if __name__ == "__main__":
    measured = main(*map(int, sys.argv[1:]))
    sys.stdout.write(json.dumps(measured) + "\n")
    raise SystemExit(not measured["within_limit"])
