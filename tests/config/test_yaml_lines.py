"""YAML with the lines of its keys, and without the surprises of YAML 1.1."""

from __future__ import annotations

import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from canary.budgets import Budget
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
    "text",
    ["no", "on", "yes", "12:30", "0123", "+49301234", "2026-12-24", "1e3", "0x1F", "1_000", "1" * 16, "9" * 5000,
     "0." + "3" * 15, "9" * 400 + ".0"],
)  # fmt: skip
def test_what_yaml_1_1_takes_for_something_else_is_text(text: str) -> None:
    assert parse(f"key: {text}").value == {"key": text}


def test_what_is_a_number_a_truth_or_nothing() -> None:
    assert parse("[0, -12, 1.5, true, false, null, ~, ]").value == [0, -12, 1.5, True, False, None, None]
    assert parse("[-999999999999999, 0.12345678901234]").value == [-999999999999999, 0.12345678901234]


def test_a_key_is_a_name_whatever_it_looks_like() -> None:
    assert parse("1: a\nnull: b\n~: c\ntrue: d\n? \n").value == {
        "1": "a", "null": "b", "~": "c", "true": "d", "": None,
    }  # fmt: skip


def test_a_repeated_key_is_told_with_both_lines() -> None:
    assert parse("a: 1\nb: {c: 1,\nc: 2}\na: 3\n").repeats == [(("a",), 4, 1), (("b", "c"), 3, 2)]


def test_a_merged_key_may_be_overridden() -> None:
    document = parse("x: &x {a: 1, b: 1}\ny:\n  <<: *x\n  b: 2\nz:\n  <<: *x\n")
    assert document.value["y"] == {"a": 1, "b": 2}
    assert document.repeats == []
    assert document.line(("y", "b")) == 4


def test_of_several_merged_mappings_the_first_counts() -> None:
    text = "a: &a {k: 1}\nb: &b {<<: *a, k: 2, l: 2}\nc: {<<: [*a, *b]}\nd: {<<: [*b, *a], m: 3}\n"
    document = parse(text)
    assert document.value["c"] == {"k": 1, "l": 2}
    assert document.value["d"] == {"k": 2, "l": 2, "m": 3}
    assert document.repeats == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "got an empty file, want a configuration"),
        ("a: 1\nb: &x [*x]", 2, "not YAML: an alias inside its own anchor"),
        ("a: 1\n[b]: 2", 2, "not YAML: a key that is no text"),
        ("a: b: c", 1, "got a second colon, or a key that is indented too far; want one `key: value` a line"),
        ("a: !hunter2 b", 1, "got a !tag, want none (text that begins with ! stands in quotes)"),
        ("a: !!int hunter2", 1, "got a !tag, want none (text that begins with ! stands in quotes)"),
        ("a: 1\nx: &x {<<: *x}", 2, "not YAML: an alias inside its own anchor"),
        ("a: 1\nx: {<<: 3}", 2, "not YAML: << without a mapping to merge"),
        ('a: 1\nb: "\\x1b[2J"', 2, "got the control character U+001B, want text"),
        ('a: 1\nb: ["\\0"]', 2, "got the control character U+0000, want text"),
        ('a: 1\n"\\x85\\x9b": 1', 2, "got the control character U+009B, want text"),
        ('a: "\\ud83d"', 1, "got half a surrogate pair U+D83D, want text"),
        ("a: \x07", 1, "got the control character U+0007, want text"),
        ('a: 1\nb: "\\UFFFFFFFF"', 2, "not YAML: it cannot be read on from here (OverflowError)"),
        (f"%YAML {'9' * 5000}.1\n---\na: 1", 1, "not YAML: it cannot be read on from here (ValueError)"),
    ],
)
def test_what_is_refused(text: str, line: int, message: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.message) == (line, message)


TINY = Budget("a test", number=100, depth=4)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[{a: ", "- - "])
def test_what_stands_too_deep_is_told_with_its_line(opening: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse("a: 1\nb:\n  " + 3000 * opening)
    assert (caught.value.line, caught.value.message) == (
        3, "a configuration: deeper than 32"
    )  # fmt: skip
    with pytest.raises(UnreadableError, match="a test: deeper than 4"):
        parse("[[[[1]]]]", TINY)
    assert parse("[[[1]]]", TINY).value == [[[1]]]


def _grown(levels: int, entry: str) -> str:
    """Each level has nine aliases of the one before: nine to the power of ``levels``."""
    return "a0: &a0 {k: 1}\n" + "".join(
        f"a{level}: &a{level} " + entry.format(", ".join([f"*a{level - 1}"] * 9)) + "\n" for level in range(1, levels)
    )


@pytest.mark.parametrize(
    "text",
    [
        _grown(10, "[{}]"),
        "a: &a {" + ", ".join(f"k{n}: 1" for n in range(3000)) + "}\nb: {<<: [" + ", ".join(["*a"] * 3000) + "]}",
        "a: &a [" + ", ".join("1" * 1000) + "]\nb: [" + ", ".join(["*a"] * 1000) + "]",
    ],
    ids=["aliases in aliases", "merges", "aliases"],
)
def test_aliases_are_counted_as_often_as_they_stand(text: str) -> None:
    with pytest.raises(UnreadableError, match="a configuration: more than 500000 values, what aliases bring counted"):
        parse(text)


def test_merging_what_is_merged_brings_each_key_once() -> None:
    assert parse(_grown(30, "{{<<: [{}]}}"), Budget("a test", number=2000, depth=32)).value["a29"] == {"k": 1}


@pytest.mark.parametrize(
    "piece",
    [
        "a{n}: {{b: [1, 2], c: 'd'}}\n",
        "- &a{n} [x, y]\n- *a{n}\n",
        "# {n}\n",
        '- "{n}\\\n  \\\n  x"\n',
        "[",
        "- ",
        "a: |\n  x\n",
    ],
)
def test_twice_as_much_costs_twice_as_much(piece: str) -> None:
    """In calls of functions, which no other load of the machine changes."""

    def calls(times: int) -> int:
        text, number = "".join(piece.format(n=n) for n in range(times)), 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal number
            number += event == "call"

        sys.setprofile(count)
        try:
            parse(text)
        except UnreadableError:
            pass
        finally:
            sys.setprofile(None)
        return number

    assert calls(1600) < 2.2 * calls(800) < 4.8 * calls(400)


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15) + 1, 10**15 - 1)
    | st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcdefgh -:#", min_size=1), inner),
    max_leaves=12,
)


@given(TREES)
def test_whatever_is_written_as_yaml_is_read_back(tree: object) -> None:
    assert parse(yaml.safe_dump({"tree": tree}, allow_unicode=True)).value == {"tree": tree}


@given(st.text("ab:-[]{}&*!|>'\"%@`#,? \n\t<0\\xuU.~", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        lines = [*parse(text).lines.values()]
    except UnreadableError as error:
        lines = [error.line]
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)
