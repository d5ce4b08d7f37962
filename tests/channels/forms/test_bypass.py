"""An agreed way around a CAPTCHA: signed for the form's own host alone, verified by what the docs give to the CA."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random
from typing import Any

import pytest
from channels.opened import resources
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from servers.form_examples import SENDER, report, web_form
from servers.form_site import Fault, FormSite
from starlette.requests import Request

from canary.channels.forms.browser import Browser
from canary.channels.forms.bypass import HEADER, Bypass
from canary.channels.forms.http import HttpFormChannel
from canary.channels.forms.settings import BypassSettings, HttpFormSettings
from canary.channels.forms.web import WebFormChannel
from canary.model import Component, Failure, OwnFaultError

pytestmark = pytest.mark.asyncio(loop_scope="module")
HELPER = Path(__file__).parents[3] / "docs/captcha-bypass/verify.py"
KEY = "k" * 16 + "ä" * 8 + "z" * 16
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWN = "https://www.ca.example/report"
FIELDS = {
    "name": "{name}", "email": "{email}", "subject": "{subject}", "text": "{text}", "serial": "{serial}",
    "topic": "cpr", "kind": "tls", "consent": "on",
}  # fmt: skip


def helper() -> Any:
    """The program for the CA's side, as it stands in the docs."""
    spec = spec_from_file_location("verify", HELPER)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VERIFIER = helper().Verifier


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYPASS_KEY", KEY)


def bypass(url: str = OWN, at: datetime = NOW) -> Bypass:
    return Bypass(BypassSettings.model_validate({"key": {"env": "BYPASS_KEY"}}), url, lambda: at, Random(1))


def lets_by(
    header: str, *, method: str = "POST", host: str = "www.ca.example", path: str = "/report", at: float = 0
) -> bool:
    taken: bool = VERIFIER(KEY).lets_by(header, method, host, path, NOW.timestamp() + at)
    return taken


async def test_a_signed_request_is_taken_once_and_for_a_minute() -> None:
    header = bypass().headers("POST", OWN, {})[HEADER]
    assert re.fullmatch(r"v1\.\d+\.[0-9a-f]{16}\.[0-9a-f]{64}", header)
    assert lets_by(header)
    assert lets_by(header, at=59)
    assert not lets_by(header, at=61)
    assert not lets_by(header, at=-300), "it expires later than was ever agreed"
    verifier = VERIFIER(KEY)
    once = [verifier.lets_by(header, "POST", "www.ca.example", "/report", NOW.timestamp()) for _ in range(3)]
    assert once == [True, False, False]
    later = bypass(at=NOW + timedelta(hours=1)).headers("POST", OWN, {})[HEADER]
    assert verifier.lets_by(later, "POST", "www.ca.example", "/report", NOW.timestamp() + 3600)
    assert len(verifier._used) == 1, "what has expired is not kept"


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"host": "ca.example"},
        {"host": "www.ca.example:8443"},
        {"path": "/admin"},
        {"path": "/report/"},
    ],
)
async def test_it_holds_for_its_own_request_alone(change: dict[str, str]) -> None:
    assert not lets_by(bypass().headers("POST", OWN, {})[HEADER], **change)  # type: ignore[arg-type]  # no times


@given(st.integers(0, 200), st.characters())
async def test_no_character_of_it_may_change(place: int, other: str) -> None:
    header = Bypass(BypassSettings.model_validate({"key": {"env": "BYPASS_KEY"}}), OWN, lambda: NOW, Random(1)).headers(
        "POST", OWN, {}
    )[HEADER]
    place %= len(header)
    changed = header[:place] + other + header[place + 1 :]
    assert lets_by(changed) == (changed == header)
    assert not lets_by(other + header)
    assert not VERIFIER("x" * 32).lets_by(header, "POST", "www.ca.example", "/report", NOW.timestamp())


@given(st.sampled_from(["GET", "POST"]), st.text("abc/%20é;=.", max_size=20), st.text("ab=&?/", max_size=9))
async def test_any_path_is_signed_as_it_is_sent(method: str, path: str, query: str) -> None:
    header = bypass().headers(method, f"https://www.ca.example/{path}?{query}", {})[HEADER]
    assert lets_by(header, method=method, path=f"/{path}")


@pytest.mark.parametrize(
    "url",
    [
        "https://ca.example/report", "https://www.ca.example:8443/", "http://www.ca.example/", "https://x.example/",
        "https://www.ca.example.x.example/", "https://www.ca.example@x.example/", "wss://www.ca.example/", "data:,x",
    ],
)  # fmt: skip
async def test_it_goes_to_the_forms_own_host_alone_and_no_redirect_takes_it_along(url: str) -> None:
    carried = bypass().headers("GET", OWN, {"Accept": "*/*"})
    assert carried.keys() == {"Accept", HEADER}
    assert bypass().headers("GET", url, carried) == {"Accept": "*/*"}
    assert bypass().headers("GET", url, {HEADER.lower(): "x"}) == {}


@pytest.mark.parametrize(("value", "reason"), [("short", "bypass_key"), (None, "secret_missing")])
async def test_a_key_that_is_none_is_our_own_fault_and_never_repeated(
    value: str | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BYPASS_KEY", value) if value else monkeypatch.delenv("BYPASS_KEY")
    with pytest.raises(OwnFaultError) as failed:
        bypass()
    assert (failed.value.component, failed.value.reason) == (Component.CONFIG, reason)
    assert "short" not in failed.value.detail
    with pytest.raises(ValidationError, match="less than or equal to 300"):
        BypassSettings.model_validate({"key": {"env": "BYPASS_KEY"}, "valid_for": "1h"})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FormSite]:
    verifier = VERIFIER(KEY)

    def by(request: Request) -> bool:
        header, host = request.headers.get(HEADER, ""), request.headers["host"]
        path: str = request.scope["raw_path"].decode()
        taken: bool = verifier.lets_by(header, request.method, host, path)
        return taken

    with FormSite(tmp_path) as running:
        running.lets_by = by
        yield running


def opened(kind: str, url: str, browser: Browser, **changes: Any) -> HttpFormChannel | WebFormChannel:
    agreed = {"bypass": {"key": {"env": "BYPASS_KEY"}}, "confirm": {"text": "Thank you for", "within": "60s"}} | changes
    if kind == "web_form":
        return WebFormChannel(web_form(url, "report", patience="30s", **agreed), SENDER, resources(browser))
    given = {
        "url": f"{url}/report",
        "arrives_in": "cpr",
        "approved_by": "the tests",
        "fields": FIELDS,
        "serial": "01" * 8,
    }
    return HttpFormChannel(HttpFormSettings.model_validate(given | agreed), SENDER, resources())


@pytest.mark.parametrize("kind", ["http_form", "web_form"])
async def test_the_captcha_lets_the_canary_by_and_the_public_is_still_asked(
    site: FormSite, browser: Browser, kind: str
) -> None:
    site.fault = Fault.CAPTCHA
    channel = opened(kind, site.url, browser)
    result = await channel.submit(channel.prepare(report()), within=180)
    assert (result.accepted, result.troubles) == (True, ()), result.reason
    signed = [(method, HEADER.lower() in headers) for method, path, headers in site.asked if path == "/report"]
    assert signed == [("GET", False), ("GET", True), ("POST", True)]
    (cookie,) = [headers["cookie"] for method, _, headers in site.asked if method == "POST"]
    assert cookie.startswith("session="), "what is signed is otherwise as it would be"
    if kind == "http_form":  # the browser has been slow enough
        assert "; the public is asked for reCAPTCHA" in await channel.check()
        site.lets_by = lambda _: False
        refused = await channel.submit(channel.prepare(report()), within=180)
        assert refused.failure is Failure.FORM_ERROR
        assert "CAPTCHA" in refused.reason


@pytest.mark.parametrize("kind", ["http_form", "web_form"])
async def test_a_form_that_the_public_does_not_get_is_down_whatever_the_bypass_shows(
    site: FormSite, browser: Browser, kind: str
) -> None:
    site.fault = Fault.ERROR
    channel = opened(kind, site.url, browser)
    result = await channel.submit(channel.prepare(report()), within=180)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert result.reason.startswith("for the public, without the bypass: HTTP 500")
    assert site.submissions == []


@pytest.mark.parametrize("kind", ["http_form", "web_form"])
async def test_a_captcha_that_is_gone_is_told_once_and_another_host_never_has_the_header(
    site: FormSite, browser: Browser, kind: str
) -> None:
    site.fault = Fault.OFF_SITE  # the form goes to localhost, which is a host of its own
    channel = opened(kind, site.url, browser, posts_to=["localhost"])
    results = [
        await channel.submit(channel.prepare(report()), within=180) for _ in range(1 if kind == "web_form" else 2)
    ]
    assert all(result.accepted for result in results), results[0].reason
    told = [[trouble[:2] for trouble in result.troubles] for result in results]
    assert told == [[(Component.HTTP, "captcha_gone")], []][: len(results)]
    posted = [headers for method, _, headers in site.asked if method == "POST"]
    assert {headers["host"].partition(":")[0] for headers in posted} == {"localhost"}
    assert not any(HEADER.lower() in headers for headers in posted)
    if kind == "http_form":
        assert "NO CAPTCHA for the public" in await channel.check()
