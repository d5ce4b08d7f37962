"""The parts of a message: those that another program makes, and those that nobody should."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage, Message

from hypothesis import given
from hypothesis import strategies as st

from canary.budgets import Budget
from canary.mail.reading import read_mail

TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=40)
SHAPES = st.recursive(
    st.one_of(TEXT, TEXT.map(lambda text: (text, "html"))),
    lambda inner: st.one_of(st.lists(inner, min_size=1, max_size=3), inner.map(lambda one: {"enclosed": one})),
    max_leaves=6,
)


def made(shape: object) -> EmailMessage:
    """A message of texts, parts and enclosed messages."""
    message = EmailMessage()
    message["Subject"] = "a message"
    match shape:
        case str():
            message.set_content(shape)
        case tuple():
            message.set_content(shape[0], subtype=shape[1])
        case list():
            message.make_mixed()
            for inner in shape:
                message.attach(made(inner))
        case dict():
            message.make_mixed()
            message.add_attachment(made(shape["enclosed"]), filename="report.eml")
    return message


@given(SHAPES, st.sampled_from([b"\n", b"\r\n"]))
def test_the_parts_are_those_of_another_reader(shape: object, line_end: bytes) -> None:
    raw = made(shape).as_bytes().replace(b"\n", line_end)
    theirs = list(message_from_bytes(raw).walk())
    ours = read_mail(raw)
    assert ours.cut is None
    assert [part.type for part in ours.parts] == [part.get_content_type() for part in theirs]
    assert [part.name for part in ours.parts] == [part.get_filename() or "" for part in theirs]
    for mine, other in zip(ours.parts, theirs, strict=True):
        if mine.is_text:
            payload = other.get_payload(decode=True)
            assert isinstance(payload, bytes)
            assert mine.content().rstrip(b"\r\n") == payload.rstrip(b"\r\n")


def parts(raw: bytes) -> list[tuple[str, bytes]]:
    return [(part.type, part.content()) for part in read_mail(raw).parts if part.main_type != "multipart"]


def test_a_multipart_in_all_its_ways() -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\n\nnobody reads this\n"
    two = b"--b\n\none\n--b\nContent-Type: text/html\n\n<p>two</p>\n"
    wanted = [("text/plain", b"one"), ("text/html", b"<p>two</p>")]
    assert parts(head + two + b"--b--\nnor this\n") == wanted
    assert parts((head + two + b"--b--\n").replace(b"\n", b"\r\n")) == wanted
    assert parts(head + two.replace(b"--b\n", b"--b \t\n") + b"--b--") == wanted
    assert parts(head + two) == [wanted[0], ("text/html", b"<p>two</p>\n")]  # cut short
    assert parts(head.replace(b"=b", b'="b"') + two + b"--b--") == wanted
    assert parts(head + b"--bb\n" + two + b"--bb--\n--b--") == [wanted[0], ("text/html", b"<p>two</p>\n--bb--")]
    assert parts(b"Content-Type: multipart/mixed\n\n" + two) == []  # no boundary


def test_the_outer_boundary_ends_what_is_inside() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n"
        b"--i\n\none\n--o\n\ntwo\n--o--\n"
    )
    assert [content for _, content in parts(raw)] == [b"one", b"two"]


def test_a_digest_is_of_messages() -> None:
    raw = b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\ntext\n--b--\n"
    assert [part.type for part in read_mail(raw).parts] == ["multipart/digest", "message/rfc822", "text/plain"]
    assert read_mail(raw).parts[-1].field("subject") == "one"


def test_fields() -> None:
    head = read_mail(
        b"Subject: =?utf-8?q?=C3=BC?=\r\n and more\r\nsubject: second\r\nX :y\r\nno field\r\n\r\nbody"
    ).head
    assert head.field("SUBJECT") == "ü and more"
    assert head.field("X") == "y"
    assert head.field("absent") == ""
    assert (head.has("x"), head.has("absent")) == (True, False)


def test_without_a_header_all_is_body() -> None:
    for raw in (b"hello you\nand you\n", b"\nhello you\nand you\n"):
        assert read_mail(raw).head.text() == "hello you\nand you\n"
    assert read_mail(b"").head.text() == ""


def test_a_type_that_is_none_is_text() -> None:
    for value in (b"", b"text", b"/", b"a/", b";", b"text/plain/x; a=b"):
        assert read_mail(b"Content-Type: " + value + b"\n\nx").head.is_text


def test_a_budget_of_ones_own() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 9 + b"--b--"
    mail = read_mail(raw, Budget("a notice", number=4))
    assert len(mail.parts) == 4
    assert str(mail.cut) == "a notice: more than 4 parts"
    assert read_mail(raw, Budget("a notice", number=10)).cut is None


def test_a_message_of_another_reader_is_a_message() -> None:
    inner = Message()
    inner["Subject"] = "inner"
    inner.set_payload("text")
    outer = EmailMessage()
    outer.make_mixed()
    outer.attach(made("outer"))
    outer.add_attachment(made("inner text"))
    mail = read_mail(outer.as_bytes())
    enclosed = next(part for part in mail.parts if part.type == "message/rfc822")
    assert b"inner text" in enclosed.content()
