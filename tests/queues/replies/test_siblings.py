"""Siblings of each kind, in the words of many mail systems and languages: none of them has been taken for another."""

from __future__ import annotations

import pytest

from canary.mail.reading import read_mail
from canary.queues.replies.classify import ReplyKind as K
from canary.queues.replies.classify import read_reply

NULL = "Return-Path: <>"
DAEMON = "Mail Delivery Subsystem <mailer-daemon@mx.example>"


def m(subject: str, text: str, *headers: str, sender: str = "Anna <anna@ca.example>") -> bytes:
    """An answer to a report, as it lies in the sender's mailbox."""
    thread = ["In-Reply-To: <x@probe.example>", "References: <x@probe.example>"]
    lines = [*headers, f"From: {sender}", f"Subject: {subject}", "To: r@probe.example", *thread]
    return "\n".join([*lines, "Content-Type: text/plain; charset=utf-8", "", text]).encode()


DELAYS = [
    m(
        "Verzögerte Zustellung",
        "Ihre Nachricht an cpr@ca.example konnte bisher noch nicht zugestellt werden. Es wird weiter versucht.",
        NULL,
        sender=DAEMON,
    ),
    m(
        "Warning: message 1abc delayed 24 hours",
        "A message that you sent has not yet been delivered to one or more of its recipients after more than 24 hours on the queue.\ncpr@ca.example\nNo action is required on your part. Delivery attempts will continue.",
        NULL,
        sender=DAEMON,
    ),
    m(
        "Retard de remise",
        "Votre message n'a pas encore été remis à cpr@ca.example. De nouvelles tentatives seront faites.",
        sender="Postmaster <postmaster@mx.example>",
    ),
    m("配信遅延のお知らせ", "以下の宛先への配信が遅延しています。引き続き再送を試みます。", NULL, sender=DAEMON),
    m(
        "Delivery delayed:Question",
        "Delivery is delayed to these recipients or groups:\n\ncpr@ca.example\n\nSubject: Question\n\nThis message hasn't been delivered yet. Delivery will continue to be attempted.\nThe server will keep trying to deliver this message for the next 1 days, 19 hours.",
        sender="MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@ca.example",
    ),
    m(
        "Mail delivery temporarily deferred",
        "451 4.7.1 Greylisted, please try again later. We will retry for 3 days.\n<cpr@ca.example>",
        NULL,
        sender="MTA <mta@mx.example>",
    ),
    m(
        "Opóźnienie dostarczenia wiadomości",
        "Wiadomość do cpr@ca.example nie została jeszcze dostarczona. Kolejne próby nastąpią.",
        NULL,
        sender=DAEMON,
    ),
    m(
        "Delivery Status Notification (Delay)",
        "There was a temporary problem delivering your message to cpr@ca.example. Gmail will retry for 46 more hours. You'll be notified if the delivery fails permanently.",
        NULL,
        sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
    ),
    m(
        "Delivery incomplete",
        "There was a temporary problem delivering your message to cpr@ca.example. Gmail will retry for 46 more hours. You'll be notified if the delivery fails permanently.",
        NULL,
        sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
    ),
    m(
        "Предупреждение: доставка задерживается",
        "Ваше сообщение пока не доставлено cpr@ca.example. Попытки будут продолжены.",
        NULL,
        sender=DAEMON,
    ),
    m("邮件延迟通知", "您的邮件尚未送达 cpr@ca.example，系统将继续尝试投递。", NULL, sender=DAEMON),
    m(
        "Aviso: retraso en la entrega",
        "Su mensaje todavía no se ha podido entregar a cpr@ca.example. Se seguirá intentando durante 2 días.",
        NULL,
        sender=DAEMON,
    ),
]
FAILURES = [
    m(
        "Non remis : Question",
        "Échec de la remise pour les destinataires ou groupes suivants :\ncpr@ca.example\nL'adresse de messagerie est introuvable.",
        NULL,
        sender="postmaster@ca.example",
    ),
    m(
        "Unzustellbar: Question",
        "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:\ncpr@ca.example",
        NULL,
        sender="postmaster@ca.example",
    ),
    m(
        "Message undeliverable: Question",
        "Your message to cpr@ca.example wasn't delivered because the address couldn't be found.",
        sender="gateway@ca.example",
    ),
    m("failure notice", "Sorry, I couldn't find any host named ca.example. (#5.1.2)", sender="mx@ca.example"),
    m(
        "Undelivered Mail Returned to Sender",
        "This is the mail system at host mx. I'm sorry to have to inform you that your message could not be delivered to one or more recipients.\n<cpr@ca.example>: host mx said: 550 5.1.1 User unknown",
        sender="MAILER-DAEMON@mx.example (Mail Delivery System)",
    ),
    m("配信不能", "宛先 cpr@ca.example が見つかりません。", NULL, sender="postmaster@mx.example"),
    m(
        "Mail",
        "The mailbox of cpr@ca.example is over quota; your message has been returned.",
        NULL,
        sender="no-reply@mail.ca.example",
    ),
    m("Re: Question", "Error: message to cpr@ca.example rejected: 550 5.7.1 Relaying denied", NULL, sender="<>"),
    m("系统退信", "抱歉，您的邮件被退回来了……收件人邮箱不存在 cpr@ca.example", NULL, sender="PostMaster@qq.example"),
    m(
        "Kézbesíthetetlen: Question",
        "A kézbesítés a következő címzettnek sikertelen: cpr@ca.example",
        NULL,
        sender="postmaster@ca.example",
    ),
    m(
        "DELIVERY FAILURE: User cpr (cpr@ca.example) not listed in Domino Directory",
        "Your message\n\n  Subject: Question\n\nwas not delivered to:\n\n  cpr@ca.example\n\nbecause:\n\n  User cpr not listed in Domino Directory",
        sender="Postmaster@ca.example",
    ),
    m(
        "Mail System Error - Returned Mail",
        "This Message was undeliverable due to the following reason:\nEach of the following recipients was rejected by a remote mail server.\nRecipient: <cpr@ca.example>\nReason: 5.1.1 unknown",
        NULL,
        sender="Mail Administrator <Postmaster@isp.example>",
    ),
    m(
        "Rejected: Question",
        "Your message wasn't delivered because a moderator rejected it.",
        sender="Problem Reports <cpr@ca.example>",
    ),
    m(
        "Post by non-member to a members-only list",
        "Your message to cpr-list was rejected: posts by non-members are not accepted.",
        "Precedence: bulk",
        sender="cpr-bounces@lists.ca.example",
    ),
    m(
        "Your message was not accepted",
        "The attachment report.zip contains a forbidden file type. The message was refused by our content filter.",
        NULL,
        sender="security@ca.example",
    ),
    m(
        "Nachricht abgelehnt",
        "Ihre Nachricht an cpr@ca.example wurde vom Moderator abgelehnt.",
        "Auto-Submitted: auto-generated",
        sender="cpr-owner@lists.ca.example",
    ),
    m(
        "[SPAM FILTER] Message blocked",
        "Your mail to cpr@ca.example was identified as spam and has been blocked.",
        NULL,
        sender="antispam@ca.example",
    ),
    m(
        "Automatically rejected mail",
        "I only take mail from people I know.",
        "Auto-Submitted: auto-replied (rejected)",
        NULL,
        sender=DAEMON,
    ),
    m(
        "Votre message a été refusé",
        "Votre message à la liste cpr a été rejeté par le modérateur.",
        "Precedence: list",
        sender="sympa@lists.ca.example",
    ),
]
ABSENCES = [
    m("Ben Sample/AT/CA is out of the office (returning 03.08.)", "I will be out of the office."),
    m("Ben Sample ist außer Haus.", "Ich kehre zurück am 03.08.2026."),
    m("Anna Sample est absente du bureau.", "Je serai de retour le 3."),
    m("On leave", "I'm on parental leave until spring."),
    m("I am on vacation Re: Question", "Back on Monday"),
    m("Question", "Ich bin bis 3. August im Urlaub und lese keine Mails.", "Auto-Submitted: auto-replied"),
    m("Re: Question", "I'm on holiday until 3 August and will not read mail."),
    m("Vapaalla", "Olen lomalla 3.8. asti.", "X-Auto-Response-Suppress: All", "Auto-Submitted: auto-generated"),
    m(
        "Re: Question",
        "Anna no longer works for Example CA. Please contact desk@ca.example.",
        "Auto-Submitted: auto-replied",
    ),
    m(
        "Automatic reply: Question",
        "Anna has retired. Please write to desk@ca.example",
        "X-Auto-Response-Suppress: All",
    ),
    m(
        "Automatische Antwort: Question",
        "Frau Huber ist nicht mehr im Unternehmen tätig. Bitte wenden Sie sich an desk@ca.example.",
    ),
    m("Re: Question", "Ce compte n'est plus utilisé. Anna a quitté la société.", "Auto-Submitted: auto-replied", NULL),
    m(
        "Your mail",
        "This address is no longer in use. Please use desk@ca.example instead.",
        "Auto-Submitted: auto-replied",
        NULL,
    ),
    m("Tuotantoasia", "Anna ei ole enää palveluksessamme.", "Auto-Submitted: auto-generated"),
]
ACKNOWLEDGEMENTS = [
    m("[#286614] Question", "We have received your report. Your ticket number is 286614. Somebody will look at it."),
    m(
        "Ihre Anfrage [Ticket#2026112810000012]",
        "Vielen Dank für Ihre Anfrage. Wir haben ein Ticket mit der Nummer 2026112810000012 angelegt und werden uns schnellstmöglich bei Ihnen melden.",
    ),
    m("Re: Question", "Dies ist eine automatische Antwort. Ihre Nachricht ist bei uns eingegangen."),
    m(
        "Votre demande 4711",
        "Bonjour,\nNous avons bien reçu votre demande. Ceci est un message automatique, merci de ne pas y répondre.",
    ),
    m(
        "Request received: Question",
        "Your request (4711) has been received and is being reviewed by our support staff.\nTo add additional comments, reply to this email.",
    ),
    m(
        "Case 00123456 created",
        "Thank you for contacting Example CA. A case has been opened, and an agent will respond within 24 hours.",
        sender="support@ca.example",
    ),
    m(
        "Zgłoszenie 4711",
        "Dziękujemy za zgłoszenie. Wiadomość została wygenerowana automatycznie. Prosimy na nią nie odpowiadać.",
    ),
    m(
        "お問い合わせを受け付けました [#4711]",
        "お問い合わせいただきありがとうございます。受付番号: 4711。担当者より追ってご連絡いたします。",
    ),
    m("Re: Question", "您好，我们已收到您的邮件。本邮件由系统自动发送，请勿回复。"),
    m("[AUTO GENERATED] Question", "We got it."),
    m(
        "Thank you for your report",
        "Thank you for your report. We will get back to you as soon as possible.",
        sender="noreply@ca.example",
    ),
    m("Re: Question", "Auto-reply: your message has been received by the problem desk."),
    m(
        "Ticket created - Question",
        "Hello,\n\nThank you for contacting us. This is an automated response confirming the receipt of your ticket. Our team will get back to you as soon as possible.\n\nTicket ID: 4711\n\nKind regards,\nSupport",
    ),
]
CHALLENGES = [
    m(
        "Verify your email to reach cpr@ca.example",
        "Hi, I use a spam filter. Your message is on hold until you verify that you are human: click the link below.",
        sender="ca <cpr@ca.example>",
    ),
    m(
        "Your message is waiting: please confirm",
        "I'm protecting myself from receiving junk mail. Just this once, click the link below so I can receive your emails.",
        sender="cpr@ca.example",
    ),
    m(
        "Bitte bestätigen Sie Ihre Nachricht",
        "Ihre Nachricht wird zurückgehalten. Bitte klicken Sie auf den Link, damit sie zugestellt wird.",
        sender="filter@ca.example",
    ),
    m(
        "Re: Question",
        "Your message was held for confirmation because you are not on my list. Please reply to this message to confirm and have it delivered. This message was generated automatically.",
        "Auto-Submitted: auto-replied",
    ),
]
ANSWERS = [
    m(
        "RE: Question",
        "Hello,\n\nthank you for contacting us. We are looking into it; could you send the private key?\n\nBen",
    ),
    m(
        "Re: [#4711] Question",
        "Thank you for your report. We have revoked the certificate.\n\nAnna",
        "X-Auto-Response-Suppress: All",
    ),
    m(
        "AW: Question",
        "Guten Tag,\n\ndanke für Ihre Meldung. Das Zertifikat wurde um 9:12 gesperrt.\n\nMit freundlichen Grüßen\nAnna Huber",
    ),
    m(
        "Re: Question",
        "Hi,\n\nthe address in the certificate was not found in our directory. Which serial is it?\n\nPostmaster team",
        sender="postmaster@ca.example",
    ),
    m(
        "Re: Question",
        "We could not reproduce this. The mail you sent could not be opened; please send it again.\n\nCarl",
        sender="Mail Admin <postmaster@ca.example>",
    ),
    m(
        "Re: Question",
        "Dear reporter,\n\nwe were able to confirm the compromise and revoked the certificate.\n\nBest,\nEve",
        "List-Id: <cpr.lists.ca.example>",
        "Precedence: list",
    ),
    m("Re: Question", "Hi, revoked at 09:12. Thanks!", sender="robot-team <robots@ca.example>"),
    m("Re: Question", "The certificate has been revoked.", sender="Auto Parts CA <automotive@ca.example>"),
    m("RE: Question", "Bonjour,\nmerci pour votre message. Nous avons révoqué le certificat.\nCordialement,\nJean"),
    m("Re: Question", "Thanks. I'm out of office today, but I asked my colleague to revoke it, which she did.\nAnna"),
    m(
        "Re: Question",
        "Your ticket #123 was escalated to me. The key does not match the certificate you name.\n\nDan",
        "X-Zendesk-Ticket-Id: 1",
    ),
    m("Re: Question", "Dzień dobry,\ndziękujemy za zgłoszenie. Certyfikat został unieważniony.\nPozdrawiam, Ewa"),
    m("Re: Question", "ご報告ありがとうございます。証明書を失効させました。\n田中"),
    m(
        "Re: Question [#48213]",
        "Hello,\n\nthank you for your message. The subscriber has replaced the key this morning.\n\nAnna",
    ),
    m(
        "Re: Question",
        "Hello,\nwe've received your report and agree with it. The certificate will be revoked within 24 hours.\nAnna",
        "Precedence: bulk",
    ),
    m("Re: Question", "No.", sender="Anna <anna@ca.example>"),
    m("Question", "I do not think that this is one of ours."),
    m(
        "Re: Question",
        "This was rejected last week as a duplicate; the key was a test key.\nAnna",
        sender="Administrator <admin@ca.example>",
    ),
    m("Re: Question", "Please confirm that the message you got contains the serial 1234; then we can go on.\nAnna"),
]
PREFIXES = [
    ("Automatiskt svar", "Jag är på semester."),
    ("Resposta automática", "Estou de férias até dia 3."),
    ("Automatický odpoveď", "x"),
    ("Räspuns automat", "x"),
    ("Автоматичен отговор", "В отпуск съм."),
    ("Автоматична відповідь", "Я у відпустці."),
    ("Αυτόματη απάντηση", "Λείπω."),
    ("Otomatik Yanıt", "İzindeyim."),
    ("תשובה אוטומטית", "אני בחופשה."),
    ("자동 회신", "휴가 중입니다."),
    ("ตอบกลับอัตโนมัติ", "ลาพักร้อน"),
    ("Trả lời tự động", "Tôi đang nghỉ phép."),
    ("Automatski odgovor", "Na odmoru sam."),
    ("Samodejni odgovor", "Na dopustu sem."),
    ("Automaatvastus", "Olen puhkusel."),
    ("Automātiskā atbilde", "Atvaļinājumā."),
    ("Automatinis atsakymas", "Atostogauju."),
    ("Resposta automàtica", "Soc fora."),
    ("Balasan Otomatis", "Saya cuti."),
    ("自動返信", "不在です"),
    ("Sjálfvirkt svar", "Er í fríi."),
    ("Autosvar", "x"),
    ("Abwesenheitsnotiz", "bin weg"),
    ("Out of Office AutoReply", "bye"),
    ("Réponse automatique", "x"),
    ("Autoreply", "I am out of the office."),
    ("Automatisch antwoord", "x"),
    ("Ohne Büro: nicht im Büro", "x"),
    ("Svar: Automatisk svar", "Jeg er væk"),
]

KINDS: dict[str, tuple[list[bytes], tuple[K, ...]]] = {
    "delay": (DELAYS, (K.DELAY,)),
    "failure": (FAILURES, (K.BOUNCE, K.REFUSED)),
    "absence": ([*ABSENCES, *(m(f"{prefix}: Question", text) for prefix, text in PREFIXES)], (K.OUT_OF_OFFICE, K.GONE)),
    "acknowledgement": (ACKNOWLEDGEMENTS, (K.ACKNOWLEDGEMENT,)),
    "challenge": (CHALLENGES, (K.CHALLENGE,)),
    "answer": (ANSWERS, (K.ANSWER,)),
}


@pytest.mark.parametrize(
    ("message", "kinds"),
    [
        pytest.param(message, kinds, id=f"{name}-{number}")
        for name, (messages, kinds) in KINDS.items()
        for number, message in enumerate(messages)
    ],
)
def test_each_is_of_its_kind(message: bytes, kinds: tuple[K, ...]) -> None:
    found = read_reply(read_mail(message))
    assert found.kind in kinds, found
