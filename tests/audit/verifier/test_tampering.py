"""Whatever was changed, left out, put in another order or said otherwise is refused, and the reason is named.

The forger is as able as can be: the manifest always fits the files, and where it says so has the log's own key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from audit.verifier.conftest import Healthy
from audit.verifier.office import Files, refused, sealed, without, without_event
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
from servers.tsa import Tsa

from canary.audit.verifier import canonical, log, messages, sample, stamps, times, tlog, verify
from canary.audit.verifier.findings import Findings
from canary.audit.verifier.verify import Options


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


def swapped(files: Files, one: str, other: str) -> Files:
    return files | {one: files[other], other: files[one]}


def an_artefact(files: Files) -> list[str]:
    """Of those that events of probes name; others are tables of totals."""
    return sorted(
        name for name, raw in files.items() if name.startswith("artefacts/") and not raw.startswith(b"channel,")
    )


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
    refused(healthy.check(changed), messages.ARTEFACTS, "another file than the one that the event names")


def test_a_hash_of_a_proof(healthy: Healthy) -> None:
    seq = numbered(healthy.files, "submitted")
    name = f"proofs/{seq}.tlog-proof"
    lines = healthy.files[name].decode().split("\n")
    lines[2] = ("B" if lines[2].startswith("A") else "A") + lines[2][1:]
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
    refused(healthy.check(changed), messages.ARTEFACTS, "another file than the one that the event names")


def test_an_artefact_that_is_left_out(healthy: Healthy) -> None:
    changed = sealed(without(healthy.files, an_artefact(healthy.files)[0]))
    refused(healthy.check(changed), messages.ARTEFACTS, "not in the bundle, and no event tells that it was deleted")


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


def with_fields(lines: list[str], fields: dict[int, str], *, first: bool = False) -> list[str]:
    """With other fields in the last line, or the first one."""
    at = 1 if first else len(lines) - 1
    known = lines[at].rstrip("\n").split(",")
    changed = ",".join(fields.get(number, field) for number, field in enumerate(known))
    return [*lines[:at], f"{changed}\n", *lines[at + 1 :]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: [lines[0], *reversed(lines[1:])], "out of order"),
        (lambda lines: [*lines, lines[-1]], "out of order"),
        (lambda lines: ["probe\n", *lines[1:]], "begins with another line"),
        (lambda lines: [*lines, "x" * 300], "too long"),
        (lambda lines: [*lines, "one,two\n"], "none of a probe"),
        (lambda lines: [*lines, "unended"], "does not end with a line end"),
        (lambda lines: with_fields(lines, {2: ""}), "has a result, and has not ended"),
        (lambda lines: with_fields(lines, {2: "1"}), "ended before it began, or not in the period's part"),
        (lambda lines: with_fields(lines, {1: "1", 2: "", 5: "", 6: ""}, first=True), "neither began nor ended"),
        (lambda lines: with_fields(lines, {3: "2026-01-01T00:00:00.000000Z"}), "is earlier than one before it"),
    ],
)
def test_a_population_that_is_not_one(healthy: Healthy, change: Callable[[list[str]], list[str]], reason: str) -> None:
    lines = healthy.files["population.csv"].decode().splitlines(keepends=True)
    changed = sealed(healthy.files | {"population.csv": "".join(change(lines)).encode()})
    refused(healthy.check(changed), sample.POPULATION, reason)
