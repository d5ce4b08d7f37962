"""What asks a ticket system: what stands in a path, and for how long it leaves a system alone."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from canary.budgets import TICKET_ANSWER, TICKET_LOOK
from canary.echo import Echo
from canary.model import Component, OwnFaultError
from canary.queues.rest.asking import AskedSystem, Asker, RestError
from canary.queues.tickets.client import TicketClient, _in_path
from canary.queues.tickets.login import TicketLogin
from canary.queues.tickets.settings import TicketSettings

QUEUES = [{"name": "CPR", "queue": "cpr", "role": "monitored"}]


@pytest.mark.parametrize(
    ("text", "apart", "path"),
    [
        ("we/cpr/issues/14", True, "we/cpr/issues/14"),
        ("we/cpr", False, "we%2Fcpr"),
        ("a b?c#d", True, "a%20b%3Fc%23d"),
        ("../../admin", True, "..%2F..%2Fadmin"),
        ("we/./cpr", True, "we%2F.%2Fcpr"),
        ("//elsewhere.test/", True, "%2F%2Felsewhere.test%2F"),
    ],
)
def test_nothing_in_a_path_leads_out_of_it(text: str, apart: bool, path: str) -> None:
    assert _in_path(text, apart=apart) == path


NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LEFT = ("x-ratelimit-remaining", "x-ratelimit-reset")
SOON = str(int(NOW.timestamp()) + 90)


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": SOON}, "asked again after 90 s"),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": SOON}, "asked again after 90 s"),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, "asked again after 60 s"),
        (403, {"retry-after": "7"}, "asked again after 7 s"),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 12}, "asked again after 3600 s"),
        (403, {"x-ratelimit-remaining": "12", "x-ratelimit-reset": SOON}, "HTTP 403: no"),
        (410, {}, "HTTP 410: no"),
    ],
)
async def test_a_system_says_in_its_own_headers_for_how_long_it_is_left_alone(
    status: int, headers: dict[str, str], told: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("sesame-open-now")
    given = {"kind": "tickets", "preset": "github-issues", "url": "https://git.ca.test", "queues": QUEUES}
    settings = TicketSettings.model_validate({**given, "token": {"file": str(tmp_path / "token")}})
    answer = {**headers, "date": format_datetime(NOW, usegmt=True)}
    transport = httpx.MockTransport(
        lambda request: httpx.Response(status, headers=answer, stream=httpx.ByteStream(b"no"))
    )
    asked = AskedSystem(Component.TICKETS, settings.url, 30, TICKET_LOOK, TICKET_ANSWER, Echo(), *LEFT)
    async with httpx.AsyncClient(transport=transport) as http:
        client = TicketClient(Asker(http, asked), settings, TicketLogin(Echo()))
        with pytest.raises(OwnFaultError) as fault:
            await client.ask(settings.described.changed, {"queue": "we/cpr"})
    assert told in fault.value.detail
    assert isinstance(fault.value, RestError) == ("asked again" in told)
