"""Puts a report together: words, invented facts, attachments, the mark, and the notice that it is a test."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from random import Random

from canary.model import Attachment, Identifier, Person, Report
from canary.reports import attachments as make
from canary.reports.facts import Facts, domain
from canary.reports.prose import Slot, load, say, some
from canary.reports.variants import VARIANTS, Variant

Sections = Mapping[str, tuple[Slot, ...]]


def compose(
    variant: str,
    *,
    probe: str,
    mark: str,
    person: Person,
    operator: str,
    verify: str,
    at: datetime,
    blind: bool = False,
    serial: str | None = None,
    identifier: Identifier | None = None,
    references: str | None = None,
    root: str | None = None,
    rng: Random,
) -> Report:
    """A new report, unlike any other.

    ``operator`` is the CA's own name and ``verify`` how its staff can check that this is a test; both stand in the
    first and the last line unless ``blind``. The mark stands in the first 200 characters, and once more further on:
    a text that is cut is still found. ``at`` is when it is written: what is attached is as old as it should be then. ``serial`` must belong to a revoked or expired test certificate of the CA.
    ``identifier`` is what a variant is given that is about how the certificate is named, and is all that it says of it.
    ``root`` is the newest root hash of the evidence log, in hexadecimal: a report that carries it shows, wherever it is kept, what had
    been recorded by then. ``references`` is the Message-ID of the message that a variant in a thread answers; one is made up if it is None.
    Costs well under a millisecond, except where a key (an RSA one: some tens of milliseconds) or a file is made.

    Raises ValueError for a variant that does not exist, or is to name a certificate and is given none.
    """
    kind = VARIANTS.get(variant)
    if kind is None:
        raise ValueError(f"unknown variant {variant!r}; wanted one of {', '.join(VARIANTS)}")
    if kind.identifier and identifier is None:
        raise ValueError(f"variant {variant} names a certificate, and there is none")
    language, charset = rng.choice(kind.languages)
    text_name = rng.choice(kind.texts) if kind.texts else language
    sections = {**load(language), **load(text_name)}
    told = {"operator": _line(operator), "verify": _line(verify), "probe": probe, "mark": mark}
    further = {"size": str(kind.size or ""), "log_root": root, "identifier": identifier and identifier.value}
    facts = Facts(rng, told | {name: value for name, value in further.items() if value})
    attachments = _evidence(kind, facts, person, at)
    facts["subject"] = say(sections["subject"][0], facts, rng)
    text = _text(sections, facts, person, None if identifier else serial, rng, early=blind)
    if not blind:
        text = f"{say(sections['reference'][0], facts, rng)} / {_with_notice(text, language, facts, rng)}"
    return Report(
        probe=probe,
        variant=variant,
        mark=mark,
        person=person,
        subject=say(sections["subject-form"][0], facts, rng),
        text=text,
        language=language,
        html=_html(text, rng) if kind.html else None,
        html_only=kind.html_only,
        charset=_that_fits(charset, text),
        attachments=attachments,
        references=references or _message_id(rng) if kind.answers else None,
        serial=serial,
        identifier=identifier,
    )


def _text(sections: Sections, facts: Facts, person: Person, serial: str | None, rng: Random, early: bool) -> str:
    """The report itself, with the mark at its end or behind the greeting; in both places if it is to be found early."""
    paragraphs = [say(slot, facts, rng) for slot in sections["body"]]
    if "more" in sections:
        extra = " ".join(say(slot, facts, rng) for slot in some(sections["more"], rng))
        paragraphs.insert(rng.randint(1, len(paragraphs)), extra)
    if serial is not None:
        facts["serial"] = serial
        paragraphs.insert(rng.randint(0, len(paragraphs)), say(sections["serial"][0], facts, rng))
    if "log_root" in facts:
        paragraphs.insert(rng.randint(0, len(paragraphs)), say(sections["digest"][0], facts, rng))
    for place in (0, len(paragraphs) + 1) if early else (rng.choice([0, len(paragraphs)]),):
        paragraphs.insert(place, say(sections["reference"][0], facts, rng))
    if rng.random() < 0.8:
        paragraphs.append(say(sections["closing"][0], facts, rng))
    paragraphs.insert(0, say(sections["greeting"][0], facts, rng))
    signature = [person.name, person.organisation, person.phone if rng.random() < 0.5 else ""]
    paragraphs.append("\n".join([say(sections["signoff"][0], facts, rng), *filter(None, signature)]))
    return "\n\n".join(filter(None, paragraphs))


def _with_notice(text: str, language: str, facts: Facts, rng: Random) -> str:
    """``text`` between two lines that say that it is a test, in its own language and in English."""
    languages = dict.fromkeys([language, "en"])
    first, last = (" / ".join(say(load(code)["notice"][0], facts, rng) for code in languages) for _ in range(2))
    return f"{first}\n\n{text}\n\n{last}"


def _evidence(kind: Variant, facts: Facts, person: Person, at: datetime) -> tuple[Attachment, ...]:
    """The files of a variant; what its text says about them goes into ``facts``."""
    if kind.pastes_key:
        key = facts.rng.choice([make.pkcs1_key, make.pkcs8_key])()
        facts |= {"key": key.pem.strip(), "spki": key.spki}
    if not kind.attachments:
        return ()
    extension = facts.rng.choice(kind.attachments)
    attachment = make.attach(extension, _file(extension, facts, person, at), facts["mark"], facts.rng)
    facts["file"] = attachment.name
    return (attachment,)


def _file(extension: str, facts: Facts, person: Person, at: datetime) -> bytes:
    rng = facts.rng
    if extension == "pdf":
        lines = [f"{facts['product']}-setup.exe", facts["sha"], facts["url"], facts["ip"], facts["ca"]]
        return make.pdf(facts["org"], lines)
    if extension == "png":
        return make.png([facts["url"], facts["org"], facts["ip"]], rng)
    if extension == "eml":
        sections = {**load("en"), **load("plain")}
        body = [say(slot, facts, rng) for slot in (sections["greeting"][0], *sections["body"], sections["signoff"][0])]
        return make.eml(say(sections["subject"][0], facts, rng), "\n\n".join(body), person, rng, at)
    key = make.pkcs1_key() if extension == "pem" else make.pkcs8_key()
    facts["spki"] = key.spki
    if extension in ("pem", "key"):
        return key.pem.encode("ascii")
    if extension == "csr":
        return make.csr(key, facts["host"])
    return make.archive(extension, key, facts["host"], rng, at)


def _html(text: str, rng: Random) -> str:
    """``text`` as a whole HTML document, as one of several mail programs would write it."""
    tag, style = rng.choice([("p", ""), ("div", ' style="font-family: sans-serif"'), ("p", ' class="MsoNormal"')])
    paragraphs = (html.escape(part, quote=False).replace("\n", "<br>\n") for part in text.split("\n\n"))
    body = "\n".join(f"<{tag}{style}>{part}</{tag}>" for part in paragraphs)
    return f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>\n{body}\n</body></html>\n'


def _that_fits(charset: str, text: str) -> str:
    """``charset``, or GB 18030 (all of Unicode, and yet not UTF-8) where a configured name does not fit into it."""
    if charset == "utf-8":
        return charset
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return "gb18030"
    return charset


def _message_id(rng: Random) -> str:
    return f"<{rng.getrandbits(80):020x}@{domain(rng)}>"


def _line(text: str) -> str:
    return " ".join(text.split())
