"""What spam filters write into headers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail.ways import way

from canary.mail.spam import FILTERS

SAID = {
    "X-Spam-Status: Yes, score=7.1 required=5.0 tests=BAYES_99,HTML": ("SpamAssassin", True, 7.1),
    "X-Spam-Status: No, score=-1.9 required=5.0\r\n\ttests=NONE": ("SpamAssassin", False, -1.9),
    "X-Spam-Flag: YES": ("SpamAssassin", True, None),
    "X-Spam-Score: 3.2 (+++)": ("SpamAssassin", None, 3.2),
    "X-Spamd-Result: default: False [3.20 / 15.00];\r\n\tR_SPF_ALLOW(-0.2)": ("Rspamd", False, 3.2),
    "X-Spamd-Result: default: True [19.20 / 15.00]": ("Rspamd", True, 19.2),
    "X-Spam-Action: add header": ("Rspamd", True, None),
    "X-Rspamd-Action: no action": ("Rspamd", False, None),
    "X-Forefront-Antispam-Report: CIP:192.0.2.7;CTRY:DE;LANG:en;SCL:5;SRV:;IPV:NLI;SFV:SPM;H:x;CAT:SPM;SFTY:;":
        ("Microsoft 365", True, 5),
    "X-Forefront-Antispam-Report:\r\n\tCIP:192.0.2.7;SCL:1;SFV:NSPM;CAT:NONE;": ("Microsoft 365", False, 1),
    "X-Forefront-Antispam-Report: CIP:192.0.2.7;SCL:-1;SFV:SKN": ("Microsoft 365", False, -1),
    "X-Forefront-Antispam-Report: CIP:192.0.2.7;SCL:9;SFV:NSPM;CAT:HPHISH;": ("Microsoft 365", True, 9),
    "X-MS-Exchange-Organization-SCL: 6": ("Exchange", True, 6),
    "X-MS-Exchange-Organization-SCL: -1": ("Exchange", False, -1),
    "X-Microsoft-Antispam: BCL:7;ARA:1": ("Microsoft 365, bulk", None, 7),
    "X-Gm-Spam: 1": ("Google", True, None),
    "X-Gm-Phishy: 0": ("Google, phishing", False, None),
    "X-Proofpoint-Spam-Details: rule=notspam policy=default score=12 spamscore=0": ("Proofpoint", False, 12),
    "X-Proofpoint-Spam-Details: rule=inbound_spam_definite policy=inbound score=100": ("Proofpoint", True, 100),
    "X-Proofpoint-Spam-Details: rule=inbound_notspam policy=inbound score=0": ("Proofpoint", False, 0),
    "X-Mimecast-Spam-Score: 9": ("Mimecast", True, 9),
    "X-Mimecast-Spam-Score: 1": ("Mimecast", False, 1),
    "X-Barracuda-Spam-Status: No, SCORE=0.42 using global scores": ("Barracuda", False, 0.42),
    "X-SES-Spam-Verdict: FAIL": ("Amazon SES", True, None),
    "X-Bogosity: Ham, tests=bogofilter, spamicity=0.001": ("Bogofilter", False, 0.001),
    "X-DSPAM-Result: Innocent": ("DSPAM", False, None),
    "X-VR-SPAMSTATE: spam:low": ("Vade", True, None),
    "X-TM-AS-Result: No--5.125-10.0-31-10": ("Trend Micro", False, 5.125),
    "X-Spam-Verdict: unsure": ("a filter", None, None),
}  # fmt: skip


@pytest.mark.parametrize("header", list(SAID))
def test_what_a_filter_says(header: str) -> None:
    [verdict] = way(f"{header}\r\n".encode()).spam
    assert (verdict.product, verdict.spam, verdict.score) == SAID[header]
    assert verdict.said.isprintable()


def test_the_topmost_of_a_field_and_no_more_than_ten() -> None:
    twice = way(b"X-Spam-Flag: YES\r\nX-Spam-Flag: NO\r\n")
    assert [verdict.spam for verdict in twice.spam] == [True]
    assert len(way(b"".join(f"{name}: 1\r\n".encode() for name in FILTERS)).spam) == 10


@given(
    st.sampled_from(sorted(FILTERS)),
    st.binary(max_size=300) | st.text(alphabet="score=1.9-+e[]/:;SCLrulespam ").map(str.encode),
)
def test_anything_is_short_and_fits_into_an_event(name: str, raw: bytes) -> None:
    for verdict in way(name.encode() + b": " + raw.replace(b"\n", b" ").replace(b"\r", b" ") + b"\r\n").spam:
        assert len(verdict.said) <= 100
        json.dumps(verdict.score, allow_nan=False)
