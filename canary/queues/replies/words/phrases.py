"""How the tables of phrases are written, and how they are found in a text. Pure, and linear in the text's length.

A table has a line a language: phrases, ``/`` between them. In a phrase ``(a|b|)`` is a choice, ``x?`` may be missing,
``~`` is up to 60 characters, ``#`` a number, ``$`` the end; ``[`` stands for any bracket. Phrases are stems: they begin where a word begins, and may end within one. Accents, case
and kinds of apostrophes and hyphens do not count, since mail loses them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cached_property

_ALIKE = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "\u00ad": "", "\u200b": "", "\u200e": "", "\u200f": ""}
    | dict.fromkeys("’‘ʼ`´′", "'")
    | dict.fromkeys("‐‑‒–—―", "-")
    | dict.fromkeys("“”„«»", '"')
)  # fmt: skip
_SYNTAX = {"~": ".{0,60}?", "#": r"\d+", "(": "(?:", "|": "|", ")": ")", "?": "?", "$": "$"}
_BRACKETS = str.maketrans("()（）", "[][]")


def folded(text: str) -> str:
    """A text on one line, without accents, case, and the differences that tell nothing."""
    return _plain(text.translate(_BRACKETS))


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.translate(_ALIKE).casefold().translate(_ALIKE))
    return " ".join("".join(filter(_counts, letters)).split())


def _counts(character: str) -> bool:
    return character.isascii() or not unicodedata.combining(character)


class Phrases:
    """What finds any phrase of some tables in a :func:`folded` text; made when it is first asked."""

    def __init__(self, *tables: Mapping[str, str]) -> None:
        self._tables = tables

    def search(self, text: str) -> re.Match[str] | None:
        """The first phrase in the text."""
        return self._pattern.search(text)

    def found(self, text: str) -> frozenset[str]:
        """Every phrase in the text, as it stands there."""
        return frozenset(self._pattern.findall(text))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        lines = [line for table in self._tables for line in table.values()]
        phrases = dict.fromkeys(_plain(phrase.strip()) for line in lines for phrase in line.split(" / "))
        unspaced = "|".join(_pattern(phrase) for phrase in phrases if _is_unspaced(phrase))
        spaced = "|".join(_pattern(phrase) for phrase in phrases if not _is_unspaced(phrase))
        return re.compile(
            rf"(?:(?<!\w)(?=[\w\[])(?:{spaced})" + (rf"|(?={_UNSPACED})(?:{unspaced})" if unspaced else "") + ")"
        )


def _pattern(phrase: str) -> str:
    return "".join(_SYNTAX.get(one) or re.escape(one) for one in phrase.replace(" ~ ", "~"))


_UNSPACED = "[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]"
"""Scripts that write no spaces between words: Thai, kana, Chinese characters. A phrase may begin anywhere in them."""


def _is_unspaced(phrase: str) -> bool:
    first = next((one for one in phrase if one.isalpha()), "a")
    return bool(re.match(_UNSPACED, first))
