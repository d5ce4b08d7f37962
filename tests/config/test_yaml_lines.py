"""YAML with the lines of its keys, and without the surprises of YAML 1.1."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from canary.config.yaml_lines import UnreadableError, parse

TEXT = """\
a: 1
b:
  - x
  -
    c: {d: 2,
        e: 3}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [((), 1), (("a",), 1), (("b",), 2), (("b", "0"), 3), (("b", "1", "c"), 5), (("b", "1", "c", "e"), 6), (("z",), 1)],
)
def test_each_key_and_item_knows_its_line(path: tuple[str, ...], line: int) -> None:
    assert parse(TEXT).line(path) == line


def test_what_is_not_there_has_the_line_of_what_is_around_it() -> None:
    assert parse(TEXT).line(("b", "1", "c", "nothing", "at all")) == 5


@pytest.mark.parametrize(
    "text", ["no", "on", "yes", "12:30", "0123", "+49301234", "2026-12-24", "1e3", "0x1F", "1_000"]
)
def test_what_yaml_1_1_takes_for_something_else_is_text(text: str) -> None:
    assert parse(f"key: {text}").value == {"key": text}


def test_what_is_a_number_a_truth_or_nothing() -> None:
    assert parse("[0, -12, 1.5, true, false, null, ~, ]").value == [0, -12, 1.5, True, False, None, None]


def test_a_repeated_key_is_told_with_both_lines() -> None:
    assert parse("a: 1\nb: {c: 1,\nc: 2}\na: 3\n").repeats == [(("a",), 4, 1), (("b", "c"), 3, 2)]


def test_a_merged_key_may_be_overridden() -> None:
    document = parse("x: &x {a: 1, b: 1}\ny:\n  <<: *x\n  b: 2\nz:\n  <<: *x\n")
    assert document.value["y"] == {"a": 1, "b": 2}
    assert document.repeats == []
    assert document.line(("y", "b")) == 4


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "got an empty file, want a configuration"),
        ("a: 1\nb: &x [*x]", 2, "not YAML: an alias inside its own anchor"),
        ("a: 1\n[b]: 2", 2, "not YAML: a key that is no text"),
        ("a: b: c", 1, "got a second colon, or a key that is indented too far; want one `key: value` a line"),
        ("a: !hunter2 b", 1, "got a !tag, want none (text that begins with ! stands in quotes)"),
        ("a: !!int hunter2", 1, "got a !tag, want none (text that begins with ! stands in quotes)"),
    ],
)
def test_what_is_refused(text: str, line: int, message: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.message) == (line, message)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcdefgh -:#", min_size=1), inner),
    max_leaves=12,
)


@given(TREES)
def test_whatever_is_written_as_yaml_is_read_back(tree: object) -> None:
    assert parse(yaml.safe_dump({"tree": tree}, allow_unicode=True)).value == {"tree": tree}


@given(st.text("ab:-[]{}&*!|>'\"%@`#,? \n\t<0", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        lines = [*parse(text).lines.values()]
    except UnreadableError as error:
        lines = [error.line]
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)
