"""How a form takes the ways to name a certificate: one that refuses one of them and takes another is told so."""

from __future__ import annotations

from dataclasses import replace

from canary.model import Failure, Report, Submission


class Identified:
    """What was taken by one form since it was opened."""

    def __init__(self) -> None:
        self._taken: dict[str, None] = {}

    def told(self, report: Report, result: Submission) -> Submission:
        """The result of a report, with how its certificate was named where the form was there and did not take it."""
        if report.identifier is None:
            return result
        form = report.identifier.form
        if result.accepted:
            self._taken[form] = None
        elif result.failure is Failure.FORM_ERROR and result.steps and not result.uncertain:
            self._taken.pop(form, None)
            others = f" (taken with {', '.join(self._taken)})" if self._taken else ""
            return replace(result, reason=f"refused with {form}{others}: {result.reason}")
        return result
