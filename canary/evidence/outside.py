"""The root of what goes wrong with those outside who vouch for the log."""

from __future__ import annotations

from typing import ClassVar

from canary.model import CanaryError


class OutsideError(CanaryError):
    """What was to be had from an authority or a witness was not; ``reason`` is what metrics call that."""

    reason: ClassVar[str]
