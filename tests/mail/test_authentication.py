"""Results of authentication: read as receivers write them, and believed only of the receiver's own servers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail.ways import BORDER, FINAL, OUTSIDE, way

from canary.mail.authentication import METHODS, RESULTS, related
from canary.model import Authentication

SPF = Authentication("spf", "pass", "persona.test", "mx.ca.test")
DKIM = Authentication("dkim", "pass", "persona.test", "mx.ca.test")
DMARC = Authentication("dmarc", "fail", "persona.test", "mx.ca.test")
GOOD = (
    b"Authentication-Results: mx.ca.test;\r\n\tdkim=pass (2048-bit key; unprotected) header.d=persona.test"
    b' header.i=@persona.test header.b="a;b=(c";\r\n\tspf=pass (mx.ca.test: domain of r@persona.test)'
    b" smtp.mailfrom=r@persona.test;\r\n\tdmarc=fail (p=none) header.from=persona.test; iprev=pass\r\n"
)


def test_what_the_border_found() -> None:
    assert way(GOOD + FINAL + BORDER + OUTSIDE).authentication == (SPF, DKIM, DMARC)


def test_a_border_that_writes_below_its_own_received_as_milters_do() -> None:
    assert way(FINAL + BORDER + GOOD + OUTSIDE).authentication == (SPF, DKIM, DMARC)


@pytest.mark.parametrize(
    "header",
    [
        FINAL + BORDER + OUTSIDE + GOOD,  # it came with the message
        GOOD.replace(b"mx.ca.test;", b"mx.persona.test;") + FINAL + BORDER + OUTSIDE,  # of a server of somebody else's
        GOOD.replace(b"mx.ca.test;", b"ca.test.evil.test;") + FINAL + BORDER + OUTSIDE,
        FINAL + BORDER + GOOD.replace(b" mx.ca.test;", b"") + OUTSIDE,  # by nobody, where the sender may have put it
        GOOD,  # no server is known to be the receiver's
    ],
)
def test_what_anybody_may_have_written_is_not_believed(header: bytes) -> None:
    assert way(header).authentication == ()


def test_exchange_online_names_nobody_above_its_border() -> None:
    header = b"Authentication-Results: spf=pass (sender IP is 192.0.2.7)\r\n smtp.mailfrom=persona.test; dkim=none\r\n"
    wanted = (Authentication("spf", "pass", "persona.test"), Authentication("dkim", "none"))
    assert way(FINAL + header + BORDER + OUTSIDE).authentication == wanted


def test_the_topmost_result_counts_and_of_dkim_one_that_passed() -> None:
    header = (
        b"Authentication-Results: mx.ca.test; dkim=fail header.d=esp.test; dkim=pass header.d=persona.test\r\n"
        b"Authentication-Results: imap.ca.test; spf=softfail; dkim=pass header.d=other.test\r\n"
        b"Authentication-Results: mx.ca.test 1; spf=pass; arc=pass (i=1); dmarc=wonderful\r\n"
    )
    found = {each.method: each for each in way(header + FINAL + BORDER + OUTSIDE).authentication}
    assert {method: each.result for method, each in found.items()} == {
        "spf": "softfail", "dkim": "pass", "dmarc": "other", "arc": "pass",
    }  # fmt: skip
    assert found["dkim"].domain == "persona.test"


def test_received_spf_counts_where_nothing_else_tells_it() -> None:
    spf = b"Received-SPF: Pass (mx.ca.test: ok) envelope-from=r@persona.test; receiver=mx.ca.test;\r\n"
    assert way(FINAL + BORDER + spf + OUTSIDE).authentication == (SPF,)
    assert way(FINAL + BORDER + spf.replace(b"receiver=mx.ca", b"receiver=mx.no") + OUTSIDE).authentication == ()


def test_a_server_that_the_operator_relies_on() -> None:
    hosted = b"Received: from gw.filter.test by imap.ca.test; Tue, 24 Nov 2026 12:00:09 +0000\r\n"
    filtered = b"Received: from out.persona.test by gw.filter.test; Tue, 24 Nov 2026 12:00:05 +0000\r\n"
    told = b"Authentication-Results: gw.filter.test; spf=pass\r\n"
    assert way(hosted + told + filtered + OUTSIDE).authentication == ()
    [spf] = way(hosted + told + filtered + OUTSIDE, believed=("filter.test",)).authentication
    assert (spf.result, spf.told_by) == ("pass", "gw.filter.test")
    assert way(hosted + filtered + OUTSIDE + told, believed=("filter.test",)).authentication == ()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("mx1.ca.test", "imap.CA.test.", True),
        ("AM1.prod.outlook.com", "x.protection.outlook.com", True),
        ("mx.ca.co.uk", "mx.evil.co.uk", False),
        ("ca.test", "evilca.test", False),
        ("localhost", "localhost", True),
        ("mail", "other", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", False),
    ],
)
def test_of_one_organisation(one: str, other: str, same: bool) -> None:
    assert related(one, other) is same


@given(st.binary() | st.text(alphabet='mx.ca.test;spf=pass()"\\ dkim/1@<>').map(str.encode))
def test_anything_gives_results_of_the_closed_lists(raw: bytes) -> None:
    header = b"Authentication-Results: mx.ca.test;" + raw.replace(b"\n", b"") + b"\r\nReceived-SPF: " + raw + b"\r\n"
    for each in way(header + FINAL + BORDER + OUTSIDE).authentication:
        assert each.method in METHODS
        assert each.result in (*RESULTS, "other")
        assert len(each.domain) <= 100
