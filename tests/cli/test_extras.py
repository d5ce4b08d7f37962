"""What only the demo and only reports need is an extra, and whoever lacks it is told what to install."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from cli.test_lazy import ALL

from canary.cli.extras import brought_by
from canary.cli.main import main

CANARY = Path(__file__).parents[2] / "canary"
ROOMS = {"audit": {"audit"}, "demo": {"demo"}}
"""Which rooms may import what an extra brings."""


def modules_of(extra: str) -> set[str]:
    """The top-level modules that an extra brings, and that nothing else brings."""
    names = {name.lower() for name in brought_by(extra)}
    found = {
        module
        for module, packages in metadata.packages_distributions().items()
        if {package.lower() for package in packages} <= names and not module.startswith("_")
    }
    assert len(found) >= len(names)
    return found


def imported(file: Path) -> set[str]:
    """The top-level modules that a file imports, also within functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_only_its_room_imports_what_an_extra_brings() -> None:
    extras = {extra: modules_of(extra) for extra in ROOMS}
    users: dict[str, set[str]] = {extra: set() for extra in ROOMS}
    for file in CANARY.rglob("*.py"):
        room = file.relative_to(CANARY).parts[0]
        may = set().union(*(extras[extra] for extra, rooms in ROOMS.items() if room in rooms))
        used = imported(file)
        assert not used & (set().union(*extras.values()) - may), file
        for extra in ROOMS:
            users[extra] |= used & extras[extra]
    assert all(users.values())


def test_commands_that_ask_for_no_extra_load_without_any() -> None:
    program = (
        "import sys, importlib.abc\n"
        "class Missing(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {set().union(*map(modules_of, ROOMS))!r}:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from cli.test_lazy import ALL\n"
        "print(*(entry.load(words[-1]).name for words, entry in ALL.items() if not entry.extra))\n"
    )
    environment = {"PYTHONPATH": f"{CANARY.parent}:{CANARY.parent / 'tests'}"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [words[-1] for words, entry in ALL.items() if not entry.extra]


@pytest.mark.parametrize(("words", "extra"), [(words, entry.extra) for words, entry in ALL.items() if entry.extra])
def test_whoever_lacks_it_is_told_what_to_install(
    words: tuple[str, ...], extra: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = brought_by(extra)[:2]
    there = metadata.version

    def version(name: str) -> str:
        if name in (first, second):
            raise metadata.PackageNotFoundError(name)
        return there(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(sys, "argv", ["cpr-canary", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"{first}, {second} is not installed" in told
    assert f"pip install 'cpr-canary[{extra}]'" in told
