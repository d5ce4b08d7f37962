"""Mail that mail systems write, in the words of many of them."""

from __future__ import annotations

NULL = "Return-Path: <>"
DAEMON = "Mail Delivery Subsystem <mailer-daemon@mx.example>"


def m(subject: str, text: str, *headers: str, sender: str = "Anna <anna@ca.example>") -> bytes:
    """An answer to a report, as it lies in the sender's mailbox."""
    thread = ["In-Reply-To: <x@probe.example>", "References: <x@probe.example>"]
    lines = [*headers, f"From: {sender}", f"Subject: {subject}", "To: r@probe.example", *thread]
    return "\n".join([*lines, "Content-Type: text/plain; charset=utf-8", "", text]).encode()


DELAYS = [
    m(
        "Notification: message delayed",
        "451 4.4.1 cpr@ca.example: connection timed out. permanent failure only after 5 days",
        NULL,
        sender=DAEMON,
    ),
    m(
        "Delivery problem (still trying)",
        "could not be delivered for 4 hours; host unreachable: cpr@ca.example",
        NULL,
        sender=DAEMON,
    ),
    m(
        "Your message",
        "Your message to cpr@ca.example could not be delivered immediately. We'll keep trying for two days; no need to resend it.",
        NULL,
        sender="Mail System <mailsystem@mx.example>",
    ),
    m("전송 지연", "메시지가 cpr@ca.example 에게 아직 전달되지 않았습니다. 계속 시도합니다.", NULL, sender=DAEMON),
    m(
        "Fördröjd leverans",
        "Meddelandet till cpr@ca.example har ännu inte levererats. Nya försök görs.",
        NULL,
        sender=DAEMON,
    ),
    m(
        "Ritardo nella consegna",
        "Il messaggio non è ancora stato consegnato a cpr@ca.example. Verranno effettuati ulteriori tentativi.",
        NULL,
        sender=DAEMON,
    ),
    m(
        "Entrega retardada: Question",
        "La entrega a estos destinatarios se ha retrasado: cpr@ca.example",
        NULL,
        sender="postmaster@outlook.example",
    ),
    m("Zustellung verzögert", "Die Zustellung Ihrer Nachricht verzögert sich. cpr@ca.example", NULL, sender=DAEMON),
    m(
        "Mail delivery delayed",
        "A message you sent is still in the queue. cpr@ca.example: 421 4.7.0 try later. 550 is not yet the answer.",
        NULL,
        sender="postmaster@mx.example",
    ),
    m(
        "Warning: could not send message for past 4 hours",
        "The original message was received. <cpr@ca.example>... Deferred: Connection refused\nWarning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old",
        NULL,
        sender=DAEMON,
    ),
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
        "VIRUS IN YOUR MAIL",
        "Our virus checker found EICAR in your mail to cpr@ca.example. Delivery was stopped.",
        NULL,
        sender="Content-filter at ca.example <postmaster@ca.example>",
    ),
    m(
        "Content filter: violation",
        "A message to cpr@ca.example contained a prohibited attachment and was not delivered.",
        "Auto-Submitted: auto-generated",
        sender="scanner@ca.example",
    ),
    m(
        "Recipient inbox full",
        "Your message couldn't be delivered to cpr@ca.example. Their inbox is full, or it's getting too much mail right now.",
        NULL,
        sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
    ),
    m(
        "Message blocked",
        "Your message to cpr@ca.example has been blocked. See technical details below.",
        NULL,
        sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
    ),
    m(
        "Address not found",
        "Your message wasn't delivered to cpr@ca.example because the address couldn't be found, or is unable to receive mail.",
        NULL,
        sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
    ),
    m(
        "Sorry, we were unable to deliver your message to the following address.",
        "<cpr@ca.example>:\nRemote host said: 550 No such user [RCPT_TO]",
        NULL,
        sender="MAILER-DAEMON@yahoo.example",
    ),
    m("Nachricht nicht zustellbar", "Das Postfach cpr@ca.example existiert nicht.", sender="mailsystem@ca.example"),
    m(
        "Undeliverable: Question",
        "Your message did not reach some or all of the intended recipients.\n\ncpr@ca.example on 28.11.2026\n The e-mail account does not exist at the organization this message was sent to.",
        sender="System Administrator",
    ),
    m(
        "Returned mail: User unknown",
        "550 5.1.1 <cpr@ca.example>... User unknown",
        "Auto-Submitted: auto-generated (failure)",
        sender="root@ca.example",
    ),
    m(
        "Wiadomość nie została dostarczona",
        "Wiadomość do cpr@ca.example nie została dostarczona: skrzynka pełna.",
        sender="serwer@ca.example",
    ),
    m(
        "Delivery failed",
        "Your e-mail to cpr@ca.example could not be delivered. The recipient does not exist.",
        sender="IT Service <helpdesk@ca.example>",
    ),
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
CHALLENGES = [
    m(
        "Veuillez confirmer votre message",
        "Votre message est retenu. Cliquez sur le lien pour confirmer que vous êtes l'expéditeur.",
    ),
    m(
        "[BoxTrapper] Confirm",
        "The message you sent requires that you verify that you are a real live human being. To complete this verification, reply to this message.",
        NULL,
    ),
    m(
        "Message from cpr@ca.example: sender verification",
        "Your message is being held because your address is unknown. To have it delivered, please reply to this message.",
    ),
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
