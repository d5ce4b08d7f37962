"""The page on extending shows the package that the tests install."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "tests" / "third_party"


def test_every_file_of_the_package_stands_there_as_it_is() -> None:
    shown = dict(re.findall(r"^`(tests/[^`]+)`\n\n```\w+\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
    files = [path for path in PACKAGE.rglob("*.*") if path.suffix in (".toml", ".py") and path.stem != "__init__"]
    assert shown == {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in files}
