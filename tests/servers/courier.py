"""A private Courier IMAP server on loopback: its folders are below INBOX, and each login by LOGIN is right.

Courier's own login asks a daemon of the whole machine. So that is done here, as its programs do it among themselves:
whoever logged in gets Courier's ``imapd``, which answers that command and all that follow.
"""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from servers.debian import BESIDE
from servers.folders import server_folder
from servers.ports import LOOPBACK

USER = "courier"
_IMAPD = str(BESIDE / "courier-imap/usr/bin/imapd")
_CAPABILITIES = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "IMAP_CAPABILITY": _CAPABILITIES,
    "IMAP_KEYWORDS": "1",
    "IMAP_USELOCKS": "1",
    "IMAP_IDLE_TIMEOUT": "1",
    "IMAP_ENHANCEDIDLE": "0",
    "TCPREMOTEIP": LOOPBACK,
    "TCPREMOTEPORT": "1",
    "AUTHSERVICE": "imap",
}


@contextmanager
def courier(wanted: Path, folders: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Its address, while it runs; there is one mailbox, with an INBOX and these folders."""
    with server_folder(wanted) as folder:
        for name in ("", *(f".{name}" for name in folders)):
            for part in ("cur", "new", "tmp"):
                (folder / "Maildir" / name / part).mkdir(parents=True)
        account = pwd.getpwnam(USER)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)
        listener = socket.create_server((LOOPBACK, 0))
        threading.Thread(target=_accept, args=(listener, folder), name="courier", daemon=True).start()
        try:
            yield listener.getsockname()
        finally:
            listener.close()


def _accept(listener: socket.socket, home: Path) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_log_in, args=(client, home), daemon=True).start()


def _log_in(client: socket.socket, home: Path) -> None:
    """Talk until somebody logs in; then it is Courier that talks."""
    with client, suppress(OSError):
        client.sendall(f"* OK [CAPABILITY {_CAPABILITIES}] Courier-IMAP ready.\r\n".encode())
        while line := _line(client):
            tag, _, rest = line.decode("latin-1").partition(" ")
            match rest.split(" ")[0].upper():
                case "CAPABILITY":
                    client.sendall(f"* CAPABILITY {_CAPABILITIES}\r\n{tag} OK CAPABILITY completed\r\n".encode())
                case "LOGIN":
                    user = rest.split(" ")[1].strip('"')
                    who = {"AUTHENTICATED": user, "AUTHADDR": user, "HOME": str(home), "IMAPLOGINTAG": tag}
                    subprocess.run(
                        [_IMAPD, "Maildir"], cwd=home, stdin=client, stdout=client, stderr=subprocess.DEVNULL,
                        user=USER, group=USER, extra_groups=[], env={**_ENVIRONMENT, **who}, check=False,
                    )  # fmt: skip
                    return
                case _:
                    client.sendall(f"{tag} NO log in first\r\n".encode())


def _line(client: socket.socket) -> bytes:
    """One line, and not a byte more: the rest is for Courier."""
    line = bytearray()
    while not line.endswith(b"\n") and (byte := client.recv(1)):
        line += byte
    return bytes(line).strip()
