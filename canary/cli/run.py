"""``cpr-canary run``: probe every channel on schedule, serve metrics, until told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import closing
from pathlib import Path
from typing import Annotated

import structlog
import typer

from canary.cli.common import ConfigPath
from canary.cli.descriptors import open_as_many_as_allowed
from canary.cli.lock import only_one
from canary.cli.logs import log_to_stderr
from canary.cli.memory import collect_rarely, share_arenas
from canary.config import Config, load
from canary.config.advice import advice
from canary.model import CanaryError, Component, OwnFaultError
from canary.prober.gate import stop_all
from canary.prober.runtime import Runtime, assembled
from canary.watched_loop import WatchedLoop
from canary.web import Access, AccessRules, create_app, listen, rules, serve_on

_log = structlog.get_logger("canary")


def run(
    config: ConfigPath,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log as JSON, a line an entry.")] = False,
) -> None:
    """Probe every channel on schedule, and serve /metrics, /-/healthy and /-/ready, until stopped.

    SIGTERM or SIGINT: stop gracefully. SIGHUP (or POST /-/reload): read the configuration again; a wrong one is refused
    and the running one stays. SIGUSR1: kill switch (as stop-all). A prober that was killed goes on where it stood.
    """
    settings = load(config)
    log_to_stderr(as_json=log_json)
    share_arenas()
    open_as_many_as_allowed()
    with assembled(settings) as canary, only_one(settings.state):
        collect_rarely()
        with asyncio.Runner(loop_factory=WatchedLoop) as runner:
            runner.run(_run(config, settings, canary))


async def _run(path: Path, config: Config, canary: Runtime) -> None:
    prober, access = canary.prober, Access(config.web)

    async def reload() -> None:
        proven: list[AccessRules] = []

        def load_and_prove() -> Config:
            following = load(path)
            proven.append(rules(following.web))
            return following

        try:
            await prober.reload(load_and_prove)
            access.change(prober.config.web, *proven)
        except CanaryError as error:
            _log.error("configuration refused, the running one stays", error=str(error))
            raise
        _log.info("configuration reloaded")
        advise(prober.config)

    def throw_kill_switch() -> None:
        try:
            stop_all(prober.config.state, "signal SIGUSR1")
        except OSError as error:
            _log.error("the kill switch could not be thrown", error=str(error))
            return
        _log.warning("kill switch thrown: nothing is sent until `cpr-canary resume`")

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, canary.stop)
    loop.add_signal_handler(signal.SIGINT, canary.stop)
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(_logged(reload())))
    loop.add_signal_handler(signal.SIGUSR1, throw_kill_switch)
    with closing(_listen(config)) as listener:
        async with serve_on(create_app(prober, reload, access), listener, access.tls) as port:
            following = asyncio.create_task(access.follow_files())
            advise(config)
            where = f"http{'s' if access.tls() else ''}://{config.web.host}:{port}/metrics"
            _log.info("running", channels=len(config.channels), metrics=where)
            await canary.run()
            following.cancel()
    _log.info("stopped")


def _listen(config: Config) -> socket.socket:
    try:
        return listen(config.web.host, config.web.port)
    except OSError as error:
        raise OwnFaultError(Component.HTTP, "listen", f"cannot listen on {config.web.listen}: {error}") from error


def advise(config: Config) -> None:
    """Tell in the log what the configuration may be and could be better."""
    for where, sentence in advice(config):
        _log.warning("advice", where=where, what=sentence)


async def _logged(work: object) -> None:
    try:
        await work  # type: ignore[misc]  # a coroutine
    except CanaryError:
        return  # logged already
