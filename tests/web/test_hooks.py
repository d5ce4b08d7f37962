"""A ticket system that pushes is looked into at once; nobody else can make us look, and what is said is not read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from queues.recording_intake import RecordingIntake
from queues.tickets.contract.github_issues import GithubIssues
from queues.tickets.test_pushed import BODY, SECRET, VENDORS
from servers.polling import until
from starlette.applications import Starlette

from canary.budgets import WEBHOOK
from canary.clock import Clock
from canary.config import load
from canary.config.sections import Web
from canary.prober.endpoints import Endpoints
from canary.queues import loop
from canary.threads import in_thread
from canary.web.access import Access
from canary.web.guard import Doorkeeper
from canary.web.hooks import hook_route
from canary.web.server import serve

GOOD = Path(__file__).parents[1] / "config" / "good.yaml"
TOKEN = "0123456789abcdef-token"


@dataclass(frozen=True)
class Hooked:
    """A ticket system that is asked once in an hour, and the web server that it may push to."""

    system: GithubIssues
    intake: RecordingIntake
    client: httpx.AsyncClient
    secret: Path

    async def push(self, headers: dict[str, str] | None = None, body: bytes = BODY, watch: str = "tracker") -> Any:
        given = VENDORS["github-issues"](SECRET, body) if headers is None else headers
        return await self.client.post(f"/hooks/{watch}", headers=given, content=body)

    def lists(self) -> int:
        """How often it was asked what changed."""
        return sum(path.startswith("/repos/we/CPR/issues") for path in self.system.asked)


@pytest.fixture
async def hooked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hooked]:
    monkeypatch.setattr(loop, "HINTS_EVERY", 0.05)
    for name, text in {"secret": SECRET, "token": "sesame-open-now", "web": TOKEN}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with GithubIssues() as system:
        system.arrive("CPR", "a-stranger", "private words", age=3600)
        tree = yaml.safe_load(GOOD.read_text(encoding="utf-8"))
        tree["watch"]["tracker"] = {
            "kind": "tickets",
            "preset": "github-issues",
            "url": system.url,
            "token": {"file": str(tmp_path / "token")},
            "webhook": {"file": str(tmp_path / "secret")},
            "queues": [{"name": "we/CPR", "queue": "tickets", "role": "monitored"}],
            "poll": "1h",
            "timeout": "60s",
        }
        (tmp_path / "canary.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
        endpoints, intake = Endpoints(load(tmp_path / "canary.yaml"), Clock()), RecordingIntake()
        access = Access(Web.model_validate({"listen": "127.0.0.1:9750", "token": {"file": str(tmp_path / "web")}}))
        app = Starlette(routes=[hook_route(lambda: endpoints, intake.now, access.seldom)])
        watcher = endpoints.watchers["tracker"]
        watcher.start(intake)
        try:
            async with (
                serve(Doorkeeper(app, access), "127.0.0.1", 0) as port,
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
            ):
                yield Hooked(system, intake, client, tmp_path / "secret")
        finally:
            await in_thread(watcher.stop)


async def test_a_hint_has_the_system_looked_into_at_once(hooked: Hooked) -> None:
    await in_thread(lambda: until(lambda: hooked.lists() > 0, "the first look", 60))
    mark = hooked.intake.probe()
    hooked.system.arrive("CPR", mark)
    assert (await hooked.push()).status_code == 202
    await in_thread(lambda: until(lambda: len(hooked.intake.found()) == 1, "the report, an hour early", 60))


async def test_what_is_no_hint_is_refused_and_says_why(hooked: Hooked) -> None:
    refused = {
        403: [await hooked.push({}), await hooked.push(VENDORS["github-issues"]("another-secret-than-ours", BODY))],
        404: [await hooked.push(watch="desk"), await hooked.push(watch="nobody")],
        413: [await hooked.push(body=b"x" * ((WEBHOOK.received or 0) + 1))],
        405: [await hooked.client.get("/hooks/tracker")],
    }
    for status, answers in refused.items():
        assert [answer.status_code for answer in answers] == [status] * len(answers)
    assert refused[403][1].text == "refused: x-hub-signature-256 is no signature of it by our secret\n"
    assert (await hooked.push()).status_code == 202, "and a good one is taken after them"


async def test_a_secret_of_ours_that_cannot_be_used_is_told_and_lets_nobody_in(hooked: Hooked) -> None:
    hooked.secret.write_text("short", encoding="utf-8")
    answer = await hooked.push(VENDORS["github-issues"]("short", BODY))
    assert (answer.status_code, answer.text) == (503, "refused: our secret cannot be used, see the log\n")
    hooked.secret.unlink()
    assert (await hooked.push()).status_code == 503


async def test_all_else_asks_for_the_token(hooked: Hooked) -> None:
    for path in ("/hooks/", "/hooks/tracker/more", "/-/reload"):
        assert (await hooked.client.post(path)).status_code == 401
