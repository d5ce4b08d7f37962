"""``cpr-canary run``: probe every channel on schedule, serve metrics, until told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
from pathlib import Path
from typing import Annotated

import structlog
import typer

from canary.cli.common import ConfigPath, keyring, opened, opened_evidence
from canary.cli.lock import only_one
from canary.cli.logs import log_to_stderr
from canary.clock import Clock
from canary.config import Config, advice, load
from canary.ledger import Ledger
from canary.model import Component, OwnFaultError
from canary.prober.gate import stop_all
from canary.prober.loop import Prober
from canary.prober.retention import forget_daily
from canary.web import create_app, serve

_FORGET_WITHIN = 10.0
"""Seconds in which retention must have ended when the canary stops; what it has not done is due again."""

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
    with opened(settings) as ledger, only_one(settings.state):
        collect_rarely()
        asyncio.run(_run(config, settings, ledger))


async def _run(path: Path, config: Config, ledger: Ledger) -> None:
    clock = Clock()
    evidence = opened_evidence(config, ledger, clock)
    prober = Prober(config, ledger, keyring(config), clock)
    prober.evidence = evidence

    async def reload() -> None:
        try:
            await prober.reload(lambda: load(path))
            await evidence.change(prober.config.evidence)
            _log.info("configuration reloaded")
            advise(prober.config)
        except ValueError as error:
            _log.error("configuration refused, the running one stays", error=str(error))
            raise

    def throw_kill_switch() -> None:
        stop_all(prober.config.state, "signal SIGUSR1")
        _log.warning("kill switch thrown: nothing is sent until `cpr-canary resume`")

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, prober.stop)
    loop.add_signal_handler(signal.SIGINT, prober.stop)
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(_logged(reload())))
    loop.add_signal_handler(signal.SIGUSR1, throw_kill_switch)
    host, port = config.web.host, config.web.port
    try:
        async with serve(create_app(prober, reload), host, port) as bound:
            advise(config)
            _log.info("running", channels=len(config.channels), metrics=f"http://{host}:{bound}/metrics")
            evidence.start()
            forgetting = asyncio.create_task(forget_daily(prober))
            try:
                await prober.run()
            finally:
                forgetting.cancel()
                await asyncio.wait([forgetting], timeout=_FORGET_WITHIN)
                await evidence.stop()
    except OSError as error:
        raise OwnFaultError(Component.HTTP, "listen", f"cannot listen on {config.web.listen}: {error}") from error
    _log.info("stopped")


def collect_rarely() -> None:
    """Do not search for garbage in what lives as long as the process: modules, configuration, book."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def advise(config: Config) -> None:
    """Tell in the log what the configuration may be and could be better."""
    for where, sentence in advice(config):
        _log.warning("advice", where=where, what=sentence)


async def _logged(work: object) -> None:
    try:
        await work  # type: ignore[misc]  # a coroutine
    except ValueError:
        return  # told in the log already
