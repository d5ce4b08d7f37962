"""Whose refusal a reply is, by its words, by the command, and by whose server said it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.channels.email.blame import Route, blame
from canary.channels.email.smtp import Refusal, SmtpFault, SmtpStep

PROVIDER = Route("smtp.probe.example", "robin@probe.example", "problems@ca.example", logs_in=True)
STRANGER = Route("mx.hosting.example", "robin@probe.example", "problems@ca.example", logs_in=False)
CAS_MX = Route("mx1.ca.example", "robin@probe.example", "problems@ca.example", logs_in=False)
ACCOUNT_AT_CA = Route("smtp.ca.example", "robin@probe.example", "problems@ca.example", logs_in=True)
STEPS = (SmtpStep.RCPT, SmtpStep.DATA, SmtpStep.END)


def refusal(reply: str, step: SmtpStep = SmtpStep.RCPT) -> Refusal:
    """As the connection makes it: the code, and the lines without it."""
    lines = reply.split("\n")
    return Refusal(step, int(lines[0][:3]), "\n".join(line[4:] for line in lines))


SURELY_OURS = {
    "554 5.2.252 SendAsDenied; u@probe.example not allowed to send as robin+x@probe.example": "sender_refused",
    "550 5.7.60 SMTP; Client does not have permissions to send as this sender": "sender_refused",
    "553 5.7.1 <robin+x@probe.example>: Sender address rejected: not owned by user u@probe.example": "sender_refused",
    "550 You are not authorised to send mail on behalf of robin@probe.example": "sender_refused",
    "550 5.4.5 Daily user sending limit exceeded": "quota",
    "550-5.4.5 Daily SMTP relay sending limit exceeded for user. For more information on\n"
    "550-5.4.5 SMTP relay sending limits please go to\n550 5.4.5 https://support.example/a/166852": "quota",
    "554 5.1.90 Your message can't be sent because you've reached your daily limit": "quota",
    "452 4.5.3 Too many recipients this hour": "quota",
    "550 5.7.1 Message rejected: you have exceeded the maximum number of messages per hour": "quota",
    "421 4.7.0 Rate limit: try again later": "quota",
    "550 Das Sendelimit Ihres Postausgangs ist überschritten": "quota",
    "550 Vous avez dépassé la limite d'envoi quotidienne": "quota",
    "550 Ha superado el límite diario de mensajes": "quota",
    "550 Превышен лимит отправки писем": "quota",
    "550 送信制限を超えました": "quota",
    "550 5.7.1 Unable to relay": "relay_denied",
    "554 5.7.1 <problems@ca.example>: Relay access denied": "relay_denied",
    "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)": "relay_denied",
    "550 Relaying nicht erlaubt: Weiterleitung an fremde Domains ist gesperrt": "relay_denied",
    "530 5.7.0 Authentication required": "auth_failed",
    "530 5.7.57 Client not authenticated to send mail": "auth_failed",
    "550 5.7.1 You must log in before you may send to problems@ca.example": "auth_failed",
    "503 5.5.1 Anmeldung erforderlich": "auth_failed",
    "550 需要身份验证": "auth_failed",
    "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org": "blocklisted",
    "554 5.7.1 Rejected by our outbound spam filter": "message_refused",
    "554 5.2.0 OutboundSpamException: verdict is Suspend. [Hostname=DB7.mail-host.example]": "message_refused",
    "550 Zu viele E-Mails in der letzten Stunde": "quota",
    "550 发送频率过多，请稍后再试": "quota",
    "550 5.1.8 You are not allowed to send mail": "sender_refused",
    "550 Your account has been suspended": "sender_refused",
}
"""What speaks of the sender: nobody's but our own provider's, whether we log in to it or not."""

OURS_WITH_A_LOGIN = {
    "550 5.1.1 <problems@ca.example>: Recipient address rejected: User unknown": "recipient_refused",
    "550 5.7.1 The recipient problems@ca.example is blocked by your organisation": "recipient_refused",
    "550 Sending to ca.example is not possible for you": "recipient_refused",
    "550 5.2.2 <problems@ca.example> mailbox over quota": "recipient_refused",
    "450 4.1.2 <problems@ca.example>: Recipient address rejected: Domain not found": "deferred",
    "452 4.3.1 Insufficient system storage": "deferred",
    "451 4.7.1 Try again later": "deferred",
    "552 5.3.4 Message size exceeds fixed limit": "message_refused",
    "554 5.7.1 Spam message rejected": "message_refused",
    "550 5.7.0 Ihr Absender ist gesperrt": "sender_refused",
    "550 5.7.502 Access denied, banned sender": "sender_refused",
    "554 Email address is not verified: robin@probe.example": "sender_refused",
    "550 Ihr Konto ist gesperrt": "sender_refused",
    "550 帐户已被冻结": "sender_refused",
    "550 5.7.1 relay.probe.example does not know quota.ca.example@x": "recipient_refused",
    "554 5.2.122 The recipient has exceeded their limit for the messages they can receive": "recipient_refused",
    "550 host filter.probe.example[198.51.100.7] said: 550 5.7.1 no": "recipient_refused",
    "550 host 127.0.0.1[127.0.0.1] said: 550 5.7.0 no": "recipient_refused",
    "554 5.7.1 host filter[10.1.2.3] said: 554 no (in reply to end of DATA command)": "recipient_refused",
    "550": "recipient_refused",
    "550 no": "recipient_refused",
}
"""What may be anybody's: that of a server that we log in to."""

THE_CAS = (
    "550 5.1.1 host mx.ca.example said: 550 5.1.1 user unknown",
    "550 5.1.1 <problems@ca.example>: Recipient address rejected: undeliverable address: host "
    "mx.ca.example[192.0.2.25] said: 550 5.1.1 unknown (in reply to RCPT TO command)",
    "554 5.7.1 host aspmx.mail-host.example[203.0.113.9] said: 554 5.7.1 sender refused",
    "550 mx.ca.example refused to talk to me: 554 no",
    "550-SMTP error from remote mail server after RCPT TO:<problems@ca.example>:\n550 550 5.1.1 Unknown user",
    "550 5.1.1 Remote server returned '550 5.1.1 User unknown'",
    "554 192.0.2.25 does not like recipient. Remote host said: 550 no mailbox here",
    "550 5.0.0 while talking to mx.hosted.example.: >>> RCPT 550 unknown",
    "550-Verification failed\n550-Called:   192.0.2.25\n550-Sent:     RCPT TO:<problems@ca.example>\n"
    "550 Response: 550 no such user",
    "450 4.2.1 mx2.ca.example[192.0.2.25]:25: 450 mailbox busy",
    "550 mx.ca.example meldete: 550 Empfänger unbekannt",
    "550 El servidor remoto respondió: 550 usuario desconocido",
    "550 Le serveur distant a répondu : 550 utilisateur inconnu",
    "550 Удалённый сервер ответил: 550 нет такого пользователя",
    "550 远程服务器回复: 550 无此用户",
    "552 5.2.2 host mx.ca.example said: 552 5.2.2 mailbox over quota",
    "550 5.7.1 host mx.ca.example said: 550 5.7.1 Client host [198.51.100.9] blocked using zen.spamhaus.org",
    "550 host out.probe.example said: 550 host mx.ca.example said: 550 unknown",
    "451 4.4.1 connect to mx.ca.example[192.0.2.25]:25: Connection refused",
    "550 5.1.1 refused by ca.example",
    "550 5.1.1 Remote host said: 550 unknown",
    "550 Reporting-MTA: dns; relay.probe.example, Remote-MTA: dns; mx.ca.example, Diagnostic: smtp; 550 no",
    "550-Callback setup failed while verifying <problems@ca.example>\n550 (result of an earlier callout reused).",
    "550 Der empfangende Server meldete: 550 unbekannt",
    "550 Serwer odbiorcy zwrócił: 550 nieznany",
    "554 delivery error: This user doesn't have an account - mta4.mail.ca.example",
    "550 MX.CA.EXAMPLE. said: 550 no",
)
"""What another server said, or where the CA's is named."""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("route", [PROVIDER, STRANGER, ACCOUNT_AT_CA], ids=["provider", "stranger", "account at CA"])
def test_what_speaks_of_the_sender_is_ours(route: Route, step: SmtpStep) -> None:
    assert {reply: blame(refusal(reply, step), route) for reply in SURELY_OURS} == SURELY_OURS


@pytest.mark.parametrize(("reply", "fault"), OURS_WITH_A_LOGIN.items())
def test_what_may_be_anybodys_is_that_of_the_server_that_we_log_in_to(reply: str, fault: str) -> None:
    assert blame(refusal(reply), PROVIDER) == fault
    at_the_end = {"recipient_refused": "message_refused"}.get(fault, fault)
    assert [blame(refusal(reply, step), PROVIDER) for step in (SmtpStep.DATA, SmtpStep.END)] == [at_the_end] * 2


@pytest.mark.parametrize("step", [SmtpStep.MAIL, *STEPS])
@pytest.mark.parametrize("route", [PROVIDER, STRANGER, CAS_MX], ids=["provider", "stranger", "MX"])
def test_what_the_cas_server_said_is_the_cas_whoever_repeats_it(route: Route, step: SmtpStep) -> None:
    assert [reply for reply in THE_CAS if blame(refusal(reply, step), route) is not None] == []


ANYBODYS = ("550 5.1.1 no such user", "552 5.7.0 attachments not accepted", "450 4.2.1 mailbox busy", "554 no")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("reply", ANYBODYS)
def test_a_plain_refusal_is_the_cas_where_mail_is_handed_to_its_server(reply: str, step: SmtpStep) -> None:
    said = Route("127.0.0.1", "robin@probe.example", "problems@ca.example", logs_in=True, submits_to="ca")
    assert {blame(refusal(reply, step), route) for route in (STRANGER, CAS_MX, ACCOUNT_AT_CA, said)} == {None}


@pytest.mark.parametrize("reply", [*ANYBODYS, *OURS_WITH_A_LOGIN])
def test_a_relay_of_our_own_that_asks_for_no_login_can_be_said_to_be_ours(reply: str) -> None:
    own = Route("mx.ca.example", "robin@probe.example", "problems@ca.example", logs_in=False, submits_to="provider")
    assert blame(refusal(reply), own) is not None


@pytest.mark.parametrize("reply", SURELY_OURS)
def test_an_mx_of_the_cas_that_will_not_have_strangers_refuses_what_is_for_the_ca(reply: str) -> None:
    assert blame(refusal(reply), CAS_MX) is None


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        (SmtpStep.GREETING, "session_refused"),
        (SmtpStep.EHLO, "session_refused"),
        (SmtpStep.NOOP, "session_refused"),
        (SmtpStep.STARTTLS, "tls_failed"),
        (SmtpStep.AUTH, "auth_failed"),
        (SmtpStep.MAIL, "sender_refused"),
    ],
)
@pytest.mark.parametrize("route", [PROVIDER, STRANGER, CAS_MX], ids=["provider", "stranger", "MX"])
def test_before_the_recipient_is_named_a_refusal_is_ours_wherever(route: Route, step: SmtpStep, fault: str) -> None:
    assert blame(refusal("554 no", step), route) == fault
    assert blame(refusal("451 later", step), route) == "deferred"
    assert blame(refusal("530 5.7.0 no", step), route) == "auth_failed"


@pytest.mark.parametrize(
    "name",
    ["ca.example.evil.test", "xca.example", "mx.ca.example.evil.test", "a@mx.ca.example", "mx.ca.example@x.test"],
)
def test_a_name_that_only_looks_like_the_cas_proves_nothing(name: str) -> None:
    assert blame(refusal(f"550 5.1.1 {name} unknown"), PROVIDER) is SmtpFault.RECIPIENT_REFUSED


@given(st.text(st.characters(categories=["L", "N"])), st.sampled_from(SmtpStep), st.integers(400, 599))
def test_a_word_is_never_the_cas_where_we_log_in(text: str, step: SmtpStep, code: int) -> None:
    assert blame(Refusal(step, code, text), PROVIDER) is not None


@given(st.text(), st.sampled_from(STEPS), st.integers(400, 599))
def test_whatever_the_cas_own_mx_says_to_a_stranger_is_the_cas(text: str, step: SmtpStep, code: int) -> None:
    assert blame(Refusal(step, code, text), CAS_MX) is None


@pytest.mark.parametrize("piece", ["a", "a.", "host ", "1.", "[", "limit ", "reached ", ":", "550 ", "é", "de "])
def test_eight_kilobytes_of_anything_are_read_to_their_end(piece: str) -> None:
    assert blame(Refusal(SmtpStep.RCPT, 550, piece * (8192 // len(piece))), PROVIDER) is not None
