"""The Dockerfile, as far as it can be judged without building it."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from deploy.files import COMPOSE, DOCKERFILE, ROOT, assert_cli_takes, instruction, instructions, json_command, yaml_of
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from canary.web import serve

IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def copied() -> list[str]:
    """What is copied from the repository, not from another stage."""
    words = [rest.split() for name, rest in instructions() if name == "COPY" and "--from" not in rest]
    return [source for sources in words for source in sources[:-1]]


def in_context(path: Path) -> bool:
    """Whether .dockerignore lets a path into the build; the last pattern that fits decides, as Docker has it."""
    name, inside = path.relative_to(ROOT).as_posix(), False
    for line in IGNORED:
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        parts = name.split("/")
        fits = fnmatch(parts[0], pattern) or ("**/" in line and any(fnmatch(part, pattern) for part in parts))
        inside = line.startswith("!") if fits else inside
    return inside


def test_linter_has_nothing_to_say() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, DOCKERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_copied_exists_and_is_let_in() -> None:
    assert "canary" in copied()
    for source in copied():
        assert (ROOT / source).exists(), source
        assert in_context(ROOT / source), source


@pytest.mark.parametrize(
    "path", [".git", "tests", "deploy/compose/secrets/desk-password", "canary/__pycache__", ".venv"]
)
def test_what_the_image_does_not_need_is_kept_out(path: str) -> None:
    assert not in_context(ROOT / path)


def test_bases_are_pinned_to_a_day() -> None:
    bases = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert len(bases) == 2
    assert all(re.fullmatch(r"debian:bookworm-20[0-9]{6}-slim", base) for base in bases)
    assert len(set(bases)) == 1


def test_packages_come_at_the_versions_that_are_tested() -> None:
    [install] = [rest for name, rest in instructions() if name == "RUN" and "/pip install" in rest]
    assert "--constraint constraints.txt" in install
    assert "--no-cache-dir" in install
    assert "constraints.txt" in copied()


def test_apt_installs_no_recommendations_and_keeps_no_lists() -> None:
    installs = [rest for name, rest in instructions() if name == "RUN" and "apt-get install" in rest]
    assert all("--no-install-recommends" in rest and "rm -rf /var/lib/apt/lists/*" in rest for rest in installs)
    assert any("chromium" in rest.split() for rest in installs)


def test_runs_without_rights_as_the_user_that_compose_names() -> None:
    services = yaml_of(COMPOSE)["services"]
    assert instruction("USER") == services["canary"]["user"] == services["demo"]["user"] == "10001:10001"


def test_default_command_is_one_that_the_program_takes() -> None:
    assert json_command(instruction("ENTRYPOINT"))[-1] == "cpr-canary"
    assert_cli_takes(json_command(instruction("CMD")))


async def healthy_at(port: int) -> int:
    """The exit code of the image's own health check, asked of this port."""
    words = json_command(instruction("HEALTHCHECK"))
    assert words[0] == "python3"
    words = [sys.executable, *(word.replace("9750", str(port)) for word in words[1:])]
    process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait()


@pytest.fixture
async def healthy_port() -> AsyncIterator[int]:
    app = Starlette(routes=[Route("/-/healthy", lambda _: PlainTextResponse("ok\n"))])
    async with serve(app, "127.0.0.1", 0) as port:
        yield port


@pytest.fixture
async def unwell_port() -> AsyncIterator[int]:
    app = Starlette(routes=[Route("/-/healthy", lambda _: PlainTextResponse("no\n", status_code=503))])
    async with serve(app, "127.0.0.1", 0) as port:
        yield port


async def test_health_check_tells_well_from_unwell(healthy_port: int, unwell_port: int) -> None:
    assert f":{9750}/" in instruction("HEALTHCHECK")
    assert await healthy_at(healthy_port) == 0
    assert await healthy_at(unwell_port) != 0
    assert await healthy_at(1) != 0
