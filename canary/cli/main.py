"""The command line, put together from its commands."""

from __future__ import annotations

import sys

import typer

from canary import __version__
from canary.cli import (
    audit,
    bundle,
    check,
    control,
    demo,
    evidence,
    exceptions,
    form,
    probe,
    probes,
    retention,
    run,
    schema,
    silence,
    status,
    variants,
)
from canary.cli.common import Exit, err
from canary.config import ConfigError
from canary.model import OwnFaultError

app = typer.Typer(
    name="cpr-canary",
    help="Proves, every few minutes, that Certificate Problem Reports reach the people who work on them.",
    epilog="Exit codes: 0 arrived in time (or done), 1 did not arrive, 2 usage or configuration, 3 our own fault.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.command("demo")(demo.demo)
app.command("check")(check.check)
app.command("run")(run.run)
app.command("probe")(probe.probe)
app.command("status")(status.status)
app.command("pause")(control.pause)
app.command("resume")(control.resume)
app.command("stop-all")(control.stop_all)
app.command("silence")(silence.silence)
app.command("rotate-key")(control.rotate_key)
app.command("variants")(variants.variants)
app.command("schema")(schema.schema)
app.add_typer(form.app, name="form")
app.add_typer(evidence.app, name="evidence")
app.add_typer(audit.app, name="audit")
audit.app.command("bundle")(bundle.bundle)
audit.app.command("verify")(bundle.verify)
audit.app.command("verify-log")(bundle.verify_log)
app.add_typer(probes.app, name="probes")
app.add_typer(exceptions.app, name="exceptions")
app.add_typer(retention.app, name="retention")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"cpr-canary {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Run the command line; faults that commands leave to it become a sentence and an exit code."""
    try:
        app()
    except ConfigError as error:
        err.print(str(error), style="red", markup=False, highlight=False)
        sys.exit(Exit.USAGE)
    except OwnFaultError as error:
        err.print(f"our own fault ({error.component}, {error.reason}): {error.detail}", style="red", markup=False)
        sys.exit(Exit.OWN_FAULT)
