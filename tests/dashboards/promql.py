"""What a PromQL expression asks for, read from its syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser

_DURATIONS = {"$__rate_interval": "4m", "$__interval": "1h", "$__range": "1d"}


@dataclass(frozen=True)
class Selector:
    """A series selector: the metric, its matchers as (label, operator, value), and the functions around it."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]
    inside: tuple[str, ...]

    @property
    def labels(self) -> set[str]:
        """The labels that are matched on."""
        return {label for label, _, _ in self.matchers}


def parse(expr: str) -> Any:
    """The syntax tree of an expression, see :func:`filled_in`. Raises ValueError."""
    return promql_parser.parse(filled_in(expr))


def filled_in(expr: str) -> str:
    """An expression with Grafana's durations filled in; its other variables stand in quotes, where they may stay."""
    for variable, duration in _DURATIONS.items():
        expr = expr.replace(variable, duration)
    return expr


def selectors(expr: str) -> list[Selector]:
    """Every selector of an expression."""
    return list(_selectors(parse(expr), ()))


def grouping(expr: str) -> set[str]:
    """The labels that an expression groups or joins by."""
    found: set[str] = set()
    for node in _nodes(parse(expr)):
        modifier = getattr(node, "modifier", None)
        found |= set(getattr(modifier, "labels", None) or ())
        found |= set(getattr(getattr(modifier, "matching", None), "labels", None) or ())
        group = getattr(modifier, "group_labels", None)
        found |= set(getattr(group, "labels", group) or ())
    return found


def variables(text: str) -> set[str]:
    """The names of the variables in a text: ``$name``, ``${name}``, ``${name:format}``."""
    return {a or b for a, b in re.findall(r"\$(?:{([\w.]+)(?::\w+)?}|(\w+))", text)}


def _selectors(node: Any, inside: tuple[str, ...]) -> Iterator[Selector]:
    if isinstance(node, promql_parser.VectorSelector):
        matchers = tuple((m.name, _OPERATORS[str(m.op)], m.value) for m in node.matchers.matchers)
        yield Selector(node.name, matchers, inside)
    name = (node.func.name,) if isinstance(node, promql_parser.Call) else ()
    for child in _children(node):
        yield from _selectors(child, inside + name)


_OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in _children(node):
        yield from _nodes(child)


def _children(node: Any) -> Iterator[Any]:
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        child = getattr(node, name, None)
        if child is not None:
            yield child
    yield from getattr(node, "args", None) or ()
