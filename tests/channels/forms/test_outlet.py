"""What a page may send, and where; and what it has cost."""

from __future__ import annotations

import pytest

from canary.budgets import BROWSER_ADDRESS, Budget
from canary.channels.forms.home import Home
from canary.channels.forms.outlet import Outlet, PageRequest

TEXT = "The key of the certificate is compromised, and here is why"
LESS = Budget("what a page has", received=100, number=3, pieces="requests")


def wanted(url: str, method: str = "GET", *, writes: bool = False, **headers: str) -> PageRequest:
    return PageRequest(url, method, headers, writes)


@pytest.fixture
def outlet() -> Outlet:
    outlet = Outlet(Home("https://ca.example/report", ["api.ca.example"]))
    outlet.typed.add(TEXT)
    return outlet


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("url", [f"https://ca.example/a?{TEXT}", "https://api.ca.example/v1/report"])
def test_the_forms_own_hosts_get_everything(outlet: Outlet, url: str, method: str) -> None:
    assert outlet.lets_out(wanted(url, method, writes=True))
    assert outlet.words() == ""


@pytest.mark.parametrize(
    "ask",
    [
        wanted("https://cdn.example/form.js"),
        wanted("https://cdn.example/form.js?v=12", "HEAD"),
        wanted("https://cdn.example/form.js", "OPTIONS", origin="https://ca.example"),
    ],
)
def test_others_are_asked_for_what_they_have(outlet: Outlet, ask: PageRequest) -> None:
    assert outlet.lets_out(ask)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (wanted("https://stranger.example/", "POST"), "POST to stranger.example"),
        (wanted("https://stranger.example/", "DELETE"), "DELETE to stranger.example"),
        (wanted("https://stranger.example/", writes=True), "GET to stranger.example"),
        (wanted(f"https://stranger.example/{TEXT}"), "what was typed, in a GET to stranger.example"),
        (wanted("https://stranger.example/", referer=f"/?{TEXT}"), "what was typed, in a GET to stranger.example"),
        (wanted("http://ca.example/report", "POST"), "POST to ca.example"),
        (wanted("https://ca.example:8443/report", "POST"), "POST to ca.example"),
        (
            wanted(f"https://stranger.example/{'a' * 5000}"),
            f"GET to stranger.example ({BROWSER_ADDRESS.what}: more than {BROWSER_ADDRESS.received} bytes)",
        ),
    ],
)
def test_others_get_nothing_and_that_is_told(outlet: Outlet, ask: PageRequest, told: str) -> None:
    assert not outlet.lets_out(ask)
    assert outlet.words() == f"; kept from sending elsewhere: {told}"


def test_what_is_told_is_bounded_and_can_be_shown(outlet: Outlet) -> None:
    for number in range(100):
        outlet.lets_out(wanted(f"https://{number}.\x1b[2Jstranger{'r' * 500}.example/", "POST"))
    assert len(outlet.stopped) == 20
    assert outlet.words().isprintable()
    assert len(outlet.words()) < 500


def test_after_its_budget_it_lets_nothing_out_and_says_so_once() -> None:
    outlet, ended = Outlet(Home("https://ca.example/", ()), LESS), []
    outlet.when_spent = lambda: ended.append(outlet.spent)
    assert [outlet.lets_out(wanted("https://ca.example/")) for _ in range(5)] == [True, True, True, False, False]
    outlet.receive(1000)
    assert ended == ["what a page has: more than 3 requests"]


def test_bytes_count_too() -> None:
    outlet = Outlet(traffic=LESS)
    outlet.receive(100)
    assert outlet.spent is None
    outlet.receive(1)
    assert outlet.spent == "what a page has: more than 100 bytes"
