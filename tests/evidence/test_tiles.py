"""Tiles: the tree on disk is the tree in memory, at every size, and is never overwritten by another one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.evidence.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root,
    verify_consistency,
    verify_inclusion,
)
from canary.evidence.tiles import EvidenceError, Tiles, partial, tile_path

ENTRIES = [b"entry %d" % index for index in range(70_000)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("index", "width", "path"),
    [
        (0, 256, "tile/0/000"),
        (5, 256, "tile/0/005"),
        (1234067, 256, "tile/0/x001/x234/067"),  # the example of the specification
        (1234067, 8, "tile/0/x001/x234/067.p/8"),
        (1000, 1, "tile/0/x001/000.p/1"),
    ],
)
def test_paths_are_those_of_the_specification(index: int, width: int, path: str) -> None:
    assert tile_path(0, index, width) == path


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts(tmp_path: Path) -> None:
    tiles = Tiles(tmp_path)
    assert tiles.extend(0, ENTRIES) == 70_000
    found = files(tmp_path)
    assert len([path for path in found if path.startswith("tile/0/") and ".p/" not in path]) == 273
    partials = ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"]
    assert [path for path in found if ".p/" in path] == partials
    assert [path for path in found if path.startswith("tile/1/") and ".p/" not in path] == ["tile/1/000"]
    assert tiles.root(70_000) == root(LEAVES)
    for index in (0, 255, 256, 65_535, 65_536, 69_999):
        proof = inclusion_proof(index, 70_000, tiles.nodes(70_000))
        assert verify_inclusion(LEAVES[index], index, 70_000, proof, root(LEAVES))


def test_a_tree_of_256_has_a_full_tile_and_one_above(tmp_path: Path) -> None:
    Tiles(tmp_path).extend(0, ENTRIES[:256])
    assert files(tmp_path) == ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]
    assert list(partial(256)) == [(0, 1, 0), (1, 0, 1)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=5))
def test_however_it_grows_it_is_the_same_tree(tmp_path_factory: pytest.TempPathFactory, steps: list[int]) -> None:
    folder = tmp_path_factory.mktemp("log")
    size, sizes = 0, []
    for step in steps:
        size = Tiles(folder).extend(size, ENTRIES[size : size + step])
        sizes.append(size)
    tiles = Tiles(folder)
    for old in sizes:
        assert tiles.root(old) == root(LEAVES[:old])
        proof = consistency_proof(old, size, tiles.nodes(size))
        assert verify_consistency(old, size, proof, root(LEAVES[:old]), root(LEAVES[:size]))
    found = [entry for index in range(-(-size // 256)) for entry in tiles.entries(index, min(256, size - index * 256))]
    assert found == ENTRIES[:size]


def test_partial_tiles_stay_until_the_full_one_is_there(tmp_path: Path) -> None:
    tiles = Tiles(tmp_path)
    tiles.extend(tiles.extend(0, ENTRIES[:100]), ENTRIES[100:150])
    wanted = ["tile/0/000.p/100", "tile/0/000.p/150", "tile/entries/000.p/100", "tile/entries/000.p/150"]
    assert files(tmp_path) == wanted
    tiles.extend(150, ENTRIES[150:300])
    wanted = ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"]
    assert files(tmp_path) == wanted


def test_an_extension_may_be_repeated(tmp_path: Path) -> None:
    tiles = Tiles(tmp_path)
    tiles.extend(0, ENTRIES[:200])
    tiles.extend(200, ENTRIES[200:600])  # an end before the new size was noted: the same again, and further
    assert tiles.extend(200, ENTRIES[200:700]) == 700
    assert Tiles(tmp_path).root(700) == root(LEAVES[:700])


def test_a_full_tile_of_another_history_is_not_overwritten(tmp_path: Path) -> None:
    tiles = Tiles(tmp_path)
    tiles.extend(0, ENTRIES[:300])
    with pytest.raises(EvidenceError, match="tile/0/000 is there already, of another history"):
        tiles.extend(0, [b"another", *ENTRIES[1:300]])
    assert Tiles(tmp_path).root(300) == root(LEAVES[:300])


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    Tiles(tmp_path).extend(0, ENTRIES[:300])
    (tmp_path / "tile/0/001.p/44").write_bytes(b"short")
    with pytest.raises(EvidenceError, match=r"tile/0/001\.p/44 has 5 bytes, wanted 1408"):
        Tiles(tmp_path).root(300)
    (tmp_path / "tile/0/000").unlink()
    with pytest.raises(EvidenceError, match="tile/0/000 is missing"):
        Tiles(tmp_path).hashes(0, 0)
    (tmp_path / "tile/entries/000").write_bytes(b"\x00\x05abc")
    with pytest.raises(EvidenceError, match="tile/entries/000 is cut off"):
        Tiles(tmp_path).entries(0)
    (tmp_path / "tile/entries/001.p/44").write_bytes(b"\x00\x03abc")
    with pytest.raises(EvidenceError, match=r"tile/entries/001\.p/44 has 1 entries, wanted 44"):
        Tiles(tmp_path).entries(1, 44)


def test_an_entry_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="an entry has 65536 bytes, wanted at most 65535"):
        Tiles(tmp_path).extend(0, [bytes(65_536)])


def test_a_forgotten_entry_is_empty_in_every_bundle_and_still_proved(tmp_path: Path) -> None:
    tiles = Tiles(tmp_path)
    tiles.extend(tiles.extend(0, ENTRIES[:290]), ENTRIES[290:300])
    tiles.forget({3, 289, 299, 1000})
    assert (tiles.entries(0)[2:5], tiles.entries(1, 44)[-2:]) == ([ENTRIES[2], b"", ENTRIES[4]], [ENTRIES[298], b""])
    assert tiles.entries(1, 34)[-1] == b""
    proof = inclusion_proof(3, 300, tiles.nodes(300))
    assert verify_inclusion(LEAVES[3], 3, 300, proof, root(LEAVES[:300]))
    assert tiles.extend(300, ENTRIES[300:310]) == 310
    assert tiles.root(310) == root(LEAVES[:310])
    assert tiles.entries(1, 54)[43] == b""


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    Tiles(tmp_path).extend(0, ENTRIES[:300])
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()} == {0o600}
