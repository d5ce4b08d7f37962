"""What spam filters wrote into a header, by the fields that each is known to write. Pure, linear; never raises.

Anybody can have written them, the sender's own provider among others: they tell where to look, and prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from canary.mail.words import unfolded
from canary.model import SpamVerdict

_MOST = 10
"""Verdicts that are told of one message, the topmost."""
_LONGEST, _LONGEST_SAID = 2000, 100
"""Characters of a field that are looked at, and that are kept."""

_NUMBER = r"([+-]?[0-9]{1,6}(?:\.[0-9]{1,6})?)(?![0-9])"
_BARE = rf"^\s*+{_NUMBER}"
_YES = (
    r"(?i)^\W*(?:yes|true|1\b|spam|junk|phish|bulk|fail|reject|quarantine|definite|probable|confirmed|suspect"
    r"|add header|rewrite subject|soft reject)"
)
_NO = r"(?i)^\W*(?:no\b|false|0\b|ham\b|not|innocent|clean|pass|ok\b|whitelisted|legit)"


@dataclass(frozen=True, slots=True)
class _Filter:
    """How one field of a filter is read: what says spam, what says none, and where the score stands; "" for nothing.

    ``limit`` is the score from which it is spam, where the field says no more than that.
    """

    product: str
    spam: str = ""
    clean: str = ""
    score: str = ""
    limit: float | None = None


_SPAMD = r"\bscore\s{0,3}=\s{0,3}" + _NUMBER
_SFV = {"spam": "SPM|SKS|SKB|BLK|SKQ", "clean": "NSPM|SKA|SKN|SKI|SFE|RLSD"}

FILTERS = {
    "x-forefront-antispam-report": _Filter(
        "Microsoft 365",
        rf"(?:^|[;\s])(?:SFV:(?:{_SFV['spam']})|CAT:(?:SPM|HSPM|PHSH|HPHISH|HPHSH|BULK|MALW|SPOOF|GIMP|UIMP|DIMP|AMP|SAP))(?:;|$)",
        rf"(?:^|[;\s])SFV:(?:{_SFV['clean']})(?:;|$)",
        rf"(?:^|[;\s])SCL:{_NUMBER}",
        limit=5,
    ),
    "x-ms-exchange-organization-scl": _Filter("Exchange", score=_BARE, limit=5),
    "x-microsoft-antispam": _Filter("Microsoft 365, bulk", score=rf"(?:^|[;\s])BCL:{_NUMBER}"),
    "x-gm-spam": _Filter("Google", r"^\s*+1\b", r"^\s*+0\b"),
    "x-gm-phishy": _Filter("Google, phishing", r"^\s*+1\b", r"^\s*+0\b"),
    "x-proofpoint-spam-details": _Filter(
        "Proofpoint",
        r"(?i)\brule=(?!notspam|not_spam|safe|inbound_notspam|outbound_notspam)\w*(?:spam|phish|bulk|malware|adult|suspect)",
        r"(?i)\brule=\w*(?:notspam|not_spam|safe)",
        r"(?i)\bscore=" + _NUMBER,
    ),
    "x-mimecast-spam-score": _Filter("Mimecast", score=_BARE, limit=5),
    "x-mimecast-spam-signature": _Filter("Mimecast, signature", _YES, _NO),
    "x-mimecast-bulk-signature": _Filter("Mimecast, bulk", _YES, _NO),
    "x-spamd-result": _Filter(
        "Rspamd", r"(?i)^[^:]{0,40}:\s*+true\b", r"(?i)^[^:]{0,40}:\s*+false\b", rf"\[\s*{_NUMBER}\s*/"
    ),
    "x-rspamd-action": _Filter("Rspamd", _YES, r"(?i)^\s*+(?:no action|greylist)"),
    "x-rspamd-score": _Filter("Rspamd", score=_BARE),
    "x-spam-action": _Filter("Rspamd", _YES, r"(?i)^\s*+(?:no action|greylist)"),
    "x-spam-status": _Filter("SpamAssassin", _YES, _NO, _SPAMD),
    "x-spam-flag": _Filter("SpamAssassin", _YES, _NO),
    "x-spam-score": _Filter("SpamAssassin", score=_BARE),
    "x-spam": _Filter("a filter", _YES, _NO),
    "x-spam-verdict": _Filter("a filter", _YES, _NO),
    "x-barracuda-spam-status": _Filter("Barracuda", _YES, _NO, r"(?i)\bscore=" + _NUMBER),
    "x-barracuda-spam-flag": _Filter("Barracuda", _YES, _NO),
    "x-barracuda-spam-score": _Filter("Barracuda", score=_BARE),
    "x-ses-spam-verdict": _Filter("Amazon SES", _YES, _NO),
    "x-ironport-anti-spam-filtered": _Filter("Cisco"),
    "x-amp-result": _Filter("Cisco", r"(?i)malicious", r"(?i)clean|skipped|unknown"),
    "x-sophos-spam-status": _Filter("Sophos", _YES, _NO),
    "x-fortimail-spam": _Filter("FortiMail", _YES, _NO),
    "x-vade-spamstate": _Filter("Vade", _YES, _NO),
    "x-vr-spamstate": _Filter("Vade", _YES, _NO),
    "x-vr-spamscore": _Filter("Vade", score=_BARE),
    "x-bogosity": _Filter("Bogofilter", _YES, _NO, r"\bspamicity=" + _NUMBER),
    "x-dspam-result": _Filter("DSPAM", _YES, _NO),
    "x-purgate-type": _Filter("eXpurgate", _YES, _NO),
    "x-tm-as-result": _Filter("Trend Micro", _YES, _NO, rf"(?i)^\s*+(?:yes|no)-+{_NUMBER}"),
}
"""By field, in lower case."""


def spam_verdicts(fields: Iterable[tuple[str, bytes]]) -> tuple[SpamVerdict, ...]:
    """What the filters of :data:`FILTERS` say, in the order of the header; one field counts once, the topmost."""
    found: dict[str, SpamVerdict] = {}
    for name, value in fields:
        if name in FILTERS and name not in found and len(found) < _MOST:
            found[name] = _verdict(FILTERS[name], unfolded(value[: 2 * _LONGEST])[:_LONGEST])
    return tuple(found.values())


def _verdict(by: _Filter, text: str) -> SpamVerdict:
    told = re.search(by.score, text) if by.score else None
    score = float(told[1]) if told else None
    spam: bool | None = None
    if by.spam and re.search(by.spam, text):
        spam = True
    elif by.clean and re.search(by.clean, text):
        spam = False
    elif score is not None and by.limit is not None:
        spam = score >= by.limit
    said = "".join(character if character.isprintable() else " " for character in text)
    return SpamVerdict(by.product, spam, score, said[:_LONGEST_SAID])
