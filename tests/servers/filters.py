"""What stands before a CA's mailboxes, from Debian: opendkim signs and verifies, opendmarc judges, rspamd scores.

Each is a private instance behind a socket of the file system, in ``folder``, which Postfix asks as a milter. No DNS is
asked: keys that a domain would publish are in a file, and rspamd's servers for names answer nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from servers.polling import tail, until

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

OPENDKIM = """\
Mode sv
Socket local:{folder}/opendkim.sock
UserID opendkim
UMask 0
Background no
Syslog no
Domain {domain}
Selector canary
KeyFile {folder}/canary.private
TestPublicKeys {folder}/published
InternalHosts {folder}/nobody
RequireSafeKeys no
Canonicalization relaxed/relaxed
AuthservID mx.ca.test
"""

OPENDMARC = """\
Socket local:{folder}/opendmarc.sock
UserID opendmarc
UMask 0
Background no
Syslog no
AuthservID mx.ca.test
TrustedAuthservIDs mx.ca.test
SPFSelfValidate no
IgnoreHosts {folder}/nobody
RejectFailures no
"""

RSPAMD = {
    "worker-proxy.inc": 'bind_socket = "{folder}/rspamd.sock mode=0666"; count = 1; milter = yes;\n'
    'upstream "local" {{ default = yes; self_scan = yes; }}\n',
    "worker-normal.inc": "enabled = false;\n",
    "worker-controller.inc": "enabled = false;\n",
    "options.inc": 'url_tld = "{folder}/suffixes"; disable_hyperscan = true;\n'  # else it compiles for half a minute
    'dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.05s; retransmits = 1; }}\n',
    "milter_headers.conf": "extended_spam_headers = true; skip_local = false; skip_authenticated = false;\n",
    "multimap.conf": 'ILL_REPUTED {{ type = "from"; map = "{folder}/ill_reputed"; score = 8.0; }}\n',
}

ILL_REPUTED = "freemail"
"""Whoever writes under this name, rspamd marks as spam."""


@contextmanager
def filters(folder: Path, domain: str) -> Iterator[list[str]]:
    """All three, started, for mail from ``domain``; gives what stands in Postfix's ``smtpd_milters``, in order."""
    folder.mkdir()
    folder.chmod(0o777)  # each runs as a user of its own, and makes its socket there
    with ExitStack() as stack:
        for start in (_opendkim, _opendmarc, _rspamd):
            name, command = start(folder, domain)
            stack.enter_context(_running(folder, name, command))
        yield [f"unix:{folder}/{name}.sock" for name in ("opendkim", "opendmarc", "rspamd")]


def _opendkim(folder: Path, domain: str) -> tuple[str, Sequence[str]]:
    key, public = folder / "canary.private", ["openssl", "rsa", "-pubout", "-outform", "DER", "-in"]
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    der = subprocess.run([*public, key], check=True, capture_output=True).stdout
    (folder / "published").write_text(f"canary._domainkey.{domain} v=DKIM1; k=rsa; p={b64encode(der).decode()}\n")
    (folder / "nobody").touch()
    (folder / "opendkim.conf").write_text(OPENDKIM.format(folder=folder, domain=domain))
    shutil.chown(key, "opendkim")
    return "opendkim", ["opendkim", "-f", "-x", f"{folder}/opendkim.conf"]


def _opendmarc(folder: Path, _: str) -> tuple[str, Sequence[str]]:
    (folder / "opendmarc.conf").write_text(OPENDMARC.format(folder=folder))
    return "opendmarc", ["opendmarc", "-f", "-c", f"{folder}/opendmarc.conf"]


def _rspamd(folder: Path, domain: str) -> tuple[str, Sequence[str]]:
    for name in ("local.d", "rspamd"):
        (folder / name).mkdir()
    for name, text in RSPAMD.items():
        (folder / "local.d" / name).write_text(text.format(folder=folder))
    (folder / "suffixes").write_text("test\nexample\ncom\norg\nnet\n")
    (folder / "ill_reputed").write_text(f"{ILL_REPUTED}@{domain}\n")
    shutil.chown(folder / "rspamd", "_rspamd")
    places = {"DBDIR": "rspamd", "LOGDIR": "rspamd", "RUNDIR": "rspamd", "LOCAL_CONFDIR": "."}
    given = [word for name, place in places.items() for word in ("--var", f"{name}={folder / place}")]
    return "rspamd", ["rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", "/etc/rspamd/rspamd.conf", *given]


@contextmanager
def _running(folder: Path, name: str, command: Sequence[str]) -> Iterator[None]:
    socket, log = folder / f"{name}.sock", folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | {"PATH": PATH})
    try:
        _listens(process, socket, log)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _listens(process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    def there() -> bool:
        assert process.poll() is None, f"{process.args} ended: {tail(log)}"
        return socket.exists()

    until(there, f"{socket.name} to be listened on", 90)
