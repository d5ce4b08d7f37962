"""No local part of an address survives, whatever stands around it; what is no address stays as it is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.audit.report.redact import REDACTED, redact, redacted

local_parts = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._%+/=~-]{0,20}[A-Za-z0-9]", fullmatch=True).filter(
    lambda text: text.lower() not in REDACTED and not text.lower().endswith(("%40", "=40"))
)
domains = st.sampled_from(["ca.test", "mail.example.com", "[192.0.2.1]"])
signs = st.sampled_from(["@", "＠", "﹫", "%40", "=40", " [at] ", "(at)", "@@"])
around = st.text(st.characters(codec="utf-8", exclude_characters='"'), max_size=30)


@given(around, local_parts, signs, domains, around)
def test_the_local_part_goes_and_the_domain_stays(before: str, local: str, sign: str, domain: str, after: str) -> None:
    told = redact(f"{before} {local}{sign}{domain} {after}")
    assert f"{local}{sign}" not in told
    assert f"{REDACTED}{sign}{domain}" in told


@given(around, local_parts, domains)
def test_a_quoted_local_part_goes_too(before: str, local: str, domain: str) -> None:
    told = redact(f'{before} "{local} {local}"@{domain}')
    assert f'{local}"' not in told
    assert told.endswith(f"{REDACTED}@{domain}")


@given(st.text())
def test_doing_it_twice_changes_nothing(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="@＠﹫%=[({")))
def test_text_without_an_address_is_left_alone(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ("550 5.1.1 <anna.k@ca.test>: no", "550 5.1.1 <[redacted]@ca.test>: no"),
        ("Anna Kovacs <anna@ca.test> is away", "[redacted] <[redacted]@ca.test> is away"),
        ('from "Kovacs, Anna" <anna@ca.test>', "from [redacted] <[redacted]@ca.test>"),
        ("by J. Doe <j.doe@ca.test>, 2026", "by [redacted] <[redacted]@ca.test>, 2026"),
        ("mailto:anna@ca.test", "mailto:[redacted]@ca.test"),
        ("for user anna@ca.test,ben@ca.test", "for user [redacted]@ca.test,[redacted]@ca.test"),
    ],
)
def test_what_servers_say(told: str, wanted: str) -> None:
    assert redact(told) == wanted


def test_a_long_text_takes_no_long_time() -> None:
    redact("a" * 60_000 + " @ " + "b" * 60_000 + "@" * 5000)


@dataclass(frozen=True)
class Thing:
    name: str
    parts: tuple[dict[str, str], ...]
    number: int = 1


def test_everything_in_a_value_is_redacted() -> None:
    thing = Thing("anna@ca.test", ({"ben@ca.test": "chloe@ca.test"},))
    assert redacted(thing) == Thing("[redacted]@ca.test", ({"[redacted]@ca.test": "[redacted]@ca.test"},))


@dataclass(frozen=True)
class Approved:
    by: str
    reason: str
    settings: dict[str, str]


def test_who_approved_stays_and_so_does_what_is_disclosed() -> None:
    settings = {"approved_by": "J. Doe <j.doe@ca.test>", "target": "problem@ca.test", "reason": "a@ca.test"}
    kept = redacted(Approved("J. Doe <j.doe@ca.test>", "J. Doe <j.doe@ca.test>", settings))
    assert kept == Approved(
        "J. Doe <j.doe@ca.test>", "[redacted] <[redacted]@ca.test>", settings | {"reason": "[redacted]@ca.test"}
    )
