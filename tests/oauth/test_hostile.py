"""Token servers that hang, never end, answer garbage, or send us elsewhere: bounded, told, nobody else's trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from oauth.conftest import got, refusal
from servers.polling import until
from servers.token_server import TokenServer, reply

from canary.oauth import TokenError, Tokens, asking
from canary.oauth import tokens as kept

Made = Callable[[dict[str, Any]], Tokens]
KINDS = ["oauth", "microsoft", "google"]


@pytest.fixture(params=KINDS)
def auth(request: pytest.FixtureRequest, server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Each way to get a token."""
    if request.param == "google":
        monkeypatch.setenv("KEY", server.google_key())
        return {"kind": "google", "key": {"env": "KEY"}}
    made: dict[str, Any] = server.generic() if request.param == "oauth" else server.microsoft()
    return made


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole answer must be there within half a second."""
    monkeypatch.setattr(asking, "TOKEN", replace(asking.TOKEN, seconds=0.5))


def _trickle(handler: BaseHTTPRequestHandler, over: Any, piece: bytes, pause: float) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    with suppress(OSError):
        while not over.wait(pause):
            handler.wfile.write(piece)


@pytest.mark.parametrize("way", ["hangs", "trickles"])
def test_one_that_never_answers_is_left(
    server: TokenServer, tokens: Made, auth: dict[str, Any], hurried: None, way: str
) -> None:
    if way == "hangs":
        server.behaviour = lambda _: bool(server.over.wait(5))  # type: ignore[assignment]
    else:
        server.behaviour = lambda handler: _trickle(handler, server.over, b" ", 0.05)
    error = refusal(tokens(auth))
    assert error.away
    assert "not whole within 0." in str(error)


def test_one_that_never_ends_is_left(server: TokenServer, tokens: Made, auth: dict[str, Any]) -> None:
    server.behaviour = lambda handler: _trickle(handler, server.over, b'{"a": "' + b"x" * 65536, 0)
    error = refusal(tokens(auth))
    assert error.away
    assert "more than" in str(error)


GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"<html>Welcome</html>",
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "deep": b"[" * 100_000,
    "no text": b"\xff\xfe\x00",
    "no token": b'{"token_type": "Bearer"}',
    "a token of lines": b'{"access_token": "a\\r\\nA1 LOGOUT", "token_type": "Bearer"}',
    "a token that is none": b'{"access_token": {"a": 1}, "token_type": "Bearer", "token_endpoint": 7}',
    "an error that is no text": b'{"error": {"code": 400}}',
}


@pytest.mark.parametrize("garbage", list(GARBAGE))
@pytest.mark.parametrize("status", [200, 400])
def test_one_that_answers_garbage_is_told(
    server: TokenServer, tokens: Made, auth: dict[str, Any], garbage: str, status: int
) -> None:
    server.behaviour = lambda handler: reply(handler, status, GARBAGE[garbage])
    assert "\n" not in str(refusal(tokens(auth)))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_one_that_sends_us_elsewhere_is_not_followed(
    server: TokenServer, tokens: Made, auth: dict[str, Any], status: int
) -> None:
    server.behaviour = lambda handler: reply(handler, status, "", [("Location", f"{server.url}/elsewhere")])
    error = refusal(tokens(auth))
    assert f"answers {status}, and sends us elsewhere" in str(error)
    assert "/elsewhere" not in {question.path for question in server.asked}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_one_that_cannot_answer_now_is_told_as_that(
    server: TokenServer, tokens: Made, auth: dict[str, Any], status: int
) -> None:
    server.behaviour = lambda handler: reply(handler, status, {"error": "server_error"}, [("Retry-After", "3600")])
    error = refusal(tokens(auth))
    assert error.away
    assert f"answers {status}" in str(error)
    assert len(server.asked) == 1, "nobody is asked again and again"


def test_while_a_token_is_good_nobody_waits_for_a_server_that_hangs(server: TokenServer, tokens: Made) -> None:
    server.life = 1000
    shared = tokens(server.generic())
    token = got(shared)
    server.behaviour = lambda _: bool(server.over.wait(5))  # type: ignore[assignment]
    shared._token = replace(token, renew=token.got)  # it is time to renew it
    for _ in range(3):
        assert got(shared).value == token.value
    until(lambda: len(server.asked) == 2, "the one question that hangs")


async def test_many_who_wait_ask_once_and_are_told_the_same(server: TokenServer, tokens: Made) -> None:
    server.refusal = 400, {"error": "invalid_client"}
    shared = tokens(server.generic())
    told = await asyncio.gather(*(shared.aget() for _ in range(50)), return_exceptions=True)
    assert {type(error) for error in told} == {TokenError}
    assert len(server.asked) == 1
    with pytest.raises(TokenError):
        await shared.aget()
    assert len(server.asked) == 1, "it rests for a while"


async def test_many_who_wait_get_one_token(server: TokenServer, tokens: Made) -> None:
    shared = tokens(server.generic())
    given = await asyncio.gather(*(shared.aget() for _ in range(50)))
    assert len({token.value for token in given}) == len(server.asked) == 1


async def test_who_gives_up_waiting_takes_nobody_along(server: TokenServer, tokens: Made) -> None:
    shared = tokens(server.generic())
    first, second = asyncio.ensure_future(shared.aget()), asyncio.ensure_future(shared.aget())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).value == server.given[0].value


def test_what_failed_is_tried_again_after_a_while(
    server: TokenServer, tokens: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "FAILED_FOR", 0.0)
    shared = tokens(server.generic())
    server.refusal = 400, {"error": "invalid_client"}
    refusal(shared)
    server.refusal = None
    assert got(shared).value == server.given[0].value
