"""A sample is drawn from everything, and sha256sum and sort draw the same."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from pathlib import Path

from audit.story import PERIOD, at, probe_id
from hypothesis import given
from hypothesis import strategies as st

from canary.audit.bundle.sample import draw, population, rank
from canary.audit.report.contents import AuditReport
from canary.audit.report.tally import Tally
from canary.ledger.reader import LedgerReader

ids = st.sets(st.integers(0, 10**6), max_size=50).map(lambda several: sorted(f"{number:016x}" for number in several))
BY_HAND = """
while read id; do printf '%s %s\n' "$(printf '%s/%s' "$SEED" "$id" | sha256sum | cut -d' ' -f1)" "$id"; done < "$LIST" |
LC_ALL=C sort | head -n 5
"""


@given(ids, st.text(), st.integers(1, 60))
def test_the_lowest_ranks_are_drawn(several: list[str], seed: str, size: int) -> None:
    seed = seed.encode("utf-8", "replace").decode()
    found = draw(several, seed, size)
    assert list(found.drawn) == sorted((rank(seed, probe), probe) for probe in several)[:size]
    assert found.population == len(several)
    assert found.population_sha256 == sha256("".join(f"{probe}\n" for probe in several).encode()).hexdigest()


@given(ids, st.integers(1, 30))
def test_a_larger_sample_holds_the_smaller(several: list[str], size: int) -> None:
    assert draw(several, "seed", size + 5).drawn[:size] == draw(several, "seed", size).drawn


def test_every_scheduled_probe_can_be_drawn(source: LedgerReader, made: tuple[AuditReport, Tally]) -> None:
    known = list(population(source, PERIOD))
    assert known == sorted(set(known))
    assert len(known) == made[0].scheduled
    assert probe_id("alias", at(2, 23.5)) in known  # it has no result


def test_by_hand_it_is_the_same(source: LedgerReader, tmp_path: Path) -> None:
    listing = tmp_path / "population"
    known = list(population(source, PERIOD))
    listing.write_text("".join(f"{probe}\n" for probe in known))
    environment = {"SEED": "the auditor's own words", "LIST": str(listing), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", BY_HAND], env=environment, capture_output=True, text=True, check=True)
    drawn = draw(known, "the auditor's own words", 5).drawn
    assert [tuple(line.split()) for line in done.stdout.splitlines()] == list(drawn)
