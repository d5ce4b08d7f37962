"""What is typed is recognised however a page encodes it, and nothing else is taken for it."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.channels.forms.typed import Typed, decodings

MARK = "abcdefghijklmnopqrstuvwxyz234567abcdefgh"
TEXT = f"This is a scheduled test.\n\nThe key is compromised: Zażółć 漢字 <b>&amp;\n{MARK}"


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent": quote,
    "a form's": quote_plus,
    "percent, twice": lambda text: quote(quote(text)),
    "every character by percent": lambda text: "".join(f"%{octet:02X}" for octet in text.encode()),
    "JSON": json.dumps,
    "JSON in percent": lambda text: quote(json.dumps({"a": text})),
    "JavaScript": lambda text: "".join(f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{ord(c):04x}" for c in text),
    "HTML": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "upper case": str.upper,
    "base64": lambda text: b64(text.encode()),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 of UTF-16": lambda text: b64(text.encode("utf-16-le")),
    "base64 of JSON": lambda text: b64(json.dumps([text]).encode()),
    "base64 of base64": lambda text: b64(b64(text.encode()).encode()),
    "base64 behind letters of its own": lambda text: "xyz" + b64(text.encode()),
    "base32": lambda text: base64.b32encode(text.encode()).decode().rstrip("=").lower(),
    "hex": lambda text: text.encode().hex(),
    "hex behind a digit": lambda text: "0" + text.encode().hex(),
    "hex with signs": lambda text: text.encode().hex(":"),
    "codes": lambda text: ",".join(str(ord(character)) for character in text),
    "codes of JSON": lambda text: json.dumps(list(text.encode())),
    "deflated": lambda text: b64(zlib.compress(text.encode())),
    "gzip": lambda text: b64(gzip.compress(text.encode())),
    "bare deflate": lambda text: b64(zlib.compress(text.encode(), wbits=-15)),
    "multipart": lambda text: f'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n{text}\r\n--x--',
}


def typed(*texts: str) -> Typed:
    found = Typed()
    found.add_mark(MARK)
    for text in texts:
        found.add(text)
    return found


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", [TEXT, MARK, "Erika Anna Beispiel", "erika@reporter.example"])
def test_it_is_recognised_in_every_encoding(encoding: str, text: str) -> None:
    there = f"https://stranger.example/a?b={ENCODINGS[encoding](text)}&c=d"
    assert typed(text).is_in([there])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_half_of_it_is_enough(encoding: str) -> None:
    assert typed(TEXT).is_in([f"/?a={ENCODINGS[encoding](TEXT[30:70])}"])
    assert typed().is_in([f"/?a={ENCODINGS[encoding](MARK[7:27])}"])


@pytest.mark.parametrize(
    "there",
    [
        f"https://{MARK}.stranger.example/",
        f"https://{MARK[:20]}.{MARK[20:]}.stranger.example/",
        f"https://{base64.b32encode(MARK.encode()).decode().lower()[:60]}.stranger.example/",
        f"https://{'.'.join(MARK.encode().hex()[at : at + 30] for at in range(0, 80, 30))}.stranger.example/",
    ],
)
def test_it_is_recognised_in_a_host_name(there: str) -> None:
    assert typed().is_in([there])


@pytest.mark.parametrize(
    "there",
    [
        "https://challenges.cloudflare.com/turnstile/v0/api.js?onload=ready&render=explicit",
        "https://www.google.com/recaptcha/api2/anchor?ar=1&k=6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI&co=aHR0cHM6Ly9jYS5",
        "https://cdn.example/npm/certificate-problem@1.2.3/dist/scheduled-test.min.js",
        "https://stranger.example/",
    ],
)
def test_what_others_load_is_not_taken_for_it(there: str) -> None:
    known = typed(TEXT, "Erika Anna Beispiel", "Cloudflare", "Erika", "erika@reporter.example", "+49 30 123456", "cdn")
    assert not known.is_in([there])


def test_nothing_typed_is_nowhere() -> None:
    assert not Typed().is_in([TEXT])


@given(st.lists(st.text(max_size=300), max_size=4))
def test_whatever_a_page_sends_can_be_looked_through(places: list[str]) -> None:
    typed(TEXT).is_in(places)


@pytest.mark.parametrize("piece", ["%41", "QUJD", "41", "65,", "\\u0041", "&#65;", "a.", "MFRGGZDF"])
def test_what_is_looked_through_is_bounded(piece: str) -> None:
    assert sum(len(text) for text in decodings([piece * (100_000 // len(piece))])) < 400_000
