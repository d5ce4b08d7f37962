"""``pause``, ``resume``, ``stop-all``, ``rotate-key``: the operator's switches. All but the last are evidence too."""

from __future__ import annotations

import getpass
import os
from typing import Annotated

import typer

from canary.cli.common import ConfigPath, known_channel, out, print_plain
from canary.cli.opening import opened
from canary.clock import Clock
from canary.config import load
from canary.ledger.events import cleared, paused, resumed, stopped_all
from canary.model import OwnFaultError
from canary.private import make_folder
from canary.prober.gate import EVERY_CHANNEL, clear_stop
from canary.prober.gate import stop_all as throw
from canary.prober.mark_keys import go_on_without, rotate_keys


def operator() -> str:
    """Who gives the command, as the system knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as containers have them
        return f"uid {os.getuid()}"


Channel = Annotated[str | None, typer.Option("--channel", help="Only this channel; every one if not given.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept as evidence.")]


def pause(config: ConfigPath, reason: Reason, channel: Channel = None) -> None:
    """Send no probes, to one channel or to all, until resumed. What was sent is still watched and judged."""
    settings = load(config)
    name = known_channel(settings, channel) if channel else EVERY_CHANNEL
    with opened(settings) as ledger:
        ledger.append(paused(Clock().now(), [name], reason, operator())).result()
    out.print(f"paused: {channel or 'every channel'}")


def resume(config: ConfigPath, channel: Channel = None) -> None:
    """Take back a pause; without --channel all of them, and the kill switch."""
    settings = load(config)
    with opened(settings) as ledger:
        names = [known_channel(settings, channel)] if channel else [*ledger.state.totals.paused]
        now, user = Clock().now(), operator()
        news = [resumed(now, names, user)]
        if not channel and (clear_stop(settings.state) or ledger.state.totals.stopped is not None):
            news.append(cleared(now, user))
        ledger.append(*news).result()
    out.print(f"resumed: {channel or 'every channel'}")


def stop_all(config: ConfigPath, reason: Reason) -> None:
    """Throw the kill switch: nothing is sent from the next second on. Undone by resume.

    The same as creating the file STOP in the state folder, or sending SIGUSR1 to the running canary.
    """
    settings = load(config)
    make_folder(settings.state)
    throw(settings.state, reason)
    print_plain(f"kill switch thrown in {settings.state}; `cpr-canary resume {config}` undoes it")
    try:
        with opened(settings) as ledger:
            ledger.append(stopped_all(Clock().now(), reason, operator())).result()
    except OwnFaultError as error:
        why = f"the kill switch is thrown and holds, but who threw it could not be recorded: {error.detail}"
        raise OwnFaultError(error.component, error.reason, why) from error


def rotate_key(
    config: ConfigPath,
    lost: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="The key in force is lost for good, and why; kept as evidence."),
    ] = None,
) -> None:
    """Make marks under a new key from the next start on; marks under the old ones stay verifiable.

    With --lost, where `run` says that the key is not there any more: make another one in its place.
    """
    with opened(load(config)) as ledger:
        if lost is None:
            rotate_keys(ledger)
        else:
            go_on_without(ledger, f"{lost} (said {operator()})")
    out.print("new mark key; restart the canary to use it")
