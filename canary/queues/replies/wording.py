"""What automatic messages say of themselves, in the languages of the variants and a few more.

Nothing here decides alone: :mod:`canary.queues.replies.bounces` and :mod:`canary.queues.replies.classify` ask for it
beside the headers.
"""

from __future__ import annotations

import re

MAIL_SYSTEM = re.compile(
    r"(?i)\b(?:mailer-daemon|postmaster|mdaemon|mail delivery (?:sub)?system|microsoftexchange[0-9a-f]{8,})\b"
)
"""The sender of a bounce."""


def _any(*phrases: str, start: str = "") -> re.Pattern[str]:
    return re.compile(f"(?i){start}(?:{'|'.join(phrases)})")


BOUNCE_SUBJECT = _any(
    "undeliver", "delivery status notification", "delivery (?:failure|has failed|problem|is delayed)", "failure notice",
    "mail delivery failed", "returned mail", "message (?:not|could not be) delivered",
    "warning: (?:message|could not send)",
    "unzustellbar", "nicht zugestellt", "nie dostarczono", "niedoręcz", "kézbesíthetetlen", "non[- ]?remis", "退信",
)  # fmt: skip
BOUNCE = _any(
    "could not be delivered", "couldn'?t be delivered", "wasn'?t delivered", "was not delivered", "undeliverable",
    "delivery (?:has )?failed", "permanent (?:fatal )?error", "unable to deliver", "wasn't able to deliver",
    "(?:user|recipient|address) (?:unknown|rejected|not found)", "no such (?:user|recipient)", "does not exist",
    "mailbox (?:full|unavailable)", "(?:has been|is) delayed", "not yet been delivered", "konnte nicht zugestellt",
    "nie (?:została|mogła)", "no se pudo entregar", "n'a pas pu être", "nem kézbesíthető",
)  # fmt: skip
DELAY = _any(
    "(?:has been|is|was) delayed", r"delayed \d+", "delivery (?:is )?delayed", "not yet been delivered", "still trying",
    "will (?:be retried|keep trying|continue to try)", "do not need to re-?send", "warning: (?:message|could not send)",
)  # fmt: skip

AUTOMATIC_SUBJECT = _any(
    "automatic (?:reply|response)", "auto[- ]?(?:reply|response)", "automatische (?:antwort|reactie)",
    "automatisch antwoord", "réponse automatique", "respuesta automática", "risposta automatica",
    "automatyczna odpowiedź", "autoodpowiedź", "automatikus válasz", "automatická odpověď", "自动(?:回复|答复)",
    "自動(?:返信|応答|回覆)", "رد تلقائي", "автоматический ответ", "автоответ", start=r"^\W*",
)  # fmt: skip
AWAY_SUBJECT = _any(
    r"out[ -]of[ -](?:the[ -])?office", "on (?:vacation|holiday|leave)", "vacation (?:reply|notice|message)",
    "away from (?:the|my) (?:office|desk)", "annual leave", "abwesen", "nicht im (?:büro|haus)", "außer haus",
    "absence", "absent du bureau", "fuera de (?:la )?oficina", "fuori (?:sede|ufficio)", "afwezig", "nieobecno",
    "poza biurem", "urlop", "házon kívül", "szabadságon", "nepřítomnost", "不在", "外出", "خارج المكتب", "отпуск",
    start=r"^\W*(?:auto\w*[ -]?(?:reply|response|antwort)?\W+)?",
)  # fmt: skip
AWAY = _any(
    "out of (?:the |my )?office", r"on (?:annual |parental |sick |maternity )?(?:leave|vacation|holidays?)\b",
    "away (?:from|until)", "currently (?:away|unavailable|travell?ing)", "not (?:in the office|at my desk)",
    "(?:i|we) (?:will|shall) (?:be back|return)", "limited access to (?:my )?e-?mail",
    "no longer (?:with|works?|employed)", "nicht im (?:büro|haus)", "abwesend", "im urlaub", "außer haus",
    "en congés", "absent du bureau", "vacaciones", "fuera de la oficina", "in ferie", "fuori (?:sede|ufficio)",
    "afwezig", "nieobecn", "na urlopie", "poza biurem", "szabadságon", "házon kívül", "nepřítomen", "dovolen[ée]",
    "休假", "不在", "外出", "休暇", "إجازة", "خارج المكتب", "в отпуске",
)  # fmt: skip
RECEIVED = _any(
    "(?:have|has been|was|were|been) (?:successfully )?(?:received|registered|opened|created|logged|assigned)",
    r"(?:acknowledge|confirm)\w* (?:the )?receipt", "thank you for (?:contacting|your (?:report|e-?mail|message))",
    "do not reply to this", "automat(?:ed|ic|ically)", "(?:ticket|case) (?:number|id|#)", "reference number",
    "eingegangen", "eingangsbestätigung", "erhalten", "vorgangsnummer", "automatisch", "otrzymali", "potwierdz",
    "zgłoszenie", "automatyczn", "megkaptuk", "iktat", "bejelentés", "obdrželi", "accusé de réception", "bien reçu",
    "hemos recibido", "abbiamo ricevuto", "ontvangen", "已收到", "收到您", "受け付け", "受領", "تم استلام", "получен",
)  # fmt: skip
"""What an acknowledgement says; asked for only where a ticket system or an automatic subject speaks already."""
