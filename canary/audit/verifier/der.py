"""A minimal reader of DER (ITU-T X.690): definite lengths, written the one right way, and nothing left over."""

from __future__ import annotations

from dataclasses import dataclass

from .findings import RefusedError, require

_LARGEST_ARC = 1 << 128  # UUIDs have as many bits (ITU-T X.667)
INTEGER, OCTETS, OID, SEQUENCE, SET, TIME = 0x02, 0x04, 0x06, 0x30, 0x31, 0x18


@dataclass(frozen=True, slots=True)
class Value:
    """A value: its tag, its content, and both with the length as they stood."""

    tag: int
    content: bytes
    raw: bytes

    def children(self) -> list[Value]:
        """The values inside a constructed one. Raises RefusedError."""
        found, start = [], 0
        while start < len(self.content):
            found.append(_value_at(self.content, start))
            start += len(found[-1].raw)
        return found

    def single(self, tag: int) -> Value:
        """The one value inside, with this tag. Raises RefusedError."""
        inside = self.children()
        require(len(inside) == 1, f"{len(inside)} values, wanted one")
        return inside[0].expect(tag)

    def expect(self, tag: int) -> Value:
        """The value itself, if it has this tag. Raises RefusedError."""
        require(self.tag == tag, f"an ASN.1 value with tag {self.tag:#04x}, wanted {tag:#04x}")
        return self

    def number(self) -> int:
        """The value of an INTEGER. Raises RefusedError."""
        return int.from_bytes(self.expect(INTEGER).content, "big", signed=True)

    def oid(self) -> str:
        """The value of an OBJECT IDENTIFIER, with dots. Raises RefusedError."""
        numbers, arc = [], 0
        for byte in self.expect(OID).content:
            arc = arc << 7 | byte & 0x7F
            require(arc < _LARGEST_ARC, "an object identifier with too large a number")
            if byte < 0x80:
                numbers.append(arc)
                arc = 0
        require(bool(numbers), "an empty object identifier")
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


def read(raw: bytes) -> Value:
    """The one value that these bytes are. Raises RefusedError."""
    value = _value_at(raw, 0)
    require(len(value.raw) == len(raw), "bytes behind the end of an ASN.1 value")
    return value


def _value_at(whole: bytes, place: int) -> Value:
    """The value that begins there; nothing behind it is copied, or many small ones would take for ever."""
    try:
        tag, length, start = whole[place], whole[place + 1], place + 2
        require(tag & 0x1F != 0x1F, "an ASN.1 tag of several bytes")
        if length >= 0x80:
            count = length & 0x7F
            start += count
            require(1 <= count <= 4 and len(whole) >= start, "an ASN.1 length that is not DER")
            length = int.from_bytes(whole[place + 2 : start], "big")
            require(length >= 0x80 and whole[place + 2] != 0, "an ASN.1 length that is not DER")
    except IndexError as error:
        raise RefusedError("an ASN.1 value that is cut off") from error
    require(len(whole) >= start + length, "an ASN.1 value that is cut off")
    return Value(tag, whole[start : start + length], whole[place : start + length])
