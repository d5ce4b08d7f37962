"""The shipped files of deploy/, as the tests read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import typer.core
import typer.main
import yaml

from canary.cli.main import app
from canary.config import load
from canary.settings import Secret

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose" / "compose.yaml"
DOCKERFILE = DEPLOY / "compose" / "Dockerfile"
UNIT = DEPLOY / "systemd" / "cpr-canary.service"
README = DEPLOY / "README.md"
EXAMPLE = DEPLOY / "cpr-canary.example.yaml"


def yaml_of(path: Path) -> Any:
    """A YAML file; merges (``<<``) are done."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile in order, continued lines joined, comments left out."""
    lines = [line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line.strip()]


def instruction(name: str) -> str:
    """The last instruction of this name, which is the one that holds."""
    return [rest for found, rest in instructions() if found == name][-1]


def json_command(text: str) -> list[str]:
    """The words of an instruction in its JSON form."""
    words: list[str] = json.loads(text[text.index("[") :])
    return words


def assert_cli_takes(words: list[str]) -> None:
    """The command line program parses ``words``; raises its usage error if not. Nothing is run."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    group.commands[words[0]].make_context(words[0], list(words[1:]))


def credentials() -> set[str]:
    """The names of the secrets in the example configuration."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, Secret):
            assert value.credential, "the example keeps a secret elsewhere than in a credential"
            found.add(value.credential)
        elif isinstance(value, dict):
            for below in value.values():
                walk(below)
        elif hasattr(value, "model_fields_set"):
            for name in type(value).model_fields:
                walk(getattr(value, name))

    walk(load(EXAMPLE))
    return found
