"""What it costs to check: the whole ledger of a quarter (2.6 million probes, 16 million events), and a bundle of it.

The history is made up, so it has no messages: the bundle is refused for that, at the cost of one that has them. What it
adds up to is not told either, so that is found when it is folded again. Signing it all at once, checking the ledger,
making a bundle and verifying it are each a process of their own, as an operator and an auditor would run them.
"""

from __future__ import annotations

import sqlite3
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml
from bench.bench_audit import configuration, make_up, measured, show
from bench.history import History
from rich.progress import Progress

from canary.clock import Clock
from canary.evidence.keys import FileKeys
from canary.evidence.log import EvidenceLog
from canary.evidence.rotation import SigningKeys
from canary.ledger import Ledger
from canary.ledger.state import State, dump

SIZE = 60


def main(channels: int = 100, days: int = 92) -> list[dict[str, Any]]:
    """Make the history up, sign it, measure, print a table; returns its rows."""
    history = History(channels=channels, days=days)
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as name:
        folder = Path(name)
        rows = [make_up(folder / "state", history)]
        config = folder / "canary.yaml"
        tree = configuration(folder / "state", history) | {"evidence": {"origin": "ca.test/bench"}}
        config.write_text(yaml.safe_dump(tree), encoding="utf-8")
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            vkey = pool.submit(_sign, folder / "state").result()
        last = history.since + timedelta(days=days - 1)
        period = ("--from", f"{history.since:%Y-%m-%d}", "--to", f"{last:%Y-%m-%d}")
        bundle = folder / "bundle.zip"
        sample = ("--seed", "1", "--size", SIZE)
        rows += [
            measured("verify-log: every event, total and result", "audit", "verify-log", config, "--json", status=1),
            measured(f"bundle of {SIZE}", "audit", "bundle", config, *period, *sample, "--out", bundle, "--json"),
            measured(f"verify: {bundle.stat().st_size / 2**20:.0f} MiB" if bundle.exists() else "verify",
                      "audit", "verify", bundle, "--key", vkey, *period, *sample, "--json", status=1),
        ]  # fmt: skip
    show(rows, history)
    return rows


def _sign(state: Path) -> str:
    """Sign the whole history; returns the key. What it adds up to is left out, as nothing here asks for it."""
    with sqlite3.connect(state / "ledger.sqlite") as database:
        seq = database.execute("SELECT max(seq) FROM event").fetchone()[0]
        empty = dump(State())
        database.execute("INSERT INTO snapshot (seq, book) VALUES (?, ?)", (seq, empty))
    ledger = Ledger(state)
    try:
        store = FileKeys(state / "evidence" / "key", "ca.test/bench")
        keys = SigningKeys(ledger, store, "ca.test/bench", timedelta(days=7))
        with Progress(transient=True) as bar:
            bar.add_task("signing", total=None)
            EvidenceLog(ledger, state / "evidence", "ca.test/bench", Clock(), keys).advance()
        return str(store.signers()[0].vkey)
    finally:
        ledger.close()


if __name__ == "__main__":
    main(days=2)
