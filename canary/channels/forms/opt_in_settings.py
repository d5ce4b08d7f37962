"""The settings of a form that sends its reporter a link, and takes the report once that was followed."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from canary.channels import READ_WITHIN
from canary.channels.forms.home import Place
from canary.channels.forms.steps import Click, Confirm, as_click
from canary.settings import Duration, ListOf, Settings


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from error
    return value


class OptInSettings(Settings):
    """The mail with the link, and what the page behind it says."""

    link: Annotated[str, AfterValidator(_pattern)] = Field(
        description="regular expression of the whole address of the link: no other one is followed"
    )
    confirm: Confirm = Field(description="what the page behind the link says when it took the report")
    hosts: ListOf[Place] = Field(
        (), description="further HOST or HOST:PORT, besides those of the form, on which the link may be"
    )
    within: Duration = Field(300.0, description="how long the mail may take")

    def longest(self) -> float:
        """How many seconds it may take until it is known what became of mail and link."""
        return self.within + READ_WITHIN + self.confirm.within


class WebOptInSettings(OptInSettings):
    """The same, where a browser follows the link."""

    button: Annotated[Click | None, BeforeValidator(as_click)] = Field(
        None, description="what to click on the page behind the link, for one that asks for it"
    )
