"""Digests of quarantines, as products send them: their shapes by what is public of them, the words our own."""

from __future__ import annotations

from email.message import EmailMessage

MARK = "{mark}"
SUBJECT = f"Private key of a certificate is public [{MARK}]"
STRANGERS = ("Invoice 2231", "offers@shop.example", "2026-11-27 23:10")

MICROSOFT = f"""<html><head><style>td {{ color: red }}</style></head><body><h1>Review these messages</h1>
<p>2 messages are being held for you to review as of 11/28/2026 8:00:00 AM (UTC).</p>
<p>Review them within 30 days of the received date by going to the <a href="https://q.example/">Quarantine page</a>.</p>
<h2>Prevented spam messages</h2>
<table><tr><td>Sender:</td><td>{STRANGERS[1]}</td></tr><tr><td>Subject:</td><td>{STRANGERS[0]}</td></tr>
<tr><td>Date:</td><td>11/27/2026 11:10:00 PM</td></tr></table>
<a href="https://q.example/1">Block Sender</a> <a href="https://q.example/2">Release</a> <a href="https://q.example/3">Review</a>
<table><tr><td>Sender:</td><td>robin@probe.example</td></tr><tr><td>Subject:</td><td>{SUBJECT}</td></tr>
<tr><td>Date:</td><td>11/28/2026 6:02:10 AM</td></tr></table>
<a href="https://q.example/4">Block Sender</a> <a href="https://q.example/5">Release</a> <a href="https://q.example/6">Review</a>
</body></html>"""
PROOFPOINT = f"""<html><body><p><b>End User Digest: 2 New Messages</b></p>
<p>The emails listed below have been placed in your personal Quarantine. They will be deleted after 14 days.</p>
<p><a href="https://pp.example/r">Request New End User Digest</a> | <a href="https://pp.example/m">Manage My Account</a></p>
<table><tr><th></th><th>Score</th><th>From</th><th>Subject</th><th>Date</th></tr>
<tr><td><a href="https://pp.example/1">Release</a> <a href="https://pp.example/2">Safelist</a>
<a href="https://pp.example/3">Not Spam</a></td><td>98</td><td>{STRANGERS[1]}</td><td>{STRANGERS[0]}</td><td>{STRANGERS[2]}</td></tr>
<tr><td><a href="https://pp.example/4">Release</a> <a href="https://pp.example/5">Safelist</a>
<a href="https://pp.example/6">Not Spam</a></td><td>81</td><td>robin@probe.example</td><td>{SUBJECT}</td><td>2026-11-28 06:02</td></tr>
</table></body></html>"""
MIMECAST = f"""<html><body><div>Hello</div><div>You have new held messages</div>
<div>You can release, permit or block each of your messages, or manage them in the personal portal.</div>
<table><tr><td><div><b>robin@probe.example</b></div><div>{SUBJECT}</div><div>28 Nov 2026 06:02</div><div>Spam signature policy</div></td>
<td><a href="https://mc.example/1"><span>Release</span></a></td><td><a href="https://mc.example/2"><span>Block</span></a></td>
<td><a href="https://mc.example/3"><span>Permit</span></a></td></tr></table></body></html>"""
BARRACUDA = f"""Spam Quarantine Summary

There are 2 messages in your spam quarantine inbox. The most recent are listed below.

From: {STRANGERS[1]}
Subject: {STRANGERS[0]}
Date: {STRANGERS[2]}
  Deliver: http://b.example/d?id=1
  Whitelist: http://b.example/w?id=1
  Delete: http://b.example/x?id=1

From: Robin Hayes <robin@probe.example>
Subject: {SUBJECT}
Date: 2026-11-28 06:02:10
  Deliver: http://b.example/d?id=2
  Whitelist: http://b.example/w?id=2
  Delete: http://b.example/x?id=2

To set quarantine preferences follow the link: http://b.example/prefs
"""
SPAMTITAN = f"""<html><body><h3>Quarantine Report</h3><p>The following mails were blocked as spam.</p>
<table><tr><th>Date</th><th>From</th><th>Subject</th><th>Score</th><th>Actions</th></tr>
<tr><td>28 Nov 06:02</td><td>robin@probe.example</td><td>{SUBJECT}</td><td>7.4</td>
<td>[ <a href="https://st.example/1">Deliver</a> ] [ <a href="https://st.example/2">Whitelist</a> ] [ <a href="https://st.example/3">Delete</a> ]</td></tr>
</table></body></html>"""
GERMAN = MICROSOFT.replace("Review these messages", "Überprüfen Sie diese Nachrichten").replace(
    "2 messages are being held for you to review", "2 Nachrichten befinden sich in der Quarantäne"
)
for english, german in (
    ("Block Sender", "Absender blockieren"), (">Release", ">Freigeben"), (">Review<", ">Nachricht überprüfen<"),
    ("Quarantine page", "Quarantäneseite"),
):  # fmt: skip
    GERMAN = GERMAN.replace(english, german)
JAPANESE = f"""<html><body><p>2 件のメッセージが検疫されました。</p><table><tr><td>robin@probe.example</td><td>{SUBJECT}</td></tr></table>
<a href="https://q.example/4">送信者をブロック</a><a href="https://q.example/5">リリース</a><a href="https://q.example/6">メッセージの確認</a></body></html>"""
FRENCH = f"""Votre quarantaine contient 1 message

robin@probe.example | {SUBJECT} | 28/11/2026 06:02
[Libérer] [Bloquer l'expéditeur] [Examiner le message]
"""

DIGESTS = {
    "Microsoft 365": ("Microsoft 365 security: You have messages in quarantine", MICROSOFT),
    "Proofpoint": ("End User Digest: 2 New Messages", PROOFPOINT),
    "Mimecast": ("You have new held messages", MIMECAST),
    "Barracuda": ("Spam Quarantine Summary - 2 Messages", BARRACUDA),
    "SpamTitan": ("Quarantine Report", SPAMTITAN),
    "Microsoft 365, German": ("Sie haben Nachrichten in der Quarantäne", GERMAN),
    "Microsoft 365, Japanese": ("検疫されたメッセージがあります", JAPANESE),
    "another one, French": ("Rapport de quarantaine", FRENCH),
}


def digest(product: str, mark: str, both: bool = False) -> bytes:
    """The digest of a product in which a message with this mark in its subject is; ``both`` with a plain text too."""
    subject, text = DIGESTS[product]
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "quarantine@gateway.example", "cpr@ca.test", subject
    mail["Message-ID"], mail["Date"] = "<digest.1@gateway.example>", "Sat, 28 Nov 2026 08:00:00 +0000"
    text = text.replace(MARK, mark)
    if both:
        mail.set_content("This message is best viewed as HTML.\n")
        mail.add_alternative(text, subtype="html")
    else:
        mail.set_content(text, subtype="html" if text.startswith("<") else "plain")
    return mail.as_bytes()
