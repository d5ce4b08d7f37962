"""Hostile zip files: refused before anything of them is believed, and nothing ever reaches the disk."""

from __future__ import annotations

import json
import random
import resource
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest
from audit.verifier.conftest import FIRST_ALONE, Healthy
from audit.verifier.office import Files, packed, sealed
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.audit.verifier import archive as zips
from canary.audit.verifier import canonical, verify
from canary.audit.verifier.archive import FORMAT, VERSION, Archive
from canary.audit.verifier.findings import RefusedError


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip file of two entries."""
    path = tmp_path_factory.mktemp("small") / "small.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", "{}")
        archive.writestr("SHA256SUMS", "")
    return path


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("noise") / "noise.zip"


def refused(path: Path, reason: str) -> None:
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(RefusedError, match=reason):
        Archive(path)
    assert sorted(path.parent.rglob("*")) == before


def entry(path: Path, healthy: Healthy, info: zipfile.ZipInfo, content: bytes = b"x") -> Path:
    """A healthy bundle with one more entry."""
    packed(path, healthy.files)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, content)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../events/1.json",
        "/etc/passwd",
        "events/../../1.json",
        "events/01.json",
        "events/1.json/",
        "events\\1.json",
        "EVENTS/1.json",
        "artefacts/" + "g" * 64,
        "artefacts/" + "a" * 63,
        "timestamps/1-../../x.tsr",
        "probes/../../x/summary.json",
        "population.csv\n",
        "events/１.json",
        "",
    ],
)
def test_a_name_that_no_bundle_has(healthy: Healthy, tmp_path: Path, name: str) -> None:
    refused(entry(tmp_path / "b.zip", healthy, zipfile.ZipInfo(name)), "is no file of a bundle")


def test_a_name_that_goes_on_behind_a_null(healthy: Healthy, tmp_path: Path) -> None:
    path = entry(tmp_path / "b.zip", healthy, zipfile.ZipInfo("events/999.jsonX../x"))
    path.write_bytes(path.read_bytes().replace(b"events/999.jsonX../x", b"events/999.json\0../x"))
    refused(path, "is no file of a bundle")


def other_format(healthy: Healthy, told: object) -> Files:
    """A healthy bundle whose manifest says another format, with what only that format has."""
    manifest = json.loads(healthy.files["manifest.json"])
    raw = canonical.dumps({**manifest, "format": told, "signatures": 1})
    return healthy.files | {"manifest.json": raw, "sightings/1.cbor": b"x"}


@pytest.mark.parametrize(
    ("version", "age"), [(VERSION + 1, "a newer"), (999_999_999, "a newer"), (VERSION - 1, "an older")]
)
def test_a_bundle_of_another_version_is_told_as_such(healthy: Healthy, version: int, age: str) -> None:
    found = healthy.check(other_format(healthy, f"cpr-canary-bundle@{version}"))
    assert found.rows["bundle is well-formed"].failures == [
        f"this bundle was made by {age} canary (format {version}, this verifier knows {VERSION}): "
        "check it with the verifier that belongs to that canary"
    ]
    assert not found.ok
    assert list(found.rows) == ["bundle is well-formed"]


@pytest.mark.parametrize("told", [None, 2, "", "cpr-canary-bundle@0", "cpr-canary-bundle@02", "cpr-canary-bundle@２"])
def test_a_format_that_there_is_not(healthy: Healthy, told: object) -> None:
    found = healthy.check(other_format(healthy, told))
    assert found.rows["bundle is well-formed"].failures == [f"the format is {told!r}, wanted {FORMAT}"]


def test_a_link(healthy: Healthy, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("events/999.json")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    refused(entry(tmp_path / "b.zip", healthy, info, b"/etc/passwd"), "is a link or a device")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice(healthy: Healthy, tmp_path: Path) -> None:
    refused(entry(tmp_path / "b.zip", healthy, zipfile.ZipInfo("checkpoint")), "is there twice")


def test_a_way_of_packing_that_is_not_known(healthy: Healthy, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("events/999.json")
    info.compress_type = zipfile.ZIP_LZMA
    refused(entry(tmp_path / "b.zip", healthy, info), "is packed in another way")


def _flag(raw: bytes) -> bytes:
    place = raw.index(b"PK\x01\x02")
    return raw[: place + 8] + struct.pack("<H", struct.unpack_from("<H", raw, place + 8)[0] | 1) + raw[place + 10 :]


def _count(raw: bytes) -> bytes:
    return raw[:-14] + struct.pack("<HH", 0xFFFF, 0xFFFF) + raw[-10:]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_flag, "is encrypted"),
        (_count, "too many entries"),
        (lambda raw: raw + b"x", "something behind its end"),
        (lambda raw: b"#!/bin/sh\n" + raw, "something before its beginning"),
        (lambda raw: raw[:-1], "not a zip file"),
        (lambda raw: raw[: len(raw) // 2], "not a zip file"),
        (lambda raw: raw[:-22] + raw[-22:].replace(b"PK", b"XX"), "not a zip file"),
        (lambda raw: b"", "which no bundle has"),
    ],
)
def test_a_zip_that_is_not_one(healthy: Healthy, tmp_path: Path, change: Callable[[bytes], bytes], reason: str) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(change(healthy.path.read_bytes()))
    refused(path, reason)


def test_a_bomb_in_the_manifest(healthy: Healthy, tmp_path: Path) -> None:
    files = healthy.files | {"manifest.json": b" " * (17 << 20)}
    refused(packed(tmp_path / "b.zip", files), "manifest.json is larger than 16777216 bytes")


@FIRST_ALONE
def test_a_bomb_that_says_to_be_small(healthy: Healthy, tmp_path: Path) -> None:
    """A file of 64 MiB, packed into 64 KiB, whose entry says to have 300 bytes."""
    path = packed(tmp_path / "b.zip", sealed(healthy.files | {"checkpoint": b"x" * (64 << 20)}))
    raw = bytearray(path.read_bytes())
    name = raw.index(b"PK\x01\x02", raw.rindex(b"PK\x03\x04"))
    while raw[name + 46 : name + 56] != b"checkpoint" or raw[name + 28 : name + 30] != b"\x0a\x00":
        name = raw.index(b"PK\x01\x02", name + 4)
    struct.pack_into("<L", raw, name + 24, 300)
    struct.pack_into("<L", raw, struct.unpack_from("<L", raw, name + 42)[0] + 22, 300)  # and before the file itself
    path.write_bytes(bytes(raw))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = verify.verify(path, healthy.options)
    assert any("checkpoint" in failure for failure in found.rows["signed checkpoints"].failures)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


def test_a_file_that_is_too_large(healthy: Healthy, tmp_path: Path) -> None:
    files = sealed(healthy.files | {"checkpoint": b"x" * (64 * 1024 + 1)})
    found = verify.verify(packed(tmp_path / "b.zip", files), healthy.options)
    assert "checkpoint: checkpoint is larger than 65536 bytes" in found.rows["signed checkpoints"].failures


@FIRST_ALONE
def test_more_than_all_files_may_have_together(healthy: Healthy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "LARGEST_UNPACKED", 20_000)
    found = verify.verify(healthy.path, healthy.options)
    assert any("unpacks to more than" in failure for row in found.rows.values() for failure in row.failures)


@FIRST_ALONE
def test_each_file_is_read_once(healthy: Healthy, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = zips._unpacked

    def count(file: IO[bytes], entry: zipfile.ZipInfo) -> Iterator[bytes]:
        opened.append(entry.filename)
        return real(file, entry)

    monkeypatch.setattr(zips, "_unpacked", count)
    assert verify.verify(healthy.path, healthy.options).ok
    assert sorted(opened) == sorted(healthy.files)


def test_nothing_is_written(healthy: Healthy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert verify.verify(healthy.path, healthy.options).ok
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [65_536, 10**15])
def test_a_sample_that_would_be_drawn_for_ever(healthy: Healthy, size: int) -> None:
    found = healthy.check(sealed(healthy.files, size=size))
    assert found.rows["bundle is well-formed"].failures == ["the manifest draws more than 65535 probes"]


@pytest.mark.parametrize(
    "changed",
    [{"files": []}, {"files": 3}, {"size": None}, {"size": "7"}, {"seed": 7}, {"probes": 3}, {"asked": {}},
     {"asked": [3]}, {"period": []}, {"period": {}}, {"vkeys": 3}, {"vkeys": [3]}, {"origin": []}],
    ids=str,
)  # fmt: skip
def test_a_manifest_of_other_types_is_a_failure_and_no_error(healthy: Healthy, changed: dict[str, object]) -> None:
    raw = canonical.dumps(json.loads(healthy.files["manifest.json"]) | changed)
    files = sealed(healthy.files, **changed) if "files" not in changed else healthy.files | {"manifest.json": raw}
    found = healthy.check(files)
    assert not found.ok
    json.dumps(found.to_json())


def _before_the_directory(raw: bytes) -> bytes:
    """Bytes that no entry tells of, between the last file and the directory."""
    start = struct.unpack_from("<L", raw, len(raw) - 6)[0]
    return raw[:start] + b"hidden" + raw[start:-6] + struct.pack("<L", start + 6) + raw[-2:]


def _in_the_directory(raw: bytes) -> bytes:
    length = struct.unpack_from("<L", raw, len(raw) - 10)[0]
    return raw[:-22] + b"PK\x05\x05\0\0" + raw[-22:-10] + struct.pack("<L", length + 6) + raw[-6:]


def _other_local_name(raw: bytes) -> bytes:
    place = raw.index(b"PK\x03\x04")
    return raw[: place + 30] + bytes([raw[place + 30] ^ 1]) + raw[place + 31 :]


@pytest.mark.parametrize("change", [_before_the_directory, _in_the_directory, _other_local_name])
def test_nothing_is_hidden_in_a_zip(healthy: Healthy, tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(change(healthy.path.read_bytes()))
    refused(path, "not a zip file|before its directory|more than its entries|described in two ways")


@pytest.mark.parametrize("field", ["extra", "comment"])
def test_an_entry_with_another_name_beside_its_own(healthy: Healthy, tmp_path: Path, field: str) -> None:
    """A Unicode path field (0x7075), by which some programs unpack it under that name."""
    info = zipfile.ZipInfo("events/999.json")
    setattr(info, field, b"\x75\x70\x09\x00\x01\0\0\0\0evil" if field == "extra" else b"evil")
    refused(entry(tmp_path / "b.zip", healthy, info), "has fields that no file needs")


def test_nothing_is_hidden_behind_what_is_packed(healthy: Healthy, tmp_path: Path) -> None:
    """Bytes that belong to the last entry, and that no program unpacks."""
    raw, more = bytearray(packed(tmp_path / "b.zip", healthy.files).read_bytes()), b"hidden"
    start, last = struct.unpack_from("<L", raw, len(raw) - 6)[0], raw.rindex(b"PK\x01\x02")
    place = struct.unpack_from("<L", raw, last + 42)[0]
    for size in (place + 18, last + 20):
        struct.pack_into("<L", raw, size, struct.unpack_from("<L", raw, size)[0] + len(more))
    struct.pack_into("<L", raw, len(raw) - 6, start + len(more))
    (tmp_path / "b.zip").write_bytes(raw[:start] + more + raw[start:])
    found = verify.verify(tmp_path / "b.zip", healthy.options)
    failures = [failure for row in found.rows.values() for failure in row.failures]
    assert any("bytes behind its end" in failure for failure in failures), failures


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size", [0, 1, zips._PIECE - 1, zips._PIECE, zips._PIECE + 1, 9 * zips._PIECE + 258])
def test_whatever_is_packed_is_unpacked(tmp_path: Path, packing: int, size: int) -> None:
    """Also where its end comes out of what was read long before."""
    content = random.Random(size).randbytes(size // 2) + bytes(size - size // 2)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", packing) as archive:
        archive.writestr("checkpoint", content)
    with (tmp_path / "b.zip").open("rb") as file:
        assert b"".join(zips._unpacked(file, zipfile.ZipFile(file).getinfo("checkpoint"))) == content


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_directory_of_noise_is_refused_and_no_error(small: Path, noise: Path, data: st.DataObject) -> None:
    """Any few bytes changed, from the first entry of the directory on: names that are no text, places that are none."""
    raw = bytearray(small.read_bytes())
    begin = raw.index(b"PK\1\2")
    for place in data.draw(st.lists(st.integers(begin, len(raw) - 1), min_size=1, max_size=4)):
        raw[place] = data.draw(st.integers(0, 255))
    noise.write_bytes(raw)
    with suppress(RefusedError):
        Archive(noise).close()


def test_a_name_that_is_no_text(small: Path, noise: Path) -> None:
    raw = bytearray(small.read_bytes())
    entry_at = raw.index(b"PK\1\2")
    raw[entry_at + 9] |= 0x08  # says that its name is UTF-8
    raw[entry_at + 46] = 0xA7
    noise.write_bytes(raw)
    refused(noise, "not a zip file that can be read")
