"""Siblings of each kind, in the words of many mail systems and languages: none of them has been taken for another."""

from __future__ import annotations

import pytest
from queues.replies.mails import CHALLENGES, DELAYS, FAILURES, NULL, m

from canary.mail.reading import read_mail
from canary.queues.replies.classify import ReplyKind as K
from canary.queues.replies.classify import read_reply

ABSENCES = [
    m("Question", "Ik ben afwezig tot 3 augustus.", "X-Autoreply: yes"),
    m("不在通知", "8月3日まで不在です。"),
    m("Fuera de la oficina", "Vuelvo el lunes."),
    m("Poissa toimistolta", "Olen poissa 3.8. asti."),
    m("Vacation", "Gone fishing.", "Auto-Submitted: auto-replied (vacation)"),
    m(
        "Re: Question",
        "Witam, jestem na urlopie do 3 sierpnia. W pilnych sprawach proszę o kontakt z desk@ca.example.",
        "Auto-Submitted: auto-replied",
    ),
    m(
        "Out of office",
        "Hi, I will be away until Monday with limited access to email. For urgent issues mail desk@ca.example.",
    ),
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
    m("Re: Question", "Mensaje automático: hemos recibido su correo y le responderemos a la mayor brevedad."),
    m("RE: Question - Case:4711", "Talebiniz alındı. Kayıt numaranız 4711. Bu mesaj otomatik olarak oluşturulmuştur."),
    m(
        "Ticket #4711: Question",
        "Ваше обращение зарегистрировано под номером 4711.",
    ),
    m(
        "Re: Question",
        "This mailbox is unattended; your message has been forwarded to the problem desk. Please do not reply.",
        "Auto-Submitted: auto-replied",
    ),
    m(
        "Accusé de réception",
        "Bonjour, nous accusons réception de votre signalement n° 4711 et le traiterons dans les plus brefs délais.",
    ),
    m(
        "Eingangsbestätigung",
        "Sehr geehrte Damen und Herren,\n\nIhre Meldung ist bei uns eingegangen. Vorgangsnummer: 4711.\n\nMit freundlichen Grüßen\nIhr Team",
    ),
    m(
        "We've received your message",
        "Hi there,\n\nThanks for reaching out! We've received your message and will get back to you soon.",
        sender="Support <support@ca.example>",
    ),
    m(
        "Automatic reply: Question",
        "Thank you for your message. We have received it and will answer within one working day.",
        "X-Auto-Response-Suppress: All",
    ),
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
ANSWERS = [
    m(
        "Re: Question [#99]",
        "Kedves Bejelentő!\n\nKöszönjük a bejelentést, a tanúsítványt visszavontuk.\n\nÜdvözlettel, Éva",
    ),
    m("Re: Question", "Beste,\n\nbedankt voor uw melding. We hebben het certificaat ingetrokken.\n\nGroeten, Piet"),
    m("Re: Question", "Děkujeme za zprávu, certifikát byl zneplatněn.\nS pozdravem Jan"),
    m(
        "Re: Question",
        "Could you send it without the attachment? Our gateway does not allow zip.\nBen",
        sender="Mail Team <mailadmin@ca.example>",
    ),
    m(
        "Re: [CA-4711] Question",
        "Anna Huber commented:\n\nWe revoked 3 certificates with this key.",
        "X-JIRA-FingerPrint: abc",
    ),
    m(
        "Re: Question",
        "Thank you for your report! Actually the certificate expired yesterday. So no action.\nMaria",
        "X-Auto-Response-Suppress: All",
        "Precedence: bulk",
        "List-Id: <cpr.ca.example>",
    ),
    m("Re: Question", "Nothing to do with us.", sender="Reply Desk <reply@ca.example>"),
    m("Re: Question", "Здравствуйте,\n\nспасибо за сообщение. Сертификат отозван.\n\nС уважением, Иван"),
    m(
        "SV: Question",
        "Hej,\n\ntack för din rapport. Vi har spärrat certifikatet.\n\nMvh Karin",
        "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply",
    ),
    m(
        "Re: Question [Case 4711]",
        "Hola,\n\ngracias por su mensaje. El certificado ha sido revocado.\n\nSaludos, Pablo",
    ),
    m(
        "Re: Question",
        "Good morning,\n\nwe confirm receipt of your report and have started to investigate. First finding: the key is on GitHub.\n\nC. Sample",
    ),
    m(
        "Re: Question",
        "Your first mail was blocked by our spam filter, I have it now. We revoke today.\n\nBen",
        sender="Postmaster <postmaster@ca.example>",
    ),
    m(
        "Re: Question",
        "Hi,\n\nsorry for the delay. The certificate has been revoked; delivery of the new one is scheduled.\n\nAnna",
    ),
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
