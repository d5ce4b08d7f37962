"""The policies of MTA-STS that a sender knows, in a file of the state folder: a restart forgets none of them.

Whoever keeps us from a domain's policy, or from its record, must not win because the canary was started again: a policy
holds for as long as it said when it was fetched (RFC 8461 section 3.3).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkstemp
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from canary.budgets import STS_KEPT, STS_POLICY, BudgetError
from canary.channels.email.mx.sts import ID, MOST_SECONDS, PATTERN, StsPolicy
from canary.model import CanaryError
from canary.private import open_private
from canary.settings import ListOf, Settings

Kept = Mapping[str, tuple[StsPolicy, float]]
"""By domain a policy, and until when it holds, in seconds since 1970; what was learned last stands last."""


class NotKeptError(CanaryError, ValueError):
    """A file of kept policies that cannot be read or written; the text says why."""


class _KeptPolicy(Settings):
    """A policy as it stands in the file."""

    mode: Literal["enforce", "testing", "none"]
    mx: ListOf[Annotated[str, Field(pattern=f"^{PATTERN.pattern}$")]]
    max_age: int = Field(ge=0, le=MOST_SECONDS)
    id: str = Field(pattern=f"^{ID.pattern}$")
    until: float = Field(ge=0, le=1e11)


_FILE: TypeAdapter[dict[str, _KeptPolicy]] = TypeAdapter(dict[str, _KeptPolicy])


class KeptPolicies:
    """The file of one sender. Both ways block: they are for a thread."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._path = folder / f"mta-sts.{sender}.json"

    def read(self) -> Kept:
        """What is kept; nothing if there is no file. Raises NotKeptError for one that is damaged, or not ours alone."""
        try:
            with os.fdopen(open_private(self._path, what="it"), "rb") as file:
                found = _FILE.validate_json(STS_KEPT.read(file))
            STS_POLICY.hold(number=len(found))
        except FileNotFoundError:
            return {}
        except ValidationError as error:
            raise NotKeptError(f"{self._path} holds no policies: {error.errors()[0]['msg'][:200]}") from None
        except (BudgetError, OSError) as error:
            raise NotKeptError(f"{self._path} cannot be read: {error}") from error
        return {name: (StsPolicy(one.mode, one.mx, one.max_age, one.id), one.until) for name, one in found.items()}

    def write(self, kept: Kept) -> None:
        """Keep these and no others, all or nothing. Raises NotKeptError."""
        told = {
            domain: {"mode": one.mode, "mx": one.mx, "max_age": one.max_age, "id": one.id, "until": until}
            for domain, (one, until) in kept.items()
        }
        try:
            STS_KEPT.hold(received=len(content := json.dumps(told, indent=1).encode()))
            descriptor, fresh = mkstemp(prefix=f"{self._path.name}.", dir=self._path.parent)  # for us alone
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(fresh).replace(self._path)
            finally:
                Path(fresh).unlink(missing_ok=True)
        except (BudgetError, OSError) as error:
            raise NotKeptError(f"{self._path} cannot be written: {error}") from error
