"""One thing has one name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]


def classes() -> dict[str, list[str]]:
    """Where each class name is defined, with or without an underscore; the verifier stands alone and may repeat."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "canary").rglob("*.py")):
        if "verifier" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    found[node.name.lstrip("_")].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def test_no_two_classes_have_the_same_name() -> None:
    found = classes()
    assert len(found) > 100
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def short_docstrings() -> list[str]:
    """Every docstring of fewer than five words: those say the name again."""
    found = []
    for path in sorted((ROOT / "canary").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                words = ast.get_docstring(node)
                if words and len(words.split()) < 5 and not words.startswith("See :"):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {words}")
    return found


def test_a_docstring_says_more_than_the_name() -> None:
    assert short_docstrings() == []
