"""The web server of a running canary, asked by a real client over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import pytest
from servers.ca_site import CaSite
from servers.canary_run import configuration, running, staff
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from canary.config import load
from canary.web import app, create_app, listen, serve, serve_on


@asynccontextmanager
async def served(site: CaSite, folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Path]]:
    staff(site)
    config = configuration(site, folder)
    path = folder / "canary.yaml"
    async with running(config, folder) as run:

        async def reload() -> None:
            await run.prober.reload(lambda: load(path))

        async with (
            serve(create_app(run.prober, reload), "127.0.0.1", 0) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        ):
            await run.watching()
            yield client, path


async def test_metrics_health_and_readiness(site: CaSite, tmp_path: Path) -> None:
    async with served(site, tmp_path) as (client, _):
        assert 'cpr_canary_channel_state{channel="alias"' in (await client.get("/metrics")).text
        openmetrics = await client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
        assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
        assert (await client.get("/-/healthy")).status_code == 200
        assert (await client.get("/-/ready")).text == "ok\n"


async def test_wrong_configuration_is_refused_and_the_running_one_stays(
    site: CaSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "RELOAD_EVERY", 0.0)
    async with served(site, tmp_path) as (client, path):
        good = path.read_text(encoding="utf-8")
        path.write_text(good.replace("deadline: 60s", "deadline: sixty"), encoding="utf-8")
        refused = await client.post("/-/reload")
        assert refused.status_code == 400
        assert "sixty" in refused.text
        absent = "evidence: {key: {plugin: {name: absent}}}\n"
        path.write_text(good + absent, encoding="utf-8")
        refused = await client.post("/-/reload")
        assert (refused.status_code, refused.text.splitlines()[-1]) == (
            400,
            "no package brings evidence keys of the kind 'absent'",
        )
        text = (await client.get("/metrics")).text
        assert "cpr_canary_config_last_reload_successful 0.0" in text
        assert "cpr_canary_channel_arrival_deadline_seconds" in text
        path.write_text(good.replace("deadline: 60s", "deadline: 90s"), encoding="utf-8")
        assert (await client.post("/-/reload")).status_code == 200
        text = (await client.get("/metrics")).text
        assert "cpr_canary_config_last_reload_successful 1.0" in text
        assert 'cpr_canary_channel_arrival_deadline_seconds{channel="alias",kind="email",queue="cpr"} 90.0' in text


async def test_a_storm_of_reloads_is_one_reload(site: CaSite, tmp_path: Path) -> None:
    async with served(site, tmp_path) as (client, _):
        answers = await asyncio.gather(*(client.post("/-/reload") for _ in range(50)))
        assert sorted(answer.status_code for answer in answers) == [200] + [429] * 49
        late = await client.post("/-/reload")
        assert late.status_code == 429
        assert 1 <= int(late.headers["retry-after"]) <= app.RELOAD_EVERY
        assert "at most once in 5 s" in late.text


async def test_reload_is_not_a_link(site: CaSite, tmp_path: Path) -> None:
    async with served(site, tmp_path) as (client, _):
        assert (await client.get("/-/reload")).status_code == 405


async def test_address_that_is_taken() -> None:
    nothing = Starlette()
    async with serve(nothing, "127.0.0.1", 0) as port:
        with pytest.raises(OSError, match="in use"):
            async with serve(nothing, "127.0.0.1", port):
                pass


async def test_port_stays_ours_from_one_app_to_the_next() -> None:
    def saying(word: str) -> Starlette:
        return Starlette(routes=[Route("/", lambda _: PlainTextResponse(word))])

    with closing(listen("127.0.0.1", 0)) as listener:
        async with serve_on(saying("first"), listener) as port, httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}")).text == "first"
        async with httpx.AsyncClient() as client:
            asked = asyncio.create_task(client.get(f"http://127.0.0.1:{port}"))  # while nobody serves
            with pytest.raises(OSError, match="in use"):
                listen("127.0.0.1", port)
            async with serve_on(saying("second"), listener):
                assert (await asked).text == "second"
