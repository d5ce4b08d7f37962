"""The man in the middle: no TLS to be had through him, everything else as it was."""

from __future__ import annotations

import smtplib
import ssl

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, LoginError
from servers.ca_site import CaSite
from servers.polling import until
from servers.sending import note
from servers.strip_starttls import StrippingProxy


def test_smtp_goes_on_without_tls(site: CaSite) -> None:
    site.add_user("alice")
    with StrippingProxy(site.mx) as proxy, smtplib.SMTP(*proxy.address, timeout=30) as client:
        client.ehlo()
        assert client.has_extn("size")
        with pytest.raises(smtplib.SMTPNotSupportedError):
            client.starttls()
        assert client.docmd("STARTTLS")[0] == 502
        client.send_message(note("stranger@example.test", "alice@ca.test"))
        assert b"DATA\r\n" in [line.upper() for line in proxy.overheard]
    assert until(lambda: site.messages("alice"), "the message")


def test_imap_offers_neither_tls_nor_a_warning(site: CaSite) -> None:
    site.add_user("alice")
    with StrippingProxy(site.imap, "imap") as proxy, IMAPClient(*proxy.address, ssl=False, timeout=30) as client:
        assert not client.has_capability("LOGINDISABLED")
        with pytest.raises(CapabilityError):
            client.starttls(ssl.create_default_context())
        with pytest.raises(LoginError):  # the server sees plain text and refuses, but the password is on the wire
            client.login("alice", "not the real one")
        assert any(b"not the real one" in line for line in proxy.overheard)
