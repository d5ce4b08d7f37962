"""Merkle trees as RFC 6962 section 2.1 defines them, with SHA-256: hashes, roots, proofs. Pure.

A tree is seen through :data:`Nodes`, which knows the hash of every complete subtree; whether it computes it from a list
(:func:`nodes_of`) or reads it from tiles is its own matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

HASH_SIZE = 32

EMPTY_ROOT = sha256(b"").digest()
"""The hash of a tree without leaves."""

Nodes = Callable[[int, int], bytes]
"""``nodes(height, index)``: the hash of the ``index``-th (from 0) complete subtree of ``2**height`` leaves."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def nodes_of(leaves: Sequence[bytes]) -> Nodes:
    """The nodes of the tree over these leaf hashes."""

    def node(height: int, index: int) -> bytes:
        return complete_root(leaves[index << height : (index + 1) << height])

    return node


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes. Raises ValueError for another number of them."""
    if not hashes or len(hashes) & (len(hashes) - 1):
        raise ValueError(f"wanted a power of two of hashes, got {len(hashes)}")
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle Tree Hash over these leaf hashes."""
    return tree_root(len(leaves), nodes_of(leaves))


def tree_root(size: int, nodes: Nodes) -> bytes:
    """The Merkle Tree Hash of the first ``size`` leaves."""
    return _span(0, size, nodes) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves, from the leaf's sibling upwards.

    RFC 6962 section 2.1.1. Raises ValueError if there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_span(middle, end, nodes))
            end = middle
        else:
            path.append(_span(start, middle, nodes))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """The proof that the tree of ``new`` leaves begins with the tree of ``old`` leaves.

    RFC 6962 section 2.1.2; empty where both are the same, or the old one is empty. Raises ValueError if ``old`` is
    larger.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves cannot begin with one of {old}")
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, end = 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_span(middle, end, nodes))
            end = middle
        else:
            path.append(_span(start, middle, nodes))
            start = middle
    if start:  # where the old tree is a subtree that begins at 0, the verifier knows its hash already
        path.append(_span(start, end, nodes))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf with the hash ``leaf`` stands at ``index`` of the tree (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, found = index, size - 1, leaf
    for step in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            found = node_hash(step, found)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node_hash(found, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and found == root


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the tree of ``new`` leaves begins with the tree of ``old`` leaves (RFC 9162 section 2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if not 0 < old < new or not proof:
        return False
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    found_old = found_new = steps[0]
    for step in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            found_old, found_new = node_hash(step, found_old), node_hash(step, found_new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found_new = node_hash(found_new, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and found_old == old_root and found_new == new_root


def _split(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _span(start: int, end: int, nodes: Nodes) -> bytes:
    """The hash over the leaves from ``start`` to before ``end``, where a subtree of the tree begins at ``start``."""
    parts = []
    while start < end:
        height = (end - start).bit_length() - 1  # of the largest complete subtree that begins here
        parts.append(nodes(height, start >> height))
        start += 1 << height
    found = parts.pop()
    while parts:
        found = node_hash(parts.pop(), found)
    return found
