"""``cpr-canary schema``: the JSON Schema of the configuration file."""

from __future__ import annotations

import json

import typer

from canary.config import schema as configuration_schema


def schema() -> None:
    """Print the JSON Schema of the configuration file, for editors and for validation in CI."""
    typer.echo(json.dumps(configuration_schema(), indent=2))
