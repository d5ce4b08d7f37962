"""Marks: whatever a mail system does to one, it is read again; whatever somebody else makes up, it is not genuine."""

from __future__ import annotations

import base64
import string
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.mime.text import MIMEText
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.budgets import BudgetError
from canary.mark import Keyring, halves, new_probe_id
from canary.model import MARK_LENGTH

ALPHABET = string.ascii_lowercase + "234567"
RING = Keyring([b"the key of this installation....."])
STRANGER = Keyring([b"the key of another installation.."])

probe_ids = st.text(ALPHABET, min_size=16, max_size=16)
times = st.integers(0, 7_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
marks = st.builds(RING.make, probe_ids, times)
tokens = st.text(ALPHABET, min_size=MARK_LENGTH, max_size=MARK_LENGTH)
words = st.text("aehilnorst ,.-", max_size=60).map(lambda text: text + " ")
prefixes = st.sampled_from(["", "> ", "| ", ">", ">> ", "> > ", ": ", "    "])
line_ends = st.sampled_from(["\n", "\r\n"])


def genuine(text: str) -> list[str]:
    return [found.text for found in RING.find(text) if found.genuine]


def genuine_in(message: bytes) -> list[str]:
    return [found.text for found in RING.find_in_message(message) if found.genuine]


# What a mark says


@given(probe_ids, times)
def test_a_mark_tells_its_probe_and_its_time(probe: str, at: datetime) -> None:
    read = RING.read(RING.make(probe, at))
    assert (read.probe, read.made_at, read.genuine) == (probe, at, True)


def test_no_part_of_a_mark_is_constant() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    made = [RING.make(new_probe_id(), at) for _ in range(200)]
    assert all(len({mark[place] for mark in made}) > 10 for place in range(MARK_LENGTH))


@given(marks)
def test_halves_make_up_the_mark(mark: str) -> None:
    first, second = halves(mark)
    assert first + second == mark
    assert len(first) == len(second)


# What mail systems do to text


@given(marks, words, words, st.sampled_from([str.upper, str.lower, str.title, str.swapcase]))
def test_case_does_not_matter(mark: str, before: str, after: str, change: object) -> None:
    assert genuine(change(f"{before}{mark} {after}")) == [mark]  # type: ignore[operator]


@given(marks, words, words, st.integers(20, 200), prefixes, line_ends)
def test_survives_a_hard_wrap_at_any_width(
    mark: str, before: str, after: str, width: int, prefix: str, line_end: str
) -> None:
    text, room = f"{before}{mark} {after}", width - len(prefix)
    lines = [prefix + text[start : start + room] for start in range(0, len(text), room)]
    assert genuine(line_end.join(lines)) == [mark]


@given(marks, st.text("aehilnorst", max_size=70))
def test_survives_quoted_printable_soft_breaks(mark: str, before: str) -> None:
    for start in range(len(before) % 7, MARK_LENGTH, 7):
        assert genuine(f"{before} {mark[:start]}=\r\n{mark[start:]}=20\r\n") == [mark]


@given(marks, st.lists(st.integers(1, MARK_LENGTH - 1), max_size=8), st.data())
def test_survives_conversion_to_html(mark: str, cuts: list[int], data: st.DataObject) -> None:
    inside = ["<wbr>", "<b>", "</span><span class='x'>", "\u00ad", "&shy;", "&#8203;", "\u200b", "&zwnj;", "\ufeff"]
    cut = mark
    for place in sorted(set(cuts), reverse=True):
        cut = cut[:place] + data.draw(st.sampled_from(inside)) + cut[place:]
    around = data.draw(
        st.sampled_from(
            [
                "<p>Reference {}</p>",
                "first line<br>{}<br/>next line",
                "<td>Reference</td><td>{}</td><td>next</td>",
                "Message-ID: &lt;{}@probe.example&gt;",
                "&quot;{}&quot;",
                "<a href='mailto:x@y.example'>{}</a>",
            ]
        )
    )
    assert genuine(around.format(cut)) == [mark]


@given(marks, st.integers(1, MARK_LENGTH - 1))
def test_survives_a_wrapped_quotation_in_html(mark: str, place: int) -> None:
    first, second = mark[:place], mark[place:]
    assert genuine(f"<pre>&gt; Reference {first}\r\n&gt; {second}.</pre>") == [mark]
    assert genuine(f"&gt;&nbsp;Reference {first}<br>\r\n&gt;&nbsp;{second}<br>\r\nnext") == [mark]


@given(marks, marks)
def test_reads_every_mark_of_a_text_once(one: str, other: str) -> None:
    assert set(genuine(f"{one} {other}\n> {one.upper()}")) == {one, other}


# What mail systems do to messages


@given(
    marks, st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-7", "iso-8859-2", "koi8-r", "gb18030", "iso-2022-jp"])
)
def test_survives_another_character_set(mark: str, charset: str) -> None:
    part = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert genuine_in(part.encode() + base64.encodebytes(f"Ref: {mark}.".encode(charset))) == [mark]


@given(marks, st.sampled_from(["7bit", "8bit", "quoted-printable", "base64"]), st.sampled_from(["plain", "html"]))
def test_survives_another_transfer_encoding(mark: str, encoding: str, subtype: str) -> None:
    message = EmailMessage()
    message.set_content(
        f"Číslo hlášení: {mark}, děkuji.\n" if encoding != "7bit" else f"{mark}\n", subtype=subtype, cte=encoding
    )
    assert genuine_in(message.as_bytes()) == [mark]


def in_subject(mark: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = f"Zpráva o certifikátu {mark} – prosím o vyřízení bez zbytečného odkladu"
    return message


def in_body(mark: str) -> EmailMessage:
    message = EmailMessage()
    message.set_content("see below")
    message.add_alternative(f"<p>{mark[:9]}<wbr>{mark[9:]}</p>", subtype="html", cte="base64")
    return message


def in_attachment_name(mark: str) -> EmailMessage:
    message = EmailMessage()
    message.set_content("see the file")
    message.add_attachment(b"\x00\x01", maintype="application", subtype="zip", filename=f"důkaz-{mark}.zip")
    return message


def in_message_id(mark: str) -> EmailMessage:
    message = EmailMessage()
    message["Message-ID"] = f"<{mark}@probe.example>"
    return message


def in_envelope_sender(mark: str) -> EmailMessage:
    message = EmailMessage()
    message["Return-Path"] = f"<SRS0=Xy3=AB=probe.example=bounce+{mark}@forwarder.example>"
    return message


def in_enclosed_message(mark: str) -> EmailMessage:
    message = EmailMessage()
    message.set_content("forwarded")
    message.add_attachment(in_attachment_name(mark))
    return message


@given(marks)
@pytest.mark.parametrize(
    "build", [in_subject, in_body, in_attachment_name, in_message_id, in_envelope_sender, in_enclosed_message]
)
def test_one_place_is_enough(build: object, mark: str) -> None:
    assert genuine_in(build(mark).as_bytes()) == [mark]  # type: ignore[operator]


@given(marks, st.integers(1, MARK_LENGTH - 1), st.sampled_from(["attachment; filename", "x; name"]))
def test_reads_names_split_by_rfc_2231(mark: str, place: int, header: str) -> None:
    kind, parameter = header.split("; ")
    name = "Content-Disposition" if kind == "attachment" else "Content-Type"
    value = kind if kind == "attachment" else "application/zip"
    lines = (
        f"{name}: {value};\r\n {parameter}*0*=utf-8''{quote('důkaz-')}{mark[:place]};\r\n"
        f'\t{parameter}*1="{mark[place:]}.zip"\r\n\r\nx'
    )
    assert genuine_in(lines.encode()) == [mark]


@given(marks, st.sampled_from("qb"), st.integers(1, MARK_LENGTH - 1))
def test_reads_names_and_subjects_in_encoded_words(mark: str, encoding: str, place: int) -> None:
    pieces = [
        Header(piece, "utf-8").encode() if encoding == "b" else f"=?utf-8?q?{piece}?="
        for piece in (mark[:place], mark[place:])
    ]
    words = "\r\n ".join(pieces)
    assert genuine_in(f"Subject: {words}\r\n\r\nx".encode()) == [mark]
    assert genuine_in(f'Content-Disposition: attachment; filename="{words}"\r\n\r\nx'.encode()) == [mark]


@given(marks)
def test_one_broken_part_hides_no_other(mark: str) -> None:
    message = EmailMessage()
    message.set_content("see below")
    message.add_alternative(MIMEText(mark, "plain", "utf-16"))
    broken = b"Message-ID: <>\r\nSubject: =?utf-8?b?x?=\r\nTo: ((((\r\nContent-Disposition: ;;;=\r\n"
    assert genuine_in(broken + message.as_bytes()) == [mark]


# What is not ours


@given(marks, st.integers(0, MARK_LENGTH - 1), st.sampled_from(ALPHABET))
def test_a_changed_character_is_never_genuine(mark: str, place: int, character: str) -> None:
    forged = mark[:place] + character + mark[place + 1 :]
    assert RING.read(forged).genuine is (forged == mark)
    assert genuine(forged) == ([mark] if forged == mark else [])


@given(marks, st.integers(0, MARK_LENGTH - 1), st.characters(exclude_categories=["Cs"]))
def test_no_other_alphabet_spells_a_mark(mark: str, place: int, character: str) -> None:
    changed = mark[:place] + character + mark[place + 1 :]
    if character.isascii() and character.lower() == mark[place]:
        assert RING.read(changed).genuine
    else:
        try:
            assert not RING.read(changed).genuine
        except ValueError:
            assert character not in ALPHABET + ALPHABET.upper()


@given(tokens)
def test_random_characters_are_never_genuine(token: str) -> None:
    found = RING.find(f"see {token}.")
    assert [(mark.text, mark.probe, mark.genuine) for mark in found] == [(token, token[:16], False)]


@given(probe_ids, times)
def test_marks_of_another_installation_are_not_genuine(probe: str, at: datetime) -> None:
    assert not RING.read(STRANGER.make(probe, at)).genuine


@given(marks, st.text(ALPHABET, min_size=1, max_size=3))
def test_a_part_of_a_longer_word_is_no_mark(mark: str, more: str) -> None:
    assert RING.find(mark + more) == RING.find(more + mark) == []


@given(tokens, marks)
def test_genuine_ones_come_first(token: str, mark: str) -> None:
    assert RING.find(f"{token} {mark} {token[::-1]}")[0].text == mark


# What is hostile


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    assert not genuine(text)


@given(st.binary(max_size=2000))
def test_no_bytes_are_too_strange(raw: bytes) -> None:
    assert not genuine_in(raw)


PIECES = (
    b"Content-Type: |multipart/mixed; |boundary=b\n|--b\n|\n|message/rfc822\n|text/html|; charset=|nonsense|utf-16|hex"
    b"|\n\n|Content-Transfer-Encoding: base64\n|=?x?b?|?=|\xff\xfe|filename*0*=|Content-Disposition: attachment; "
    b"|Subject: |''%ff|=\n|<|&#x110000;|&#55296;"
).split(b"|")


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_no_message_is_too_strange(pieces: list[bytes]) -> None:
    assert not genuine_in(b"".join(pieces))


MILLION = 1_000_000


def nested(depth: int) -> bytes:
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth))


def counted(size: int, end: bytes) -> bytes:
    """Base32 of the numbers in ``size`` bytes, each followed by ``end``, a million characters of it."""
    return b"".join(base64.b32encode(n.to_bytes(size, "big")) + end for n in range(MILLION // (size * 8 // 5 + 1)))


HOSTILE = {
    "blanks": b" " * MILLION,
    "one word": b"a" * MILLION + b"!\n",
    "empty lines": b"\r\n" * (MILLION // 2),
    "tokens": counted(25, b" "),
    "open tags": b"<" * MILLION,
    "open entities": b"&" * MILLION,
    "subject": b"Subject: " + b"a " * (MILLION // 2) + b"\n\n",
    "encoded words": b"Subject: " + b"=?a?q?" * (MILLION // 6) + b"\n\n",
    "addresses": b"To: " + b"a," * (MILLION // 2) + b"\n\n",
    "comments": b"To: " + b"(" * MILLION + b"\n\n",
    "parameters": b"Content-Type: text/plain; " + b'a="' * (MILLION // 3) + b"\n\n",
    "many headers": b"Content-Disposition: a; filename*0=b\n" * (MILLION // 37) + b"\n",
    "nested parts": nested(MILLION // 50),
    "few nested parts": nested(50) + b"\n" * MILLION,
    "nested messages": b"Content-Type: message/rfc822\n\n" * (MILLION // 30),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_megabyte_is_read_to_its_end(raw: bytes) -> None:
    mark = RING.make(new_probe_id(), datetime(2026, 3, 1, tzinfo=UTC))
    assert genuine_in(raw + f"\nsee {mark}\n".encode()) == [mark]


BEYOND = {"200000 lines": b"a\n" * (MILLION // 2), "30000 words of a mark's shape": counted(5, b"\n")}
"""What is not read to its end, by the limit that it reaches."""


@pytest.mark.parametrize("limit", BEYOND)
def test_more_than_is_searched_is_told_unless_the_mark_came_before(limit: str) -> None:
    mark = RING.make(new_probe_id(), datetime(2026, 3, 1, tzinfo=UTC))
    found = f"\nsee {mark}\n".encode()
    assert genuine_in(found + BEYOND[limit]) == [mark]
    with pytest.raises(BudgetError, match=f"more than {limit}"):
        genuine_in(BEYOND[limit] + found)


def test_a_keyring_wants_whole_keys() -> None:
    with pytest.raises(ValueError, match="at least one key, and every key at least 32 bytes"):
        Keyring([])
    with pytest.raises(ValueError, match="at least 32 bytes"):
        Keyring([b"short"])


@pytest.mark.parametrize("text", ["", "a" * 39, "a" * 41, "a" * 39 + "1", "a" * 34 + "======", "a" * 39 + "\u212a"])
def test_what_has_not_the_shape_of_a_mark_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="40 characters of base32"):
        RING.read(text)


@pytest.mark.parametrize("digits", [5000, 500_000])
def test_a_reference_to_no_character_hides_no_mark(digits: int) -> None:
    made = RING.make(new_probe_id(), datetime(2026, 3, 1, tzinfo=UTC))
    assert genuine(f"<p>&#{'9' * digits};</p> {made[:20]}<b>{made[20:]}</b>") == [made]
