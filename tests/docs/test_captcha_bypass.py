"""What the docs give to the CA for nginx: it tells the application which requests are the canary's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from channels.opened import resources
from servers.form_examples import SENDER, report
from servers.form_site import Fault, FormSite
from servers.nginx import Nginx

from canary.channels.forms.bypass import HEADER, Bypass
from canary.channels.forms.http import HttpFormChannel
from canary.channels.forms.settings import BypassSettings, HttpFormSettings

KEY = "0123456789abcdef" * 4
FIELDS = {"name": "{name}", "email": "{email}", "text": "{text}", "topic": "cpr", "kind": "tls", "consent": "on"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FormSite]:
    with FormSite(tmp_path) as running:
        running.lets_by = lambda request: request.headers.get("cpr-canary") == "yes"
        running.fault = Fault.CAPTCHA
        yield running


@pytest.fixture
def nginx(site: FormSite, tmp_path: Path) -> Iterator[Nginx]:
    with Nginx(tmp_path / "nginx", site.url.removeprefix("http://"), KEY) as running:
        yield running


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYPASS_KEY", KEY)
    monkeypatch.setenv("OTHER_KEY", "x" * 64)


def signed(nginx: Nginx, ahead: float, method: str = "GET", path: str = "/report", key: str = "BYPASS_KEY") -> str:
    settings = BypassSettings.model_validate({"key": {"env": key}, "valid_for": "290s"})
    at = datetime.now(UTC) + timedelta(seconds=ahead)
    return Bypass(settings, nginx.url, lambda: at, Random(3)).headers(method, f"{nginx.url}{path}?x=1", {})[HEADER]


async def test_a_report_goes_by_the_captcha_through_nginx(site: FormSite, nginx: Nginx) -> None:
    given: dict[str, Any] = {"url": f"{nginx.url}/report", "arrives_in": "cpr", "approved_by": "us", "fields": FIELDS}
    given |= {"bypass": {"key": {"env": "BYPASS_KEY"}}, "confirm": {"text": "Thank you", "within": "60s"}}
    channel = HttpFormChannel(HttpFormSettings.model_validate(given), SENDER, resources())
    result = await channel.submit(channel.prepare(report()), within=120)
    assert (result.accepted, result.troubles) == (True, ()), result.reason
    asked = [headers for _, path, headers in site.asked if path == "/report"]
    assert [headers["cpr-canary"] for headers in asked] == ["no", "yes", "yes"]
    assert not any(HEADER.lower() in headers for headers in asked), "nobody behind nginx sees the header itself"


def test_what_is_not_signed_for_it_is_nobodys(site: FormSite, nginx: Nginx) -> None:
    good = signed(nginx, 0)
    wrong = [
        "",
        "v1...",
        good[:-1],
        good + "0",
        f"{good[:-1]}x",
        good.replace("v1.", "v2."),
        "ä" * 90,
        f"{good}.{good}",
    ]
    wrong += [signed(nginx, 0, "POST"), signed(nginx, 0, path="/other"), signed(nginx, 0, key="OTHER_KEY")]
    wrong += [signed(nginx, -400), signed(nginx, 3600)]
    site.asked.clear()
    httpx.get(f"{nginx.url}/report", headers={"CPR-Canary": "yes"})
    for header in [*wrong, good]:
        httpx.get(f"{nginx.url}/report?y=2", headers={HEADER: header.encode()})
    assert [headers["cpr-canary"] for _, _, headers in site.asked] == ["no", *["no"] * len(wrong), "yes"]
