"""Which text of the metrics a scraper is given: what it asks for in ``Accept``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.exposition import ALLOWUTF8, UNDERSCORES
from prometheus_client.registry import Collector


def encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    """What encodes, and the content type.

    No name of ours has a character to be escaped, so with underscores in their place or without comes out the same. The
    client library looks for them in each name of each sample, and a third of a scrape is that; so it is not asked to.
    """
    encode: Any
    encode, content_type = choose_encoder(accept)
    asked = getattr(encode, "keywords", {}).get("escaping", UNDERSCORES)
    return (partial(encode, escaping=ALLOWUTF8) if asked == UNDERSCORES else encode), content_type
