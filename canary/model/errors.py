"""The one root of every error of ours, and the one that says that something of ours is broken."""

from __future__ import annotations

from canary.model.words import Component


class CanaryError(Exception):
    """The root of every error of ours, for whoever calls the library and need not know its parts.

    Its text is for people: what is wrong, where, what to do about it, and never a secret. An error that is also one of
    Python's (a ValueError) stands under that as well.
    """


class OwnFaultError(CanaryError):
    """Something of ours is broken: never counted for or against the CA.

    ``reason`` is a short snake_case word from the raiser's closed list (it becomes a metric label), ``detail`` a
    sentence for people that never holds a secret.
    """

    def __init__(self, component: Component, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.component, self.reason, self.detail = component, reason, detail
