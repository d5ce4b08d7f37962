from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.channels import UnusableError
from canary.channels.forms.home import Home, host_and_port


@pytest.mark.parametrize(
    ("configured", "url", "home"),
    [
        ("https://ca.example/form", "https://ca.example/x", True),
        ("https://ca.example/form", "https://CA.EXAMPLE:443/", True),
        ("https://ca.example/form", "http://ca.example/", False),
        ("https://ca.example/form", "http://ca.example:443/", False),
        ("https://ca.example/form", "https://ca.example:8443/", False),
        ("https://ca.example/form", "https://ca.example.evil.test/", False),
        ("https://ca.example/form", "https://ca.example@evil.test/", False),
        ("https://ca.example/form", "javascript:alert(1)", False),
        ("https://ca.example/form", "file://ca.example/etc", False),
        ("https://ca.example/form", "https://[", False),
        ("https://ca.example/form", "https://ca.example:x/", False),
        ("https://ca.example:8443/form", "https://ca.example:8443/", True),
        ("https://ca.example:8443/form", "https://ca.example/", False),
        ("https://ca.example:8443/form", "https://tickets.example/", True),
        ("https://ca.example:8443/form", "https://tickets.example:8443/", True),
        ("https://ca.example:8443/form", "https://tickets.example:9443/", False),
        ("https://ca.example:8443/form", "http://tickets.example/", False),
        ("https://ca.example:8443/form", "https://[2001:db8::1]:9443/", True),
        ("https://ca.example:8443/form", "https://[2001:db8::1]/", False),
        ("http://ca.example/form", "http://ca.example/", True),
        ("http://ca.example/form", "https://ca.example/", True),
        ("http://ca.example/form", "https://ca.example:8443/", False),
        ("http://ca.example:8080/form", "http://ca.example:8080/", True),
        ("http://ca.example:8080/form", "https://ca.example:8080/", True),
        ("http://ca.example:8080/form", "http://ca.example:8081/", False),
        ("http://ca.example:8080/form", "https://ca.example/", False),
    ],
)
def test_home_is_the_configured_scheme_or_better_and_the_configured_port(configured: str, url: str, home: bool) -> None:
    assert Home(configured, ["tickets.example", "[2001:db8::1]:9443"]).has(url) is home


@given(st.text())
def test_no_address_breaks_it(url: str) -> None:
    assert not Home("https://ca.example/", []).has(f"https://ca.example@{url}")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "https://ca.example:1/",
            "it goes elsewhere on its host: got https://ca.example:1, want https://ca.example or",
        ),
        (
            "http://ca.example/",
            "it goes elsewhere on its host: got http://ca.example, want https://ca.example or better",
        ),
        ("https://evil.test/", "it goes to another host: got 'evil.test', want ca.example, a.example, b.example"),
        ("mailto:x@ca.example", "it goes to another host: got 'mailto:x@ca.example', want ca.example"),
    ],
)
def test_what_is_not_home_is_told(url: str, words: str) -> None:
    with pytest.raises(UnusableError) as told:
        Home("https://ca.example/", ["b.example:8443", "a.example"]).require(url, "it goes")
    assert str(told.value).startswith(words)


@pytest.mark.parametrize("place", ["", "https://a", "a/b", "user@a", "a:b", "a:99999", ":1", "a?b", "a#b"])
def test_what_is_no_host_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match=r"no host|[Pp]ort"):
        host_and_port(place)
