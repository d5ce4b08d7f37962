"""YAML that remembers on which line everything stood, and refuses what is easily misread.

Scalars are those of YAML 1.2's core schema: ``no``, ``on`` and ``12:30`` are text, and so are times and numbers with a
leading zero or plus (telephone numbers, serial numbers). A key that is written twice is reported. No message quotes a
value: it may be a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.reader import ReaderError

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


def parse(text: str) -> Document:
    """Read one YAML document. Raises :class:`UnreadableError` at the first error of syntax."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise UnreadableError(1, "got an empty file, want a configuration")
        survey = _Survey(loader)
        survey.visit(node, (), ())
        return Document(loader.construct_document(node), survey.lines, survey.repeats)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableError(mark.line + 1 if mark else 1, _in_our_words(error)) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UnreadableError(line, f"got the control character U+{ord(text[error.position]):04X}, want text") from None


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML fills it below

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) is not None:
            raise yaml.composer.ComposerError(None, None, "found a tag", event.start_mark)
        return super().compose_node(parent, index)


for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(?:0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+", list("-0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), _first)


@dataclass(slots=True)
class _Survey:
    """A walk over the nodes that notes lines and repeated keys, before they become plain values."""

    loader: _Loader
    lines: dict[Path, int] = field(default_factory=dict)
    repeats: list[tuple[Path, int, int]] = field(default_factory=list)
    _merged: set[int] = field(default_factory=set)

    def visit(self, node: yaml.Node, path: Path, around: tuple[int, ...]) -> None:
        if id(node) in around:
            raise yaml.composer.ComposerError(None, None, "an alias inside its own anchor", node.start_mark)
        around = (*around, id(node))
        if isinstance(node, yaml.MappingNode):
            self._unmerge(node, path)
            for key, value in node.value:
                below = (*path, str(key.value))
                self.lines[below] = key.start_mark.line + 1
                self.visit(value, below, around)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                below = (*path, str(index))
                self.lines[below] = item.start_mark.line + 1
                self.visit(item, below, around)

    def _unmerge(self, node: yaml.MappingNode, path: Path) -> None:
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
        self.loader.flatten_mapping(node)


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
