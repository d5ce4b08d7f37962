"""Every parser of ours, in one table: what it reads, what hostile input for it is made of, what it may raise.

A new parser is a row here; ``tests/soak/test_fuzz.py`` tries a few thousand cases of each, the soak very many.
"""

from __future__ import annotations

import imaplib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from soak import languages as of
from soak import wires
from soak.fuzz import Parser
from starlette.datastructures import Headers

from canary import wording
from canary.audit.report import rules
from canary.audit.verifier import archive, canonical, content, der, log, stamps, tlog
from canary.audit.verifier import verify as verifier
from canary.audit.verifier.findings import Findings, RefusedError
from canary.budgets import BudgetError
from canary.channels.forms.html import read_html
from canary.config import ConfigError, load, yaml_lines
from canary.config.sections import Web
from canary.content import Message, Ticket
from canary.echo import Echo
from canary.evidence.keys import FileKeys
from canary.evidence.notes import Checkpoint, Note, NoteError, Proof, Signature, VKey
from canary.evidence.tiles import EvidenceError, Tiles, tile_path
from canary.evidence.timestamps import TimestampError, verify
from canary.keyring import open_keyring
from canary.ledger.events.event import parse_time
from canary.mail import words
from canary.mail.reading import read_mail
from canary.mail.way import read_way
from canary.mark import Keyring, new_probe_id
from canary.model import MARK_LENGTH, Attachment, OwnFaultError
from canary.queues.imap import headers
from canary.queues.loop import StoppedError
from canary.queues.replies import bounces
from canary.queues.replies.classify import classify
from canary.references import resolved
from canary.reports.compare import differences
from canary.web import file as web_file
from canary.web.access import rules as web_rules
from canary.web.guard import foreign_page, wrong_host
from canary.web.passwords import basic

_AT = datetime(2026, 11, 27, tzinfo=UTC)
_KEYS = Keyring([b"k" * 32])
_MARK = _KEYS.make(new_probe_id(), _AT)
_MAIL, _TEXT = of.mail(_MARK), of.text(_MARK)
_ECHO = Echo(of.SECRET, said=("AHVzZXIA",))
_FOLDER = Path(tempfile.mkdtemp(prefix="cpr-canary-fuzz-"))
_FORM = (
    b'{"attachments":[{"name":"a.zip","sha256":"'
    + b"0" * 64
    + b'"}],"text":"please revoke this certificate now, it is known"}'
)
_SENT = _MAIL.examples[0]


def text(raw: bytes) -> str:
    """Bytes as text, with characters that no text should have."""
    return raw.decode("utf-8", "surrogateescape")


def in_file(parse: Callable[[Path], Any], name: str) -> Callable[[bytes], Any]:
    """A parser that reads a file, which holds each case in turn."""
    path = _FOLDER / name

    def parse_file(raw: bytes) -> Any:
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(raw)
        return parse(path)

    return parse_file


def _headers(raw: bytes) -> None:
    headers.marks_in(_KEYS, raw)
    headers.message_id(raw)
    headers.answers_with(raw)
    headers.arrival(headers.server_time(raw, _AT, _AT), _AT, _AT)


def _bundle_part(path: Path) -> None:
    held = archive.Archive(path)
    try:
        for kind in ("log", "probe", "evidence"):
            for name in held.of(kind):
                held.read(name)
    finally:
        held.close()


def _tile(raw: bytes) -> None:
    for level in ("entries", 0):
        path = _FOLDER / "tiles" / tile_path(level, 0)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    tiles = Tiles(_FOLDER / "tiles")
    with suppress(EvidenceError):
        tiles.entries(0)
    tiles.root(256)


def _all(value: der.Value, depth: int = 0) -> None:
    for read in (value.number, value.oid):
        with suppress(RefusedError):
            read()
    for inside in value.children() if depth < 50 else []:
        _all(inside, depth + 1)


_WEB = web_rules(Web(listen="127.0.0.1:9750"))


def _asked(raw: bytes) -> None:
    host, origin, referer, site, authorization, *_ = [*raw.split(b"\n"), b"", b"", b"", b"", b""]
    given = Headers(raw=[(b"host", host), (b"origin", origin), (b"referer", referer), (b"sec-fetch-site", site)])
    if wrong_host(given, _WEB, "127.0.0.1") is None:
        foreign_page("POST", given)
    basic(authorization.decode("latin-1"))


def _shown(raw: bytes) -> None:
    shown = wording.shown(text(raw))
    assert shown.isprintable() or not shown, f"{shown!r} is not for a terminal"


def _parts(raw: bytes) -> None:
    for part in read_mail(raw).parts:
        for name, _ in part.fields[:50]:
            part.field(name)
        assert isinstance(part.text(4096) + part.name + part.boundary + part.type, str)


def _way(raw: bytes) -> None:
    way = read_way(raw, _AT, _AT, ("mx.ca.test",))
    for hop in way.hops if way else ():
        assert (hop.seconds or 0.0) >= 0.0, f"time goes back in silence: {hop}"


def _echoed(raw: bytes) -> None:
    said = _ECHO.removed(text(raw))
    assert of.SECRET not in said, "a secret is told"
    _ECHO.suspected(text(raw))


def _ticket(raw: bytes) -> None:
    files = (Attachment(text(raw[:40]), text(raw[40:60]), raw),)
    for sent in (_SENT, _FORM):
        differences(sent, Ticket(text(raw), files), whole=len(raw) % 2 == 0)


def _mark(raw: bytes) -> None:
    _KEYS.read(text(raw)[:MARK_LENGTH])


def _stamp(raw: bytes) -> None:
    findings = Findings()
    with findings.one("time-stamps"):
        stamps.check(raw, b"data", [], [])
    assert not findings.ok, "it takes what nobody signed"


def _bundle(path: Path) -> None:
    assert not verifier.verify(path, verifier.Options([tlog.Key.parse(str(_vkey()))])).ok, "it proves a bundle of noise"


def _vkey() -> VKey:
    return VKey("ca.test/cpr-canary", b"p" * 32)


def _parsers() -> Iterator[Parser]:
    yield Parser("mark in text", lambda raw: _KEYS.find(text(raw)), _TEXT)
    yield Parser("mark in a message", _KEYS.find_in_message, _MAIL)
    yield Parser("mark by itself", _mark, _TEXT, (ValueError,))
    yield Parser("headers of a message", _headers, _MAIL)
    yield Parser("parts of a message", _parts, _MAIL)
    yield Parser("way of a message", _way, of.WAYS)
    yield Parser("parameters of a field", lambda raw: words.parameters(words.unfolded(raw)), _MAIL)
    yield Parser("bounces", lambda raw: bounces.parse(read_mail(raw)), _MAIL)
    yield Parser("kind of answer", classify, _MAIL)
    yield Parser("report compared", lambda raw: differences(_SENT, Message(raw)), _MAIL, costly=3)
    yield Parser("form compared", lambda raw: differences(_FORM, Message(raw), whole=False), _MAIL, costly=3)
    yield Parser("ticket compared", _ticket, _MAIL, costly=3)
    imap_may = (imaplib.IMAP4.error, OSError, BudgetError, OwnFaultError, StoppedError)
    yield Parser("IMAP", wires.imap, of.IMAP, imap_may, costly=5)
    yield Parser("SMTP replies", wires.smtp, of.SMTP, (ValueError,))
    yield Parser("HTML", lambda raw: read_html(text(raw)), of.HTML, (BudgetError,), costly=3)
    yield Parser("references of HTML", lambda raw: resolved(text(raw)), of.HTML)
    yield Parser("secrets in an echo", _echoed, of.ECHO)
    yield Parser("YAML", lambda raw: yaml_lines.parse(text(raw)), of.YAML, (yaml_lines.UnreadableError,), costly=10)
    yield Parser("configuration", in_file(load, "canary.yaml"), of.YAML, (ConfigError,), costly=20)
    yield Parser("web configuration file", in_file(web_file.read, "web.yml"), of.YAML, (ConfigError,), costly=10)
    yield Parser(
        "deadlines",
        in_file(lambda path: rules._read(path, rules._DutiesFile), "d.yaml"),
        of.YAML,
        (ConfigError,),
        costly=10,
    )
    for name, parse in (
        ("key", VKey.parse),
        ("signature", Signature.parse),
        ("checkpoint", Checkpoint.parse),
        ("proof", Proof.parse),
    ):
        yield Parser(f"note: {name}", lambda raw, parse=parse: parse(text(raw)), of.NOTES, (NoteError,))  # type: ignore[misc]
    yield Parser("note", Note.parse, of.NOTES, (NoteError,))
    for name, parse in (
        ("note", tlog.Note.parse),
        ("head", tlog.Head.parse),
        ("proof", tlog.read_proof),
        ("consistency", tlog.read_consistency),
    ):
        yield Parser(f"verifier: {name}", parse, of.NOTES, (RefusedError,))
    yield Parser("verifier: key", lambda raw: tlog.Key.parse(text(raw)), of.NOTES, (RefusedError,))
    yield Parser("tiles", _tile, of.TILES, (EvidenceError,), costly=3)
    yield Parser("DER", lambda raw: _all(der.read(raw)), of.DER, (RefusedError,))
    yield Parser("verifier: time-stamp", _stamp, of.DER)
    yield Parser("verifier: certificates", stamps.load_pem, of.KEYS, (RefusedError,))
    yield Parser("time-stamp", lambda raw: verify(raw, b"data", Path("/dev/null")), of.DER, (TimestampError,))
    yield Parser("archive", in_file(_bundle_part, "bundle.zip"), of.ARCHIVE, (RefusedError,), costly=3)
    yield Parser("verifier: bundle", in_file(_bundle, "bundle2.zip"), of.ARCHIVE, costly=3)
    yield Parser("verifier: JSON", canonical.load, of.JSON, (RefusedError,))
    yield Parser("verifier: event", log.read_event, of.JSON, (RefusedError,))
    yield Parser("verifier: words of a message", content.words, _MAIL)
    yield Parser("time of an event", lambda raw: parse_time(text(raw)), of.JSON, (ValueError,))
    yield Parser("web request", _asked, of.HEADERS)
    yield Parser("words for a terminal", _shown, of.ANYTHING)
    yield Parser("mark keys", in_file(open_keyring, "mark.key"), of.KEYS, (ValueError,), costly=3)
    yield Parser(
        "evidence keys",
        in_file(lambda path: FileKeys(path, "ca.test/x").signers(), "key"),
        of.KEYS,
        (OwnFaultError,),
        costly=3,
    )


PARSERS = tuple(_parsers())
