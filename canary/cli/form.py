"""``cpr-canary form inspect``: a ready configuration block for a form."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from canary import wording
from canary.channels import UnusableError
from canary.channels.forms.browser import Browser
from canary.channels.forms.inspect import inspect_form
from canary.channels.forms.settings import BrowserSettings
from canary.channels.forms.steps import web_address
from canary.cli.common import Exit, err, on_one_line
from canary.clock import Clock


def inspect(
    url: Annotated[str, typer.Argument(help="The page with the form. It is loaded, nothing is submitted.")],
    ca_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="PEM file of the CAs to trust, not the system's.")
    ] = None,
) -> None:
    """Load a page and print a ready configuration block for the form on it, to be looked over by you.

    A page that asks for no text yet is left by its button for the next one, with samples in what must be filled in.
    """
    try:
        web_address(url)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        typer.echo(wording.printable(asyncio.run(_inspect(url, ca_file))))
    except UnusableError as error:
        err.print(on_one_line(str(error)), style="red", soft_wrap=True)
        raise typer.Exit(Exit.NOT_ARRIVED) from None


async def _inspect(url: str, ca_file: Path | None) -> str:
    browser = Browser(BrowserSettings(), Clock())
    try:
        return await inspect_form(url, browser, ca_file)
    finally:
        await browser.close()
