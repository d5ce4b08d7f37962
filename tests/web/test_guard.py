"""Who is answered: whoever asks for us by our name, from no page of somebody else's, and shows what is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from canary.config.sections import Web
from canary.settings import Secret
from canary.web.access import Access, rules
from canary.web.guard import Doorkeeper, foreign_page, wrong_host

TOKEN = "0123456789abcdef-token"
ALL_PATHS = ["/metrics", "/-/healthy", "/-/ready", "/evidence/key", "/evidence/checkpoint", "/evidence/tile/0/000"]
ASKED_FOR = [
    "/-/reload",
    "/evidence/tile/entries/000",
    "/evidence/tile/entries",
    "/",
    "/status",
    "/api/v1/probes",
    "/metrics/x",
]


async def _well(_: Request) -> Response:
    return PlainTextResponse("well")


APP = Starlette(routes=[Route("/{path:path}", _well, methods=["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE"])])


def web(folder: Path, **settings: object) -> Web:
    (folder / "token").write_text(TOKEN + "\n", encoding="utf-8")
    return Web.model_validate({"listen": "127.0.0.1:9750", "hosts": ["canary.ca.test", "192.0.2.7"]} | settings)


@pytest.fixture
async def client(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    access = Access(web(tmp_path, **getattr(request, "param", {})))
    transport = httpx.ASGITransport(Doorkeeper(APP, access))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9750") as asking:
        yield asking


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:9750",
        "localhost.",
        "127.0.0.1:1",
        "127.9.9.9",
        "[::1]:9750",
        "canary.ca.test",
        "Canary.CA.test:443",
        "192.0.2.7:80",
    ],
)
async def test_names_of_ours(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/metrics", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "rebound.evil.test", "rebound.evil.test:9750", "localhost.evil.test", "127.0.0.1.evil.test",
        "evil.test#localhost",
        "canary.ca.test.evil.test", "xcanary.ca.test", "192.0.2.8", "0.0.0.0", "169.254.169.254", "2130706433",
        "0x7f.1",
        "localhost@evil.test", "evil.test/localhost", "", " ", "[::2]", "[]", "localhost:99999999",
        "localhost evil.test",
    ],
)  # fmt: skip
async def test_names_of_strangers(client: httpx.AsyncClient, host: str) -> None:
    for method, path in (("GET", "/metrics"), ("POST", "/-/reload"), ("GET", "/nothing")):
        answer = await client.request(method, path, headers={"Host": host})
        assert answer.status_code == 403
        assert answer.text.startswith("refused: ")


async def test_the_address_of_the_connection_is_ours_wherever_we_listen(tmp_path: Path) -> None:
    access = Access(web(tmp_path, listen="0.0.0.0:9750"))
    transport = httpx.ASGITransport(Doorkeeper(APP, access))
    async with httpx.AsyncClient(transport=transport, base_url="http://198.51.100.3:9750") as asking:
        assert (await asking.get("/metrics")).status_code == 200
        assert (await asking.get("/metrics", headers={"Host": "198.51.100.4:9750"})).status_code == 403


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_no_other_name_is_ours_whatever_it_is(host: str) -> None:
    bare = host.lower().rsplit(":", 1)[0].strip("[]").removesuffix(".")
    held = rules(Web(listen="127.0.0.1:9750"))
    ours = bare == "localhost" or bare.startswith("127.") or set(bare) <= set("0:1")
    assert ours or wrong_host(Headers({"host": host}), held, "127.0.0.1") is not None


def test_two_hosts_or_none() -> None:
    held = rules(Web(listen="127.0.0.1:9750"))
    for hosts in ([], [(b"host", b"localhost")] * 2, [(b"host", b"localhost"), (b"host", b"evil.test")]):
        assert wrong_host(Headers(raw=hosts), held, "") is not None


STRANGERS = [
    {"Origin": "https://evil.test"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost"},
    {"Origin": "http://127.0.0.1:3000"},
    {"Origin": "http://127.0.0.1:9750.evil.test"},
    {"Origin": "http://127.0.0.1:9750@evil.test"},
    {"Origin": "http://[::1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "something-new"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.test"},
]
ONLY_WHEN_POSTED = [
    {"Referer": "https://evil.test/page"},
    {"Referer": "http://127.0.0.1:3000/grafana"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
]
LOADED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
"""By a frame, say."""


@pytest.mark.parametrize("headers", STRANGERS + ONLY_WHEN_POSTED)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_a_page_of_strangers_does_nothing(
    client: httpx.AsyncClient, method: str, headers: dict[str, str]
) -> None:
    answer = await client.request(method, "/-/reload", headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text


@pytest.mark.parametrize(
    "headers", [*STRANGERS, LOADED | {"Sec-Fetch-Dest": "iframe"}, LOADED | {"Sec-Fetch-Dest": "object"}, LOADED]
)
async def test_a_page_of_strangers_reads_nothing(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await client.get("/metrics", headers=headers)).status_code == 403


@pytest.mark.parametrize("headers", [*ONLY_WHEN_POSTED, {}, {"Sec-Fetch-Site": "none"}])
async def test_a_person_may_follow_a_link(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in answer.headers


async def test_a_page_of_our_own_may_ask(client: httpx.AsyncClient) -> None:
    own = {"Origin": "http://127.0.0.1:9750", "Referer": "http://127.0.0.1:9750/", "Sec-Fetch-Site": "same-origin"}
    assert (await client.post("/-/reload", headers=own)).status_code == 200
    behind_a_proxy = {"Host": "canary.ca.test", "Origin": "https://canary.ca.test"}
    assert (await client.post("/-/reload", headers=behind_a_proxy)).status_code == 200


@given(st.text(max_size=40))
def test_no_origin_but_our_own_passes(origin: str) -> None:
    raw = [(b"host", b"localhost:9750"), (b"origin", origin.encode())]
    assert foreign_page("POST", Headers(raw=raw)) is not None


async def test_what_is_refused_is_told_once_a_minute(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        for number in range(200):
            await client.post("/-/reload", headers={"Origin": f"https://evil{number}.test"})
    assert len(logs) == 1


WITH_TOKEN = {"token": Secret(env="TEST_WEB_TOKEN")}


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_WEB_TOKEN", TOKEN)


@pytest.mark.parametrize("client", [WITH_TOKEN], indirect=True)
async def test_the_token_is_asked_for_by_all_but_what_stays_open(client: httpx.AsyncClient) -> None:
    for path in ALL_PATHS:
        assert (await client.get(path)).status_code == 200
    for path in (*ASKED_FOR, "/evidence/tile/%65ntries/000", "//metrics", "/metrics%0a", "/-/healthy/"):
        refused = await client.post(path)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="cpr-canary"'), path
        assert TOKEN not in refused.text
        for wrong in (TOKEN[:-1], TOKEN + "x", "", TOKEN.upper(), "é" * 22):
            assert (await client.post(path, headers=bearer(wrong))).status_code == 401
        assert (await client.post(path, headers={"Authorization": TOKEN})).status_code == 401
        assert (await client.post(path, headers=bearer(TOKEN))).status_code == 200


def bearer(token: str) -> dict[str, bytes]:
    return {"Authorization": b"Bearer " + token.encode("latin-1")}  # type: ignore[dict-item]  # httpx takes bytes


@pytest.mark.parametrize("client", [WITH_TOKEN], indirect=True)
async def test_the_token_opens_nothing_to_pages_of_strangers(client: httpx.AsyncClient) -> None:
    assert (await client.post("/-/reload", headers=bearer(TOKEN) | {"Origin": "https://evil.test"})).status_code == 403  # type: ignore[arg-type]


async def test_without_a_token_a_reload_is_open_as_ever(client: httpx.AsyncClient) -> None:
    assert (await client.post("/-/reload")).status_code == 200
