"""The synthetic reports: what kinds there are, how one is composed, and whether it came through whole."""

from __future__ import annotations

from canary.reports.variants import VARIANTS, Variant

__all__ = ["VARIANTS", "Variant"]
