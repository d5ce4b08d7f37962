"""The text that a scraper is given is the client library's, whatever it asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from metrics.recorded import opened, probed, settings
from prometheus_client.exposition import choose_encoder

from canary.metrics import registry
from canary.metrics.text import encoder

OPEN = "application/openmetrics-text; version=1.0.0"
ACCEPTS = ["", "text/plain; version=0.0.4", "text/plain; version=1.0.0", OPEN] + [
    f"{OPEN}; escaping={escaping}" for escaping in ("allow-utf-8", "underscores", "dots", "values")
]
MOVES = re.compile(r"^(U__)?(process_|python_gc).*\n", re.MULTILINE)


@pytest.mark.parametrize("accept", ACCEPTS)
def test_the_text_is_as_the_library_has_it(tmp_path: Path, accept: str) -> None:
    prober = opened(settings(tmp_path, 2))
    probed(prober.ledger, "problem-report-0")
    collector = registry(prober)
    (ours, our_type), (theirs, their_type) = encoder(accept), choose_encoder(accept)
    assert our_type == their_type
    found, wanted = (MOVES.sub("", encode(collector).decode()) for encode in (ours, theirs))
    prober.ledger.close()
    assert found == wanted
    assert "canary" in found
