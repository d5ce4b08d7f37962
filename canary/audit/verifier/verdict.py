"""The verdict as one page that can be read by whoever never saw a Merkle tree; then every question by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from textwrap import wrap
from typing import Any

from . import commitment, deleted, log, meaning, messages, period, sample, times, totals, verify, windows
from .findings import GAPS, PROVED, REFUSED, Findings, Row

LIMITS = (
    "That a probe was not made up while it went on: the CA holds the key of the log, the key of the marks and the "
    "mailboxes, so it can write, as time goes by, what never was sent. Only what others signed (time-stamps, "
    "witnesses, a provider's own signature on the message that was found) is not its own word.",
    "What happened between two time-stamps, in whatever way it is told: until the next one, all since the one before "
    "can be written anew.",
    "That probes are treated as other reports are, and that an address of a channel is the one that the CA publishes: "
    "compare with its CPS and with CCADB.",
    "That other people are shown the same log: only a witness, or a checkpoint that you fetched before, tells.",
    "Whether a certificate of a time-stamping authority was revoked: ask the authority.",
)
"""What no bundle can show, whoever checks it."""

_ANSWERS = {"failed": "NO", "gap": "in part", "ok": "yes", "nothing": "-"}
_ASKED = {
    "Nothing was changed, added or taken out since it was signed by a key that you know": (
        verify.BUNDLE, verify.FILES, log.KEYS, log.HEADS, log.CONSISTENCY, log.EVENTS),
    "It is the log that you, or a witness, were shown before": (verify.KEPT, times.WITNESSED),
    "It is about the period and the sample that you asked for": (verify.ASKED, period.PERIOD),
    "Times are right, as far as authorities outside bear them out": (
        verify.ORDER, times.TOKENS, times.WITHIN, times.COVERED, windows.CLOSE),
    "Nobody but your seed chose the probes, out of all that there were": (
        commitment.COMMITTED, commitment.CHALLENGE, sample.POPULATION, sample.SAMPLE, sample.SPOTS, verify.LISTED,
        totals.TOTALS, totals.BY_CHANNEL),
    "Each probe was sent to its channel, and expected where that arrives, as it was configured then": (
        meaning.MEANING, meaning.OPENED),
    "What was sent is what was found": (
        messages.ARTEFACTS, messages.FORM, messages.MARKS, messages.ALONE, messages.CARRIED),
    "Each probe came to what was seen of it": (
        verify.COMPLETE, verify.WHOLE, verify.OUTCOME, verify.SUMMARIES),
    "What was deleted is told": (deleted.FORGOTTEN,),
}  # fmt: skip
"""The questions of an auditor, and the rows of the findings that answer each; any other row speaks for itself."""

_HEADS = {
    PROVED: "PROVED: everything that was asked of this bundle follows from what was signed",
    GAPS: "PROVED WITH GAPS: nothing is wrong, and {gaps} question(s) could be answered in part only",
    REFUSED: "REFUSED: {failed} thing(s) are not as they must be, so nothing here is proved",
}
_WORST = ("failed", "gap", "ok", "nothing")
_SHOWN = 5
"""Failures of one question on the page; all that are known stand below it."""
_WIDTH = 110


def page(findings: Findings) -> str:
    """The verdict, and below it every row."""
    head = _HEADS[findings.verdict].format(
        gaps=sum(bool(row.unchecked) for row in findings.rows.values()),
        failed=sum(row.failed for row in findings.rows.values()),
    )
    lines = [head]
    for title, told in _SECTIONS.items():
        section = list(told(findings))
        lines += ["", title, *section] if section else []
    lines += ["", "Question by question", *(line for row in findings.rows.values() for line in _in_detail(row))]
    return "\n".join(map(printable, [*lines, "", head])) + "\n"


def printable(text: str) -> str:
    """``text`` without what would move a terminal's cursor: names and reasons come out of the bundle."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _about(findings: Findings) -> Iterator[str]:
    facts = findings.facts
    if "origin" not in facts:
        return
    asked = facts["period"]
    yield f"  log          {facts['origin']}"
    yield f"  period       {asked['from']} to {asked['to']}"
    yield f"  sample       {facts['size']} probes by seed {facts['seed']}"
    yield f"  manifest     SHA-256 {facts['sha256']}"
    if "checkpoint" in facts:
        yield f"  checkpoint   {facts['checkpoint']['size']} events, root {facts['checkpoint']['root']}"


def _answers(findings: Findings) -> Iterator[str]:
    rows, told = findings.rows, set[str]()
    for question, names in _ASKED.items():
        told |= set(names)
        states = {rows[name].state for name in names if name in rows}
        worst = next((state for state in _WORST if state in states), "nothing")
        yield f"  {_ANSWERS[worst]:<9}{question}"
    for name, row in rows.items():
        if name not in told:
            yield f"  {_ANSWERS[row.state]:<9}{name[0].upper()}{name[1:]}"


def _within(findings: Findings) -> Iterator[str]:
    probes = [fact for fact in findings.facts.get("probes", ()) if fact["events"]]
    known = [fact for fact in probes if fact.get("within") is not None]
    if known:
        widest = max(known, key=lambda fact: float(fact["within"]))
        within = windows.shown(timedelta(seconds=widest["within"]))
        yield f"  of {len(known)} of {len(probes)} probes, each event was put into the log within {within} at most"
        yield f"  (the widest is of probe {widest['probe']}); in between, nothing can be told apart"
    if len(known) < len(probes):
        yield f"  of {len(probes) - len(known)} probes no time is proved"


def _counted(findings: Findings) -> Iterator[str]:
    facts = findings.facts
    if "totals" in facts:
        yield from _due(facts["totals"])
    if "population" in facts:
        counts = facts["population"]
        results = {name: counts.get(name, 0) for name in ("met", "missed", "indeterminate", "none")}
        yield f"  {counts['count']} probes are listed as scheduled in the period: " + ", ".join(
            f"{number} {_RESULTS[name]}" for name, number in results.items()
        )
    if "probes" in facts:
        yield f"  {len(facts['probes'])} of them were looked at with all that is kept of them"


def _due(grown: dict[str, int]) -> Iterator[str]:
    """What the log's own totals grew by, from the checkpoint before the period to the one after it."""
    held = {name.removeprefix("held_"): number for name, number in grown.items() if name.startswith("held_") and number}
    why = f" ({', '.join(f'{name} {number}' for name, number in held.items())})" if held else ""
    yield f"  {grown.get('due', 0)} were due by the intervals in force: {grown.get('turns', 0)} had their turn, " + (
        f"{grown.get('looks', 0)} were looks, {sum(held.values())} were held{why}, "
        f"{grown.get('unaccounted', 0)} unaccounted for"
    )
    yield f"  {grown.get('scheduled', 0)} were scheduled, with confirmations and by hand; {grown.get('sent', 0)} sent"


_RESULTS = {"met": "met", "missed": "missed", "indeterminate": "not known by a fault of the canary's own",
            "none": "without an end"}  # fmt: skip


def _channels(findings: Findings) -> Iterator[str]:
    for fact in findings.facts.get("channels", ()):
        yield f"  {fact['channel']} ({fact['kind']}), as event {fact['event']} told at {fact['told']}"
        yield from _folded(f"goes to {_said(fact['target'])}")
        yield from _folded(f"arrives in {_said(fact['queues'])} within {fact['deadline']:g} s")
        yield from _folded(f"published in {_said(fact['disclosed_in'])}; approved by {fact['approved_by']}")


def _blackouts(findings: Findings) -> Iterator[str]:
    """Those of the period, and whether they were told in time: as far as the bundle has what was in force before."""
    for fact in findings.facts.get("blackouts", ()):
        of = ", ".join(map(str, fact["channels"])) or "every channel"
        yield from _folded(
            f"{of}: {fact['from']} to {fact['until']}, approved by {fact['approved_by']}: {fact['reason']}"
        )
        told = f"event {fact['event']} tells of it at {fact['told']}, "
        if not fact["begun"]:
            yield from _folded(f"{told}before it began")
        elif fact["missing"]:
            yield from _folded(f"{told}AFTER IT BEGAN, unless event {fact['before']} has it too: ask for that")
        else:
            yield from _folded(f"{told}AFTER IT BEGAN, and what was in force before has it not")


def _said(value: Any) -> str:
    """What an event tells, in a line; of what is sealed, whether it was opened."""
    if isinstance(value, dict) and "sealed" in value:
        return str(value.get("opened") or f"sealed {value['sealed'][:16]}")
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_said(item)}" for key, item in value.items() if item not in ([], {}))
    return ", ".join(map(_said, value)) if isinstance(value, list) else str(value)


def _providers(findings: Findings) -> Iterator[str]:
    """Who besides the CA bears out what was found."""
    found = findings.facts.get("providers", {})
    for domain, number in sorted(found.get("signed", {}).items()):
        yield f"  {number} of {found['copies']} copies that were found are signed by {domain} (DKIM), by a key of yours"
    for name, number in sorted(found.get("keys_wanted", {}).items()):
        yield from _folded(
            f"{number} of {found['copies']} copies name the key {name:.200}: bring it (--dkim), and its signature is "
            "looked at"
        )


def _deleted(findings: Findings) -> Iterator[str]:
    """What is lacking since it was deleted, by which rule; of the picks, each."""
    for fact in findings.facts.get("deleted", ()):
        days = " and ".join(f"{days:g}" for days in fact["kept_days"])
        what = (
            "events that the bundle would hold" if fact["rule"] == "events" else f"files ({fact['rule']}) of the sample"
        )
        yield from _folded(
            f"{fact['lacking']} {what}, by a rule of {days} days, from {fact['from'][:10]} to {fact['to'][:10]} "
            f"({len(fact['told_by'])} events tell of it); {fact['before_the_end']} before the period was over"
        )
        if fact["picked"]:
            more = len(fact["picked"]) - _SHOWN
            numbers = ", ".join(map(str, fact["picked"][:_SHOWN])) + (f" and {more} more" if more > 0 else "")
            yield from _folded(f"of these the seed had picked {numbers}: nothing can be said of them")


def _gaps(findings: Findings) -> Iterator[str]:
    for row in findings.rows.values():
        for why, count in row.unchecked.items():
            yield from _folded(f"{row.what}: {why}" + (f" ({count} times)" if count > 1 else ""))


def _failures(findings: Findings) -> Iterator[str]:
    for row in findings.rows.values():
        for failure in row.failures[:_SHOWN]:
            yield from _folded(f"{row.what}: {failure}")
        if row.failed > _SHOWN:
            yield from _folded(f"{row.what}: {row.failed - _SHOWN} more")


def _folded(text: str) -> list[str]:
    return wrap(text, _WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _limits(_: Findings) -> Iterator[str]:
    for limit in LIMITS:
        yield from _folded(limit)


def _probes(findings: Findings) -> Iterator[str]:
    for fact in findings.facts.get("probes", ()):
        between = f"sent after {fact.get('not_before') or '?'}, all seen by {fact.get('not_after') or '?'}"
        yield f"  {fact['probe']} {fact.get('channel')} {fact.get('outcome')}; proved: {between}"


def _in_detail(row: Row) -> Iterator[str]:
    count = f"{row.checked} checked" if row.checked else ""
    said = f" ({row.said})" if row.said else ""
    yield f"  {_ANSWERS[row.state]:<9}{row.what}: {count}{said}".rstrip(": ")
    yield from (f"{'':<13}{failure}" for failure in row.failures)
    if row.failed > len(row.failures):
        yield f"{'':<13}and {row.failed - len(row.failures)} more"
    yield from (f"{'':<13}not checked: {why} ({count} times)" for why, count in row.unchecked.items())


_SECTIONS: dict[str, Callable[[Findings], Iterator[str]]] = {
    "What was given": _about,
    "Refused, because": _failures,
    "What was proved": _answers,
    "Within what time": _within,
    "Whose word there is besides the CA's": _providers,
    "For how many": _counted,
    "What the channels of these probes meant": _channels,
    "Blackouts, as these configurations have them": _blackouts,
    "What was deleted": _deleted,
    "Not checked, and why": _gaps,
    "What no such proof can show": _limits,
    "Probe by probe": _probes,
}
