"""The life of one probe: whether it is whole, and whether it came to what was seen of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from .base import must

Events = list[dict[str, Any]]

ORDER = ["scheduled", "submitting", "submitted", "deadline", "finished"]
HALF = 0.002


def only(events: Events, kind: str) -> dict[str, Any] | None:
    found = [event for event in events if event["kind"] == kind]
    must(len(found) <= 1 or kind not in ORDER, f"{kind} more than once")
    return found[0] if found else None


def whole(events: Events, now: datetime, slack: timedelta) -> None:
    """Scheduled, sent, ended: once each, in this order; and ended by when it had to."""
    for kind in ORDER:
        only(events, kind)
    order = [event["kind"] for event in events if event["kind"] in ORDER and event["kind"] != "deadline"]
    must(order == sorted(order, key=ORDER.index) and order[0] == "scheduled", "in another order")
    if "submitted" in order and "submitting" not in order:
        body = next(event["body"] for event in events if event["kind"] == "submitted")
        must(body["failure"] == "ours" and not body["uncertain"], "sent without a word before")
    begun = [event["when"] for event in events if event["kind"] in ORDER[:3]]
    must(all(b - a <= slack for a, b in zip(begun[1:], begun, strict=False)), "earlier than what came before")
    if "finished" in order:
        kinds = [event["kind"] for event in events]
        must("deadline" in kinds, "an end without what the deadline found")
        must(set(kinds[kinds.index("finished") + 1 :]) <= {"sighting", "flood"}, "more behind the end")
    kept = set()
    for event in events:
        if event["kind"] == "sighting":
            kept.add((event["body"]["place"]["queue"], event["body"]["place"]["role"]))
        if event["kind"] == "flood":
            count = event["body"]["count"]
            must(type(count) is int and count > 0, "no count")
            must((event["body"]["queue"], event["body"]["role"]) in kept, "counted, and never seen")
    if "finished" not in order:
        body = events[0]["body"]
        owed = max([body["deadline"], *body.get("owed", {}).values()])
        must(now <= events[0]["when"] + timedelta(seconds=body["give_up"] + owed) + slack, "without an end")


def named(events: Events, steps: Events, emptied: set[int]) -> None:
    """Whether the end of a probe names its events and the steps of the clock; of very many it counts the last ones."""
    end = only(events, "finished")
    if end is None:
        return
    numbers, more = end["body"]["events"], end["body"].get("more", 0)
    must(type(more) is int and more >= 0 and all(type(seq) is int for seq in numbers), "no list of its events")
    must(numbers == sorted(set(numbers)), "no list of its events")
    begun = only(events, "scheduled")
    clock = {step["seq"] for step in steps}
    meanwhile = {seq for seq in clock if begun and begun["seq"] < seq < end["seq"]} | clock & set(numbers)
    before = {event["seq"] for event in events if event["seq"] < end["seq"]} | meanwhile
    must(set(numbers) <= before | emptied, "an event that is named and not there")
    unnamed = before - set(numbers)
    must(not unnamed or (min(unnamed) > max(numbers, default=0) and len(unnamed) <= more), "an event that is not named")
    must(emptied or len(unnamed) == more, "fewer events than are counted")


class Story:
    """What was known of a probe when event ``until`` of it was written, on a clock as it was then."""

    def __init__(self, events: Events, steps: Events, faults: Events, until: int) -> None:
        events = [event for event in events if event["seq"] < until]
        self.steps = [(step["seq"], step["body"]["seconds"]) for step in steps if step["seq"] < until]
        self.fault = any(events[0]["seq"] < fault["seq"] < until for fault in faults)
        kinds = ("scheduled", "submitting", "submitted", "deadline")
        scheduled, self.submitting, self.submitted, decided = (only(events, kind) for kind in kinds)
        assert scheduled is not None
        self.about, self.decided = scheduled["body"], decided and decided["body"]["result"]
        self.sent = self.submitting or self.submitted
        start = self.submitted or self.submitting or scheduled
        began = datetime.fromisoformat(start["body"]["at"]) if self.submitted else start["when"]
        self.began = self._now(began, start["seq"])
        self.seen = [event for event in events if event["kind"] == "sighting" and self._counts(event["body"])]

    def _now(self, at: datetime, told: int) -> datetime:
        """A time as the clock would have it after all steps since it was told."""
        return at + timedelta(seconds=sum(by for seq, by in self.steps if seq > told))

    def _counts(self, body: dict[str, Any]) -> bool:
        if self.sent is None or body["forgery"] is not None:
            return False
        of_report = body["seen"] in ("report", "picked_up", "closed")
        if body["place"]["role"] == "replies":
            return not of_report
        if body["seen"] not in ("report", "picked_up", "closed", "acknowledgement", "answer"):
            return False
        sent = self.sent["body"].get("message_id")
        by_id = of_report and sent and body["place"].get("message_id", True) and body["intact"] is None
        return not by_id or bool(body["message_id"] == sent)

    def after(self, event: dict[str, Any]) -> float:
        """Seconds from submission to a sighting."""
        times = [datetime.fromisoformat(event["body"][name]) for name in ("arrived_at", "noticed_at")]
        return max(0.0, min((self._now(time, event["seq"]) - self.began).total_seconds() for time in times))

    def unseen(self, event: dict[str, Any], limit: float) -> bool:
        """Whether it may have been there by a limit, and nobody looked."""
        return bool(event["body"]["source"] == "noticed" and self.after(event) - event["body"]["uncertainty"] <= limit)

    def reports(self, role: str) -> Events:
        return [event for event in self.seen if event["body"]["seen"] == "report"
                and event["body"]["place"]["role"] == role]  # fmt: skip

    def copies(self) -> Events | None:
        """The first copy in each queue where the report is expected; None if one of them has none."""
        here = {event["body"]["place"]["queue"]: event
                for event in sorted(self.reports("monitored"), key=self.after, reverse=True)}  # fmt: skip
        found = [here.get(queue) for queue in self.about["expected"]]
        return None if None in found or not found else [event for event in found if event]

    def outcome(self) -> tuple[str, bool]:
        """What it came to, by what was seen; and whether its own events show a fault of the canary's."""
        copies, limit = self.copies(), self.about["deadline"]
        sent = self.submitted["body"] if self.submitted else {"failure": None, "uncertain": False}
        if self.sent is None:
            return "indeterminate", False
        if copies is not None:
            late = [event for event in copies if self.after(event) > limit]
            if late and all(self.unseen(event, limit) for event in late):
                return "indeterminate", True
            if late:
                return "late", False
            return "altered" if any(event["body"]["intact"] is False for event in copies) else "arrived", False
        failure = None if sent["uncertain"] else sent["failure"]
        elsewhere = self._elsewhere()
        if failure in ("rejected", "form_error"):
            return str(failure), False
        if elsewhere:
            return elsewhere, False
        if failure == "ours" or self.submitted is None:
            return "indeterminate", failure == "ours"
        if sent["uncertain"] and sent["failure"] != "form_error":
            return "indeterminate", True
        return "missing", False

    def _elsewhere(self) -> str:
        if any(event["body"]["seen"] == "bounce" for event in self.seen):
            return "bounced"
        for role, outcome in (("quarantine", "quarantined"), ("junk", "junked"), ("other", "wrong_queue")):
            if self.reports(role):
                return outcome
        expected = self.about["expected"]
        astray = [event for event in self.reports("monitored") if event["body"]["place"]["queue"] not in expected]
        return "wrong_queue" if astray else ""

    def follows(self, said: str, decided: str | None) -> None:
        """Whether an outcome is what was seen, and what the deadline had found before."""
        natural, ours = self.outcome()
        right = natural
        if decided == "met":
            must(self.copies(), "met, and not seen everywhere")
            right = "arrived"
        elif (decided, natural) in {("missed", "arrived"), ("missed", "indeterminate"), ("indeterminate", "arrived")}:
            right = "late"
        must(said == right or (said == "indeterminate" and natural == "missing"), f"{said}, and it is {right}")
        must(said != "indeterminate" or self.fault or (ours and natural != "missing"), "no fault was told")

    def stages(self) -> dict[str, list[float]]:
        """By stage: after how many seconds it was shown."""
        shown: dict[str, list[float]] = {}
        if self.submitted and self.submitted["body"]["accepted"]:
            shown["accepted"] = [self.submitted["body"]["seconds"]]
        copies = self.copies()
        if copies is not None:
            shown["arrived"] = [max(map(self.after, copies))]
        for event in self.seen:
            shown.setdefault(self.stage(event["body"]), []).append(self.after(event))
        return shown

    def stage(self, body: dict[str, Any]) -> str:
        queue, role = body["place"]["queue"], body["place"]["role"]
        if role != "replies" and not (role == "monitored" and queue in self.about["expected"]):
            return ""
        human = body.get("by") == "human" or (role == "replies" and body.get("by") is None)
        return STAGES.get((body["seen"], human, role == "replies"), "")

    def may_be_ours(self, stage: str, limit: float) -> bool:
        """Whether its own events show why nobody knows of a stage that was owed."""
        nowhere = stage == "answer_received" and self.about["replies"] is None
        failed = self.submitted is None or self.submitted["body"]["failure"] is not None
        shown = [event for event in self.seen if self.stage(event["body"]) == stage]
        return self.fault or nowhere or failed or any(self.unseen(event, limit) for event in shown)


STAGES = {
    ("answer", True, True): "answer_received",
    ("answer", True, False): "answered",
    **{("answer", False, replies): "acknowledged" for replies in (True, False)},
    **{("acknowledgement", human, replies): "acknowledged" for human in (True, False) for replies in (True, False)},
    **{("picked_up", True, replies): "picked_up" for replies in (True, False)},
    **{("closed", human, replies): "closed" for human in (True, False) for replies in (True, False)},
}
"""By what was seen, whether a human did it, and whether it came back to the sender."""


def consequent(events: Events, steps: Events, faults: Events) -> None:
    """Whether result, outcome, stages and what was owed follow from what was known when each was said."""
    finished, decided = only(events, "finished"), only(events, "deadline")
    if decided is not None:
        outcome, result = decided["body"]["outcome"], decided["body"]["result"]
        must(result == {"arrived": "met", "indeterminate": "indeterminate"}.get(outcome, "missed"), "another result")
        Story(events, steps, faults, decided["seq"]).follows(outcome, None)
    if finished is None:
        return
    said, story = finished["body"], Story(events, steps, faults, finished["seq"])
    if story.decided is not None:
        must((said["outcome"] == "arrived") is (story.decided == "met"), "another end than its deadline")
        must(story.decided != "missed" or said["outcome"] != "indeterminate", "another end than its deadline")
    story.follows(said["outcome"], story.decided)
    shown = story.stages()
    for stage, took in said["stages"].items():
        must(any(abs(one - took) <= HALF for one in shown.get(stage, [])), f"{stage} is not shown")
    owed = story.about.get("owed", {})
    must(said.get("owed", {}).keys() == owed.keys(), "owed otherwise")
    for stage, limit in owed.items():
        took, result = said["stages"].get(stage), said["owed"][stage]
        fits = {
            "met": took is not None and took <= limit + HALF,
            "missed": took is None or took > limit - HALF,
            "indeterminate": said["outcome"] == "indeterminate" or story.may_be_ours(stage, limit),
        }
        must(fits.get(result), f"{stage} is not {result}")


def files_of(events: Events) -> list[tuple[str, str, int]]:
    """SHA-256, what it is, and the event that names it."""
    found = []
    for event in events:
        body, seq = event["body"], event["seq"]
        if event["kind"] == "submitting":
            found.append((body["payload"], "exactly what was sent", seq))
        if event["kind"] == "submitted":
            found += [(body["artefacts"][name], name, seq) for name in sorted(body["artefacts"])]
        if event["kind"] == "sighting":
            found.append((body["message"], f"{body['seen']} in {body['place']['queue']}", seq))
    return found


def told(events: Events, rules: dict[str, str]) -> dict[str, Any]:
    """What the summary of a probe must be."""
    about, ended, decided = ((only(events, kind) or {"body": {}})["body"] for kind in
                             ("scheduled", "finished", "deadline"))  # fmt: skip
    fields = ["channel", "kind", "sender", "variant", "expected", "deadline", "give_up", "blind", "confirms"]
    return {
        "probe": events[0]["probe"],
        **{name: about.get(name) for name in fields},
        **{name: ended.get(name) for name in ("outcome", "reason", "place")},
        "stages": ended.get("stages", {}),
        "result": decided.get("result"),
        "owed": {stage: {"within": limit, "result": ended.get("owed", {}).get(stage)}
                 for stage, limit in about.get("owed", {}).items()},
        "events": [event["seq"] for event in events],
        "not_kept": [event["body"] | {"event": event["seq"]} for event in events if event["kind"] == "flood"],
        "times": [time for event in events for time in times_of(event)],
        "artefacts": [
            {"sha256": digest, "what": what, "event": seq,
             "state": f"deleted under rule {rules[digest]}, hash kept" if digest in rules else "kept"}
            for digest, what, seq in files_of(events)
        ],
    }  # fmt: skip


def times_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    body, ours = event["body"], {"event": event["seq"], "source": "clock of the canary"}
    found = [{"what": f"{event['kind']} recorded", "at": event["at"], **ours}]
    if event["kind"] == "submitted":
        found += [{"what": "sending began", "at": body["at"], **ours},
                  {"what": "sending took", "seconds": body["seconds"], **ours}]  # fmt: skip
    if event["kind"] == "sighting":
        what, theirs = f"{body['seen']} in {body['place']['queue']}", {"event": event["seq"], "source": body["source"]}
        found += [{"what": f"{what} arrived", "at": body["arrived_at"], **theirs, "uncertainty": body["uncertainty"]},
                  {"what": f"{what} noticed", "at": body["noticed_at"], **ours}]  # fmt: skip
    return found
