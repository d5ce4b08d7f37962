"""Whatever was changed, left out, put in another order or said otherwise is refused, and the reason is named.

The forger is as able as can be: the manifest always fits the files, and where it says so has the log's own key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from audit.verifier.conftest import Healthy
from audit.verifier.office import DEADLINE, GIVE_UP, JUNK, Files, Office, packed, sealed, unpacked
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
from servers.tsa import Tsa

from canary.audit.verifier import canonical, log, sample, stamps, times, tlog, verify
from canary.audit.verifier.findings import Findings
from canary.audit.verifier.verify import Options
from canary.ledger import Event, EventKind
from canary.ledger import events as record


def refused(found: Findings, row: str, reason: str) -> None:
    assert not found.ok
    assert row in found.rows, found.rows.keys()
    assert any(re.search(reason, failure) for failure in found.rows[row].failures), found.to_json()["checks"]


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def numbered(files: Files, kind: str) -> int:
    """The number of the first event of a kind that belongs to a sampled probe."""
    ids = {name.split("/")[1] for name in files if name.startswith("probes/")}
    for name in sorted(files):
        if name.startswith("events/"):
            event = json.loads(files[name])
            if event["kind"] == kind and event.get("probe") in ids:
                return int(event["seq"])
    raise LookupError(kind)


def a_probe(files: Files) -> str:
    return str(canonical.load(files["manifest.json"])["probes"][0])


def without(files: Files, *names: str) -> Files:
    return {name: content for name, content in files.items() if name not in names}


def without_event(files: Files, seq: int) -> Files:
    return without(files, f"events/{seq}.json", f"proofs/{seq}.tlog-proof")


def swapped(files: Files, one: str, other: str) -> Files:
    return files | {one: files[other], other: files[one]}


def an_artefact(files: Files) -> list[str]:
    return sorted(name for name in files if name.startswith("artefacts/"))


# By somebody without the key


def test_a_bit_of_an_event(healthy: Healthy) -> None:
    seq = numbered(healthy.files, "finished")
    name = f"events/{seq}.json"
    place = healthy.files[name].index(b"arrived" if b"arrived" in healthy.files[name] else b"outcome")
    changed = sealed(healthy.files | {name: flipped(healthy.files[name], place)})
    refused(healthy.check(changed), log.EVENTS, rf"proofs/{seq}\.tlog-proof: the inclusion proof does not lead")


def test_a_bit_of_an_artefact(healthy: Healthy) -> None:
    name = an_artefact(healthy.files)[0]
    changed = sealed(healthy.files | {name: flipped(healthy.files[name], 10)})
    refused(healthy.check(changed), verify.ARTEFACTS, "another file than the one that the event names")


def test_a_hash_of_a_proof(healthy: Healthy) -> None:
    seq = numbered(healthy.files, "submitted")
    name = f"proofs/{seq}.tlog-proof"
    lines = healthy.files[name].decode().split("\n")
    lines[2] = lines[2].translate(str.maketrans("ABab", "BAba"))
    assert lines[2] != healthy.files[name].decode().split("\n")[2]
    changed = sealed(healthy.files | {name: "\n".join(lines).encode()})
    refused(healthy.check(changed), log.EVENTS, rf"proofs/{seq}\.tlog-proof: the inclusion proof does not lead")


def test_a_bit_of_the_checkpoint(healthy: Healthy) -> None:
    head = healthy.files["checkpoint"]
    size = tlog.Head.parse(head).size
    changed = {
        name: content.replace(f"\n{size}\n".encode(), f"\n{size + 1}\n".encode())
        for name, content in healthy.files.items()
    }
    refused(healthy.check(sealed(changed)), log.HEADS, "signature by ca.example/cpr-canary .* is not genuine")


def test_a_bit_of_a_time_stamp(healthy: Healthy) -> None:
    name = next(name for name in sorted(healthy.files) if name.endswith(".tsr"))
    changed = sealed(healthy.files | {name: flipped(healthy.files[name], len(healthy.files[name]) - 1)})
    refused(healthy.check(changed), times.TOKENS, "the signature of the time-stamp is not genuine")


@pytest.mark.parametrize("kind", ["scheduled", "submitting", "submitted", "finished"])
def test_an_event_that_is_left_out(healthy: Healthy, kind: str) -> None:
    changed = without_event(healthy.files, numbered(healthy.files, kind))
    assert not healthy.check(sealed(changed)).ok


def test_a_sighting_that_is_left_out(healthy: Healthy) -> None:
    changed = without_event(healthy.files, numbered(healthy.files, "sighting"))
    refused(healthy.check(sealed(changed)), verify.OUTCOME, "was not seen in|was seen in no such place")


def test_events_in_another_order(healthy: Healthy) -> None:
    one, other = numbered(healthy.files, "submitting"), numbered(healthy.files, "submitted")
    changed = swapped(healthy.files, f"events/{one}.json", f"events/{other}.json")
    refused(healthy.check(sealed(changed)), log.EVENTS, rf"proofs/{one}\.tlog-proof: is of event {other}")
    changed = swapped(changed, f"proofs/{one}.tlog-proof", f"proofs/{other}.tlog-proof")
    refused(healthy.check(sealed(changed)), log.EVENTS, rf"proofs/{one}\.tlog-proof: is of the leaf {other - 1}")


def test_a_swapped_artefact(healthy: Healthy) -> None:
    one, other = an_artefact(healthy.files)[:2]
    changed = sealed(swapped(healthy.files, one, other))
    refused(healthy.check(changed), verify.ARTEFACTS, "another file than the one that the event names")


def test_an_artefact_that_is_left_out(healthy: Healthy) -> None:
    changed = sealed(without(healthy.files, an_artefact(healthy.files)[0]))
    refused(healthy.check(changed), verify.ARTEFACTS, "not in the bundle, and no event tells that it was deleted")


def test_a_file_that_nothing_names(healthy: Healthy) -> None:
    changed = sealed(healthy.files | {"artefacts/" + "0" * 64: b"something"})
    refused(healthy.check(changed), verify.FILES, "nothing in the bundle asks for it")


def test_a_manifest_that_lists_less(healthy: Healthy) -> None:
    name = f"events/{numbered(healthy.files, 'submitted')}.json"
    changed = sealed(without(healthy.files, name)) | {name: healthy.files[name]}
    refused(healthy.check(changed), verify.BUNDLE, f"'{name}' is in the bundle and not in the manifest")


def test_a_manifest_that_lists_more(healthy: Healthy) -> None:
    name = f"events/{numbered(healthy.files, 'submitted')}.json"
    changed = without(healthy.files, name)
    refused(healthy.check(changed), verify.BUNDLE, f"{name} is in the manifest and not in the bundle")


def test_a_summary_that_says_something_else(healthy: Healthy) -> None:
    name = next(name for name in healthy.files if name.startswith("probes/"))
    told = canonical.load(healthy.files[name]) | {"outcome": "arrived", "reason": "all is well"}
    changed = sealed(healthy.files | {name: canonical.dumps(told)})
    refused(healthy.check(changed), verify.SUMMARIES, "says something else than the events")


def test_cosignatures_that_are_left_out(healthy: Healthy) -> None:
    changed = sealed({name: content for name, content in healthy.files.items() if not name.startswith("cosig")})
    refused(healthy.check(changed), times.WITNESSED, "has cosigned 0 events")


def test_time_stamps_that_are_left_out(healthy: Healthy) -> None:
    kept = {name: content for name, content in healthy.files.items() if not name.endswith(".tsr")}
    found = healthy.check(sealed(kept))
    refused(found, times.TOKENS, "--tsa-ca was given, and the bundle has no time-stamp")
    refused(found, times.COVERED, "no time-stamp is over its last event")


def test_a_statement_of_the_keys_that_only_the_new_one_signed(healthy: Healthy) -> None:
    rotated = [name for name in healthy.files if b'"kind":"key_rotated"' in healthy.files[name]]
    name = max(rotated, key=lambda name: int(re.findall(r"\d+", name)[0]))
    event = canonical.load(healthy.files[name])
    text, _, lines = event["body"]["statement"].partition("\n\n")
    event["body"]["statement"] = f"{text}\n\n{lines.split(chr(10))[1]}\n"
    changed = sealed(healthy.files | {name: canonical.dumps(event)})
    assert not healthy.check(changed).ok
    found = Findings()
    chain = [log.read_event(canonical.dumps(event))]
    log.key_chain(chain, "ca.example/cpr-canary", healthy.options.keys, found)
    refused(found, log.KEYS, "the statement is not signed by")


# The wrong keys


def test_no_key_at_all(healthy: Healthy) -> None:
    found = verify.verify(healthy.path, Options(()))
    refused(found, verify.BUNDLE, r"no key of the log was given \(--key\)")


def test_a_wrong_key(healthy: Healthy) -> None:
    other = replace(healthy.options, keys=[tlog.Key("ca.example/cpr-canary", tlog.ED25519, bytes(32))])
    refused(verify.verify(healthy.path, other), log.KEYS, "none of the given keys is one of this log's")


def test_the_newest_key_will_do_as_well(healthy: Healthy) -> None:
    newest = replace(healthy.options, keys=[tlog.Key.parse(healthy.office.vkey)])
    assert verify.verify(healthy.path, newest).ok


def test_another_witness(healthy: Healthy) -> None:
    key = tlog.Key.parse(healthy.witness)
    other = tlog.Key(key.name, key.type, bytes(32))
    refused(
        verify.verify(healthy.path, replace(healthy.options, witnesses=[other])), times.WITNESSED, "cosigned 0 events"
    )


def test_another_root_of_time_stamps(healthy: Healthy, tmp_path: Path) -> None:
    with Tsa(tmp_path / "other") as tsa:
        roots = stamps.load_pem(tsa.ca_file.read_bytes())
    found = verify.verify(healthy.path, replace(healthy.options, roots=roots))
    refused(found, times.TOKENS, "no chain leads from CN=Test TSA to a given root")


def test_an_expired_time_stamping_authority(healthy: Healthy, tmp_path: Path) -> None:
    name = next(name for name in sorted(healthy.files) if name.endswith(".tsr"))
    size = int(re.findall(r"\d+", name)[0])
    signed = healthy.files.get(f"checkpoints/{size}", healthy.files["checkpoint"])
    request = TimestampRequestBuilder().data(signed).hash_algorithm(HashAlgorithm.SHA256).build()
    with Tsa(tmp_path / "expired", valid=(timedelta(days=-9), timedelta(days=-2))) as tsa:
        changed = sealed(healthy.files | {name: tsa.reply(request.as_bytes())})
        roots = stamps.load_pem(tsa.ca_file.read_bytes())
    found = healthy.check(changed, replace(healthy.options, roots=roots))
    refused(found, times.TOKENS, r"the certificate CN=Test TSA expired on .*, before the time-stamp")


# The sample


def test_another_seed_than_was_asked_for(healthy: Healthy) -> None:
    other = replace(healthy.options, seed="8")
    refused(verify.verify(healthy.path, other), verify.ASKED, "the seed is 7, and 8 was asked for")


def test_a_seed_that_was_written_over(healthy: Healthy) -> None:
    other = replace(healthy.options, seed="8")
    refused(healthy.check(sealed(healthy.files, seed="8"), other), sample.SAMPLE, "the seed gives other probes")


def test_a_probe_that_is_left_out_of_the_sample(healthy: Healthy) -> None:
    left_out = a_probe(healthy.files)
    picked = [probe for probe in canonical.load(healthy.files["manifest.json"])["probes"] if probe != left_out]
    changed = sealed(without(healthy.files, f"probes/{left_out}/summary.json"), probes=picked)
    refused(healthy.check(changed), sample.SAMPLE, f"the seed gives other probes: {left_out}")


def test_a_probe_that_is_left_out_of_the_population(healthy: Healthy) -> None:
    manifest = canonical.load(healthy.files["manifest.json"])
    period = manifest["period"]
    spots = sample.spots("7", 5, period["start"], period["end"])
    hit = [event for seq in spots if (event := json.loads(healthy.files[f"events/{seq}.json"])).get("probe")]
    left_out = hit[0]["probe"]
    lines = healthy.files["population.csv"].decode().splitlines(keepends=True)
    listed = "".join(line for line in lines if not line.startswith(left_out)).encode()
    changed = sealed(healthy.files | {"population.csv": listed})
    refused(healthy.check(changed), sample.SPOTS, f"is of the probe {left_out}, which is not in the population")


def test_a_probe_that_is_listed_with_another_result(healthy: Healthy) -> None:
    probe = a_probe(healthy.files)
    lines = healthy.files["population.csv"].decode().splitlines(keepends=True)
    turned = [re.sub(",(met|missed),", ",indeterminate,", line) if line.startswith(probe) else line for line in lines]
    changed = sealed(healthy.files | {"population.csv": "".join(turned).encode()})
    refused(healthy.check(changed), verify.LISTED, f"probe {probe}: is in the population otherwise")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: [lines[0], *reversed(lines[1:])], "out of order"),
        (lambda lines: [*lines, lines[-1]], "out of order"),
        (lambda lines: ["probe\n", *lines[1:]], "begins with another line"),
        (lambda lines: [*lines, "x" * 300], "too long"),
        (lambda lines: [*lines, "one,two\n"], "none of a probe"),
        (lambda lines: [*lines, "unended"], "does not end with a line end"),
    ],
)
def test_a_population_that_is_not_one(healthy: Healthy, change: Callable[[list[str]], list[str]], reason: str) -> None:
    lines = healthy.files["population.csv"].decode().splitlines(keepends=True)
    changed = sealed(healthy.files | {"population.csv": "".join(change(lines)).encode()})
    refused(healthy.check(changed), sample.POPULATION, reason)


# By the operator, who has the key


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path / "state")
    opened.log.advance()
    yield opened
    opened.close()


def check(office: Office, files: Files | None = None, **options: object) -> Findings:
    """What is found in a bundle of the office, with every probe in the sample."""
    path = office.folder / "bundle.zip"
    office.bundle(path, office.wanted("7", 50))
    if files is not None:
        packed(path, files)
    return verify.verify(path, replace(Options([tlog.Key.parse(office.vkey)]), **options))  # type: ignore[arg-type]


def lying(office: Office, kind: EventKind, **changes: object) -> Callable[[Event], Event]:
    """Has the office write events of a kind otherwise than they were."""
    add = office.add

    def write(*events: Event) -> list[Event]:
        return add(*(replace(e, body={**e.body, **changes}) if e.kind is kind else e for e in events))

    office.add = write  # type: ignore[method-assign]
    return lambda event: event


def test_an_honest_office_is_accepted(office: Office) -> None:
    office.probe()
    office.probe(arrives=None)
    office.probe(place=JUNK)
    office.probe(arrives=DEADLINE + 1)
    office.stop()
    found = check(office)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    assert {fact["outcome"] for fact in found.facts["probes"]} == {"arrived", "missing", "junked", "late"}


@pytest.mark.parametrize(
    ("happened", "said", "reason"),
    [
        ({"arrives": None}, "arrived", "is arrived, and was not seen in all of cpr"),
        ({"place": JUNK}, "arrived", "is arrived, and was not seen in all of cpr"),
        ({"arrives": DEADLINE + 2}, "arrived", "is arrived, and took 7.000 s of 5 s"),
        ({}, "missing", "is missing, and was seen in cpr"),
        ({}, "junked", "is junked, and was seen in no such place"),
        ({}, "late", "is late, and took 1.000 s of 5 s"),
        ({}, "altered", "is altered, and was changed: False"),
        ({}, "bounced", "is bounced, and no bounce was seen"),
        ({}, "rejected", "is rejected, and its submission says None"),
    ],
)
def test_an_outcome_that_does_not_follow(office: Office, happened: dict[str, object], said: str, reason: str) -> None:
    lying(office, EventKind.DEADLINE, outcome=said, result="met" if said == "arrived" else "missed")
    lying(office, EventKind.FINISHED, outcome=said)
    office.probe(**happened)  # type: ignore[arg-type]
    office.stop()
    refused(check(office), verify.OUTCOME, reason)


def test_a_latency_that_was_made_nicer(office: Office) -> None:
    lying(office, EventKind.FINISHED, stages={"arrived": 0.5})
    office.probe(arrives=4.0)
    office.stop()
    refused(check(office), verify.OUTCOME, r"said to have taken 0\.500 s, and took 4\.000 s")


def test_a_missed_deadline_that_counts_as_met(office: Office) -> None:
    lying(office, EventKind.DEADLINE, result="met")
    office.probe(arrives=None)
    office.stop()
    refused(check(office), verify.OUTCOME, "was met at its deadline, and missing is missed")


def test_a_probe_without_a_result(office: Office) -> None:
    probe = office.probe(ends=False)
    office.add(Event(EventKind.STOPPED, office.now() + timedelta(seconds=DEADLINE + GIVE_UP + 90), {}))
    office.log.advance(force=True)
    refused(check(office), verify.COMPLETE, f"probe {probe}: has no result, which was due by")


def test_a_probe_that_is_still_under_way_is_none_of_those(office: Office) -> None:
    office.probe(ends=False)
    office.stop()
    found = check(office)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    assert found.facts["population"] == {"count": 1, "unfinished": 1, "none": 1}


def test_a_back_dated_event(office: Office, tmp_path: Path) -> None:
    office.probe()
    office.log.advance()
    early = office.now() - timedelta(hours=1)
    office.add(replace(record.scheduled(*_another(office)), at=early), Event(EventKind.STARTED, early, {}))
    office.stop()
    refused(check(office), verify.ORDER, r"event \d+: says .*, and event \d+ before it")


def _another(office: Office):  # type: ignore[no-untyped-def]
    from builders import a_probe as built

    probe = replace(built("backdatedbackdat"), scheduled_at=office.now())
    return probe, office.marks.make(probe.id, probe.scheduled_at)


def test_a_history_that_was_written_afterwards(office: Office, tmp_path: Path) -> None:
    """All of it at one time, and in good order among itself: only the authority's time gives it away."""
    now = office.now
    with Tsa(tmp_path / "tsa") as tsa:
        office.stamp(tsa)
        office.log.advance(force=True)
        office.now = lambda: now() - timedelta(days=2)  # type: ignore[method-assign]
        office.begun = office.now() - timedelta(hours=1)
        office.probe()
        office.stop()
        office.now = now  # type: ignore[method-assign]
        office.stamp(tsa)
        roots = stamps.load_pem(tsa.ca_file.read_bytes())
    found = check(office, roots=roots)
    refused(found, times.WITHIN, r"event \d+: is back-dated to .*: it follows a time-stamp of")


def test_an_event_from_the_future(office: Office, tmp_path: Path) -> None:
    now = office.now
    with Tsa(tmp_path / "tsa") as tsa:
        office.now = lambda: now() + timedelta(days=2)  # type: ignore[method-assign]
        office.probe()
        office.stop()
        office.stamp(tsa)
        roots = stamps.load_pem(tsa.ca_file.read_bytes())
    refused(check(office, roots=roots), times.WITHIN, r"event \d+: says .*, and was time-stamped on")


def test_a_report_that_carries_no_root_of_the_log(office: Office) -> None:
    office.probe(root="ab" * 32)
    office.stop()
    refused(check(office), verify.CARRIED, "carries the root of no checkpoint in the bundle that is older than it")


def test_a_message_without_the_mark(office: Office) -> None:
    lying(office, EventKind.SCHEDULED, mark="a" * 40)
    office.probe()
    office.stop()
    found = check(office)
    refused(found, verify.MARKS, "exactly what was sent .*: does not contain the mark")
    refused(found, verify.MARKS, "report in cpr .*: does not contain the mark")


def test_a_fork_of_the_log(healthy: Healthy, office: Office) -> None:
    """The operator signs another history with the same keys, and has the old one's time-stamps beside it."""
    for _ in range(6):
        office.probe()
    office.log.advance()
    office.stop()
    path = office.folder / "bundle.zip"
    office.bundle(path)
    files = unpacked(path)
    token = next(name for name in sorted(healthy.files, reverse=True) if name.endswith("-one.tsr"))
    old = next(int(name.removeprefix("checkpoints/")) for name in sorted(healthy.files) if name == "checkpoints/30")
    newest = tlog.Head.parse(files["checkpoint"]).size
    proof = office.log.consistency(old, newest)
    lines = [f"old {old}", *map(tlog.encoded, proof), "", files["checkpoint"].decode()]
    files |= {f"checkpoints/{old}": healthy.files[f"checkpoints/{old}"], token: healthy.files[token]}
    files |= {f"consistency/{old}-{newest}": "\n".join(lines).encode()}
    found = check(office, sealed(files))
    refused(found, log.CONSISTENCY, f"the log of {newest} events does not begin with the signed one of {old}: a fork")


def test_a_truncated_log(office: Office) -> None:
    """The last part of the period is left out: the bundle stands on an older checkpoint."""
    office.probe()
    office.stop()
    path = office.folder / "early.zip"
    office.bundle(path, office.wanted("7", 50))
    office.probe(arrives=None)
    files = unpacked(path)
    period = canonical.load(files["manifest.json"])["period"]
    later = f"{office.now() + timedelta(minutes=5):%Y-%m-%dT%H:%M:%S.%f}Z"
    changed = sealed(files, period=period | {"to": later})
    refused(check(office, changed), verify.PERIOD, "the log ends at .* UTC, before the period does")


def test_a_log_whose_beginning_is_left_out(office: Office) -> None:
    office.probe()
    office.log.advance()
    office.begun = office.now()
    office.probe()
    office.stop()
    path = office.folder / "late.zip"
    office.bundle(path, office.wanted("7", 50))
    files = unpacked(path)
    period = canonical.load(files["manifest.json"])["period"]
    assert period["start"] > 0
    earlier = f"{office.now() - timedelta(hours=3):%Y-%m-%dT%H:%M:%S.%f}Z"
    changed = sealed(files, period=period | {"from": earlier})
    refused(check(office, changed), verify.PERIOD, "part of the log begins at .* UTC, after the period")


def test_the_checkpoint_of_another_log(office: Office, tmp_path: Path) -> None:
    office.probe()
    office.stop()
    path = office.folder / "bundle.zip"
    office.bundle(path)
    files = unpacked(path)
    other = Office(tmp_path / "other", "other.example/cpr-canary")
    other.probe()
    other.stop()
    head = str(other.log.note()).encode()
    other.close()
    found = check(office, sealed(files | {"checkpoint": head}))
    refused(found, log.HEADS, "is of another log: 'other.example/cpr-canary'")
    assert set(found.rows) == {verify.BUNDLE, verify.ASKED, log.HEADS, "everything else"}


# What retention deleted


def forget(office: Office, digest: str, *, told: bool) -> None:
    if told:
        office.tell(EventKind.FORGOTTEN, rule="messages", first=1, last=2, count=1, artefacts=[digest])
    office.ledger.artefacts.path(digest).unlink()


def sent(office: Office, probe: str) -> str:
    [event] = [e for e in office.ledger.events(probe=probe) if e.kind is EventKind.SUBMITTING]
    return str(event.body["payload"])


def test_what_was_deleted_by_a_rule_is_told_and_accepted(office: Office) -> None:
    probe = office.probe()
    forget(office, sent(office, probe), told=True)
    office.stop()
    found = check(office)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    assert "deleted by retention" in found.rows[verify.ARTEFACTS].said
    summary = json.loads(unpacked(office.folder / "bundle.zip")[f"probes/{probe}/summary.json"])
    states = {item["what"]: item["state"] for item in summary["artefacts"]}
    assert states["exactly what was sent"] == "deleted under rule messages, hash kept"
    assert states["smtp-transcript.txt"] == "kept"


def test_what_was_deleted_without_a_word_is_refused(office: Office) -> None:
    probe = office.probe()
    digest = sent(office, probe)
    forget(office, digest, told=False)
    office.stop()
    made = office.bundle(office.folder / "bundle.zip", office.wanted("7", 50))
    assert made.missing == (digest,)
    refused(check(office), verify.ARTEFACTS, "not in the bundle, and no event tells that it was deleted")


def test_a_deletion_whose_event_is_left_out_is_refused(office: Office) -> None:
    forget(office, sent(office, office.probe()), told=True)
    office.stop()
    path = office.folder / "bundle.zip"
    office.bundle(path, office.wanted("7", 3))
    files = unpacked(path)
    seq = next(int(re.findall(r"\d+", name)[0]) for name, raw in files.items() if b'"kind":"forgotten"' in raw)
    refused(check(office, sealed(without_event(files, seq))), verify.ARTEFACTS, "no event tells that it was deleted")
