"""Every kind of report: what must be in it, what must never be, and that it is never the same."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from random import Random

import pytest
from reports.named import identifier_of

from canary.mark import Keyring, new_probe_id
from canary.model import Person, Report
from canary.reports import VARIANTS
from canary.reports.composer import compose

KEYS = Keyring([b"k" * 32])
PERSON = Person("Ada Quist", "ada@quist.example", "+49 30 5550100", "Quist GmbH")
OPERATOR, VERIFY = "Example Trust Ltd", "ask the duty officer, extension 4711"
CHEAP = [name for name in VARIANTS if name not in ("V01", "V01-pkcs1")]  # these make RSA keys
PROMISES = {  # what the notice says in each language: no revocation, no notice
    "en": (r"revo(cation|ked)", r"no subscriber|notice to (a|any) subscriber"),
    "de": (r"widerrufen|Widerruf", r"Zertifikatsinhaber"),
    "pl": (r"[Uu]nieważni", r"subskrybent"),
    "hu": (r"[Vv]issza", r"előfizető"),
    "zh": ("吊销", "订户"),
    "ar": ("إلغاء", "مشترك"),
}
WEB_HOST = re.compile(r"(?:https?://|@)([^\s/:<>\"']+)")
BARE_HOST = re.compile(r"\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|io|eu|de|pl|hu|cn|info|dev|ca|gov)\b")


def composed(variant: str, seed: int | str = 0, **given: object) -> Report:
    probe = new_probe_id()
    wanted: dict[str, object] = {
        "probe": probe,
        "mark": KEYS.make(probe, datetime.now(UTC)),
        "person": PERSON,
        "operator": OPERATOR,
        "verify": VERIFY,
        "at": datetime.now(UTC),
        "identifier": identifier_of(variant),
        "rng": Random(seed),
    }
    return compose(variant, **(wanted | given))  # type: ignore[arg-type]


def genuine(text: str) -> list[str]:
    return [mark.text for mark in KEYS.find(text) if mark.genuine]


def own_words(report: Report) -> str:
    """The body without the mark, the identifier, the lines of a log, the invented names and the numbers."""
    prose = (line for line in report.text.splitlines() if not line.endswith(" ms"))
    text = "\n".join(prose).replace(report.mark, "")
    text = text.replace(report.identifier.value if report.identifier else report.mark, "")
    return re.sub(r"\S+\.(example|test)\S*|[0-9a-f]{64}|\d+|[A-Z][a-z]+ [A-Z]\S*", "", text)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_carries_the_mark_and_says_what_it_is(variant: str) -> None:
    for seed in range(3 if variant not in CHEAP else 12):
        report = composed(variant, seed)
        assert report.variant == variant
        assert genuine(report.subject) == [report.mark]
        assert genuine(report.text) == [report.mark]
        assert all(genuine(attachment.name) == [report.mark] for attachment in report.attachments)
        lines = report.text.splitlines()
        assert lines[1] == lines[-2] == ""
        for line in (lines[0], lines[-1]):
            assert OPERATOR in line
            assert VERIFY in line
            assert report.probe in line
            assert "scheduled channel test" in line.lower()
            for promise in (*PROMISES["en"], *PROMISES[report.language]):
                assert re.search(promise, line), f"{promise} not in {line}"
        assert "\n" not in report.subject
        assert not re.search(r"\{[a-z]+\}", report.subject + report.text)
        assert "  " not in report.subject


@pytest.mark.parametrize("variant", CHEAP)
def test_a_blind_report_says_nothing_of_a_test(variant: str) -> None:
    for seed in range(8):
        report = composed(variant, seed, blind=True)
        assert genuine(report.text) == [report.mark]
        assert VERIFY not in report.text
        assert not re.search(
            r"channel test|scheduled|planmäßig|planow|ütemezett|定期|مجدول", report.text, re.IGNORECASE
        )


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize("variant", CHEAP)
def test_the_mark_stands_early_and_twice_so_that_a_text_that_is_cut_is_found(variant: str, blind: bool) -> None:
    for seed in range(4):
        report = composed(variant, seed, blind=blind, serial="0123456789")
        assert genuine(report.text[:200]) == [report.mark]
        assert report.text.count(report.mark) >= 2


@pytest.mark.parametrize("variant", CHEAP)
def test_nothing_points_to_anybody_real(variant: str) -> None:
    for seed in range(12):
        report = composed(variant, seed)
        everything = "\n".join([report.subject, report.text, report.html or "", report.references or ""])
        everything += "".join(a.content.decode() for a in report.attachments if a.media_type == "message/rfc822")
        for host in WEB_HOST.findall(everything):
            own = host == "crt.sh" and variant == "V22-crt-sh"
            assert own or host.rstrip(".,;)").endswith((".example", ".test")), host
        assert not BARE_HOST.findall(everything)
        assert "serial: " not in report.text.lower()


@pytest.mark.parametrize("variant", CHEAP)
def test_a_filter_cannot_learn_a_variant(variant: str) -> None:
    reports = [composed(variant, f"{variant}{seed}", blind=True) for seed in range(40)]
    assert len({own_words(report) for report in reports}) == len(reports)
    assert len({re.sub(report.mark, "", report.subject) for report in reports}) > 10
    runs = Counter[tuple[str, ...]]()
    for report in reports:
        words = re.findall(r"\w+|[\u4e00-\u9fff]", own_words(report).replace("\n", " "))
        runs.update({tuple(words[start : start + 6]) for start in range(len(words) - 5)})
    common, times = max(runs.items(), key=lambda item: item[1])
    assert times < len(reports) * 0.75, f"{times} of {len(reports)} say {' '.join(common)!r}"


def test_no_two_composes_are_alike_even_with_the_same_seed() -> None:
    assert composed("V01", 7).text != composed("V01", 7).text


def test_an_unknown_variant_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown variant 'V99'; wanted one of plain, V01, .*V21-long"):
        composed("V99")


def test_only_a_given_serial_is_printed() -> None:
    serial = "0FEDCBA987654321"
    for variant in ("plain", "V03", "V15", "V21-zh"):
        report = composed(variant, serial=serial)
        assert report.serial == serial
        assert report.text.count(serial) == 1


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name.startswith("V22-")])
def test_a_certificate_is_named_in_one_way_alone(variant: str) -> None:
    report = composed(variant, serial="0FEDCBA987654321", blind=True)
    assert report.identifier is not None
    assert report.identifier.value in report.text
    ways = {identifier_of(name) for name in VARIANTS} - {None, report.identifier}
    told = report.text.replace(report.identifier.value, "")
    assert "0FEDCBA987654321" not in report.text
    assert not [way for way in ways if way and way.value in told]
    with pytest.raises(ValueError, match=f"variant {variant} names a certificate, and there is none"):
        composed(variant, identifier=None)


def test_answers_refer_to_a_message() -> None:
    assert composed("V11", references="<asked@ca.example>").references == "<asked@ca.example>"
    for variant in ("V09", "V11"):
        assert re.fullmatch(r"<[0-9a-f]{20}@\S+\.(example|test)>", composed(variant).references or "")
    assert composed("plain", references="<asked@ca.example>").references is None


def test_html_holds_the_whole_text_and_its_notice() -> None:
    report = composed("V21-html", operator="A&B <Trust>")
    assert report.html_only
    assert report.html is not None
    assert "A&amp;B &lt;Trust&gt;" in report.html
    assert genuine(report.html) == [report.mark]
    ordinary = composed("V19")
    assert ordinary.html is not None
    assert not ordinary.html_only
    assert 14_000 < len(ordinary.text) + len(ordinary.html) < 22_000


def test_sizes() -> None:
    assert len(composed("V21-long").text) > 60_000
    assert len(composed("plain").text) < 3_000


def test_charsets_are_not_utf8_and_hold_the_text() -> None:
    used = set()
    for seed in range(60):
        report = composed("V21-charset", seed)
        report.text.encode(report.charset)
        used.add((report.language, report.charset))
    assert used == set(VARIANTS["V21-charset"].languages)


def test_names_that_a_charset_lacks_do_not_fall_back_to_utf8() -> None:
    for seed in range(10):
        report = composed("V21-charset", seed, operator="認証局 Ő")
        assert report.charset != "utf-8"
        assert "認証局 Ő" in report.text.encode(report.charset).decode(report.charset)


def test_braces_and_line_breaks_in_the_configuration_are_only_text() -> None:
    report = composed("plain", verify="see {this}\n<or|that>")
    assert "see {this} <or|that>" in report.text.splitlines()[0]


ROOT = "3b7f9a" * 10 + "01c8"


@pytest.mark.parametrize("variant", CHEAP)
@pytest.mark.parametrize("blind", [False, True])
def test_the_root_of_the_evidence_is_carried_once_and_is_no_mark(variant: str, blind: bool) -> None:
    for seed in range(6):
        report = composed(variant, seed, blind=blind, root=ROOT)
        assert report.text.count(ROOT) == 1
        assert report.html is None or report.html.count(ROOT) == 1
        assert [mark.text for mark in KEYS.find(report.text)] == [report.mark]
        assert ROOT not in composed(variant, seed, blind=blind).text
        assert not blind or not re.search(
            r"test|prüf(ung|e )|próba|teszt|测试|اختبار ", around(report.text), re.IGNORECASE
        )


def around(text: str) -> str:
    """The paragraph with the root hash."""
    return next(part for part in text.split("\n\n") if ROOT in part)


def test_the_root_is_said_in_many_ways() -> None:
    for variant in ("plain", "V10", "V21-de", "V21-pl", "V21-hu", "V21-zh", "V21-ar"):
        said = {around(composed(variant, seed, root=ROOT).text).replace(ROOT, "") for seed in range(60)}
        assert len(said) > 10, variant
