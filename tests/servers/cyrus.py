"""A private Cyrus IMAP server on loopback: its folders are below INBOX, and each login is right."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from servers.debian import BESIDE
from servers.folders import server_folder
from servers.polling import until_ready
from servers.ports import LOOPBACK, Ports

USER, GROUP = "cyrus", "mail"
_COMMON = Path("/usr/lib/cyrus/bin")
_IMAP = BESIDE / "cyrus-imapd/usr/lib/cyrus/bin"

IMAPD = """\
configdirectory: {folder}/conf
partition-default: {folder}/spool
defaultpartition: default
proc_path: {folder}/proc
mboxname_lockpath: {folder}/lock
idlesocket: {folder}/conf/socket/idle
syslog_prefix: canary-test
allowplaintext: yes
sasl_pwcheck_method: alwaystrue
sasl_mech_list: PLAIN
altnamespace: no
unixhierarchysep: no
autocreate_quota: 0
autocreate_inbox_folders: {folders}
xlist-junk: Junk
"""
CYRUS = """\
START {{
  recover cmd="{common}/ctl_cyrusdb -C {folder}/imapd.conf -r"
}}
SERVICES {{
  imap cmd="{imap}/imapd -C {folder}/imapd.conf" listen="{address}:{port}" proto="tcp4" prefork=2
}}
DAEMON {{
  idled cmd="{imap}/idled -C {folder}/imapd.conf"
}}
"""


@contextmanager
def cyrus(wanted: Path, folders: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Its address, while it runs. Who logs in first has an INBOX with these folders; ``Junk`` has the use \\Junk."""
    with server_folder(wanted) as folder:
        ports = Ports()
        port = ports.reserve()
        for name in ("conf/db", "conf/socket", "conf/log", "conf/user", "conf/quota", "spool", "proc", "lock"):
            (folder / name).mkdir(parents=True)
        values = {"folder": folder, "common": _COMMON, "imap": _IMAP, "address": LOOPBACK, "port": port}
        (folder / "imapd.conf").write_text(IMAPD.format(folders=" | ".join(folders), **values))
        (folder / "cyrus.conf").write_text(CYRUS.format(**values))
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, USER, GROUP)
        with (folder / "out").open("wb") as out:
            command = ["master", "-C", "imapd.conf", "-M", "cyrus.conf", "-p", str(folder / "pid"), "-D"]
            process = subprocess.Popen(
                [str(_COMMON / command[0]), *command[1:]], cwd=folder, stdout=out, stderr=out, start_new_session=True
            )
        try:
            until_ready("Cyrus", [(LOOPBACK, port)], folder / "out")
            yield LOOPBACK, port
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # it leads a session of its own
            process.wait()
            ports.close()
