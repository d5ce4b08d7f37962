"""A private Postfix on loopback: an MX, a submission port, a submissions port. Nothing it takes leaves the machine."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from servers.polling import tail, until, until_ready
from servers.ports import LOOPBACK

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/q
data_directory = {folder}/d
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
syslog_name = postfix
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
virtual_alias_domains =
recipient_delimiter = +
default_transport = error:5.1.2 no mail leaves this machine
relay_transport = error:5.1.2 no mail leaves this machine
lmtp_host_lookup = native
smtp_host_lookup = native
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject_unauth_destination
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/key.pem, {folder}/cert.pem
smtpd_sasl_type = dovecot
milter_default_action = tempfail
message_size_limit = 52428800
notify_classes =
# no limits, no pauses: a bench sends a thousand messages a minute
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 10000
smtpd_hard_error_limit = 100000
smtpd_junk_command_limit = 10000
in_flow_delay = 0
default_destination_concurrency_limit = 20
initial_destination_concurrency = 20
# try again at once: tests stop and start what is behind
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
transport_retry_time = 1s
"""

MASTER = """\
127.0.0.1:{mx} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{submissions} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 1 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""


QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "saved", "trace")


@dataclass(frozen=True, slots=True)
class PostfixPorts:
    """Where it listens."""

    mx: int
    submission: int
    submissions: int


class Postfix:
    """One instance below ``folder``; needs root. ``settings`` are lines added to main.cf, ``services`` to master.cf."""

    def __init__(
        self,
        folder: Path,
        ports: PostfixPorts,
        chain: Path,
        key: Path,
        settings: Mapping[str, str],
        services: Sequence[str] = (),
    ) -> None:
        self.folder, self.ports = folder, ports
        self.log = folder / "mail.log"
        self._make_folders()
        shutil.copy(chain, folder / "cert.pem")
        shutil.copy(key, folder / "key.pem")
        main = MAIN.format(folder=folder) + "".join(f"{name} = {value}\n" for name, value in settings.items())
        (folder / "main.cf").write_text(main)
        os.utime(folder / "main.cf", (0, 0))  # Postfix waits up to 2 s for a file to be settled that just changed
        (folder / "master.cf").write_text(
            MASTER.format(mx=ports.mx, submission=ports.submission, submissions=ports.submissions)
            + "".join(f"{service}\n" for service in services)
        )

    def _make_folders(self) -> None:
        """What "postfix start" would make and check for seconds by shell scripts; "quick-start" tells it not to."""
        (self.folder / "q/pid").mkdir(parents=True)
        for name in (*(f"q/{queue}" for queue in QUEUES), "q/private", "d"):
            (self.folder / name).mkdir(mode=0o700)
            shutil.chown(self.folder / name, "postfix")
        for name, mode in (("q/public", 0o710), ("q/maildrop", 0o730)):
            (self.folder / name).mkdir()
            shutil.chown(self.folder / name, "postfix", "postdrop")
            (self.folder / name).chmod(mode)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [f"/usr/sbin/{program}", "-c", str(self.folder), *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(
                f"{program} {' '.join(arguments)} ended with status {done.returncode}:\n{done.stdout}{done.stderr}"
                f"{tail(self.log)}"
            )

    def start(self) -> None:
        """Start, wait until every port answers; RuntimeError or AssertionError with the end of the log if not."""
        (self.folder / "q/quick-start").touch()
        self._run("postfix", "start")
        ports = (self.ports.mx, self.ports.submission, self.ports.submissions)
        until_ready("Postfix", [(LOOPBACK, port) for port in ports], self.log)

    def stop(self) -> None:
        """End its processes by the process id of their master; mail in the queue stays for the next start."""
        pid = self._master()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        until(lambda: self._master() is None, f"the end of Postfix's master process {pid}")

    def ensure_running(self) -> None:
        """Start if it is stopped."""
        if self._master() is None:
            self.start()

    def _master(self) -> int | None:
        """The process id of the running master. The file survives it, but its name in /proc does not."""
        try:
            pid = int((self.folder / "q/pid/master.pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return pid if b"master" in command else None

    def queued(self) -> list[str]:
        """The queue ids of the messages that wait, are on hold, or are being delivered."""
        folders = ("incoming", "active", "deferred", "hold")
        return [path.name for name in folders for path in (self.folder / "q" / name).rglob("*") if _is_queue_file(path)]

    def held(self) -> list[str]:
        """The queue ids of the messages on hold."""
        return [path.name for path in (self.folder / "q/hold").rglob("*") if _is_queue_file(path)]

    def release(self) -> None:
        """Deliver what is on hold, now."""
        self._run("postsuper", "-H", "ALL")
        self._run("postqueue", "-f")

    def emptied(self) -> bool:
        """Throw away everything in the queue; is it empty now? What is just being delivered may not be."""
        self._run("postsuper", "-d", "ALL")
        return not self.queued()


def _is_queue_file(path: Path) -> bool:
    return re.fullmatch(r"[0-9A-Fa-z]{6,}", path.name) is not None
