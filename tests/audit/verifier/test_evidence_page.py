"""The page that tells the formats: its commands are run on a real bundle, and its examples are computed again."""

from __future__ import annotations

import os
import re
import string
import subprocess
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from audit.verifier.conftest import Healthy
from audit.verifier.office import Files, packed, sealed, unpacked, without
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from canary.audit.verifier import archive, canonical, sample, tlog
from canary.audit.verifier.log import read_event
from canary.audit.verifier.verify import verify
from canary.evidence.keys import FileSigner
from canary.evidence.merkle import inclusion_proof as path
from canary.evidence.merkle import leaf_hash, nodes_of, root
from canary.evidence.notes import Checkpoint, Proof, VKey, sign
from canary.evidence.rotation import Rotation
from canary.ledger import EventKind
from canary.ledger.reader import LedgerReader

PAGE = (Path(__file__).parents[3] / "docs/evidence.md").read_text(encoding="utf-8")
EXAMPLES = {
    name: text.rstrip("\n") for name, text in re.findall(r"^```\w+ example=(\w+)\n(.*?)^```$", PAGE, re.S | re.M)
}
SCRIPT = "set -eu\n" + "\n".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.S | re.M))


def run(folder: Path, healthy: Healthy, bundle: Path, size: int = 5) -> subprocess.CompletedProcess[str]:
    """The page's commands, in an empty folder."""
    folder.mkdir()
    brought = {"BUNDLE": bundle, "VKEY": healthy.office.vkey, "TSA_CA": healthy.tsa.ca_file, "SEED": 7, "SIZE": size}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", SCRIPT],
        cwd=folder,
        env=os.environ | {name: str(value) for name, value in brought.items()},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_healthy_bundle_passes_by_hand(healthy: Healthy, tmp_path: Path) -> None:
    ended = run(tmp_path / "by-hand", healthy, healthy.path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    events = sum(name.startswith("events/") for name in healthy.files)
    artefacts = sum(name.startswith("artefacts/") for name in healthy.files)
    assert "Signature Verified Successfully" in ended.stdout
    assert f"{events} events are in the log" in ended.stdout
    assert f"{artefacts} files are those that events name" in ended.stdout
    assert ended.stdout.count("Time stamp:") == sum(name.endswith(".tsr") for name in healthy.files)
    assert "5 probes are those that the seed picks" in ended.stdout
    for size in {fact["carried"] for fact in verify(healthy.path, healthy.options).facts["probes"]}:
        assert re.search(rf"events/\d+\.json: sent with the root of {size} events", ended.stdout)


def test_a_bundle_without_files_passes_by_hand(healthy: Healthy, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.zip"
    healthy.office.bundle(bundle, healthy.office.wanted("7", 0))
    tables = [name for name in unpacked(bundle) if name.startswith("artefacts/")]
    packed(bundle, sealed(without(unpacked(bundle), *tables)))
    ended = run(tmp_path / "by-hand", healthy, bundle, size=0)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 files are those that events name" in ended.stdout
    assert "0 probes are those that the seed picks" in ended.stdout


def _event(files: Files) -> Files:
    name = next(name for name in files if name.startswith("events/"))
    return files | {name: files[name].replace(b'"at":"2', b'"at":"3')}


def _artefact(files: Files) -> Files:
    name = next(name for name in files if name.startswith("artefacts/"))
    return files | {name: files[name] + b" "}


def _checkpoint(files: Files) -> Files:
    return files | {
        "checkpoint": files["checkpoint"].replace(b"ca.example/cpr-canary\n", b"ca.example/cpr-canery\n", 1)
    }


def _token(files: Files) -> Files:
    name = next(name for name in files if name.endswith(".tsr"))
    return files | {name: files[name][:-1] + bytes([files[name][-1] ^ 1])}


def _sample(files: Files) -> Files:
    probes = canonical.load(files["manifest.json"])["probes"]
    return sealed(files, probes=probes[1:])


@pytest.mark.parametrize("change", [_event, _artefact, _checkpoint, _token, _sample])
def test_a_tampered_one_does_not(healthy: Healthy, tmp_path: Path, change: object) -> None:
    changed = sealed(change(healthy.files)) if change is not _sample else _sample(healthy.files)  # type: ignore[operator]
    assert run(tmp_path / "by-hand", healthy, packed(tmp_path / "b.zip", changed)).returncode != 0


# Any key

SECRETS = [sha256(bytes([number])).digest() for number in range(12)]


def signer_of(secret: bytes) -> FileSigner:
    key = Ed25519PrivateKey.from_private_bytes(secret)
    return FileSigner(VKey("ca.example/cpr-canary", key.public_key().public_bytes_raw()), key)


def encoded(secret: bytes) -> str:
    """The key of a vkey, in base64."""
    return str(signer_of(secret).vkey).split("+", 2)[2]


def test_the_keys_below_have_every_character_that_base64_has() -> None:
    assert set("".join(map(encoded, SECRETS))) >= set(string.ascii_letters + string.digits + "+/")


@pytest.mark.parametrize("secret", SECRETS, ids=encoded)
def test_the_signature_of_any_key_is_checked_by_hand(tmp_path: Path, secret: bytes) -> None:
    """Beside the line of the key before, of one whose name is another by one character, and of a witness."""
    text = Checkpoint("ca.example/cpr-canary", 3, bytes(32)).text
    mine, before = signer_of(secret), signer_of(b"o" * 32)
    near = FileSigner(VKey("ca-example/cpr-canary", b"n" * 32), before.key)
    note = sign(text, before, near, mine)
    [block] = re.findall(r"^```sh\n([^`]*openssl pkeyutl.*?)^```$", PAGE, re.S | re.M)

    def by_hand(content: str, name: str) -> int:
        folder = tmp_path / name / "evidence"
        folder.mkdir(parents=True)
        (folder / "checkpoint").write_text(content, encoding="utf-8")
        command = ["bash", "-eu", "-o", "pipefail", "-c", block]
        brought = os.environ | {"VKEY": str(mine.vkey)}
        return subprocess.run(command, cwd=folder, env=brought, capture_output=True, check=False).returncode

    assert by_hand(str(note), "signed") == 0
    assert by_hand(str(note).replace("\n3\n", "\n4\n"), "changed") != 0
    assert by_hand(str(sign(text, before, near)), "unsigned") != 0


# The examples


LEAVES = [line.encode() for line in EXAMPLES["leaves"].split("\n")]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
KEY = tlog.Key.parse(EXAMPLES["vkey"])


def note(name: str) -> bytes:
    return (EXAMPLES[name] + "\n").encode()


def test_the_leaves_are_events_and_have_these_hashes() -> None:
    assert [read_event(leaf).seq for leaf in LEAVES] == [1, 2, 3]
    assert [item.hex() for item in HASHES] == EXAMPLES["hashes"].split("\n")
    assert root(HASHES).hex() == EXAMPLES["root"]


def test_the_log_itself_writes_the_same() -> None:
    secret = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    signer = FileSigner(VKey("ca.example/cpr-canary", secret.public_key().public_bytes_raw()), secret)
    signed = sign(Checkpoint("ca.example/cpr-canary", 3, root(HASHES)).text, signer)
    assert str(signer.vkey) == EXAMPLES["vkey"]
    assert str(signed).encode() == note("checkpoint")
    assert str(Proof(1, tuple(path(1, 3, nodes_of(HASHES))), signed)).encode() == note("proof")
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert str(Rotation.make(None, signer, at, at).statement).encode() == note("rotation")


def test_the_checkpoint_and_both_proofs_hold() -> None:
    head = tlog.Head.parse(note("checkpoint"))
    assert head.note.signed_at(KEY) == 0
    _, index, hashes, signed = tlog.read_proof(note("proof"))
    assert signed == head.raw
    tlog.check_inclusion(tlog.leaf_hash(LEAVES[1]), index, head.size, hashes, head.root)
    old, hashes, signed = tlog.read_consistency(note("consistency"))
    assert signed == head.raw
    tlog.check_consistency(old, head.size, hashes, root(HASHES[:2]), head.root)


def test_the_sample() -> None:
    assert sample.rank("7", "aaaaaaaaaaaaaaaa") in EXAMPLES["rank"]
    command = EXAMPLES["rank"].split("\n")[0]
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert ended.stdout.rstrip() == EXAMPLES["rank"].split("\n")[1]
    assert " ".join(map(str, sample.spots("7", 3, 10, 1000))) == EXAMPLES["spots"]


# The events


def told_fields(kind: str) -> tuple[set[str], set[str]]:
    """The fields that the page's table tells of a kind of event, and those of them that may be lacking."""
    [cell] = re.findall(rf"^\| `{kind}` \| .* \| ([^|]*) \|$", PAGE, re.M)
    fields = re.findall(r"(?:^|, )`(\w+)`(\??)", re.sub(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", "", cell))
    return {name for name, _ in fields}, {name for name, may_lack in fields if may_lack}


def test_every_field_of_every_event_is_told(healthy: Healthy, source: LedgerReader) -> None:
    """By a story with every kind of trouble, and by evidence that was time-stamped, cosigned and deleted."""
    seen: set[str] = set()
    told = (event for event in source.events() if not event.kind.about_log)  # the story has no log
    for event in (*told, *healthy.office.ledger.events()):
        fields, may_lack = told_fields(event.kind)
        there = set(event.body) | may_lack
        assert there == fields, f"{event.kind}: {there ^ fields}"
        seen.add(event.kind)
    assert set(EventKind) - seen <= UNSEEN


UNSEEN = {EventKind.CHECKED, EventKind.FLOOD, EventKind.ANNOTATED, EventKind.FORGOTTEN}
"""Kinds that neither tells; their rows are compared by those who write them."""


def test_the_format_is_the_one_that_is_written() -> None:
    assert set(re.findall(r"cpr-canary-bundle@[0-9]+", PAGE)) == {archive.FORMAT}


def test_every_file_of_a_bundle_is_told(healthy: Healthy) -> None:
    for name in healthy.files:
        if (kind := archive.kind_of(name)) is not None:
            folder = name.partition("/")[0]
            assert f"`{folder}" in PAGE, kind
