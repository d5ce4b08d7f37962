"""Numbers that alerts and dashboards share: each is written here and nowhere else."""

from __future__ import annotations

OBJECTIVE = 0.99
"""The service level: the share of probes that met their arrival deadline, over 28 days."""

ALLOWED = round(1 - OBJECTIVE, 6)
"""The share that may miss it: the error budget."""

BURNING = round(3 * ALLOWED, 6)
"""The share missed in a day at which the budget burns: three times what is allowed."""

CONFIRMED = 2
"""Probes that failed since one arrived, at which a channel is down: the first one, and the one that confirms it."""

UNREAD = 12 * 3600
"""Seconds for which a report may lie unread in a queue: half of the 24 hours of TLS BR 4.9.5."""

UNREADABLE = 15 * 60
"""Seconds for which a queue may not have been read."""
