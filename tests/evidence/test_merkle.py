"""Merkle trees: as the reference of Certificate Transparency computes them, and no proof but the right one verifies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.evidence.merkle import (
    EMPTY_ROOT,
    complete_root,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    nodes_of,
    root,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves of the reference implementation's tests (certificate-transparency, transparency-dev/merkle)
LEAVES = [
    leaf_hash(bytes.fromhex(leaf))
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = [
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
]
CONSISTENCY = [
    (1, 1, []),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
MANY = [leaf_hash(index.to_bytes(2, "big")) for index in range(700)]

sizes = st.integers(1, len(MANY))


def hexes(hashes: list[bytes]) -> list[str]:
    return [item.hex() for item in hashes]


def test_the_roots_are_those_of_the_reference() -> None:
    assert [root(LEAVES[:size]).hex() for size in range(9)] == ROOTS
    assert EMPTY_ROOT.hex() == ROOTS[0]


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_the_inclusion_proofs_are_those_of_the_reference(index: int, size: int, proof: list[str]) -> None:
    assert hexes(inclusion_proof(index, size, nodes_of(LEAVES))) == proof


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_the_consistency_proofs_are_those_of_the_reference(old: int, new: int, proof: list[str]) -> None:
    assert hexes(consistency_proof(old, new, nodes_of(LEAVES))) == proof


@given(sizes, st.data())
def test_every_leaf_is_proved_to_be_in_every_tree(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, nodes_of(MANY))
    assert verify_inclusion(MANY[index], index, size, proof, root(MANY[:size]))


@given(st.integers(0, len(MANY)), sizes)
def test_every_tree_is_proved_to_begin_with_every_smaller_one(one: int, other: int) -> None:
    old, new = sorted((one, other))
    proof = consistency_proof(old, new, nodes_of(MANY))
    assert verify_consistency(old, new, proof, root(MANY[:old]), root(MANY[:new]))


@given(sizes, st.data())
def test_no_other_leaf_index_or_hash_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, top = inclusion_proof(index, size, nodes_of(MANY)), root(MANY[:size])
    other = data.draw(st.integers(-1, size + 1).filter(lambda found: found != index))
    assert not verify_inclusion(MANY[index], other, size, proof, top)
    assert not verify_inclusion(flipped(data, MANY[index]), index, size, proof, top)
    assert not verify_inclusion(MANY[index], index, size, proof, flipped(data, top))
    assert not verify_inclusion(MANY[index], index, size, [*proof, top], top)
    if proof:
        assert not verify_inclusion(MANY[index], index, size, proof[:-1], top)
        assert not verify_inclusion(MANY[index], index, size, tampered(data, proof), top)


@given(sizes, st.data())
def test_no_proof_verifies_in_a_tree_of_another_size(size: int, data: st.DataObject) -> None:
    """The size of a tree is signed with its root, and never taken from whoever shows a proof."""
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(sizes.filter(lambda found: found != size))
    proof = inclusion_proof(index, size, nodes_of(MANY))
    assert not verify_inclusion(MANY[index], index, other, proof, root(MANY[:other]))


@given(st.integers(1, len(MANY) - 1), st.data())
def test_no_other_history_is_proved_consistent(old: int, data: st.DataObject) -> None:
    new = data.draw(st.integers(old + 1, len(MANY)))
    proof, before, after = consistency_proof(old, new, nodes_of(MANY)), root(MANY[:old]), root(MANY[:new])
    assert not verify_consistency(old, new, proof, flipped(data, before), after)
    assert not verify_consistency(old, new, proof, before, flipped(data, after))
    assert not verify_consistency(old, new, tampered(data, proof), before, after)
    assert not verify_consistency(old, new, proof[:-1], before, after)
    assert not verify_consistency(old, new, [*proof, after], before, after)
    assert not verify_consistency(new, old, proof, after, before)
    other = data.draw(st.integers(0, new - 1).filter(lambda found: found != old))
    assert not verify_consistency(other, new, proof, before, after)


@given(sizes, st.data())
def test_a_changed_leaf_changes_every_root_above_it(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    changed = [*MANY[:index], flipped(data, MANY[index]), *MANY[index + 1 : size]]
    assert root(changed) != root(MANY[:size])


def test_what_cannot_be_proved_is_refused() -> None:
    with pytest.raises(ValueError, match="no leaf 8 in a tree of 8"):
        inclusion_proof(8, 8, nodes_of(LEAVES))
    with pytest.raises(ValueError, match="a tree of 3 leaves cannot begin with one of 4"):
        consistency_proof(4, 3, nodes_of(LEAVES))
    with pytest.raises(ValueError, match="power of two of hashes, got 3"):
        complete_root(LEAVES[:3])


def flipped(data: st.DataObject, item: bytes) -> bytes:
    bit = data.draw(st.integers(0, len(item) * 8 - 1))
    return (int.from_bytes(item, "big") ^ 1 << bit).to_bytes(len(item), "big")


def tampered(data: st.DataObject, proof: list[bytes]) -> list[bytes]:
    place = data.draw(st.integers(0, len(proof) - 1))
    return [*proof[:place], flipped(data, proof[place]), *proof[place + 1 :]]
