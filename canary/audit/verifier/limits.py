"""How much of a bundle is taken before it is enough: it may be hostile, and whoever checks it has other work to do."""

from __future__ import annotations

from datetime import timedelta

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

LARGEST_BUNDLE, LARGEST_UNPACKED = 4 * GIB, 16 * GIB
LARGEST_DIRECTORY, LARGEST_MANIFEST = 16 * MIB, 16 * MIB
LARGEST_EVENTS = 256 * MIB
"""Bytes of all events together."""
LARGEST_MESSAGE = 32 * MIB
"""Bytes of a message that is looked into; larger ones are only hashed."""
LARGEST_COMMITMENT = 64 * KIB
"""Bytes of the commitment that the CA gave."""
LARGEST_TOTALS = 64 * MIB
"""Bytes of a table of totals by channel."""
LARGEST_ROOTS = 16 * MIB
"""Bytes of the file with the certificates that the auditor trusts."""
LARGEST_OPENED = 16 * MIB
"""Bytes of the file with what the operator opened."""
LONGEST_ROW = 256
"""Characters of a line of the population."""
LONGEST_HEADER = 1000
"""Characters of a header whose encoding is undone: that takes four times as long for twice as many."""
MOST_HEADERS = 1000
"""Headers of a part whose encoding is undone."""
LONGEST_CHAIN = 8
"""Certificates from that of a time-stamping authority to one that the auditor trusts."""
LONGEST_STAMPING = timedelta(days=2)
"""Between the time-stamps around an event, whatever interval the log tells: the end of each day is stamped."""
LONGEST_OUTAGE = timedelta(days=7)
"""Between them where the log tells why it is so long; that is the operator's word, so it does not excuse weeks."""
MOST_PARTS = 50
"""Boundaries in a message whose parts are looked into."""
LARGEST_FIELD = MIB
"""Bytes of a field of a message's header that a signature is over."""
MOST_SIGNATURES, MOST_SIGNED = 20, 1000
"""Signatures of one message that are looked at, and fields that one of them names."""
MOST_DRAWN = 65_535
"""Probes in a sample: as many as a bundle has files."""
MOST_FAILURES = 50
"""Failures of a row that are listed one by one; there may be thousands after the first."""

LARGEST_FILES = {
    "checkpoint": 64 * KIB,
    "head": 64 * KIB,
    "cosignature": 64 * KIB,
    "consistency": 64 * KIB,
    "token": 256 * KIB,
    "chain": 256 * KIB,
    "event": 65_535,
    "proof": 64 * KIB,
    "artefact": GIB,
    "summary": 1 * MIB,
    "population": 2 * GIB,
}
"""Bytes of a file in the bundle, by its kind."""
