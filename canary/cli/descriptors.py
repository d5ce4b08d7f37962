"""How many files and connections the process may have open."""

from __future__ import annotations

import resource

_ENOUGH = 65536


def open_as_many_as_allowed() -> None:
    """Raise the limit on descriptors as far as the system lets us: the usual 1024 is meant for select(2) alone."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
