"""One deliberately bad file per rule: the comments at its top are every mistake that must be told, word by word."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from canary.budgets import Budget
from canary.config import ConfigError, load
from canary.config.load import document_of

BAD = sorted(Path(__file__).with_name("bad").glob("*.yaml"))


def wanted(path: Path) -> list[str]:
    """The messages in the comments at the top of a bad file, with its name before them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [f"{path}:{line.removeprefix('# ')}" for line in lines if line.startswith("# ")]


def refusal(path: Path) -> ConfigError:
    """What is said of a bad file."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    return caught.value


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_mistake_is_told_in_its_words_and_no_other(path: Path) -> None:
    error = refusal(path)
    assert str(error).splitlines() == wanted(path)
    assert [str(mistake) for mistake in error.mistakes] == wanted(path)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_secret_that_stands_in_the_file_is_never_repeated(path: Path) -> None:
    error = refusal(path)
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(error.mistakes)
    assert "hunter2" not in told


def test_without_its_mistake_the_file_is_good(tmp_path: Path) -> None:
    """So no bad file is refused for something else: they differ from this one by their mistake alone."""
    good = Path(__file__).with_name("good.yaml")
    assert load(good).operator.name == "Test CA"
    lines = set(good.read_text(encoding="utf-8").splitlines())
    kept = [
        len(lines & set(path.read_text(encoding="utf-8").splitlines())) for path in BAD if path.stat().st_size > 100
    ]
    assert min(kept) > len(lines) / 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    assert str(refusal(path)) == f"{path}:1: No such file or directory, want a file that can be read"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert str(refusal(tmp_path)) == f"{tmp_path}:1: Is a directory, want a file that can be read"


def test_a_path_that_no_file_can_have() -> None:
    assert str(refusal(Path("a\0b"))) == "a\0b:1: embedded null byte, want a file that can be read"
    assert "want a file that can be read" in str(refusal(Path("half a pair \ud83d")))


def test_a_file_that_is_too_large_or_never_ends(tmp_path: Path) -> None:
    path, budget = tmp_path / "long.yaml", Budget("a configuration", received=1000)
    path.write_bytes(b"a: 1".ljust(1000))
    assert document_of(path, budget).value == {"a": 1}
    path.write_bytes(b"a: 1".ljust(1001))
    for found in (path, Path("/dev/zero")):
        with pytest.raises(ConfigError) as caught:
            document_of(found, budget)
        assert str(caught.value) == f"{found}:1: a configuration: more than 1000 bytes"


def test_a_file_in_another_character_set(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("operator:\n  name: Zertifizierungsbehörde\n".encode("latin-1"))
    assert str(refusal(path)) == f"{path}:2: got the byte 0xF6, want UTF-8"


def test_a_control_character(tmp_path: Path) -> None:
    path = tmp_path / "bell.yaml"
    path.write_bytes(b"operator:\n  name: a\x07b\n")
    assert str(refusal(path)) == f"{path}:2: got the control character U+0007, want text"


def test_mistakes_are_in_the_order_of_the_file() -> None:
    mistakes = refusal(Path(__file__).with_name("bad") / "everything-at-once.yaml").mistakes
    assert [mistake.line for mistake in mistakes] == sorted(mistake.line for mistake in mistakes)
    assert len(mistakes) == 6
