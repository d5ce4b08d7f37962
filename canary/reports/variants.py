"""Every kind of report that can be sent.

The ids follow the incidents that showed them (V01 to V20) or that could (V21). V22 is the
certificate named in each of the ways that a CPS may promise (4.9.12), for channels that say which. V13, V14 and V17 are not here: they are
about who sends (free mail, researchers, domain owners) and when (Friday evening, night, holidays), so the configured
senders and the schedule cover them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from canary.settings import Naming


@dataclass(frozen=True, slots=True)
class Variant:
    """One kind of report.

    ``id`` becomes a metric label. ``incidents`` are the Mozilla Bugzilla bugs in which such a report was sent, or none
    for a variant that is only plausible. ``texts`` are the files of prose to choose from. ``languages`` pairs each
    language with the character set to write it in. ``attachments`` are file name extensions, of which one is chosen each
    time; ``pastes_key`` says that a key stands in the text, ``size`` how many characters that is meant to have (0: as they
    come), ``answers`` that it belongs to a thread. ``identifier`` is the way in which it names the channel's test certificate, if that is
    what it is about. ``needs_email`` says that it does not fit a plain web form.
    """

    id: str
    title: str
    incidents: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    languages: tuple[tuple[str, str], ...] = (("en", "utf-8"),)
    attachments: tuple[str, ...] = ()
    pastes_key: bool = False
    size: int = 0
    html: bool = False
    html_only: bool = False
    answers: bool = False
    identifier: Naming | None = None
    needs_email: bool = False

    @property
    def language(self) -> str:
        """The language, or the first of several."""
        return self.languages[0][0]

    @property
    def slow(self) -> bool:
        """Whether composing one takes more than a millisecond or two: a key or a file is made, or much text."""
        return bool(self.attachments or self.pastes_key or self.size)


_ARCHIVED = (1942877, 1942879, 1943528)
_KEYS = (1942241, 1942877, 1942879, 1693343)
_FOREIGN_CHARSETS = (
    ("de", "iso-8859-1"),
    ("pl", "iso-8859-2"),
    ("hu", "windows-1250"),
    ("zh", "gb18030"),
    ("ar", "windows-1256"),
)


def _archive(suffix: str, extension: str) -> Variant:
    title = f"key compromise, keys in a .{extension}"
    return Variant(f"V02-{suffix}", title, _ARCHIVED, ("V02",), attachments=(extension,), needs_email=True)


def _language(code: str, name: str) -> Variant:
    return Variant(f"V21-{code}", f"written in {name}", (), (code,), ((code, "utf-8"),))


def _identified(by: Naming, how: str) -> Variant:
    return Variant(f"V22-{by}", f"certificate named by {how}", (1942270,), ("V22",), identifier=by)


_ALL = (
    Variant("plain", "ordinary report about wrong data in a certificate", (), ("plain",)),
    Variant("V01", "key compromise, private key pasted into the text", _KEYS, ("V01",), pastes_key=True),
    Variant("V01-pkcs1", "key compromise, PKCS#1 key attached", _KEYS, ("V01-attached",), attachments=("pem",), needs_email=True),
    Variant("V01-pkcs8", "key compromise, PKCS#8 key attached", _KEYS, ("V01-attached",), attachments=("key",), needs_email=True),
    Variant(
        "V02", "key compromise, keys in an archive of any type", _ARCHIVED, ("V02",),
        attachments=("zip", "tar.gz", "tar.xz", "7z"), needs_email=True,
    ),
    _archive("zip", "zip"),
    _archive("tgz", "tar.gz"),
    _archive("txz", "tar.xz"),
    _archive("7z", "7z"),
    Variant("V03", "key compromise proven by a CSR", (1693343, 1639804), ("V03",), attachments=("csr",), needs_email=True),
    Variant("V04", "disclosure question, no leaf certificate", (1967929, 1966006), ("V04",)),
    Variant("V05", "lint finding with pasted output", (1905509, 1886626, 1888881), ("V05",)),
    Variant("V06", "OCSP error", (2052541,), ("V06",)),
    Variant("V07", "CRL signature, a short question with a command", (1970727,), ("V07",)),
    Variant("V08", "certificate-search links", (1885754, 1970727, 1619359), ("V08",)),
    Variant("V09", "repeat of an earlier report", (1967929, 1886626, 1888881, 2052541, 1970727), ("V09",), answers=True),
    Variant("V10", "lay person asking for help, no jargon", (1492006,), ("V10",)),
    Variant(
        "V11", "answer in a thread, with the requested key attached", (1942877, 1942879), ("V11",),
        attachments=("key",), answers=True, needs_email=True,
    ),
    Variant("V12", "too little proof", (1619359,), ("V12",)),
    Variant("V15", "two similar certificates", (1650845,), ("V15",)),
    Variant("V16", "batch of many certificates", (1942241, 1942877, 1942879), ("V16",)),
    Variant("V18", "signed malware, analysis as PDF", (1994454,), ("V18",), attachments=("pdf",), needs_email=True),
    Variant("V18-smime", "S/MIME certificate of a wrong holder", (1994454,), ("V18-smime",)),
    Variant("V19", "ordinary message of 18 kB", (1636141,), ("V19",), html=True),
    Variant("V20", "phishing site, with a screenshot", (), ("V20",), attachments=("png",), needs_email=True),
    Variant("V21-html", "HTML only", (), ("plain", "V04", "V10", "V12"), html=True, html_only=True, needs_email=True),
    _language("de", "German"),
    _language("pl", "Polish"),
    _language("hu", "Hungarian"),
    _language("zh", "Chinese"),
    _language("ar", "Arabic"),
    Variant("V21-charset", "not in UTF-8", (), (), _FOREIGN_CHARSETS, needs_email=True),
    Variant("V21-forwarded", "forwarded message attached", (), ("V21-forwarded",), attachments=("eml",), needs_email=True),
    Variant("V21-long", "very long message", (), ("V21-long",), size=60_000, needs_email=True),
    _identified("serial", "its serial number"),
    _identified("serial-colons", "its serial number with colons"),
    _identified("sha256", "its SHA-256"),
    _identified("sha256-upper", "its SHA-256 in upper case"),
    _identified("crt-sh", "a link to crt.sh"),
    _identified("pem", "itself, as PEM"),
)  # fmt: skip

VARIANTS: Mapping[str, Variant] = MappingProxyType({variant.id: variant for variant in _ALL})
"""Every variant by its id."""
