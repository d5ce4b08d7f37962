"""What must be true at the end of a soak, whatever happened: each question by itself, with what was found."""

from __future__ import annotations

import json
import re
import sqlite3
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

from servers.ca_site import CaSite

MOST_MEMORY = 400.0
"""MiB."""
MORE_MEMORY, MORE_DESCRIPTORS = 40.0, 24
"""By how much the last third of a life may have more than the first: less than a leak comes to."""

LONGEST_STALL = 0.25
"""Seconds of CPU that the event loop may be kept at a time."""
_LONG = 60
"""Samples of a life that is long enough to tell."""

Events = list[dict[str, Any]]


def events(folder: Path, kind: str | None = None) -> Events:
    """The ledger as another program reads it."""
    connection = sqlite3.connect(f"file:{folder / 'state/ledger.sqlite'}?mode=ro", uri=True, timeout=60)
    try:
        found = [json.loads(body) for (body,) in connection.execute("SELECT body FROM event ORDER BY seq")]
    finally:
        connection.close()
    return [event for event in found if kind is None or event["kind"] == kind]


def nothing_lost_or_sent_twice(ca: CaSite, recorded: Events) -> dict[str, int]:
    """Every report that was received is one that was recorded, was taken from us once, and was seen.

    One that was taken once may lie there twice: an LMTP server that is killed has stored it, and had no time to say so.
    """
    ours = [
        message_from_bytes(raw) for folder in ("CPR", "INBOX", "General") for _, _, raw in ca.messages("desk", folder)
    ]
    received = {str(message["Message-ID"]): set[str]() for message in ours if message["X-Soak"] is None}
    for message in ours:
        if message["X-Soak"] is None:
            received[str(message["Message-ID"])].add(_queued(message))
    submitting = {event["body"]["message_id"]: event["probe"] for event in recorded if event["kind"] == "submitting"}
    submitting.pop(None, None)
    twice = [known for known, queued in received.items() if len(queued) > 1]
    assert not twice, f"sent twice: {twice}"
    unknown = received.keys() - submitting.keys()
    assert not unknown, f"sent before it was recorded: {unknown}"
    channels = {event["probe"]: event["body"]["channel"] for event in recorded if event["kind"] == "scheduled"}
    outcomes = {event["probe"]: event["body"]["outcome"] for event in recorded if event["kind"] == "finished"}
    wrong = {
        submitting[known]: str(message["Received"])[-40:]
        for message in ours
        if (known := str(message["Message-ID"])) in submitting
        and channels[submitting[known]].startswith("good")
        and outcomes.get(submitting[known]) not in ("arrived", "late", "indeterminate")
    }
    told = {probe: [event for event in recorded if event.get("probe") == probe] for probe in wrong}
    assert not wrong, f"received, and judged otherwise: {wrong}\n{json.dumps(told, indent=1)}"
    accepted = {e["probe"] for e in recorded if e["kind"] == "submitted" and e["body"]["accepted"]}
    good = {probe for probe in accepted if channels[probe].startswith("good")}
    lost = good - {submitting[known] for known in received}
    assert not lost, f"accepted by the mail system, and not there: {lost}"
    return Counter(f"{channels[probe]}: {outcome}" for probe, outcome in outcomes.items())


def _queued(message: Message) -> str:
    """Under which id the mail system took a message from us: in the lowest of what it wrote above it."""
    return re.sub(r".*\bid (\w+).*", r"\1", str(message.get_all("Received", [""])[-1]), flags=re.DOTALL)


def still_open(recorded: Events) -> list[str]:
    """The probes without an end: channel, when it was scheduled, and what is known of it."""
    ended = {event["probe"] for event in recorded if event["kind"] == "finished"}
    begun = [event for event in recorded if event["kind"] == "scheduled" and event["probe"] not in ended]
    return [
        f"{first['body']['channel']} {first['at']}: {[e['kind'] for e in recorded if e.get('probe') == first['probe']]}"
        for first in begun
    ]


def log_verifies(path: Path) -> None:
    """``audit verify-log`` finds nothing."""
    command = [sys.executable, "-m", "canary", "audit", "verify-log", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-3000:]


def flat(samples: Sequence[tuple[float, int]]) -> str:
    """Memory and descriptors of one process over its life do not rise; what they were, in a few words."""
    memory, descriptors = ([sample[which] for sample in samples] for which in (0, 1))
    third = max(1, len(samples) // 3)
    told = f"memory {memory[0]:.0f} to {memory[-1]:.0f} MiB (at most {max(memory):.0f}), "
    told += f"descriptors {descriptors[0]} to {descriptors[-1]} (at most {max(descriptors)})"
    assert max(memory) < MOST_MEMORY, told
    if len(samples) >= _LONG:
        assert statistics.median(memory[-third:]) < statistics.median(memory[:third]) + MORE_MEMORY, told
        assert min(descriptors[-third:]) < statistics.median(descriptors[:third]) + MORE_DESCRIPTORS, told
    return told


def no_stall(stalls: Sequence[str]) -> str:
    """The event loop never stood for long; what kept it longest, in a few words."""
    longest = sorted(stalls, key=lambda line: -float(line.split()[0]))[:5]
    assert not longest or float(longest[0].split()[0]) <= LONGEST_STALL, "\n".join(longest)
    return f"{len(stalls)} callbacks of more than 0.05 s of CPU: " + "; ".join(line[:120] for line in longest[:2])


def no_tracebacks(log: Path) -> None:
    """Nothing was raised that nobody expected."""
    text = log.read_text(encoding="utf-8", errors="replace")
    found = re.findall(r"Traceback \(most recent call last\).*?(?=\n\S|\Z)(?:\n[^\n]*)?", text, re.DOTALL)
    assert not found, f"{len(found)} tracebacks in the log, the first: {found[0][:3000]}"
