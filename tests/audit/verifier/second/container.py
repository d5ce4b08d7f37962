"""The zip file and its manifest: nothing but the files that there may be, each as the manifest has it."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from .base import hexed, must, parsed

NUMBER = r"(0|[1-9]\d{0,15})"
NAMES = re.compile(
    rf"checkpoint|checkpoints/{NUMBER}|cosignatures/{NUMBER}|consistency/{NUMBER}-{NUMBER}"
    rf"|timestamps/({NUMBER}-)?[a-z0-9][a-z0-9-]{{0,62}}\.(tsr|pem)|events/{NUMBER}\.json|proofs/{NUMBER}\.tlog-proof"
    r"|artefacts/[0-9a-f]{64}|probes/[a-z2-7]{16}/summary\.json|population\.csv",
    re.ASCII,
)
FIELDS = {"format", "origin", "vkeys", "period", "seed", "size", "probes", "asked", "files"}
LIMIT = {"artefacts": 1 << 30, "population.csv": 2 << 30, "manifest.json": 16 << 20, "SHA256SUMS": 16 << 20,
         "timestamps": 256 << 10, "events": 65_535, "probes": 1 << 20}  # fmt: skip


def contents(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest, and every file that it names."""
    raw = path.read_bytes()
    must(raw[-22:-18] == b"PK\x05\x06" and raw[-2:] == b"\0\0", "something behind the end of the zip file")
    with zipfile.ZipFile(path) as archive:
        infos, files, place = archive.infolist(), dict[str, bytes](), 0
        must(len(infos) < 65_535, "too many files")
        for info in sorted(infos, key=lambda info: info.header_offset):
            must(info.header_offset == place, "something between the files")
            must(info.filename not in files and info.filename == info.orig_filename, "a name twice, or with more in it")
            must(info.external_attr >> 28 in (0, 8) and info.compress_type in (0, 8), "no plain file")
            limit = LIMIT.get(info.filename.partition("/")[0], 64 << 10)
            must(info.file_size <= limit, "a file that is too large")
            mark, _, flags, packing, _, crc, packed, size, *lengths = struct.unpack_from("<4s3HIIIIHH", raw, place)
            name = raw[place + 30 : place + 30 + lengths[0]]
            twice = (flags, packing, crc, packed, size, name.decode()) == (
                info.flag_bits, info.compress_type, info.CRC, info.compress_size, info.file_size, info.filename
            )  # fmt: skip
            must(mark == b"PK\3\4" and twice, "a file that is told of in two ways")
            must(not (info.extra or lengths[1] or info.comment or flags & ~0x800), "an extra field")
            begin = place + 30 + lengths[0]
            place = begin + packed
            files[info.filename] = unpacked(raw[begin:place], packing, size)
            must(zlib.crc32(files[info.filename]) == crc, "a file of another sum")
        must(place == archive.start_dir, "something before the directory")
        directory = sum(46 + len(info.filename.encode()) for info in infos)
        must(directory == len(raw) - 22 - archive.start_dir, "more in the directory than its files")
    text, sums = files.pop("manifest.json"), files.pop("SHA256SUMS")
    manifest = parsed(text)
    must(manifest.keys() == FIELDS and manifest["format"] == "cpr-canary-bundle@5", "another format")
    must(all(NAMES.fullmatch(name) for name in files), "a name that no file may have")
    must({name: hexed(content) for name, content in files.items()} == manifest["files"], "other files than named")
    whole = sorted([*manifest["files"].items(), ("manifest.json", hexed(text))])
    must(sums == "".join(f"{value}  {name}\n" for name, value in whole).encode(), "other sums")
    return manifest, files


def unpacked(content: bytes, packing: int, size: int) -> bytes:
    """A stored or deflated file, of no other size and with nothing behind it."""
    if packing == zipfile.ZIP_DEFLATED:
        inflating = zlib.decompressobj(-15)
        content = inflating.decompress(content, size + 1)
        must(inflating.eof and not inflating.unused_data, "more or less than a packed file")
    must(len(content) == size, "a file of another size")
    return content
