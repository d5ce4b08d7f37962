"""What the CA bound itself to before the seed was known: the same list, and the same part of the log.

Without it everything may have been chosen to fit the seed: which probes are listed, and where the part begins and ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from cryptography import x509

from . import canonical, stamps
from .archive import Archive
from .findings import Findings, require
from .log import Log
from .period import Period

COMMITTED = "list and part of the log were fixed before the seed was known"
CHALLENGE = "seed is public randomness that came after"
_FORMAT = "cpr-canary-commitment@1"
_FIELDS = {"format", "origin", "period", "root", "population", "challenge"}


def check_commitment(given: bytes | None, archive: Archive, log: Log, findings: Findings) -> None:
    """Whether the bundle is about what the CA bound itself to; ``given`` is the file that the auditor was handed."""
    if given is None:
        findings.unchecked(
            COMMITTED,
            "no commitment was given (--commitment): whoever knew the seed first could choose list, beginning and end",
        )
        return
    with findings.one(COMMITTED):
        said = canonical.load(given)
        require(isinstance(said, dict) and said.get("format") == _FORMAT, f"it is no {_FORMAT}")
        require(said.keys() == _FIELDS, f"it is no {_FORMAT}")
        period, manifest = Period.read(said["period"]), archive.manifest
        require(said["origin"] == manifest["origin"], f"it is of another log: {said['origin']!r:.120}")
        require(period == Period.read(manifest["period"]), "it is about another period, or another part of the log")
        head = log.heads.get(period.end)
        require(head is not None and head.root.hex() == said["root"], f"the log was another one at {period.end} events")
        listed = archive.files.get("population.csv")
        require(listed == said["population"]["sha256"], "another list of all probes was bound to")
        findings.row(COMMITTED).said = f"SHA-256 of the commitment {sha256(given).hexdigest()}"
        if said["challenge"] is not None:
            findings.row(COMMITTED).said += f"; the seed is to be {said['challenge']!r:.200}"


def check_challenge(
    given: bytes | None, token: bytes | None, seed: str, roots: Sequence[x509.Certificate], findings: Findings
) -> None:
    """Whether the seed is the SHA-256 of a time-stamp over the commitment: nobody can know that beforehand."""
    if token is None:
        return
    with findings.one(CHALLENGE):
        require(given is not None, "a time-stamp is a seed for a commitment (--commitment), and none was given")
        require(bool(roots), "whose time-stamp it is needs --tsa-ca")
        assert given is not None
        stamp = stamps.check(token, given, roots, [])
        right = sha256(token).hexdigest()
        require(seed == right, f"the seed is {seed:.80}, and that of the time-stamp is {right}")
        findings.row(CHALLENGE).said = f"the commitment was time-stamped on {stamp.at:%F %T} UTC by {stamp.by}"
