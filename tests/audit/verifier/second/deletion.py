"""What was deleted: told beforehand, by the rule in force, which keeps it long enough, and old enough by that rule."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from .base import must
from .history import History, moment
from .meaning import lineage, start, told_at_all

FLOORS = {"messages": 90, "traces": 90, "events": 730}
RUN = timedelta(days=1)


class Deletion:
    """The tombstones of a log."""

    def __init__(self, log: History, slack: timedelta) -> None:
        self._log, self._slack = log, slack
        for event in log.of("forgotten"):
            self._check(event)
        for seq in log.emptied:
            must(self._of_event(seq), "an event that is not there without a word")

    def _check(self, stone: dict[str, Any]) -> None:
        body, log, before = stone["body"], self._log, moment(stone["body"]["before"])
        rule, kept = body["rule"], body["kept"]
        must(type(kept) in (int, float) and kept >= FLOORS[rule] * 86_400, "kept too shortly")
        must((rule == "events") == ("artefacts" not in body), "by a rule for something else")
        begun = before + timedelta(seconds=kept)
        must(begun - self._slack <= stone["when"] <= begun + RUN + self._slack, "not by its rule")
        must(type(body["first"]) is int and type(body["last"]) is int and body["last"] < stone["seq"], "not there yet")
        for event in log.order:
            if event["seq"] <= body["last"]:
                self._old(event["seq"], event["when"], stone)
        must("artefacts" in body or body["last"] in log.events, "nothing shows how old it was")
        must(type(body["configured"]) is int and body["configured"] < stone["seq"], "by no rule")
        rules = log.events[body["configured"]]
        must(rules["kind"] == "configured" and rules["body"]["retention"][rule] == kept, "by another rule")
        if not told_at_all(log, stone["seq"]):
            return
        down_to = start(rules) if rules["body"]["scheduled"] else stone["seq"]
        for number in lineage(log, stone["seq"], down_to):
            known = log.events[number]
            if number < stone["seq"] and known["body"]["retention"][rule] == kept:
                return
            must(number > stone["seq"] or known["when"] + self._slack >= begun, "by a rule that was not in force")

    def _old(self, seq: int, at: datetime, stone: dict[str, Any]) -> None:
        steps = [e["body"]["seconds"] for e in self._log.of("clock_stepped") if seq < e["seq"] <= stone["seq"]]
        real = at + sum((timedelta(seconds=max(0, step)) for step in steps), timedelta())
        must(real <= moment(stone["body"]["before"]) + self._slack, "too young")

    def _of_event(self, seq: int) -> dict[str, Any] | None:
        stones = [event for event in self._log.of("forgotten") if "artefacts" not in event["body"]]
        over = [event for event in stones if event["body"]["first"] <= seq <= event["body"]["last"]]
        return max(over, key=lambda event: event["body"]["last"], default=None)

    def check_file(self, digest: str, event: dict[str, Any]) -> None:
        """Whether a file of an event may be lacking."""
        stones = [told for told in self._log.of("forgotten") if digest in told["body"].get("artefacts", ())]
        must(stones and event["seq"] <= stones[-1]["body"]["last"], "a file that is missing without a word")
        self._old(event["seq"], event["when"], stones[-1])

    def check_event(self, seq: int, at: datetime) -> None:
        """Whether an event of this time may have been emptied."""
        stone = self._of_event(seq)
        must(stone, "an event that was emptied without a word")
        assert stone is not None
        self._old(seq, at, stone)
