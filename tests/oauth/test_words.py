"""What is to be changed, by what token servers and mail servers say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.oauth.words import AADSTS, is_transient, login_advice, token_advice, with_advice


def test_each_code_of_microsofts_says_what_to_change() -> None:
    for code, words in AADSTS.items():
        assert token_advice(f"invalid_client: AADSTS{code}: Something happened. Trace ID: 1") == words
        assert len(words.split()) > 4


def test_a_code_that_is_not_known_falls_back_to_the_word_of_the_standard() -> None:
    assert "look at auth.client_id" in token_advice("invalid_client: AADSTS7999999: Something new.")


MAIL = {
    "NO User is authenticated but not connected.": "Add-MailboxPermission",
    "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.": "switch it on",
    "NO AUTHENTICATE failed.": "IMAP.AccessAsApp",
    "535 5.7.3 Authentication unsuccessful [FR1P152CA.FRAP152.PROD.OUTLOOK.COM]": "SMTP.SendAsApp",
    "NO [ALERT] Your account is not enabled for IMAP use. (Failure)": "Admin console",
    "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure) (status 400, scope https://mail.google.com/)": "username",
    "535 5.7.8 no (status 401, schemes Bearer)": "look at username",
}


@pytest.mark.parametrize("said", list(MAIL))
def test_what_a_mail_server_refuses_is_told_with_what_to_change(said: str) -> None:
    assert MAIL[said] in login_advice(said)


@pytest.mark.parametrize("said", ["", "NO [UNAVAILABLE] try later", "535 nothing that is known"])
def test_what_is_not_known_is_left_as_it_is(said: str) -> None:
    assert with_advice(said, login_advice(said)) == said


@given(st.text(max_size=2000))
def test_no_text_is_too_much(said: str) -> None:
    for words in (token_advice(said), login_advice(said)):
        assert isinstance(words, str)
    assert is_transient(said) in (True, False)
