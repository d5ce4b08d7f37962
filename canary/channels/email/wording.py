"""The words of submission servers: for what another server said, and for what is wrong with the sender.

They name the fault. Whether it is ours does not rest on them where we log in: there, everything is that is not shown to
be the CA's.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from canary.channels.email.smtp import SmtpFault

SAYING = (
    "said", "says", "saying", "replied", "responded", "returned", "answered", "reported",
    "rejected (?:your|the) (?:e-?mail|message)", "refused to talk",
    "does not like", "sagte", "meldete?", "antwortete", "antwort", "erwiderte", "a dit", "a répondu", "a renvoyé",
    "dijo", "respondió", "devolvió", "indicó", "ha risposto", "ha detto", "disse", "respondeu", "retornou", "zei",
    "antwoordde", "meldt", "odpowiedział", "zwrócił", "odpověděl", "vrátil", "svarade", "svarede", "sa", "vastasi",
    "ответил", "сообщил", "вернул", "відповів", "dedi", "yanıt verdi", "válasza",
)  # fmt: skip
"""Words behind the name of a server for what it said."""

REPEATED = (
    r"\b(?:remote|destination|upstream|next[ -]hop|receiving|recipient'?s?'?|target|foreign|far[ -]end)"
    r"(?: (?:mail|smtp|e-?mail|mx|host))? (?:host|server|mta|mx|system|site|end) "
    r"(?:said|says|replied|responded|returned|answered|reported|rejected|refused|response|error)\b",
    r"\b(?:response|reply|error|answer|message|rejection) (?:was )?(?:received )?(?:from|of) (?:the )?"
    r"(?:remote|destination|upstream|next[ -]hop|receiving|recipient'?s?'?|target|foreign)\b",
    r"\bremote[- ]mta\b",
    r"\bcall ?(?:out|back)\b(?!.*\bsender\b)",
    r"\bin reply to (?:the )?(?:end of )?(?:mail from|rcpt to|data)\b",
    r"\bcalled: .{1,80}\bresponse: ",
    r"(?:gegenstelle|ziel-?server|empfänger-?server|(?:entfernte|empfangende)[rn]? (?:mail-?)?server"
    r"|serveur (?:distant|destinataire|du destinataire)|servidor (?:remoto|de destino|del? destinat[aá]rio)"
    r"|server (?:remoto|di destinazione|del destinatario)|serwer (?:zdalny|odbiorcy|docelowy)"
    r"|(?:externe|ontvangende) server"
    r"|vzdálený server|удал[её]нн\w{2} сервер\w?|リモート ?サーバ|远程服务器|遠端伺服器|对方服务器|원격 서버)"
    r".{0,40}?[45]\d\d[ -]",
)
"""How a reply repeats another server's without a name for it."""


class About(NamedTuple):
    """What is wrong with the sender: the ``fault``, if it is ``said`` and it is no such thing as ``but`` says.

    ``surely`` is what only a sender's own server can mean, or a server that will not have us as a sender.
    """

    fault: SmtpFault
    said: re.Pattern[str]
    surely: bool = False
    but: re.Pattern[str] | None = None


def _about(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_MAILBOX = _about(
    r"\b[45]\.2\.[0-4]\b", r"\b[45]\.3\.4\b", "mailbox", "mail box", "inbox", "recipient.{0,20}quota", "storage",
    "disk",
    "size", "too (?:large|big)", "postfach", "boîte", "buz[óo]n", "casella", "caixa", "postvak", "skrzynk",
    "schránk", "ящик", "メールボックス", "邮箱", "信箱", "메일함", r"\breceiv",
)  # fmt: skip
"""A limit that is the recipient's or the message's, not one of how much is sent."""

_MESSAGE_CHECKED = _about("dmarc", r"\bspf\b", "dkim", "unauthenticated", "arc chain")
"""It is the message's origin that is proven, or not; no login."""

_BLOCKLISTED = About(
    SmtpFault.BLOCKLISTED,
    _about(
        r"client host .{0,80}(?:blocked|listed|rejected)", "spamhaus|spamcop|barracudacentral|sorbs|uceprotect",
        r"\bdnsbl|\brbl\b", "block ?list", "black ?list", r"\byour (?:ip|server)\b",
    ),
    surely=True,
)  # fmt: skip

ABOUT_SENDER = (
    About(
        SmtpFault.SENDER_REFUSED,
        _about(
            "send ?as ?denied", r"\b5\.2\.252\b", r"\b5\.7\.60\b", r"\bsend(?:ing)? as\b", "on behalf of",
            r"not owned by (?:the )?(?:auth\w+ )?(?:user|login)", "sender.{0,20}login mismatch",
            r"permissions? to send\b.{0,20}\bsender",
            r"not (?:allowed|permitted|authori[sz]ed|entitled) to send\b", r"\byour (?:e-?mail )?account\b",
        ),
        surely=True,
    ),
    About(
        SmtpFault.AUTH_FAILED,
        _about(
            r"authenticat\w* (?:is )?(?:required|needed|mandatory|first|credentials)", "smtp ?auth",
            r"(?:must|need to|have to|please) (?:first )?(?:authenticate|log ?in|log ?on|sign in|issue a starttls)",
            r"not (?:been )?(?:authenticated|logged (?:in|on))", r"(?:log ?in|log ?on|sign[ -]in) (?:is )?required",
            "pop before smtp", "check (?:for )?(?:your )?(?:new )?mail (?:first|before)", r"\b5\.7\.57\b",
            "authentifizierung", "nicht angemeldet", "anmeldung erforderlich", "authentification", "autenticaci",
            "autentica[çtz]", "authenticatie vereist", "uwierzytelni", "autentizac", "autentiser", "hitelesít",
            "аутентифика", "авториза", "認証", "认证", "認證", "身份验证", "인증", "kimlik doğrulama", "todennus",
        ),
        surely=True,
        but=_MESSAGE_CHECKED,
    ),
    About(
        SmtpFault.QUOTA,
        _about(
            r"\b[45]\.4\.5\b", r"\b[45]\.1\.90\b",
            r"(?:limit|quota|allowance|maximum|threshold)\w*\b.{0,60}(?:exceed|reach|hit\b)",
            r"(?:exceed|reach|over)\w*\b.{0,60}\b(?:limit|quota|allowance|maximum|threshold|rate)", "rate[ -]?limit",
            r"(?:sending|outbound|outgoing|daily|hourly|message|recipient)s? (?:limit|quota|rate)",
            r"too many (?:\w+ ){0,3}(?:messages|e?-?mails|recipients|submissions|connections)", "throttl",
            "too much mail",
            "sendelimit", "versandlimit", "kontingent",
            "limit.{0,40}(?:überschritten|erreicht|przekrocz|překroč|aşıl)",
            "(?:limite|límite|quota|cuota).{0,60}(?:dépass|attein|exced|alcanz|super|raggiunt|atingid)",
            "(?:dépass|attein|exced|alcanz|superad|superat|przekroczo|překroč).{0,60}(?:limit|límit|quota|cuota)",
            "zu viele (?:e-?mails|nachrichten|empfänger)", "trop de (?:messages|destinataires|courriels|mails)",
            "demasiados (?:mensajes|destinatarios|correos)", "tropp[ie] (?:messaggi|destinatari|e-?mail)",
            "muit[ao]s (?:mensagens|e-?mails|destinatários)", "te veel berichten", "zbyt wiele", "слишком много",
            "过多", "太多", "频繁", "頻繁", "多すぎ", "너무 많", "limiet", "sändgräns", "лимит", "превышен",
            "送信(?:数|制限|上限)", "上限", "限额", "配额",
            "超出", "超过.{0,10}限", "超過", "한도",
        ),
        surely=True,
        but=_MAILBOX,
    ),
    About(
        SmtpFault.RELAY_DENIED,
        _about(
            r"\brelay(?:ing|ed)?\b", "rcpthosts", r"\b5\.7\.(?:54|64)\b", "weiterleitung", "weiterzuleiten",
            "relais|relayage", "retransmi", "reenvío", "przekazyw", "ретрансляц", "пересылк", "リレー", "中継",
            "中继",
            "中繼", "转发", "릴레이", "중계",
        ),
        surely=True,
    ),
    _BLOCKLISTED,
    About(
        SmtpFault.MESSAGE_REFUSED,
        _about(
            r"\b(?:outbound|outgoing)", "ausgehend", "sortant", "saliente", "in uscita", "de saída", "исходящ",
            "外发",
        ),
        surely=True,
    ),
    About(
        SmtpFault.SENDER_REFUSED,
        _about(
            r"not (?:been )?verified", "not able to send", r"\bsender\b",
            r"\bfrom[ -](?:address|header|field)",
            r"\b5\.(?:1\.(?:7|8)|7\.(?:50[1-9]|51\d|70[1-9]|750))\b", "spoof",
            r"(?:account|user|tenant|subscription|domain)\b.{0,40}"
            r"(?:suspend|disabled|blocked|restricted|locked|verified|unverified|expired|compromised)", "unverified",
            "konto", "gesperrt", "compte", "cuenta", "geblokkeerd", "sospeso", "аккаунт", "учётн", "заблокир", "帐户",
            "账户",
            "账号", "アカウント", "계정", "absender", "expéditeur", "remitente", "mittente", "remetente", "afzender",
            "nadawc", "odesílatel",
            "odosielate",
            "avsändar", "afsender", "avsender", "lähettäj", "feladó", "expeditor", "pošiljatelj", "αποστολέα",
            "gönderen",
            "отправител", "відправник", "送信者", "差出人", "发件人", "寄件", "發件人", "발신자", "보낸 ?사람",
        ),
    ),
    About(
        SmtpFault.MESSAGE_REFUSED,
        _about(r"\b5\.3\.4\b", r"\bsize\b", "too (?:large|big)", "spam", "virus", "content", "attachment", "policy"),
    ),
)  # fmt: skip
"""What a reply may say of the sender; the first that fits names the fault."""

ABOUT_OUR_HOST = (
    _BLOCKLISTED,
    About(
        SmtpFault.SENDER_REFUSED,
        _about(
            "dmarc", r"\bspf\b", "dkim", "unauthenticated", r"\brdns\b", r"\bptr\b", r"\b(?:helo|ehlo)\b",
            r"\breverse\b.{0,20}(?:dns|host ?name|lookup|record|address)", r"\b5\.7\.(?:2[0-9]|3[0-2])\b",
            "(?:dynamic|residential) (?:ip|address)",
        ),
        surely=True,
    ),
)  # fmt: skip
"""What the recipient's own server may say of the host that a sender without a provider comes from: where it is listed,
what its names are, what the sender's domain says of it (RFC 7208, 7372, 7489)."""
