"""Policies of MTA-STS, as their records and files are read: RFC 8461."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.channels.email.mx.sts import StsPolicy, read_policy, record_id

WHOLE = (
    "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: Backup.example.com.\nmax_age: 604800\n"
)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_policy_is_read_with_either_line_end(end: str) -> None:
    mx = ("mail.example.com", "*.example.net", "backup.example.com")
    assert read_policy(WHOLE.replace("\n", end)) == StsPolicy("enforce", mx, 604800)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("version: STSv1", "version: STSv2", "version is 'STSv2', want STSv1"),
        ("version: STSv1\n", "", "version is '', want STSv1"),
        ("mode: enforce", "mode: strict", "mode is 'strict', want enforce, testing or none"),
        ("max_age: 604800", "max_age: soon", "max_age is 'soon', want seconds"),
        ("max_age: 604800\n", "", "max_age is '', want seconds"),
        ("mx: *.example.net", "mx: *example.net", "mx is '*example.net', want the name of a server"),
        ("mx: *.example.net", "mx: mail.*.net", "mx is 'mail.*.net', want the name of a server"),
        ("mx: mail.example.com\nmx: *.example.net\nmx: Backup.example.com.\n", "", "no mx, want one at least"),
        (WHOLE, "<html>Not found</html>", "version is '', want STSv1"),
    ],
)
def test_what_is_no_policy_is_told(before: str, after: str, said: str) -> None:
    with pytest.raises(ValueError, match="want") as raised:
        read_policy(WHOLE.replace(before, after))
    assert str(raised.value) == said


def test_the_first_counts_of_what_stands_twice_and_what_is_not_known_is_passed_over() -> None:
    text = "version: STSv1\nmode: none\nmode: enforce\nfuture: x: y\nno colon\nmax_age: 99999999999\nmax_age: 7\n"
    with pytest.raises(ValueError, match="max_age"):
        read_policy(text)
    assert read_policy(text.replace("99999999999", "9999999999")) == StsPolicy("none", (), 31_557_600)


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("mail.example.com", True),
        ("backup.example.com", True),
        ("mx1.example.net", True),
        ("a.mx1.example.net", False),
        ("example.net", False),
        ("mail.example.com.evil.test", False),
        ("example.com", False),
    ],
)
def test_a_star_is_one_label(host: str, named: bool) -> None:
    assert read_policy(WHOLE).names(host) is named


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([b"v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        ([b"v=STSv1;id=1"], "1"),
        ([b"v=STSv1; id=a ; more=b;"], "a"),
        ([b"v=spf1 -all", b"v=STSv1; id=x;"], "x"),
        ([b"v=STSv1; id=x;", b"v=STSv1; id=y;"], None),
        ([b"v=STSv1; id=" + b"x" * 33], None),
        ([b"v=STSv1; id=not-one;"], None),
        ([b"v=STSv1;"], None),
        ([b"v=STSv10; id=x;"], None),
        ([b" v=STSv1; id=x;"], None),
        ([b"\xff\xfe"], None),
        ([], None),
    ],
)
def test_the_id_of_exactly_one_record(texts: list[bytes], found: str | None) -> None:
    assert record_id(texts) == found


@given(st.text(max_size=300))
def test_any_text_is_a_policy_or_told_in_a_sentence(text: str) -> None:
    said = ""
    try:
        said = f"want {read_policy(text).mode}"
    except ValueError as error:
        said = str(error)
    assert "want" in said
    assert len(said) < 300


@given(st.lists(st.binary(max_size=80), max_size=4))
def test_any_records_have_an_id_or_none(texts: list[bytes]) -> None:
    found = record_id(texts)
    assert found is None or found.isalnum()
