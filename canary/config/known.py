"""Which keys a place in the file may have, by the JSON Schema: for the message about one that is missing or unknown."""

from __future__ import annotations

from typing import Any


class Known:
    """Looks keys up in a JSON Schema along the locations that pydantic gives."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._root = schema

    def keys(self, location: tuple[str | int, ...]) -> dict[str, str]:
        """The keys of the mapping at ``location``, each with its description."""
        node = self._resolved(self._root)
        for step in location:
            node = self._resolved(self._below(node, step))
        return {name: entry.get("description", "") for name, entry in node.get("properties", {}).items()}

    def _below(self, node: dict[str, Any], step: str | int) -> dict[str, Any]:
        kinds = node.get("discriminator", {}).get("mapping", {})
        if step in kinds:
            return {"$ref": kinds[step]}
        if step in node.get("properties", {}):
            return dict(node["properties"][step])
        entries = [*node.get("patternProperties", {}).values(), node.get("additionalProperties"), node.get("items")]
        return next((dict(entry) for entry in entries if isinstance(entry, dict)), {})

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        """``node`` itself, without reference, and without the null of what may be left out."""
        if "$ref" in node:
            return self._resolved(self._root["$defs"][node["$ref"].rpartition("/")[2]])
        choices = [choice for choice in node.get("anyOf", []) if choice.get("type") != "null"]
        return self._resolved(choices[0]) if len(choices) == 1 else node
