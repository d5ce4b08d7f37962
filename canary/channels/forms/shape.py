"""How a form looks: its fields, where it goes, and the key of its server. What changes there is known before it breaks.

What is new with every visit is left out: tokens, numbers in labels, the order of options.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from hashlib import sha256
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from canary.budgets import FORM_SHAPE
from canary.channels.forms.block import fields_of
from canary.channels.forms.connecting import connect
from canary.channels.forms.home import Address
from canary.channels.forms.html import HtmlForm
from canary.channels.forms.page import FormField, PageFacts, short
from canary.wording import several

KEY, GOES_TO, CAPTCHA = "key", "goes to", "captcha"
_SHAKES_HANDS_WITHIN = 8.0
"""Seconds in which a server shows its certificate, or is not asked for it this time."""
_NUMBER = re.compile(r"\w*\d\w*")
_TOKEN = re.compile(r"(?=[\w-]*\d)[\w-]{16,}")
_LABEL, _OPTIONS = 80, 120
"""Characters of a label and of options that are told; of what is longer a hash stands for the rest."""
_REST = 500
"""Characters that are left for what is no field."""
_BUTTONS = {"submit", "button", "image", "reset", "hidden"}


def of_page(facts: PageFacts) -> dict[str, str]:
    """The fields of the form that is most likely the one for reports, as a visitor sees it, and its CAPTCHA."""
    return _fields(fields_of(facts)) | {CAPTCHA: facts.captcha or "none"}


def of_form(form: HtmlForm, captcha: str | None = None) -> dict[str, str]:
    """Likewise of a form that is read without a browser, by the names that its fields are sent under."""
    shown = (item for item in form.fields if item.kind not in _BUTTONS and item.name)
    fields = (
        FormField(item.name, item.kind, item.required, tuple(text or value for value, text in item.options))
        for item in shown
    )
    return _fields(fields) | {CAPTCHA: captcha or "none"}


def of_target(url: str, method: str = "") -> dict[str, str]:
    """Where the form goes, without what may be a token."""
    parts = urlsplit(url)
    path = _TOKEN.sub("#", parts.path.partition(";")[0])
    return {GOES_TO: short(f"{method.upper()} {Address.of(url) or parts.scheme}{path}".strip(), _OPTIONS)}


def _fields(fields: Iterable[FormField]) -> dict[str, str]:
    found: dict[str, str] = {}
    size = 0
    for item in fields:
        label = f"field {_NUMBER.sub('#', short(item.label, _LABEL))!r}"
        text = ", ".join(_described(item))
        if item.kind == "radio" and label in found:  # one group, read box by box
            continue
        again = sum(1 for name in found if name.split(" (", 1)[0] == label)
        size += len(label) + len(text) + len(" (99)")
        if len(found) >= (FORM_SHAPE.number or 0) or size > (FORM_SHAPE.decoded or 0) - _REST:
            break
        found[f"{label} ({again + 1})" if label in found else label] = text
    return found


def _described(item: FormField) -> Iterator[str]:
    yield short(item.kind, _LABEL)
    if item.required:
        yield "required"
    options = sorted({_NUMBER.sub("#", option) for option in item.options if option})
    if options and item.kind == "select":
        text = " | ".join(options)
        cut = text if len(text) <= _OPTIONS else f"{text[:_OPTIONS]}… {sha256(text.encode()).hexdigest()[:8]}"
        yield f"{len(options)} options: {short(cut, 2 * _OPTIONS)}"


async def server_key(url: str) -> dict[str, str]:
    """The SHA-256 of the public key in the certificate that the server of ``url`` shows, in hexadecimal.

    Nothing for one that is not over TLS, or shows none: that is for the visit itself to say. Nothing is sent, so
    whether the certificate is to be trusted is not asked.
    """
    there = Address.of(url)
    if there is None or there.scheme != "https":
        return {}
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(_SHAKES_HANDS_WITHIN):
            _, writer = await connect(there.host, there.port)
            with closing(writer):
                await writer.start_tls(trust, server_hostname=there.host)
                shown = writer.get_extra_info("ssl_object").getpeercert(True)
    except (OSError, ValueError):
        return {}
    return key_in(shown or b"")


def key_in(certificate: bytes) -> dict[str, str]:
    """The SHA-256 of the public key in a certificate in DER; nothing for one that is none, or of a key not known."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
        public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        return {}
    return {KEY: sha256(public).hexdigest()}


def told(seen: Mapping[str, str]) -> str:
    """How a form looks, in a few words for who looks at it."""
    number = sum(name.startswith("field ") for name in seen)
    key = f", key {seen[KEY][:16]}" if KEY in seen else ""
    return f"{several(number, 'field')}, goes to {seen.get(GOES_TO, 'an address that is not looked at')}{key}"
