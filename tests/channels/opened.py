"""What channels are opened with, in tests of one channel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

from canary.channels import Letters, Resources
from canary.channels.forms.browser import Browser
from canary.channels.forms.settings import BrowserSettings
from canary.clock import Clock


def resources(
    browser: Browser | None = None,
    *,
    clock: Clock | None = None,
    rng: Random | None = None,
    state: Path | None = None,
    letters: Letters | None = None,
) -> Resources:
    """The machine's time, and a browser that is not started before it is needed, unless others are given."""
    clock = clock or Clock()
    shared = browser or Browser(BrowserSettings(), clock)
    given = Resources(clock, lambda: shared, state=state, letters=letters)
    return given if rng is None else replace(given, rng=rng)
