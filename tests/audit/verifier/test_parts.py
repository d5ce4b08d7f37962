"""The verifier's parts against those that make what it checks: two programs that share no code must agree."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rfc8785
from evidence.logging_keys import MemoryKeys
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reports.named import identifier_of

from canary.audit.bundle import files
from canary.audit.bundle import sample as drawn
from canary.audit.verifier import archive, canonical, content, der, sample, tlog
from canary.audit.verifier.findings import Findings, RefusedError
from canary.channels.email import mime
from canary.evidence import merkle
from canary.evidence.notes import Checkpoint, sign
from canary.mark import Keyring, new_probe_id
from canary.model import Person
from canary.reports import VARIANTS
from canary.reports.composer import compose

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


@unhurried
@given(_values)
def test_canonical_json_is_that_of_the_ledger(value: object) -> None:
    try:
        wanted = rfc8785.dumps(value)  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        return
    assert canonical.dumps(value) == wanted
    assert canonical.dumps(canonical.load(wanted)) == wanted


@pytest.mark.parametrize("number", [1e21, 1e20, 123456789012345680.0, 1e-6, 1e-7, 0.1, -0.0, 5e-324, 1.7e308, 4.5, 1e2])
def test_numbers_are_written_as_ecmascript_has_them(number: float) -> None:
    assert canonical.dumps(number) == rfc8785.dumps(number)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":2}', b'{"b":1,"a":2}', b'{"a": 1}', b"1.0", b"1e2", b'"\\u0041"', b"NaN", b"[1,]", b"\xff", b"",
        b"Infinity", b'"\\ud800"', b"9007199254740993", b"[" * 100_000,
    ],
)  # fmt: skip
def test_other_forms_are_refused(raw: bytes) -> None:
    with pytest.raises(RefusedError):
        canonical.load(raw)


@unhurried
@given(st.integers(1, 200), st.data())
def test_proofs_of_the_log_hold_and_no_others(size: int, data: st.DataObject) -> None:
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(size)]
    root, index = merkle.root(leaves), data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, merkle.nodes_of(leaves))
    tlog.check_inclusion(leaves[index], index, size, proof, root)
    other = data.draw(st.integers(0, size + 1).filter(lambda number: number != index))
    with pytest.raises(RefusedError):
        tlog.check_inclusion(leaves[index], other, size, proof, root)
    with pytest.raises(RefusedError):
        tlog.check_inclusion(leaves[index], index, size, [*proof, root], root)
    if proof:
        with pytest.raises(RefusedError):
            tlog.check_inclusion(leaves[index], index, size, proof[:-1], root)


@unhurried
@given(st.integers(2, 200), st.data())
def test_consistency_proofs_hold_and_no_others(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(new)]
    before, after = merkle.root(leaves[:old]), merkle.root(leaves)
    proof = merkle.consistency_proof(old, new, merkle.nodes_of(leaves))
    tlog.check_consistency(old, new, proof, before, after)
    forked = merkle.root([merkle.leaf_hash(b"another"), *leaves[1:old]])
    for wrong in (
        (old, new, proof, forked, after),
        (old, new, proof, before, forked),
        (old, new, proof[1:], before, after),
    ):
        with pytest.raises(RefusedError):
            tlog.check_consistency(*wrong)


@unhurried
@given(st.lists(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=16), unique=True), st.integers(0, 9))
def test_the_sample_is_that_of_the_report(ids: list[str], size: int) -> None:
    lowest = sample.Lowest("a seed", size)
    for probe in ids:
        lowest.add(probe)
    assert lowest.probes() == [probe for _, probe in drawn.draw(sorted(ids), "a seed", size).drawn]


@unhurried
@given(st.text(max_size=8), st.integers(0, 50), st.integers(0, 1000), st.integers(0, 1000))
def test_spots_lie_in_the_period_s_part_of_the_log(seed: str, count: int, start: int, length: int) -> None:
    found = sample.spots(seed, count, start, start + length)
    assert found == drawn.spots(seed, count, start, start + length)
    assert all(start < seq <= start + length for seq in found)
    assert len(found) <= count
    assert bool(found) == bool(count and length)


def test_who_makes_a_bundle_and_who_checks_it_mean_the_same() -> None:
    assert (files.FORMAT, drawn.HEADER) == (archive.FORMAT, sample.HEADER)


def test_a_seed_picks_every_event_alike() -> None:
    picked = [seq for seed in range(200) for seq in sample.spots(str(seed), 20, 0, 10)]
    assert set(picked) == set(range(1, 11))


@unhurried
@given(st.binary(max_size=60))
def test_der_is_read_or_refused(raw: bytes) -> None:
    try:
        value = der.read(raw)
    except RefusedError:
        return
    assert value.raw == raw


@pytest.mark.parametrize("raw", ["", "30", "3080020100", "308103020101", "30820003020101", "3003020101ff", "1f81"])
def test_what_is_not_der_is_refused(raw: str) -> None:
    with pytest.raises(RefusedError):
        der.read(bytes.fromhex(raw))


@pytest.mark.parametrize(
    "text", ["", "a", "a+b", "a+00000000+AAAA", "é+0aa46c19+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        tlog.Key.parse(text)


@pytest.mark.parametrize("change", ["\x00", "\r", "\t"])
def test_a_note_with_control_characters_is_refused(change: str) -> None:
    with pytest.raises(RefusedError):
        tlog.Note.parse(f"a{change}b\n\n— name AAAAAAAA\n".encode())


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_mark_and_root_are_found_in_every_variant(variant: str) -> None:
    rng, name, root = random.Random(variant), new_probe_id(), "0123456789abcdef" * 4
    mark = Keyring([b"k" * 32]).make(name, datetime.now(UTC))
    for _ in range(5):
        report = compose(
            variant,
            probe=name,
            mark=mark,
            person=Person("Ann Other", "ann@probe.example"),
            operator="Example CA",
            verify="https://ca.example/tests",
            at=datetime.now(UTC),
            root=root,
            identifier=identifier_of(variant),
            rng=rng,
        )
        raw = mime.render(report, to="cpr@ca.example", message_id="<1@probe.example>", date=datetime.now(UTC))
        words = content.words(raw)
        assert mark in words
        assert root in words


def test_nothing_that_breaks_passes() -> None:
    found = Findings()
    for error in (KeyError("x"), RecursionError(), RefusedError("told"), ZeroDivisionError()):
        with found.one("row", "subject"):
            raise error
    assert not found.ok
    assert found.rows["row"].failed == 4
    assert json.dumps(found.to_json())
    assert not Findings().ok


def test_a_checkpoint_of_the_log_is_read_as_it_is(tmp_path: Path) -> None:
    keys = MemoryKeys(tmp_path / "signed")
    [signer] = keys.signers()
    note = sign(Checkpoint(signer.vkey.name, 7, b"r" * 32).text, signer)
    head = tlog.Head.parse(str(note).encode())
    assert (head.origin, head.size, head.root) == (signer.vkey.name, 7, b"r" * 32)
    assert head.note.signed_at(tlog.Key.parse(str(signer.vkey))) == 0


def test_a_long_header_costs_no_more_than_as_it_is() -> None:
    """Undoing its encoding would take four times as long for twice as many words."""
    word = "=?utf-8?q?abc?="

    def seconds(count: int) -> float:
        raw = f"Subject: {' '.join([word] * count)}\r\nContent-Type: text/plain{'; a=b' * count}\r\n\r\nhello".encode()
        began = time.process_time()
        assert "hello" in content.words(raw)
        return time.process_time() - began

    assert "abcabc" in content.words(f"Subject: {word} {word}\r\n\r\n".encode())
    assert seconds(80_000) < 9 * seconds(20_000) + 0.5


def tlv(tag: int, inside: bytes) -> bytes:
    """A DER value."""
    size = len(inside).to_bytes((len(inside).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + inside


_NULLS = {count: tlv(0x30, b"\x05\x00" * count) for count in (30_000, 120_000)}
_DEEP = {count: b"[" * count + b"1," * 50_000 + b"1" + b"]" * count for count in (200, 800)}
_BOUNDARY = {count: b"Content-Type: multipart/mixed" + b"; a=b" * count + b"\n\nhello" for count in (20_000, 80_000)}


@pytest.mark.parametrize(
    ("read", "small", "large"),
    [
        (lambda raw: der.read(raw).children(), *_NULLS.values()),
        (canonical.load, *_DEEP.values()),
        (content.words, *_BOUNDARY.values()),
    ],
    ids=["small values", "deep JSON", "parameters of a boundary"],
)
def test_four_times_as_much_costs_no_more_than_that(
    read: Callable[[bytes], object], small: bytes, large: bytes
) -> None:
    """Each of these once copied all that was left, or all that was read, at every step."""

    def seconds(raw: bytes) -> float:
        began = time.process_time()
        read(raw)
        return time.process_time() - began

    assert min(seconds(large) for _ in range(3)) < 9 * min(seconds(small) for _ in range(3)) + 0.1


def test_a_number_of_an_object_identifier_has_a_bound() -> None:
    largest = bytes([0x69, 0x83, *[0xFF] * 17, 0x7F])  # 2.25.(2**128 - 1): a UUID
    assert der.read(bytes([6, len(largest)]) + largest).oid() == f"2.25.{2**128 - 1}"
    with pytest.raises(RefusedError, match="too large a number"):
        der.read(tlv(6, b"\xff" * 200_000 + b"\x01")).oid()
