"""YAML that remembers on which line everything stood, and refuses what is easily misread.

Scalars are those of YAML 1.2's core schema: ``no``, ``on`` and ``12:30`` are text, and so are times, numbers with a
leading zero or plus (telephone numbers) and those of more than 15 digits (serial numbers, which a float would round). A
key that is written twice is reported. No message quotes a value: it may be a secret.

However the text was made, reading it takes time and memory in proportion to its length and to what it comes to:
:data:`canary.budgets.CONFIGURATION` bounds both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml
from yaml.reader import ReaderError

from canary.budgets import CONFIGURATION, Budget, BudgetError
from canary.model import CanaryError

Path = tuple[str, ...]


class UnreadableError(CanaryError, ValueError):
    """The text is no YAML that we take; ``line`` counts from one."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document: its plain value, the lines of its keys and items, and (key, line, first line) of repeats."""

    value: Any
    lines: dict[Path, int]
    repeats: list[tuple[Path, int, int]]

    def line(self, path: Path) -> int:
        """The line of the key or item at ``path``, or of the nearest thing around it that is there."""
        return next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), 1)


def parse(text: str, budget: Budget = CONFIGURATION) -> Document:
    """Read one YAML document. Raises :class:`UnreadableError` at the first error of syntax, or beyond ``budget``."""
    try:
        loader = _Loader(text, budget)
    except ReaderError as error:
        _refuse_character(text.count("\n", 0, error.position) + 1, text[error.position])
    try:
        node = loader.get_single_node()
        if node is None:
            raise UnreadableError(1, "got an empty file, want a configuration")
        survey = _Survey(budget)
        survey.visit(node, (), ())
        return Document(loader.construct_document(node), survey.lines, survey.repeats)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableError(mark.line + 1 if mark else 1, _in_our_words(error)) from None
    except UnreadableError:
        raise
    except Exception as error:  # the library has no list of what it raises on text that is no YAML (chr, pop, ...)
        line = min(loader.line, text.count("\n")) + 1
        raise UnreadableError(line, f"not YAML: it cannot be read on from here ({type(error).__name__})") from None


def _refuse_character(line: int, character: str) -> NoReturn:
    what = "half a surrogate pair" if "\ud800" <= character <= "\udfff" else "the control character"
    raise UnreadableError(line, f"got {what} U+{ord(character):04X}, want text")


_UNSAYABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
"""What may not stand in a value, however it is written (``"\\x1b"``): no path, address, label or terminal takes it."""

_DIGITS = 15
"""The most digits of a number: as many as any float, and so JSON, tells apart."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2, and with a bound on how many nodes stand how deep."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML fills it below

    def __init__(self, text: str, budget: Budget) -> None:
        super().__init__(text)
        self._budget, self._depth, self._nodes = budget, 0, 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if getattr(event, "tag", None) is not None:
            raise yaml.composer.ComposerError(None, None, "found a tag", event.start_mark)
        if found := _UNSAYABLE.search(getattr(event, "value", None) or ""):
            _refuse_character(line, found[0])
        self._nodes += 1
        self._depth += 1
        _keep_to(self._budget, line, self._nodes, self._depth)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _keep_to(budget: Budget, line: int, nodes: int, depth: int) -> None:
    try:
        budget.hold(number=nodes, depth=depth)
    except BudgetError as error:
        raise UnreadableError(line, str(error)) from None


for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", rf"-?(?:0|[1-9][0-9]{{0,{_DIGITS - 1}}})", list("-0123456789")),
    ("float", rf"(?=-?[0-9.]{{1,{_DIGITS + 1}}}\Z)-?(?:0|[1-9][0-9]*)\.[0-9]+", list("-0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), _first)

_MERGE, _TEXT = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:str"


@dataclass(slots=True)
class _Survey:
    """A walk over the nodes that notes lines and repeated keys, before they become plain values.

    It comes by what an alias stands for as often as by the alias, and counts all that it comes by: so much everybody
    who walks over the value has to do, too.
    """

    budget: Budget
    lines: dict[Path, int] = field(default_factory=dict)
    repeats: list[tuple[Path, int, int]] = field(default_factory=list)
    _merged: set[int] = field(default_factory=set)
    _seen: int = 0

    def visit(self, node: yaml.Node, path: Path, around: tuple[int, ...]) -> None:
        if id(node) in around:
            raise yaml.composer.ComposerError(None, None, "an alias inside its own anchor", node.start_mark)
        around = (*around, id(node))
        self._count(node, len(around))
        if isinstance(node, yaml.MappingNode):
            self._unmerge(node, path, around)
            for key, value in node.value:
                below = (*path, str(key.value))
                self.lines[below] = key.start_mark.line + 1
                self.visit(value, below, around)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                below = (*path, str(index))
                self.lines[below] = item.start_mark.line + 1
                self.visit(item, below, around)

    def _count(self, node: yaml.Node, depth: int) -> None:
        self._seen += 1
        _keep_to(self.budget, node.start_mark.line + 1, self._seen, depth)

    def _unmerge(self, node: yaml.MappingNode, path: Path, around: tuple[int, ...]) -> None:
        """Note the keys that stand in ``node`` twice; only then put in what ``<<`` brings, which may be overridden."""
        if id(node) in self._merged:
            return
        self._merged.add(id(node))
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.composer.ComposerError(None, None, "a key that is no text", key.start_mark)
            if key.value in first:
                self.repeats.append(((*path, key.value), line, first[key.value]))
            first.setdefault(key.value, line)
        brought: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    for pair in self._mergeable(source, path, around):
                        brought.setdefault(pair[0].value, pair)
        own = [pair for pair in node.value if pair[0].tag != _MERGE]
        for key, _ in own:
            key.tag = _TEXT  # a name, and be it ``null`` or ``1``: nobody looks for another kind of key
        node.value = [pair for name, pair in brought.items() if name not in first] + own

    def _mergeable(
        self, source: yaml.Node, path: Path, around: tuple[int, ...]
    ) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        """The pairs of a mapping that ``<<`` names: what it merges itself is in it."""
        if not isinstance(source, yaml.MappingNode):
            raise yaml.composer.ComposerError(None, None, "<< without a mapping to merge", source.start_mark)
        if id(source) in around:
            raise yaml.composer.ComposerError(None, None, "an alias inside its own anchor", source.start_mark)
        self._unmerge(source, path, (*around, id(source)))
        pairs: list[tuple[yaml.ScalarNode, yaml.Node]] = source.value
        self._seen += len(pairs)
        self._count(source, len(around))
        return pairs


def _in_our_words(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or ""
    if "\\t" in problem:
        return "got a tab, want spaces to indent with"
    if problem.startswith("found undefined alias"):
        return "got *name without its &name, want text that begins with * in quotes"
    if "tag" in problem:
        return "got a !tag, want none (text that begins with ! stands in quotes)"
    if error.context and "single document" in error.context:
        return "got a second document (---), want one"
    if problem == "mapping values are not allowed here":
        return "got a second colon, or a key that is indented too far; want one `key: value` a line"
    return f"not YAML: {problem}"
