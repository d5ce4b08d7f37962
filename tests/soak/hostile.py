"""Hostile input, made from good examples and the words of a language by a seed: the same seed, the same input.

What breaks parsers is rarely random bytes. It is an example with a piece cut out, doubled, swapped or moved, a word of
the language where none belongs, a number that is too large, a structure that never ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

_NUMBERS = [
    b"0",
    b"-1",
    b"1",
    b"4294967296",
    b"9" * 30,
    b"1e999",
    b"0x10",
    b"00",
    b"2147483648",
    b"18446744073709551616",
]
_ODD = [
    b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\t", b" ", b"\xff", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", "\u202e\u200b\u00ad".encode(), "\U0001f600".encode(), "\u0131\u212a".encode(), b"\x1b[31m",
    b"<", b">", b'"', b"'", b"\\", b"=", b":", b";", b",", b"(", b")", b"[", b"]", b"{", b"}", b"-", b"%", b"=?", b"?=",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Language:
    """Good examples, and the words of which more are made; no input is longer than ``longest`` bytes."""

    examples: Sequence[bytes]
    words: Sequence[bytes] = ()
    longest: int = 20_000

    def case(self, rng: Random) -> bytes:
        """One hostile input."""
        kind = rng.random()
        if kind < 0.10:
            return rng.randbytes(rng.choice([0, 1, 2, 5, 40, 300]))
        if kind < 0.30:
            return b"".join(self._word(rng) for _ in range(rng.choice([1, 2, 5, 20, 100])))[: self.longest]
        text = rng.choice(self.examples)
        for _ in range(rng.choice([1, 1, 1, 2, 3, 5, 12])):
            text = self._changed(text, rng)
        return text[: self.longest]

    def unit(self, rng: Random) -> tuple[bytes, bytes, bytes]:
        """A beginning, a piece to be repeated many times, and an end."""
        example = rng.choice(self.examples)
        cut = rng.randrange(len(example) + 1)
        piece = b"".join(self._word(rng) for _ in range(rng.choice([1, 1, 2, 3]))) or b"a"
        return (example[:cut], piece, example[cut:]) if rng.random() < 0.7 else (b"", piece, b"")

    def _word(self, rng: Random) -> bytes:
        return rng.choice(rng.choice([self.words or _ODD, self.words or _ODD, _ODD, _NUMBERS]))

    def _changed(self, text: bytes, rng: Random) -> bytes:
        at, to = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        piece = text[at : min(to, at + rng.choice([1, 4, 30, 1000]))]
        match rng.randrange(9):
            case 0:
                return text[:at]
            case 1:
                return text[:at] + text[at + len(piece) :]
            case 2:
                return text[:at] + piece * rng.choice([2, 3, 10, 200]) + text[at + len(piece) :]
            case 3:
                return text[:at] + self._word(rng) + text[at:]
            case 4:
                return text[:at] + self._word(rng) * rng.choice([2, 10, 100, 1000]) + text[at:]
            case 5:
                return text[:at] + self._word(rng) + text[at + len(piece) :]
            case 6 if text:
                changed = bytearray(text)
                for _ in range(rng.choice([1, 2, 8])):
                    changed[rng.randrange(len(changed))] = rng.randrange(256)
                return bytes(changed)
            case 7:
                other = rng.choice(self.examples)
                return text[:at] + other[rng.randrange(len(other) + 1) :]
            case _:
                return text[at:] + text[:at]
