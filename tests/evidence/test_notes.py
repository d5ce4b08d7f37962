"""Notes: the examples of the specifications and real ones verify, and nothing that was changed does."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from canary.evidence.merkle import inclusion_proof, leaf_hash, nodes_of, root
from canary.evidence.notes import Checkpoint, Note, NoteError, Proof, Signature, VKey, sign

# C2SP signed-note, "Verifier keys" and "Example"
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""

# golang.org/x/mod/sumdb/note, its example
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""

# A checkpoint of a public Certificate Transparency log, cosigned by public witnesses
REAL_NOTE = Path(__file__).with_name("arche2025h1.note").read_text()
REAL_LOG = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
REAL_WITNESSES = [
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
]

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), max_size=200).map(lambda t: t + "\n")


@dataclass(frozen=True)
class Key:
    """A signer that keeps its key in memory."""

    name: str
    secret: Ed25519PrivateKey

    @property
    def vkey(self) -> VKey:
        return VKey(self.name, self.secret.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self.secret.sign(message)


ONE, TWO = (
    Key(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))
    for name, seed in (("ca.example/log", 1), ("ca.example/log", 2))
)


# What others have signed


def test_the_example_of_the_specification_verifies() -> None:
    key = VKey.parse(SPEC_KEY)
    assert (key.name, str(key)) == ("example.com/foo", SPEC_KEY)
    assert Note.parse(SPEC_NOTE).verify(key)
    assert str(Note.parse(SPEC_NOTE)) == SPEC_NOTE


def test_we_sign_as_the_go_implementation_does() -> None:
    seed = base64.b64decode(GO_SECRET.split("+", 4)[4])[1:]
    peter = Key("PeterNeumann", Ed25519PrivateKey.from_private_bytes(seed))
    assert str(peter.vkey) == GO_KEY
    assert str(sign(Note.parse(GO_NOTE).text, peter)) == GO_NOTE


def test_a_real_checkpoint_verifies_with_its_cosignatures() -> None:
    note, witnesses = Note.parse(REAL_NOTE), [VKey.parse(text) for text in REAL_WITNESSES]
    head = Checkpoint.parse(note.text)
    assert (head.origin, head.size) == ("arche2025h1.staging.ct.transparency.dev", 1432088532)
    assert head.text == note.text
    found = note.verify(VKey.parse(REAL_LOG), *witnesses)
    assert [key.name for key, _ in found[1:]] == [line.name for line in note.signatures[2:]]
    assert {int.from_bytes(signature.value[:8], "big") for _, signature in found[1:]} == {1779573024}


def test_a_real_checkpoint_of_another_size_does_not_verify() -> None:
    note = Note.parse(REAL_NOTE.replace("1432088532", "1432088533"))
    for key in (REAL_LOG, *REAL_WITNESSES):
        with pytest.raises(NoteError, match="is not genuine"):
            note.verify(VKey.parse(key))


def test_a_cosignature_holds_for_its_time_only() -> None:
    note, witness = Note.parse(REAL_NOTE), VKey.parse(REAL_WITNESSES[0])
    [(_, signature)] = note.verify(witness)
    later = replace(signature, value=(1779573025).to_bytes(8, "big") + signature.value[8:])
    assert not witness.signed(note.text, later)


# What we sign


@given(texts)
def test_what_is_signed_verifies_and_reads_back(text: str) -> None:
    note = sign(text, ONE, TWO)
    assert Note.parse(str(note)) == note
    assert Note.parse(str(note).encode()) == note
    assert [key for key, _ in note.verify(ONE.vkey, TWO.vkey)] == [ONE.vkey, TWO.vkey]
    assert [key for key, _ in note.verify(TWO.vkey)] == [TWO.vkey]


@given(texts, st.data())
def test_no_flipped_bit_verifies(text: str, data: st.DataObject) -> None:
    raw = str(sign(text, ONE)).encode()
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    changed = (int.from_bytes(raw, "big") ^ 1 << bit).to_bytes(len(raw), "big")
    with pytest.raises(NoteError):
        Note.parse(changed).verify(ONE.vkey)


def test_two_keys_of_one_name_are_told_apart() -> None:
    note = sign("text\n", ONE)
    with pytest.raises(NoteError, match=r"not signed by ca\.example/log"):
        note.verify(TWO.vkey)
    claimed = Signature(TWO.name, TWO.vkey.key_id, note.signatures[0].value)
    with pytest.raises(NoteError, match="is not genuine"):
        note.with_signatures([claimed]).verify(ONE.vkey, TWO.vkey)


def test_further_signatures_are_added_once() -> None:
    note = sign("text\n", ONE)
    more = sign("text\n", TWO).signatures
    assert str(note.with_signatures(more).with_signatures(more)) == str(sign("text\n", ONE, TWO))


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (b"\xff\n\n\xe2\x80\x94 a AAAAAAA=\n", "a note is not UTF-8"),
        ("a\tb\n\n— a AAAAAAA=\n", "a note has control characters"),
        ("text\n", "wanted a text, a blank line and signature lines"),
        ("text\n\n", "wanted a text, a blank line and signature lines"),
        ("text\n\n— a AAAAAAA=", "wanted a text, a blank line and signature lines"),
        ("text\n\n- a AAAAAAA=\n", "not a signature line: '- a AAAAAAA='"),
        ("text\n\n— a+b AAAAAAA=\n", "not a signature line"),
        ("text\n\n— a AAAA\n", "a signature by a has 3 bytes"),
        ("text\n\n— a AAAAAA==!\n", "not base64"),
        ("text\n\n— a AAAAAAB=\n", "not canonical base64"),
        ("text\n\n" + "— a AAAAAAA=\n" * 65, "a note has 65 signatures, wanted at most 64"),
    ],
)
def test_what_is_no_note_is_refused(note: str | bytes, message: str) -> None:
    with pytest.raises(NoteError, match=message):
        Note.parse(note)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("example.com/foo", "not a verifier key"),
        (SPEC_KEY.replace("530d903a", "530d903b"), "has the id 530d903a, not 530d903b"),
        ("a+00000000+AA==", "has type 0 and 0 bytes"),
        ("a b" + SPEC_KEY, "wanted no spaces"),
        ("\udce9" + SPEC_KEY, "wanted no spaces"),
        ("\x1b" + SPEC_KEY, "wanted no spaces"),
    ],
)
def test_what_is_no_key_is_refused(key: str, message: str) -> None:
    with pytest.raises(NoteError, match=message):
        VKey.parse(key)


def test_a_text_that_cannot_be_one_of_a_note_is_not_signed() -> None:
    for text in ("no newline", "tab\t\n"):
        with pytest.raises(NoteError, match="ends in a newline"):
            sign(text, ONE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("log\n1\n", "wanted an origin, a size and a root hash"),
        ("log\n01\nAAAA\n", "has the size '01'"),
        ("log\n1\nAAAA\n", "a root hash of 3 bytes, wanted 32"),
        (f"log\n1\n{base64.b64encode(bytes(32)).decode()}\n\n", "wanted an origin"),
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str, message: str) -> None:
    with pytest.raises(NoteError, match=message):
        Checkpoint.parse(text)


# Proofs


@given(st.integers(1, 300), st.binary(max_size=40), st.data())
def test_a_proof_reads_back_and_verifies(size: int, extra: bytes, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = proved(index, size, extra)
    again = Proof.parse(str(proof))
    assert again == proof
    assert again.verify(leaf_hash(b"%d" % index), ONE.vkey).size == size
    with pytest.raises(NoteError, match="does not lead from leaf"):
        again.verify(leaf_hash(b"another"), ONE.vkey)
    with pytest.raises(NoteError, match="not signed by"):
        again.verify(leaf_hash(b"%d" % index), TWO.vkey)


def test_a_proof_is_written_as_the_specification_shows() -> None:
    lines = str(proved(1, 3, b"more")).split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra bW9yZQ==", "index 1"]
    assert [len(line) for line in lines[3:5]] == [44, 44]
    assert lines[5:8] == ["", "ca.example/log", "3"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("@v1", "@v2"), "not a proof"),
        (("index 1", "index 01"), "a proof has no index"),
        (("index 1", "index"), "a proof has no index"),
        (("index 1\n", "index 1\nAAAA\n"), "a proof has a hash of 3 bytes"),
    ],
)
def test_what_is_no_proof_is_refused(change: tuple[str, str], message: str) -> None:
    with pytest.raises(NoteError, match=message):
        Proof.parse(str(proved(1, 3)).replace(*change))


def proved(index: int, size: int, extra: bytes = b"") -> Proof:
    leaves = [leaf_hash(b"%d" % leaf) for leaf in range(size)]
    head = Checkpoint("ca.example/log", size, root(leaves))
    return Proof(index, tuple(inclusion_proof(index, size, nodes_of(leaves))), sign(head.text, ONE), extra)
