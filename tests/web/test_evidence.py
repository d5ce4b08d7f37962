"""The evidence log over HTTP: a client that knows only the key can check it, and sees no event unless it may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from canary.clock import Clock
from canary.config import load
from canary.evidence.merkle import inclusion_proof, leaf_hash, root, verify_inclusion
from canary.evidence.notes import Checkpoint, Note, VKey
from canary.evidence.service import Evidence
from canary.evidence.tiles import Tiles
from canary.ledger import Event, EventKind, Ledger
from canary.mark import Keyring
from canary.prober.loop import Prober
from canary.web import create_app

GOOD = Path(__file__).parents[1] / "config" / "good.yaml"
EVENTS = 600


@dataclass
class Served:
    """A prober that is not run, its evidence, and a client of its web server."""

    prober: Prober
    evidence: Evidence
    client: httpx.AsyncClient


@pytest.fixture
def prober(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Prober]:
    path = tmp_path / "canary.yaml"
    path.write_text(GOOD.read_text(encoding="utf-8") + getattr(request, "param", ""), encoding="utf-8")
    config = load(path)
    ledger = Ledger(config.state, inline=True)
    yield Prober(config, ledger, Keyring([b"k" * 32]))
    ledger.close()


@pytest.fixture
async def served(prober: Prober) -> AsyncIterator[Served]:
    config, ledger = prober.config, prober.ledger
    evidence = Evidence(config.evidence, config.state, config.origin, ledger, Clock())
    told = [Event(EventKind.PAUSED, prober.intake.now(), {"channels": [], "reason": "r", "by": "b"})] * EVENTS
    ledger.append(*told).result()
    evidence.advance()
    prober.evidence = evidence
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(prober)), base_url="http://localhost"
    ) as client:
        yield Served(prober, evidence, client)


async def test_a_client_verifies_the_whole_tree_from_the_key(served: Served, tmp_path: Path) -> None:
    key = VKey.parse((await served.client.get("/evidence/key")).text.strip())
    answer = await served.client.get("/evidence/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    note = Note.parse(answer.content)
    note.verify(key)
    head = Checkpoint.parse(note.text)
    assert head.origin == key.name == served.prober.config.origin
    for path in ("0/000", "0/001", f"0/002.p/{head.size - 512}", "1/000.p/2"):
        tile = await served.client.get(f"/evidence/tile/{path}")
        assert tile.headers["content-type"] == "application/octet-stream"
        assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
        copy = tmp_path / "copy/tile" / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(tile.content)
    tiles = Tiles(tmp_path / "copy")
    assert tiles.root(head.size) == head.root
    leaves = [leaf_hash(body) for _, body in served.prober.ledger.leaves(upto=head.size)]
    assert root(leaves) == head.root
    assert verify_inclusion(leaves[7], 7, head.size, inclusion_proof(7, head.size, tiles.nodes(head.size)), head.root)


async def test_events_are_not_served_unless_the_configuration_says_so(served: Served) -> None:
    assert (served.evidence.folder / "log/tile/entries/000").exists()
    assert (await served.client.get("/evidence/tile/entries/000")).status_code == 404


@pytest.mark.parametrize("prober", ["evidence: {publish_entries: true}\n"], indirect=True)
async def test_events_are_served_where_it_says_so(served: Served) -> None:
    answer = await served.client.get("/evidence/tile/entries/000")
    assert answer.content == (served.evidence.folder / "log/tile/entries/000").read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=3600"


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/003",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/000.p/256",
        "tile/0/.000.new",
        "tile/../../key",
        "tile/0/..%2f..%2f..%2f..%2fkey",
        "..%2fkey",
        "../key",
        "head",
        "tile",
        "",
    ],
)
async def test_nothing_else_is_there(served: Served, path: str) -> None:
    (served.evidence.folder / "log/tile/0/.000.new").write_bytes(b"half written")
    answer = await served.client.get(f"/evidence/{path}")
    assert answer.status_code == 404
    assert b"PRIVATE" not in answer.content


async def test_every_key_of_the_log_is_told_the_newest_first(served: Served) -> None:
    rotation = served.evidence.log.rotate()
    assert (await served.client.get("/evidence/key")).text.splitlines() == [str(rotation.new), str(rotation.old)]


async def test_without_evidence_there_is_nothing(prober: Prober) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(prober)), base_url="http://localhost"
    ) as client:
        for path in ("key", "checkpoint"):
            assert (await client.get(f"/evidence/{path}")).status_code == 404
        assert "cpr_canary_evidence_entries_total" in (await client.get("/metrics")).text


async def test_the_metrics_tell_of_it(served: Served) -> None:
    served.evidence.check()
    text = (await served.client.get("/metrics")).text
    assert "cpr_canary_evidence_last_verify_success 1.0" in text
    assert "cpr_canary_evidence_pending_timestamps 0.0" in text
    for name in ("last_checkpoint", "last_verify"):
        assert f"\ncpr_canary_evidence_{name}_timestamp_seconds " in text
    assert "\ncpr_canary_evidence_last_timestamp_timestamp_seconds " not in text
