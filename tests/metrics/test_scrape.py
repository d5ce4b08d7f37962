"""A scrape reads one published state: it holds up nobody, however long it takes, and nothing moves under it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from metrics.recorded import NOW, probed
from prometheus_client.core import Metric

from canary.ledger import ChannelTotals, Ledger, State, Totals
from canary.metrics.exporter import Exporter
from canary.prober.loop import Prober


class Halting(dict[str, ChannelTotals]):
    """Totals that are not given away before somebody says so."""

    def __init__(self, known: Any) -> None:
        super().__init__(known)
        self.asked, self.go_on = threading.Event(), threading.Event()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.set()
        assert self.go_on.wait(60)
        return super().get(key, default)


class Scraped(Ledger):
    """A ledger at the moment of a scrape: what it publishes next is not seen by that scrape."""

    def __init__(self, channels: Halting) -> None:
        self._channels = channels

    @property
    def state(self) -> State:
        """What was published last."""
        return State(seq=7, totals=Totals(channels=self._channels))

    @property
    def not_written(self) -> int:
        return 0

    @property
    def trouble(self) -> str:
        return ""


def test_a_scrape_in_the_middle_holds_up_no_commit_and_sees_one_moment(prober: Prober) -> None:
    ledger = prober.ledger
    probed(ledger, "problem-report-0")
    halting = Halting(ledger.state.totals.channels)
    prober.ledger = Scraped(halting)
    found: list[Metric] = []
    scrape = threading.Thread(target=lambda: found.extend(Exporter(prober).collect()))
    scrape.start()
    assert halting.asked.wait(60)
    probed(ledger, "problem-report-0", at=NOW)  # commits, while the scrape stands still
    assert ledger.state.totals.channels["problem-report-0"].attempted == 2
    halting.go_on.set()
    scrape.join(60)
    prober.ledger = ledger
    assert dict(samples(found, "cpr_canary_probes_submitted"))["problem-report-0"] == 1
    assert [value for _, value in samples(found, "cpr_canary_evidence_entries")] == [7]


def samples(found: list[Metric], name: str) -> Iterator[tuple[str | None, float]]:
    for metric in found:
        if metric.name == name:
            yield from ((sample.labels.get("channel"), sample.value) for sample in metric.samples)
