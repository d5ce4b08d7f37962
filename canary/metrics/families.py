"""The families of one scrape, filled by their names in the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from canary.ledger import BUCKETS, SHOWN, Histogram
from canary.metrics.table import PREFIX, TABLE
from canary.model import Stage

_Bucket = tuple[str, float] | tuple[str, float, Exemplar]


class Families:
    """Every family of the table, empty at first. What is added is kept small, and made into samples one at a time."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[Sequence[str], float]]] = {name: [] for name in TABLE}
        self._histograms: dict[str, list[tuple[Sequence[str], list[_Bucket], float]]] = {name: [] for name in TABLE}

    def __iter__(self) -> Iterator[Metric]:
        for name, row in TABLE.items():
            family = row.type(PREFIX + name, row.help, labels=row.labels)
            if isinstance(family, HistogramMetricFamily):
                for labels, buckets, total in self._histograms[name]:
                    family.add_metric(labels, buckets, total)
            else:
                for labels, value in self._rows[name]:
                    family.add_metric(labels, value)
            yield family

    def add(self, name: str, labels: Sequence[str], value: float) -> None:
        """A gauge or counter; raises TypeError if the table has another type for it.

        A time is told to the millisecond: no clock of a mail system is better, and every channel has several.
        """
        if TABLE[name].type is HistogramMetricFamily:
            raise TypeError(f"{name} is a histogram")
        if name.endswith("_timestamp_seconds"):
            value = round(value, 3)
        self._rows[name].append((labels, value))

    def add_histogram(self, name: str, labels: Sequence[str], stage: Stage, histogram: Histogram) -> None:
        """A histogram of a stage that is exported; raises TypeError if the table has another type for it."""
        if TABLE[name].type is not HistogramMetricFamily:
            raise TypeError(f"{name} is not a histogram")
        buckets = _cumulative(histogram, _BOUNDS[stage])
        self._histograms[name].append(([*labels, stage.value], buckets, histogram.sum))


def _bounds(stage: Stage) -> list[tuple[str, int]]:
    """The exported upper bounds of a stage, as text, and up to where the counted buckets are below each."""
    written = [
        (floatToGoString(bound), BUCKETS.index(bound) + 1)  # type: ignore[no-untyped-call]  # untyped there
        for bound in SHOWN[stage]
    ]
    return [*written, ("+Inf", len(BUCKETS) + 1)]


_BOUNDS = {stage: _bounds(stage) for stage in SHOWN}


def _cumulative(histogram: Histogram, bounds: list[tuple[str, int]]) -> list[_Bucket]:
    total, start = 0, 0
    buckets: list[_Bucket] = []
    for bound, end in bounds:
        total += sum(histogram.counts[start:end])
        known = [histogram.exemplars[index] for index in range(start, end) if index in histogram.exemplars]
        if known:
            probe, seconds, at = max(known, key=lambda exemplar: exemplar[2])
            buckets.append((bound, float(total), Exemplar({"probe_id": probe}, seconds, at)))
        else:
            buckets.append((bound, float(total)))
        start = end
    return buckets
