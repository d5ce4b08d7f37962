"""As much of JSON Schema (draft 2020-12) as the configuration's schema uses; anything else in it is an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_NOTES = {"$schema", "$defs", "title", "description", "default", "examples", "discriminator", "format"}
_TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}


class Schema:
    """Tells what in a value does not meet a schema."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root

    def faults(self, value: Any, node: dict[str, Any] | None = None, path: str = "") -> list[str]:
        """Every fault, with its path; none if the value is valid."""
        node = self._root if node is None else node
        return [fault for word in node.keys() - _NOTES for fault in self._faults(word, value, node, path)]

    def _faults(self, word: str, value: Any, node: dict[str, Any], path: str) -> Iterator[str]:
        wanted = node[word]
        match word:
            case "$ref":
                yield from self.faults(value, self._root["$defs"][wanted.rpartition("/")[2]], path)
            case "anyOf" | "oneOf":
                fits = sum(not self.faults(value, choice, path) for choice in wanted)
                if not fits or (word == "oneOf" and fits > 1):
                    yield f"{path}: fits {fits} of {word}"
            case "type":
                kind: Any = type(None) if wanted == "null" else _TYPES[wanted]
                if not isinstance(value, kind) or (isinstance(value, bool) and wanted != "boolean"):
                    yield f"{path}: not {wanted}"
            case "required":
                yield from (f"{path}: {name} is missing" for name in wanted if name not in value)
            case "properties":
                present = [name for name in wanted if isinstance(value, dict) and name in value]
                for name in present:
                    yield from self.faults(value[name], wanted[name], f"{path}/{name}")
            case "patternProperties" | "additionalProperties":
                yield from self._others(word, value, node, path)
            case "items":
                for index, item in enumerate(value if isinstance(value, list) else []):
                    yield from self.faults(item, wanted, f"{path}/{index}")
            case _:
                if not self._holds(word, value, wanted):
                    yield f"{path}: {word} {wanted}"

    def _others(self, word: str, value: Any, node: dict[str, Any], path: str) -> Iterator[str]:
        named = node.get("properties", {})
        for name in value.keys() - named.keys() if isinstance(value, dict) else ():
            if word == "patternProperties":
                fitting = [below for pattern, below in node[word].items() if re.search(pattern, name)]
                if not fitting:
                    yield f"{path}/{name}: no name of ours"
            else:
                fitting = [node[word]] if isinstance(node[word], dict) else []
                if node[word] is False:
                    yield f"{path}/{name}: unknown"
            for below in fitting:
                yield from self.faults(value[name], below, f"{path}/{name}")

    @staticmethod
    def _holds(word: str, value: Any, wanted: Any) -> bool:
        rules = {
            "const": lambda: value == wanted,
            "enum": lambda: value in wanted,
            "pattern": lambda: not isinstance(value, str) or re.search(wanted, value) is not None,
            "minimum": lambda: not isinstance(value, int) or value >= wanted,
            "maximum": lambda: not isinstance(value, int) or value <= wanted,
            "minItems": lambda: not isinstance(value, list) or len(value) >= wanted,
            "minProperties": lambda: not isinstance(value, dict) or len(value) >= wanted,
            "minLength": lambda: not isinstance(value, str) or len(value) >= wanted,
            "maxLength": lambda: not isinstance(value, str) or len(value) <= wanted,
        }
        return bool(rules[word]())
