"""What was deleted: told beforehand, by a rule that keeps it long enough, and old enough by that rule."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from .base import must
from .history import History, moment

FLOORS = {"messages": 90, "traces": 90, "events": 730}


class Deletion:
    """The tombstones of a log."""

    def __init__(self, log: History, slack: timedelta) -> None:
        self._log, self._slack = log, slack
        for event in log.of("forgotten"):
            self._check(event)
        for seq in log.emptied:
            must(self._of_event(seq), "an event that is not there without a word")

    def _check(self, event: dict[str, Any]) -> None:
        body, before = event["body"], moment(event["body"]["before"])
        must(type(body["kept"]) in (int, float) and body["kept"] >= FLOORS[body["rule"]] * 86_400, "kept too shortly")
        must(abs(event["when"] - before - timedelta(seconds=body["kept"])) <= self._slack, "not by its rule")
        must(type(body["first"]) is int and type(body["last"]) is int and body["last"] < event["seq"], "not there yet")
        at = [other["when"] for other in self._log.order if other["seq"] <= body["last"]]
        must(not at or max(at) <= before + self._slack, "too young")

    def _of_event(self, seq: int) -> list[datetime]:
        stones = (event["body"] for event in self._log.of("forgotten") if "artefacts" not in event["body"])
        return [moment(stone["before"]) for stone in stones if stone["first"] <= seq <= stone["last"]]

    def check_file(self, digest: str, event: dict[str, Any]) -> None:
        """Whether a file of an event may be lacking."""
        stones = [told["body"] for told in self._log.of("forgotten") if digest in told["body"].get("artefacts", ())]
        must(stones, "a file that is missing without a word")
        old = event["seq"] <= stones[-1]["last"] and event["when"] <= moment(stones[-1]["before"]) + self._slack
        must(old, "a file that is missing, and too young")

    def check_event(self, seq: int, at: datetime) -> None:
        """Whether an event of this time may have been emptied."""
        before = self._of_event(seq)
        must(before and at <= before[0] + self._slack, "an event that was emptied, and too young")
