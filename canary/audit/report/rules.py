"""The data an auditor may want to change: deadlines with their dates, and the table of controls. YAML, both.

Each is in the package; an operator names a file of the same form in the configuration (``audit.deadlines``,
``audit.controls``). A file that is wrong is refused whole, with every mistake and its line.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, RootModel, ValidationError

from canary.config import ConfigError, Mistake
from canary.config.load import document_of
from canary.config.mistakes import wording
from canary.config.sections import Day, Line, Profile
from canary.settings import Duration, ListOf, Settings

_HERE = Path(__file__).parent


class Measure(StrEnum):
    """The results that a control may refer to."""

    AVAILABILITY = "availability"
    EXCEPTIONS = "exceptions"
    LATENCY = "latency"
    RESPONSE = "response"
    POPULATION = "population"
    DOWNTIME = "downtime"
    HOLDS = "holds"
    CHANNELS = "channels"
    EVIDENCE = "evidence"


class Duty(Settings):
    """What is owed from a day on, by which section, and read in which text."""

    id: Line
    section: Line
    since: Day = Field(alias="from")
    read_in: Line
    what: Line
    limit: Duration
    owed_to: ListOf[Literal["reporter", "subscriber"]]


class Duties(Settings):
    """What is owed for one type of certificates; ``rules`` in any order."""

    title: Line
    rules: Annotated[ListOf[Duty], Field(min_length=1)]

    def at(self, day: date) -> Duty:
        """The newest rule that was there on ``day``; where none was yet, the oldest."""
        known = [rule for rule in self.rules if rule.since <= day] or [min(self.rules, key=lambda rule: rule.since)]
        return max(known, key=lambda rule: rule.since)


class Reference(Settings):
    """Where an audit scheme asks for the same; ``verified`` says that somebody read it there.

    As text it is empty unless it was: a reference that nobody confirmed is in no report.
    """

    reference: Line
    verified: bool

    def __str__(self) -> str:
        return self.reference if self.verified else ""


class Control(Settings):
    """A requirement, the control that meets it, how it is tested, and which results tell of it."""

    section: Line
    profiles: ListOf[Profile]
    requirement: Line
    webtrust: Reference
    etsi: Reference
    control: Line
    test: Line
    measures: ListOf[Annotated[Measure, BeforeValidator(lambda v: Measure(v) if v in list(Measure) else v)]]


class _DutiesFile(RootModel[dict[Profile, Duties]]):
    pass


class _ControlsFile(RootModel[ListOf[Control]]):
    pass


_Model = TypeVar("_Model", _DutiesFile, _ControlsFile)


@cache
def duties(profile: str, file: Path | None = None) -> Duties:
    """What is owed for certificates of ``profile``. Raises ConfigError if ``file`` is wrong or lacks the profile."""
    path = file or _HERE / "deadlines.yaml"
    known = _read(path, _DutiesFile).root
    if profile not in known:
        raise ConfigError([Mistake(str(path), 1, profile, "missing, want the rules of this profile")])
    return known[profile]


@cache
def controls(profile: str, file: Path | None = None) -> tuple[Control, ...]:
    """The controls for certificates of ``profile``. Raises ConfigError if ``file`` is wrong."""
    return tuple(c for c in _read(file or _HERE / "controls.yaml", _ControlsFile).root if profile in c.profiles)


def _read(path: Path, model: type[_Model]) -> _Model:
    document = document_of(path)
    try:
        return model.model_validate(document.value)
    except ValidationError as wrong:
        mistakes = []
        for found in wrong.errors(include_url=False):
            where = tuple(str(step) for step in found["loc"])
            words = {"missing": "missing", "extra_forbidden": "unknown key"}.get(found["type"]) or wording(found)
            mistakes.append(Mistake(str(path), document.line(where), ".".join(where), words))
        raise ConfigError(mistakes) from None
