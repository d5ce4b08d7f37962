"""Every metric in one table, exported from the ledger by a custom collector: counters survive a restart.

Labels are closed sets: ``channel`` and ``queue`` are slugs of the configuration, never an address. With
``histograms: per_kind`` what is many-valued (latencies, outcomes, forgeries) is summed over the channels of a kind, and
what was missed of late is left out, for installations of hundreds of channels.
"""

from canary.metrics.exporter import Exporter, registry
from canary.metrics.table import PREFIX, TABLE, Definition

__all__ = ["PREFIX", "TABLE", "Definition", "Exporter", "registry"]
