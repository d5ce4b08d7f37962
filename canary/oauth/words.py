"""What is to be changed when a token server or a mail server refuses: tables from what they say to our words. Pure.

Microsoft's codes are those of its reference of authentication and authorization error codes, Google's sentences those
of its guides to OAuth 2.0 for service accounts and to IMAP, the other words those of RFC 6749 section 5.2.
"""

from __future__ import annotations

import re

_GRANT = "add the application permissions IMAP.AccessAsApp and SMTP.SendAsApp (Office 365 Exchange Online), and have \
an administrator grant consent for the tenant"
_PRINCIPAL = "register the application in Exchange Online (New-ServicePrincipal with the object ID of the enterprise \
application, not of the app registration) and give it the mailbox (Add-MailboxPermission ... -AccessRights FullAccess)"
_CLOCK = "set the clock of this machine"

AADSTS = {
    16000: "the account is not one of this tenant: set auth.tenant to its own",
    40016: "the token is malformed: give it anew in auth.refresh_token",
    50001: "auth.scope names a resource that the tenant does not know: set it to the default",
    50020: "the account is of another tenant: set auth.tenant to the mailbox's own",
    50027: "the assertion is malformed: auth.certificate must hold the certificate and its own private key",
    50034: "the account does not exist in this tenant: look at username and auth.tenant",
    50057: "the account is disabled: have it enabled",
    50059: "no tenant was named: set auth.tenant to the directory (tenant) ID",
    50076: "multi-factor authentication is asked for: log in anew for another refresh token, or use kind: microsoft",
    50079: "multi-factor authentication must be set up: use kind: microsoft, which no person logs in for",
    50105: "the application is open to assigned accounts only: assign this one to the enterprise application",
    50126: "name or password are wrong: use kind: microsoft, which needs neither",
    50128: "no such tenant: set auth.tenant to the directory (tenant) ID",
    50158: "conditional access asks for more: exempt this application, or use kind: microsoft",
    50173: "the refresh token was revoked (a password was changed, or sessions ended): log in anew for another one",
    50194: "the application is of a single tenant: set auth.tenant (or token_url) to that tenant",
    53000: "conditional access wants a compliant device: exempt this application",
    53003: "conditional access forbids it: exempt this application, or allow the address of this machine",
    65001: f"consent is missing: {_GRANT}",
    65004: "consent was declined: have an administrator grant it",
    70000: "the refresh token is not valid any more: log in anew for another one",
    70001: "the application is disabled, or not in this tenant: look at auth.client_id and auth.tenant",
    70002: "the client cannot prove itself: look at auth.secret or auth.certificate",
    70008: "the refresh token has expired: log in anew for another one",
    70011: "auth.scope is not right: set it to https://outlook.office365.com/.default",
    70043: "the refresh token has expired by a policy of sign-in frequency: log in anew, or use kind: microsoft",
    90002: "no such tenant: set auth.tenant to the directory (tenant) ID",
    90014: "a field is missing in the request: look at auth",
    90033: "Microsoft's service cannot tell at the moment: nothing to change",
    90072: "the account is not one of this tenant: set auth.tenant to the mailbox's own",
    130004: "the application has no service principal: have an administrator grant consent for the tenant",
    500011: "the tenant does not have the resource in auth.scope: set that to https://outlook.office365.com/.default",
    500014: "the service of the resource is disabled in the tenant: have it enabled, or look at its subscription",
    500133: f"the assertion is not within its time: {_CLOCK}",
    501051: "the application is open to assigned ones only: assign it, or turn that off in the enterprise application",
    530004: "conditional access wants a compliant device: exempt this application",
    650052: "the organisation has no subscription for the service in auth.scope",
    650057: "the permission is not listed in the app registration: " + _GRANT,
    700003: "the device was deleted: log in anew for another refresh token",
    700016: "there is no such application in this tenant: look at auth.client_id and auth.tenant, or grant consent",
    700023: "the assertion is for another tenant: set auth.tenant to the application's own",
    700024: f"the assertion is not within its time: {_CLOCK}",
    700025: "the application is a public client: register it as a confidential one, or leave auth.client_secret out",
    700027: "the certificate is not registered, expired, or another one: upload that of auth.certificate to the "
    "app registration",
    700030: "the certificate is not valid: its subject does not fit the tenant, put another one into auth.certificate",
    700082: "the refresh token was not used for too long: log in anew for another one",
    700084: "the refresh token of a single-page application has expired: register the application as another platform",
    7000112: "the application is disabled: have it enabled in the tenant it belongs to",
    7000114: "the application may not call on behalf: use kind: microsoft with its own rights",
    7000215: "the client secret is wrong: put the Value of the secret, not its ID, into auth.secret",
    7000218: "the client must prove itself: give auth.secret or auth.certificate (auth.client_secret of kind oauth)",
    7000222: "the client secret has expired: make another one in the app registration, and put it into auth.secret",
    7000229: "the application has no service principal in this tenant: have an administrator grant consent there",
    7000272: "the application was deactivated: have an administrator look at it",
    1002012: "auth.scope is not right for client credentials: it must end in /.default",
    9002313: "the request is malformed: look at auth",
}
"""What to change, by the number of Microsoft's code."""
_AADSTS = re.compile(r"AADSTS(\d{4,8})")
TRANSIENT = frozenset({50196, 90033})
"""Codes that say nothing of the configuration, and pass."""

_DELEGATE = "grant domain-wide delegation in the Admin console (Security, API controls) to the client ID of the \
service account for exactly the scope in auth.scope"

_REFUSALS: tuple[tuple[str, str], ...] = (
    (r"not authorized for any of the scopes|unauthorized to retrieve access tokens using this method", _DELEGATE),
    (r"invalid email or user id", "there is no such account: set auth.subject (or username) to the mailbox's address"),
    (r"invalid_grant.{0,40}(not a valid email|account not found)", "the service account was deleted, or auth.key is "
     "another project's: make another key"),
    (r"invalid jwt signature|invalid signature for token", "the key was deleted or is disabled: make another one for "
     "the service account, and put it into auth.key"),
    (r"short-lived token|check your iat and exp|jwt.{0,40}(expired|not yet valid)", _CLOCK),
    (r"invalid_scope|invalid.{0,20}scope", "the token server does not know the scope: look at auth.scope or scopes"),
    (r"access_denied|client not authorized", _DELEGATE + ", or whatever the token server grants rights by"),
    (r"disabled_client", "the client is disabled: have it enabled, or use another one"),
    (r"deleted_client", "the client was deleted: make another one, and set auth.client_id"),
    (r"admin_policy_enforced", "an administrator forbids the scope: have the application trusted in API controls"),
    (r"org_internal", "the client is for another organisation: use one of the mailbox's own"),
    (r"rate_limit|slow_down|temporarily_unavailable", "the token server asks for patience: nothing to change"),
    (r"invalid_client", "the client cannot prove itself: look at auth.client_id, its secret, and client_auth"),
    (r"unauthorized_client", "the client may not use this grant: allow it at the token server"),
    (r"unsupported_grant_type", "the token server does not know this grant: with a refresh token give "
     "auth.refresh_token, else leave it out"),
    (r"invalid_grant", "the grant is not valid any more (revoked, expired, or of another client): log in anew for "
     "another auth.refresh_token"),
    (r"invalid_request", "the token server misses something: look at scopes, audience and client_auth"),
)  # fmt: skip
"""What a token server says, and what to change; the first row that fits."""

_MAIL: tuple[tuple[str, str], ...] = (
    (r"authenticated but not connected", f"the token is good, and the mailbox is not open to it: {_PRINCIPAL}; "
     "or IMAP is off for it (Set-CASMailbox -ImapEnabled $true)"),
    (r"SmtpClientAuthentication is disabled|5\.7\.139", "authenticated submission is off: switch it on for the mailbox "
     "(Set-CASMailbox -SmtpClientAuthenticationDisabled $false), or for the tenant"),
    (r"SendAsDenied|not allowed to send as|5\.7\.60|5\.2\.252", "the account may not send as this sender: set address "
     "to the mailbox's own, or give it SendAs"),
    (r"not enabled for IMAP|IMAP access is (?:disabled|not)|imap.{0,20}disabled", "IMAP is off for the mailbox: switch "
     "it on (in Google's Admin console: Apps, Gmail, End user access)"),
    (r"application-specific password|app password", "a plain password is not taken: use an app password, or auth"),
    (r"basic authentication is disabled|LogonDenied-BasicAuthBlocked|web login required|less secure",
     "passwords are not taken any more: use auth"),
    (r"5\.7\.3 |AUTHENTICATE failed|Invalid credentials|invalid_token|\"?status\"?.{0,4}40[0-3]",
     "the token was not taken for this mailbox: look at username, at the scope that the token is for, and whether the "
     f"application may open the mailbox; with Microsoft, {_GRANT}, {_PRINCIPAL}"),
)  # fmt: skip
"""What a mail server says to a login by token, and what to change; the first row that fits."""


def token_advice(said: str) -> str:
    """What to change when a token server says this; empty where no row fits."""
    code = _AADSTS.search(said)
    if code is not None and int(code[1]) in AADSTS:
        return AADSTS[int(code[1])]
    return _first(_REFUSALS, said)


def is_transient(said: str) -> bool:
    """Whether what a token server says will pass without anything being changed."""
    code = _AADSTS.search(said)
    passing = re.search(r"\b(?:temporarily_unavailable|server_error|slow_down|rate_limit)", said)
    return passing is not None or (code is not None and int(code[1]) in TRANSIENT)


def login_advice(said: str) -> str:
    """What to change when a mail server refuses a token with these words; empty where no row fits."""
    return _first(_MAIL, said)


def with_advice(said: str, advice: str) -> str:
    """A sentence of somebody else's, and what to change."""
    return f"{said}; {advice}" if advice else said


def _first(rows: tuple[tuple[str, str], ...], said: str) -> str:
    return next((words for pattern, words in rows if re.search(pattern, said, re.IGNORECASE)), "")
