"""A minimal reader of DER (ITU-T X.690): definite lengths, written the one right way, and nothing left over."""

from __future__ import annotations

from dataclasses import dataclass

from .findings import RefusedError, require

INTEGER, OCTETS, OID, SEQUENCE, SET, TIME = 0x02, 0x04, 0x06, 0x30, 0x31, 0x18


@dataclass(frozen=True, slots=True)
class Value:
    """A value: its tag, its content, and both with the length as they stood."""

    tag: int
    content: bytes
    raw: bytes

    def children(self) -> list[Value]:
        """The values inside a constructed one. Raises RefusedError."""
        found, rest = [], self.content
        while rest:
            value, rest = _first(rest)
            found.append(value)
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
            if byte < 0x80:
                numbers.append(arc)
                arc = 0
        require(bool(numbers), "an empty object identifier")
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


def read(raw: bytes) -> Value:
    """The one value that these bytes are. Raises RefusedError."""
    value, rest = _first(raw)
    require(not rest, "bytes behind the end of an ASN.1 value")
    return value


def _first(raw: bytes) -> tuple[Value, bytes]:
    try:
        tag, length, start = raw[0], raw[1], 2
        require(tag & 0x1F != 0x1F, "an ASN.1 tag of several bytes")
        if length >= 0x80:
            count = length & 0x7F
            start += count
            require(1 <= count <= 4 and len(raw) >= start, "an ASN.1 length that is not DER")
            length = int.from_bytes(raw[2:start], "big")
            require(length >= 0x80 and raw[2] != 0, "an ASN.1 length that is not DER")
    except IndexError as error:
        raise RefusedError("an ASN.1 value that is cut off") from error
    require(len(raw) >= start + length, "an ASN.1 value that is cut off")
    return Value(tag, raw[start : start + length], raw[: start + length]), raw[start + length :]
