"""From the file to a :class:`Config`, or to every mistake in it at once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from canary.budgets import CONFIGURATION, Budget, BudgetError
from canary.channels import kinds as channel_kinds
from canary.config import yaml_lines
from canary.config.checks import check
from canary.config.known import Known
from canary.config.mistakes import ConfigError, Mistake, shown, suggest, wording
from canary.config.versions import with_versions
from canary.config.whole import Config, model, schema
from canary.queues import kinds as queue_kinds

_NAMED = ("watch", "channels", "senders")
_STAND_INS: dict[str, Any] = {
    "operator": {"name": "-", "domains": ["localhost"], "verify": "-"},
    "state": ".",
    "watch": {},
    "senders": {},
    "channels": {},
}
"""What takes the place of a section with mistakes, so that the others can still be checked against each other."""


def load(path: Path) -> Config:
    """Read the configuration file ``path``; paths in it count from its folder.

    Raises :class:`ConfigError` with every mistake, if there is any.
    """
    return _FileReader(path, document_of(path)).config()


def document_of(path: Path, budget: Budget = CONFIGURATION) -> yaml_lines.Document:
    """What a file in YAML says. Raises :class:`ConfigError` if it cannot be read, is none, or is beyond ``budget``."""
    try:
        return yaml_lines.parse(_text(path, budget), budget)
    except yaml_lines.UnreadableError as error:
        raise ConfigError([Mistake(str(path), error.line, "", error.message)]) from None


@cache
def _known() -> Known:
    return Known(schema())


def _text(path: Path, budget: Budget) -> str:
    try:
        raw = budget.read_path(path)
    except BudgetError as error:
        raise ConfigError([Mistake(str(path), 1, "", str(error))]) from None
    except (OSError, ValueError) as error:  # a path may have a NUL in it, or half a surrogate pair
        found = getattr(error, "strerror", None) or str(error)
        raise ConfigError([Mistake(str(path), 1, "", f"{found}, want a file that can be read")]) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = f"got the byte 0x{raw[error.start]:02X}, want UTF-8"
        raise ConfigError([Mistake(str(path), line, "", found)]) from None


class _FileReader:
    """One file being read: the document, and the mistakes found so far."""

    def __init__(self, path: Path, document: yaml_lines.Document) -> None:
        self._path, self._document = path, document
        self._mistakes: list[Mistake] = []
        for key, line, first in document.repeats:
            self._add(key, f"written twice, first on line {first}; want it once", line)

    def config(self) -> Config:
        value = self._document.value
        if not isinstance(value, dict):
            raise ConfigError([Mistake(str(self._path), 1, "", f"got {shown(value)}, want a mapping of sections")])
        config, unsure = self._validated(value)
        for where, message in check(config, unsure):
            self._add(where, message)
        if self._mistakes:
            raise ConfigError(self._mistakes)
        return with_versions(config)

    def _validated(self, value: dict[Any, Any]) -> tuple[Config, set[str]]:
        """The configuration, made of what is right in it, and the names of the sections where something is wrong."""
        context = {"folder": self._path.absolute().parent}
        try:
            return model().model_validate(value, context=context), set()
        except ValidationError as errors:
            wrong = [self._tell(error) for error in errors.errors(include_url=False)]
        return model().model_validate(_sound(value, wrong), context=context), {path[0] for path in wrong}

    def _tell(self, error: ErrorDetails) -> yaml_lines.Path:
        """Note one of pydantic's errors; returns where it stands in the file."""
        location = error["loc"]
        path = self._place(location, is_key=error["type"] in ("missing", "extra_forbidden"))
        match error["type"]:
            case "missing":
                wanted = _known().keys(location[:-1]).get(str(location[-1]))
                message = f"missing, want {wanted}" if wanted else "missing"
            case "extra_forbidden":
                message = f"unknown key, {suggest(path[-1], _known().keys(location[:-1]))}"
            case "union_tag_invalid":
                path = (*path, "kind")
                message = _unknown_kind(error["ctx"]["tag"], error["ctx"]["expected_tags"], str(location[0]))
            case "union_tag_not_found":
                path, message = (*path, "kind"), "missing, want the kind of it"
            case _:
                message = wording(error)
        self._add(path, message)
        return path

    def _place(self, location: tuple[str | int, ...], is_key: bool) -> yaml_lines.Path:
        """The keys that lead to ``location``, which also has names of kinds and of pydantic's own in it."""
        path: list[str] = []
        node: Any = self._document.value
        for depth, step in enumerate(location):
            is_kind = _chooses_by_kind(location[:depth])
            is_there = isinstance(step, int) if isinstance(node, list) else isinstance(node, dict) and step in node
            if is_there and not is_kind:
                node = node[step]
            elif not (is_key and depth == len(location) - 1):
                continue
            path.append(str(step))
        return tuple(path)

    def _add(self, path: yaml_lines.Path, message: str, line: int | None = None) -> None:
        steps = (step if step.isprintable() else repr(step) for step in path)
        where = "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in steps).removeprefix(".")
        self._mistakes.append(Mistake(str(self._path), line or self._document.line(path), where, message))


def _unknown_kind(kind: str, known: str, section: str) -> str:
    """That there is no such kind; or that there is, and why it cannot be used."""
    refused = (channel_kinds() if section == "channels" else queue_kinds()).refused
    if kind in refused:
        return f'kind "{kind}": {refused[kind]}'
    kinds = known.replace("'", "").split(", ")
    return f'unknown kind "{kind}", {suggest(kind, kinds)}'


def _chooses_by_kind(location: tuple[str | int, ...]) -> bool:
    """Whether what stands at ``location`` is read as its kind wants it; the kind is the next step then."""
    match location:
        case (("watch" | "channels"), _) | ("senders", _, "replies"):
            return True
    return False


def _sound(value: dict[Any, Any], wrong: list[yaml_lines.Path]) -> dict[Any, Any]:
    """``value`` without what is wrong: without the one watch, sender or channel, or without the whole section."""
    sound = {name: dict(section) if isinstance(section, dict) else section for name, section in value.items()}
    for path in wrong:
        if len(path) > 1 and path[0] in _NAMED and isinstance(sound.get(path[0]), dict):
            sound[path[0]].pop(path[1], None)
        else:
            sound.pop(path[0], None)
    return _STAND_INS | sound
