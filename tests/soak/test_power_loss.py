"""Power that fails: what nobody had put on disk for good is gone, cut off or zeros; the rest tells what happened.

SQLite syncs its log with each commit, so a commit that was acknowledged is there, and behind it may stand any half of a
page. Artefacts are not synced by themselves: each is gone, empty, zeros or whole, as a file system leaves it.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from e2e.test_killed import assert_nothing_lost_or_sent_twice, await_all_ends, busy, canary, kinds, no_more_probes
from servers.ca_site import CaSite
from servers.canary_run import staff
from servers.polling import until
from soak import verdict


def lose_power(state: Path, rng: random.Random) -> int:
    """What a machine finds that was without power for a moment; returns how many artefacts suffered."""
    files = [path for path in (state / "artefacts").rglob("*") if path.is_file()]
    hit = [path for path in files if rng.random() < 0.7]
    for path in hit:
        size = path.stat().st_size
        match rng.randrange(4):
            case 0:
                path.unlink()
            case 1:
                path.write_bytes(b"")
            case 2:
                path.write_bytes(bytes(size))
            case _:
                path.write_bytes(path.read_bytes()[: size // 2])
    (state / "ledger.sqlite-shm").unlink(missing_ok=True)
    with (state / "ledger.sqlite-wal").open("ab") as log:
        log.write(rng.choice([b"", bytes(4096), rng.randbytes(3000), rng.randbytes(24 + 4096)]))
    return len(hit)


@pytest.mark.parametrize("seed", range(2))
def test_what_was_on_disk_tells_the_rest(site: CaSite, tmp_path: Path, seed: int) -> None:
    staff(site)
    config = busy(site, tmp_path)
    site.hold()
    with canary(config):
        until(lambda: kinds(tmp_path)["submitted"] >= 3, "submissions", timeout=90)
    assert lose_power(tmp_path / "state", random.Random(seed)) > 0
    site.release()
    no_more_probes(tmp_path)
    with canary(config):
        await_all_ends(tmp_path)
    assert_nothing_lost_or_sent_twice(site, tmp_path)
    verdict.log_verifies(config)
    verdict.no_tracebacks(tmp_path / "log")
