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
    """Every family of the table, empty at first."""

    def __init__(self) -> None:
        self._families = {name: row.type(PREFIX + name, row.help, labels=row.labels) for name, row in TABLE.items()}

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._families.values())

    def add(self, name: str, labels: Sequence[str], value: float) -> None:
        """A gauge or counter; raises TypeError if the table has another type for it."""
        family = self._families[name]
        if isinstance(family, HistogramMetricFamily):
            raise TypeError(f"{name} is a histogram")
        family.add_metric(labels, value)

    def add_histogram(self, name: str, labels: Sequence[str], stage: Stage, histogram: Histogram) -> None:
        """A histogram of a stage that is exported; raises TypeError if the table has another type for it."""
        family = self._families[name]
        if not isinstance(family, HistogramMetricFamily):
            raise TypeError(f"{name} is not a histogram")
        family.add_metric([*labels, stage.value], _cumulative(histogram, _BOUNDS[stage]), histogram.sum)


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
