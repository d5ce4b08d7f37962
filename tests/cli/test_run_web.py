"""The web section of a running canary: read again whole, or not at all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from metrics.recorded import settings
from structlog.testing import capture_logs
from web.asking import until

from canary.cli.run import _run
from canary.config import load
from canary.prober.reloading import FIXED
from canary.prober.runtime import assembled
from canary.web import app

TOKEN = "0123456789abcdef"


@asynccontextmanager
async def run(path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A canary that runs by this file, and a client of its web server."""
    config = load(path)
    with assembled(config) as canary, capture_logs() as logs:
        task = asyncio.create_task(_run(path, config, canary))
        await until(lambda: [entry for entry in logs if entry["event"] == "running"] or task.done())
        [told] = [entry["metrics"] for entry in logs if entry["event"] == "running"]
        async with httpx.AsyncClient(base_url=told.removesuffix("/metrics"), timeout=60) as client:
            yield client
        canary.stop()
        await task


async def test_it_is_read_again_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "RELOAD_EVERY", 0.0)
    monkeypatch.setenv("TEST_WEB_TOKEN", TOKEN)
    path = settings(tmp_path, listen="127.0.0.1:0")
    good = path.read_text(encoding="utf-8")

    def with_web(more: str) -> None:
        text, changed = re.subn(r"(?m)^(  listen: .*)$", rf"\1\n{more}", good)
        assert changed == 1
        path.write_text(text, encoding="utf-8")

    async with run(path) as client:
        other = {"Host": "canary.ca.test"}
        assert (await client.get("/metrics", headers=other)).status_code == 403
        for wrong in (
            "  hosts: [canary.ca.test]\n  config_file: none.yml",
            "  hosts: [canary.ca.test]\n  token: {env: NONE}",
        ):
            with_web(wrong)
            assert (await client.post("/-/reload")).status_code == 400
            assert (await client.get("/metrics", headers=other)).status_code == 403
        with_web("  hosts: [canary.ca.test]\n  token: {env: TEST_WEB_TOKEN}")
        assert (await client.post("/-/reload")).status_code == 200
        assert (await client.get("/metrics", headers=other)).status_code == 200
        assert (await client.post("/-/reload")).status_code == 401
        shown = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.post("/-/reload", headers=shown)).status_code == 200


NEED_A_RESTART: dict[str, dict[str, object]] = {
    "web.listen": {"web": {"listen": "127.0.0.1:1"}},
    "state": {"state": "elsewhere"},
    "evidence.origin": {"evidence": {"origin": "another/log"}},
}


@pytest.mark.parametrize("key", FIXED)
async def test_a_reload_that_needs_a_restart_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """It is not called reloaded, and nothing of it is in force."""
    monkeypatch.setattr(app, "RELOAD_EVERY", 0.0)
    path = settings(tmp_path, listen="127.0.0.1:0")
    good = path.read_text(encoding="utf-8")
    async with run(path) as client:
        path.write_text(yaml.safe_dump(yaml.safe_load(good) | NEED_A_RESTART[key]), encoding="utf-8")
        answer = await client.post("/-/reload")
        assert answer.status_code == 400
        assert f"{key}: got " in answer.text
        assert "start" in answer.text
        assert "config_last_reload_successful 0.0" in (await client.get("/metrics")).text
        path.write_text(good, encoding="utf-8")
        assert (await client.post("/-/reload")).text == "reloaded\n"
