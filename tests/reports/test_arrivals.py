"""What mail systems and the back ends of forms make of a report: what is whole then, and what is said of it."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from random import Random
from urllib.parse import quote

import pytest
from reports.named import identifier_of

from canary.channels.email.mime import render
from canary.content import Message, Ticket
from canary.model import Person, Report
from canary.reports import VARIANTS
from canary.reports.compare import Comparison, compared
from canary.reports.composer import compose

AT = datetime(2026, 3, 1, 12, 30, 58, tzinfo=UTC)
VERIFY = "https://ca.example/canary?how=1&lang=en"
CHEAP = sorted(set(VARIANTS) - {"V01", "V01-pkcs1", "V21-long"})
LINK = re.compile(r"https?://[^\s<>()]*[^\s<>().,:;]")
Change = Callable[[str], str]


def report(variant: str, verify: str = VERIFY) -> Report:
    person = Person("Ada O'Quist", "ada@quist.example")
    return compose(
        variant,
        probe="p" * 16,
        mark="m" * 40,
        person=person,
        operator="CA's Own & Co",
        verify=verify,
        at=AT,
        identifier=identifier_of(variant),
        rng=Random(7),
    )


def sent(one: Report) -> bytes:
    return render(one, to="cpr@ca.example", message_id="<m@quist.example>", date=AT, rng=Random(1))


def mail(text: str, subtype: str = "plain", cte: str | None = None, files: Report | None = None) -> bytes:
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = "FW: a report"
    message.set_content(text, subtype=subtype, cte=cte)
    for attachment in files.attachments if files else ():
        message.add_attachment(
            attachment.content, maintype="application", subtype="octet-stream", filename=attachment.name
        )
    return message.as_bytes()


def found(variant: str, change: Change, **more: object) -> Comparison:
    one = report(variant)
    return compared(sent(one), Message(mail(change(one.text), files=one, **more)))  # type: ignore[arg-type]  # of mail


def wrapped(wrap: Change) -> Change:
    return lambda text: LINK.sub(lambda link: wrap(link[0]), text)


def safe_link(link: str) -> str:
    asked = f"?url={quote(link, safe='')}&data=05%7C02%7Ccpr%40ca.example%7C0&sdata=AbC%3D&reserved=0"
    return f"https://xx01.safelinks.protection.outlook.com/{asked}"


def second_defense(link: str) -> str:
    said = re.sub(r"[^A-Za-z0-9./]", lambda c: f"-{ord(c[0]):02X}", link).replace("/", "_")
    return f"https://urldefense.proofpoint.com/v2/url?u={said}&d=DwMFaQ&c=abc_DEF&r=x&m=y&s=z&e="


def third_defense(link: str) -> str:
    taken = "".join(re.findall(r"[?&=]", link))
    stars = re.sub(r"[?&=]", "*", link)
    return f"https://urldefense.com/v3/__{stars}__;{base64.urlsafe_b64encode(taken.encode()).decode()}!!AB-cd!Xy$"


WRAPPERS: dict[str, Change] = {
    "SafeLinks": safe_link,
    "SafeLinks twice": lambda link: safe_link(safe_link(link)),
    "URL Defense 1": lambda link: f"https://urldefense.proofpoint.com/v1/url?u={quote(link, safe='/')}&k=x%3D&s=12",
    "URL Defense 2": second_defense,
    "URL Defense 3": third_defense,
    "Barracuda": lambda link: f"https://linkprotect.cudasvc.com/url?a={quote(link, safe='')}&c=E,1,abc&typo=1",
    "Cisco": lambda link: f"https://secure-web.cisco.com/1aBc-D_e/{quote(link, safe='')}",
    "Google": lambda link: f"https://www.google.com/url?q={quote(link, safe='')}&source=gmail&ust=17&usg=AOv",
    "in Base64": lambda link: (
        f"https://eu.protection.sophos.example/?d=ca.example&u={base64.urlsafe_b64encode(link.encode()).decode()}&i=NQ"
    ),
    "as it is": lambda link: f"https://gate.example/s/abc/x?u={link}",
    "that names the host": lambda link: "https://protect-eu.mimecast.example/s/bCd3Cxyz?domain=ca.example",
}


@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize("variant", ["V02", "V05", "V18", "V15"])
def test_wrapped_links_are_whole_and_it_is_told_who_wrapped_them(variant: str, name: str) -> None:
    text = report(variant).text
    assert VERIFY in text

    def wrap(link: str) -> str:
        return link if "names the host" in name and link != VERIFY else WRAPPERS[name](link)

    result = found(variant, wrapped(wrap))
    assert result.difference is None
    assert f"links wrapped by {wrap(VERIFY).split('/')[2]}" in result.added


@pytest.mark.parametrize("sign", [".", ")", ".)", "?"])
def test_a_link_that_was_wrapped_with_the_sign_behind_it_is_whole(sign: str) -> None:
    one = report("V02", verify=f"(see {VERIFY}{sign} Or ask)")
    got = one.text.replace(VERIFY + sign, safe_link(VERIFY + sign))
    assert got != one.text
    assert compared(sent(one), Message(mail(got, files=one))).difference is None


@pytest.mark.parametrize("variant", CHEAP)
def test_every_variant_survives_wrapped_links(variant: str) -> None:
    assert found(variant, wrapped(safe_link)).difference is None


@pytest.mark.parametrize(
    "wrap",
    [
        lambda link: safe_link("https://evil.example/canary?how=1&lang=en"),
        lambda link: safe_link(VERIFY + "5"),
        lambda link: safe_link("https://evil-ca.example/canary?how=1&lang=en"),
        lambda link: "https://ca.example/other",
        lambda link: "https://gate.example/AbCdEf",
        lambda link: "[link removed]",
    ],
    ids=["another", "a longer one", "another host", "another page", "one that does not tell", "none"],
)
def test_a_link_that_is_not_ours_is_a_change(wrap: Change) -> None:
    result = found("V02", lambda text: text.replace(VERIFY, wrap(VERIFY)))
    assert (result.difference or "").startswith("text differs: got ")
    assert result.is_report


def test_what_a_gateway_puts_in_place_of_links_can_be_declared_and_is_proposed() -> None:
    one = report("V02")
    got = Message(mail(one.text.replace(VERIFY, "https://go.gate.example/c/AbCdEf012?x=1"), files=one))
    said = compared(sent(one), got).difference or ""
    assert "gateway: {links: ['https://go.gate.example/*']}" in said
    declared = compared(sent(one), got, links=("https://go.gate.example/*",))
    assert declared.difference is None
    assert "links wrapped by go.gate.example" in declared.added
    assert compared(sent(one), got, links=("https://other.example/*",)).difference


def test_a_declared_link_stands_only_where_one_of_ours_stood() -> None:
    one = report("V02")
    moved = one.text.replace(VERIFY, "").replace("\n\n", "\n\nhttps://go.gate.example/c/1 ", 1)
    assert compared(sent(one), Message(mail(moved, files=one)), links=("https://go.gate.example/*",)).difference


ESCAPES: dict[str, Change] = {
    "HTML": lambda text: html.escape(text).replace("&#x27;", "&#039;"),
    "HTML, twice": lambda text: html.escape(html.escape(text)),
    "nl2br": lambda text: html.escape(text).replace("\n", "<br />\n"),
    "nl2br, no line ends": lambda text: text.replace("\n", "<br>"),
    "addslashes": lambda text: re.sub(r"(['\"\\])", r"\\\1", text),
    "addslashes, twice": lambda text: re.sub(r"(['\"\\])", r"\\\\\\\1", text),
    "line ends as they are written in programs": lambda text: text.replace("\n", r"\r\n"),
    "no line ends": lambda text: text.replace("\n", " "),
    "round quotes": lambda text: text.replace("'", "\u2019").replace(' "', " \u201c").replace("...", "\u2026"),
    "long dashes": lambda text: text.replace(" - ", " \u2013 ").replace("--", "\u2014"),
    "addresses in angle brackets": lambda text: LINK.sub(lambda link: f"<{link[0]}>", text),
    "addresses twice": lambda text: LINK.sub(lambda link: f"{link[0]} <{link[0]}>", text),
    "addresses in Markdown": lambda text: LINK.sub(lambda link: f"[{link[0]}]({link[0]})", text),
    "addresses disarmed": lambda text: text.replace("https://", "hxxps://").replace("ca.example", "ca[.]example"),
    "mail addresses linked": lambda text: re.sub(r"(\S+@[\w.]+\w)", r"\1 <mailto:\1>", text),
    "flowed": lambda text: "\n".join(re.sub(r"(.{40}\S*) ", "\\1 \n ", line) for line in text.split("\n")),
    "signed in the clear": lambda text: "- " + re.sub(r"\n-", "\n- -", text),
    "From escaped": lambda text: re.sub(r"(?m)^", ">", text),
}


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("variant", ["V02", "V05", "V07", "V09", "V16", "V18"])
def test_what_a_back_end_or_a_mail_program_does_to_signs_is_whole(variant: str, name: str) -> None:
    assert found(variant, ESCAPES[name]).difference is None
    one = report(variant)
    assert compared(sent(one), Message(mail(ESCAPES[name](one.text), cte="base64", files=one))).difference is None


@pytest.mark.parametrize("variant", CHEAP)
def test_every_variant_survives_a_forms_back_end(variant: str) -> None:
    for name in ("HTML", "nl2br", "addslashes", "addresses in angle brackets"):
        assert found(variant, ESCAPES[name]).difference is None, name


def recoded(raw: bytes, cte: str) -> bytes:
    """A message whose enclosed message has its text in another encoding, and one header field more."""
    outer = message_from_bytes(raw, policy=policy.SMTP)
    for part in outer.walk():
        if part.get_content_type() == "message/rfc822":
            [inner] = part.get_payload()
            for text in inner.walk():
                if text.get_content_maintype() == "text":
                    words = text.get_content()
                    text.set_content(words, subtype=text.get_content_subtype(), cte=cte)
            inner["X-Gateway"] = "read"
    return outer.as_bytes()


@pytest.mark.parametrize("cte", ["quoted-printable", "base64", "8bit"])
def test_an_enclosed_message_in_another_encoding_is_whole(cte: str) -> None:
    raw = sent(report("V21-forwarded"))
    changed = recoded(raw, cte)
    assert compared(raw, Message(changed)).difference is None
    words = re.search(rb"(?m)^Subject: (.+)\r\n(?:.+\r\n)*\r\n", changed[changed.index(b"message/rfc822") :])
    assert words
    other = changed.replace(words[1], b"Something else")
    assert "has changed content" in (compared(raw, Message(other)).difference or "")


def test_what_was_added_is_told() -> None:
    one = report("V02")
    banner, footer = "CAUTION: this came from outside.\n\n", "\n_______\nlist mailing list -- list@lists.ca.example\n"
    result = compared(sent(one), Message(mail(banner + one.text + footer, files=one)))
    assert result.difference is None
    assert "added before it: 'CAUTION: this came from outside.'" in result.added
    assert "added after it: '_______ list mailing list" in result.added
    assert compared(sent(one), Message(mail(one.text, files=one))).added == ""


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("end", ["", "\n[message clipped]"])
def test_of_a_text_that_is_cut_it_is_told_how_much_is_left(share: float, end: str) -> None:
    one = report("V02")
    result = found("V02", lambda text: text[: int(share * len(text))] + end)
    told = re.search(r"; ([0-9]+) of ([0-9]+) characters are left \(([0-9]+) %\)$", result.difference or "")
    assert told
    assert abs(int(told[3]) / 100 - share) < 0.06
    assert int(told[1]) < int(told[2]) <= len(one.text)
    assert result.is_report


@pytest.mark.parametrize(
    ("text", "is_report"),
    [
        ("All is well with {mark}.", False),
        ("{mark} {mark}\nReference: {mark}", False),
        ("", False),
        ("{start}", True),
    ],
)
def test_a_message_with_the_mark_alone_is_no_report(text: str, is_report: bool) -> None:
    one = report("V02")
    got = text.format(mark=one.mark, start=one.text[:300])
    result = compared(sent(one), Message(mail(got)))
    assert result.difference
    assert result.is_report is is_report


def test_a_report_whose_text_is_gone_is_one_by_its_files() -> None:
    one = report("V01-attached" if "V01-attached" in VARIANTS else "V01-pkcs8")
    assert compared(sent(one), Message(mail("Removed.", files=one))).is_report


def test_a_ticket_shows_wrapped_links_too() -> None:
    one = report("V02")
    shown = html.escape(wrapped(safe_link)(one.text)).replace("\n", "<br>")
    assert compared(sent(one), Ticket(f"<div>{shown}</div>", one.attachments)).difference is None
