"""One try to submit a form, and what became of it.

A fault of the CA's is an :class:`UnusableError`, one of ours an :class:`OwnFaultError`; an :class:`Attempt` turns both
into submissions.
"""

from __future__ import annotations

from collections.abc import Iterable

from canary.channels import UnusableError
from canary.clock import Clock
from canary.model import Failure, OwnFaultError, Submission


class NoAnswerError(UnusableError):
    """The report was sent off and no answer came: it is not known whether it was taken."""


class Attempt:
    """One try to submit a form, as it goes: when it began and how long each step took."""

    def __init__(self, clock: Clock) -> None:
        self._at, self._monotonic, self._start = clock.now(), clock.monotonic, clock.monotonic()
        self._sleep = clock.sleep
        self._steps: list[tuple[str, float]] = []
        self.clicked = False
        """Whether the report may have left."""

    async def pause(self, seconds: float) -> None:
        """Let so much time go by."""
        await self._sleep(seconds)

    def passed(self, step: str) -> None:
        """Note that ``step`` is done."""
        self._steps.append((step, self.seconds()))

    def accepted(self, reference: str | None, artefacts: Iterable[tuple[str, bytes]] = ()) -> Submission:
        """The page confirmed the report."""
        return Submission(
            at=self._at,
            accepted=True,
            seconds=self.seconds(),
            reference=reference,
            steps=tuple(self._steps),
            artefacts=tuple(artefacts),
        )

    def failed(self, fault: UnusableError | OwnFaultError, artefacts: Iterable[tuple[str, bytes]] = ()) -> Submission:
        """It did not go through. Our own fault after the last click leaves it open whether the report was taken."""
        ours = isinstance(fault, OwnFaultError)
        return Submission(
            at=self._at,
            accepted=False,
            seconds=self.seconds(),
            failure=Failure.OURS if ours else Failure.FORM_ERROR,
            uncertain=self.clicked and (ours or isinstance(fault, NoAnswerError)),
            reason=str(fault),
            component=fault.component if isinstance(fault, OwnFaultError) else None,
            own_reason=fault.reason if isinstance(fault, OwnFaultError) else None,
            steps=tuple(self._steps),
            artefacts=tuple(artefacts),
        )

    def seconds(self) -> float:
        """How long it has taken so far."""
        return self._monotonic() - self._start
