"""What a process that runs for months does about its memory."""

from __future__ import annotations

import ctypes
import gc

_M_ARENA_MAX = -8  # of mallopt(3), in glibc's malloc.h
_ARENAS = 1


def share_arenas() -> None:
    """Let the threads share one of glibc's arenas: each keeps what was freed in it. To be called before they begin.

    Does nothing where the C library is another one.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def collect_rarely() -> None:
    """Do not search for garbage in what lives as long as the process: modules, configuration, the ledger's state."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
