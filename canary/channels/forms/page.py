"""What a form's page says, as a visitor sees it and as a reason tells it; shared by both kinds of form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from canary.channels import UnusableError
from canary.channels.forms.steps import plain

_CAPTCHAS = {
    "reCAPTCHA": ("recaptcha",),
    "hCaptcha": ("hcaptcha", "h-captcha"),
    "Turnstile": ("challenges.cloudflare.com", "cf-turnstile"),
    "Friendly Captcha": ("friendlycaptcha", "friendly-challenge", "frc-captcha"),
    "a CAPTCHA": ("captcha",),
}
_CAPTCHA_LABELS = ("captcha", "security code", "characters in the image", "characters shown", "not a robot")


@dataclass(frozen=True, slots=True)
class FormField:
    """A field that a visitor sees. ``kind`` is its input type, or textarea, select, radio (one for a whole group)."""

    label: str
    kind: str
    required: bool = False
    options: tuple[str, ...] = ()
    multiple: bool = False
    form: int = -1
    """Which of the page's forms it belongs to; -1 for none."""
    name: str = ""
    """What it is sent under."""

    def called(self, label: str) -> FormField:
        """The same under another label."""
        return replace(self, label=label)


@dataclass(frozen=True, slots=True)
class Button:
    """A button that a visitor sees, and its form."""

    label: str
    form: int = -1


@dataclass(frozen=True, slots=True)
class LeftEmpty:
    """A field that is made for robots, or that no visitor sees, and why that is thought."""

    label: str
    why: str


@dataclass(frozen=True, slots=True)
class PageFacts:
    """A page as a visitor sees it. ``sources`` are the addresses and class names that give a CAPTCHA away."""

    text: str
    errors: tuple[str, ...] = ()
    fields: tuple[FormField, ...] = ()
    buttons: tuple[Button, ...] = ()
    sources: tuple[str, ...] = field(default=(), repr=False)
    left_empty: tuple[LeftEmpty, ...] = ()
    closed: tuple[str, ...] = ()
    """Elements that show something, and hide from scripts what that is made of."""

    @property
    def captcha(self) -> str | None:
        """Whose CAPTCHA the page has, if any."""
        sources = " ".join(self.sources).lower()
        for name, signs in _CAPTCHAS.items():
            if any(sign in sources for sign in signs):
                return name
        labels = [item.label.lower() for item in self.fields]
        return "a CAPTCHA" if any(sign in label for label in labels for sign in _CAPTCHA_LABELS) else None

    @property
    def login(self) -> bool:
        """Whether the page asks for a password."""
        return any(item.kind == "password" for item in self.fields)

    def with_sources(self, sources: Iterable[str]) -> PageFacts:
        """These facts, and the signs of a CAPTCHA on the page before: an answer to a form often lacks them."""
        return replace(self, sources=(*self.sources, *sources))

    def hurdle(self) -> str:
        """The CAPTCHA or login wall on the page as the beginning of a sentence, or nothing."""
        if self.login:
            return "login wall: the page asks for a password; "
        return f"CAPTCHA: the page has {self.captcha}; " if self.captcha else ""

    def words(self, before: Iterable[str] = ()) -> str:
        """What the page says: its errors that were not there ``before``, else the beginning of its text."""
        known = set(before)
        fresh = [error for error in self.errors if error not in known]
        if fresh:
            return short("; ".join(dict.fromkeys(fresh)), 500)
        return short(self.text, 300)

    def not_confirmed(self, wanted: str, before: Iterable[str] = ()) -> UnusableError:
        """The page answered, and the answer is not a confirmation."""
        return UnusableError(f"{self.hurdle()}not confirmed: page says {self.words(before)!r}, want {wanted!r}")

    def lacks(self, what: str, wanted: str) -> UnusableError:
        """A field (or button) that the configuration needs is not there."""
        names = [item.label for item in (self.buttons if what == "button" else self.fields)]
        got = ", ".join(repr(short(name, 60)) for name in names[:30])
        return UnusableError(f"{self.hurdle()}{what} not found: got {what}s [{got}], want {wanted!r}")


def short(text: str, most: int) -> str:
    """``text`` on one line, without control characters, cut to ``most`` characters."""
    text = " ".join(text[: 100 * most].split())  # a page is long, and white space may be most of it
    clean = "".join(character if character.isprintable() else " " for character in text)
    clean = plain(clean)
    return clean if len(clean) <= most else clean[: most - 1] + "…"
