"""A private Dovecot on loopback: IMAP, IMAPS, LMTP for delivery with Sieve, and authentication for Postfix.

It runs as Debian's unprivileged user ``dovecot``. Its accounts are files that it reads at each look-up, one a service:
who has none for ``lmtp`` gets no mail, who has none for ``imap`` cannot log in.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path

from servers.polling import until_ready
from servers.ports import LOOPBACK

USER = "dovecot"
SERVICES = ("imap", "smtp", "lmtp")

CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
instance_name = canary-test
log_path = {folder}/dovecot.log
log_timestamp = "%Y-%m-%dT%H:%M:%S.%{{usecs}} "
deliver_log_format = delivery to=<%{{to_envelope}}> msgid=%m: %$
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {user}
default_login_user = {user}
default_client_limit = 4000
default_process_limit = 1000
mail_max_userip_connections = 1000
# without root: no chroots, no changes of user; no pause after a wrong password
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
auth_failure_delay = 0
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service stats {{
  chroot =
}}
service lmtp {{
  process_min_avail = 2
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener {{
    port = {auth}
  }}
}}
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/tokens.conf
}}
passdb {{
  driver = dict
  args = {folder}/accounts.conf
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%n
}}
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_fsync = never
mailbox_list_index = yes
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Junk {{
    special_use = \\Junk
  }}
}}
recipient_delimiter = +
protocol lmtp {{
  mail_plugins = sieve
  postmaster_address = postmaster@{domain}
}}
plugin {{
  sieve = file:~/sieve;active=~/.dovecot.sieve
  sieve_before = {folder}/sieve/before.sieve
  sieve_vacation_min_period = 0
}}
lda_mailbox_autocreate = yes
lda_mailbox_autosubscribe = yes
submission_host = 127.0.0.1:{mx}
hostname = imap.{domain}
"""

ACCOUNTS = """\
uri = fs:posix:prefix={folder}/accounts/
default_pass_scheme = PLAIN
key passdb {{
  key = %Ls/%n
  format = json
}}
passdb_objects = passdb
"""

TOKENS = """\
introspection_mode = post
introspection_url = {introspection}
client_id = dovecot
client_secret = dovecot
active_attribute = active
active_value = true
username_attribute = username
username_format = %n
timeout_msecs = 5000
"""
"""Who says whether a token is good (RFC 7662); nobody, where no token server is there."""

DELIVERY = re.compile(
    r"^(?P<at>[0-9T:.-]+) lmtp\(.*?Info: (?:sieve: )?"
    r"delivery to=<(?P<to>[^>]*)> msgid=(?P<id><[^>]*>|\S*): (?P<status>.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class DovecotPorts:
    """Where it listens."""

    imap: int
    imaps: int
    lmtp: int
    auth: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One final delivery as the server logged it: ``message_id`` with angle brackets, ``at`` UTC to the microsecond."""

    message_id: str
    recipient: str
    at: datetime
    status: str


class Dovecot:
    """One instance below ``folder``. ``mx`` is the SMTP port that takes what Sieve sends (redirect, vacation).

    Tokens are good if ``introspection``, an address, says so.
    """

    def __init__(
        self, folder: Path, ports: DovecotPorts, chain: Path, key: Path, domain: str, mx: int, introspection: str
    ) -> None:
        self.folder, self.ports = folder, ports
        self.log = folder / "dovecot.log"
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("run", "state", "home", "sieve", *(f"accounts/{service}" for service in SERVICES)):
            (folder / name).mkdir(parents=True)
        shutil.copy(chain, folder / "cert.pem")
        shutil.copy(key, folder / "key.pem")
        account = pwd.getpwnam(USER)
        configuration = CONFIGURATION.format(
            folder=folder, user=USER, uid=account.pw_uid, gid=account.pw_gid, domain=domain, mx=mx,
            imap=ports.imap, imaps=ports.imaps, lmtp=ports.lmtp, auth=ports.auth,
        )  # fmt: skip
        (folder / "dovecot.conf").write_text(configuration)
        (folder / "accounts.conf").write_text(ACCOUNTS.format(folder=folder))
        (folder / "tokens.conf").write_text(TOKENS.format(introspection=introspection))
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, USER, USER)
        self.sieve(folder / "sieve/before.sieve", "# nothing\n")

    def start(self) -> None:
        """Start, and wait until every port answers; AssertionError with the end of the log if not."""
        self._process = subprocess.Popen(
            ["/usr/sbin/dovecot", "-F", "-c", str(self.folder / "dovecot.conf")],
            user=USER, group=USER, extra_groups=[], cwd=self.folder, start_new_session=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "UTC"},
            stdout=subprocess.DEVNULL, stderr=(self.folder / "stderr").open("wb"),
        )  # fmt: skip
        addresses = [(LOOPBACK, port) for port in astuple(self.ports)]
        try:
            until_ready("Dovecot", addresses, self.folder / "stderr", self.log)
        except AssertionError:
            self.stop()
            raise

    def stop(self) -> None:
        """End its processes: open sessions are closed, the mailboxes stay."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)  # it leads a session of its own, see start
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:  # processes that were just starting wait 5 s for its statistics
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None

    def ensure_running(self) -> None:
        """Start if it is stopped."""
        if self._process is None:
            self.start()

    def restart(self) -> None:
        """Stop, then start on the same ports."""
        self.stop()
        self.start()

    def allow(self, name: str, password: str) -> None:
        """An account: has a home, may log in to IMAP and to submission, and gets mail."""
        self.home(name).mkdir(exist_ok=True)
        shutil.chown(self.home(name), USER, USER)
        for service in SERVICES:
            path = self.folder / "accounts" / service / name
            new = self.folder / "accounts" / f"{service}.{name}.new"
            new.write_text(json.dumps({"password": password}))
            shutil.chown(new, USER, USER)
            new.replace(path)

    def forbid(self, name: str, *services: str) -> None:
        """Take the account away, from these services or (none named) from all."""
        for service in services or SERVICES:
            (self.folder / "accounts" / service / name).unlink(missing_ok=True)

    def home(self, name: str) -> Path:
        """A user's home folder."""
        return self.folder / "home" / name

    def sieve(self, path: Path, script: str) -> None:
        """Write and compile a script; ValueError with the compiler's words if it is wrong."""
        path.write_text(script)
        shutil.chown(path, USER, USER)
        done = subprocess.run(
            ["/usr/bin/sievec", "-c", str(self.folder / "dovecot.conf"), str(path)],
            user=USER, group=USER, extra_groups=[], cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise ValueError(f"sievec refuses the script:\n{done.stderr}")

    def deliveries(self) -> list[Delivery]:
        """Every final delivery so far, in the order of the log."""
        return [
            Delivery(
                message_id=line["id"],
                recipient=line["to"],
                at=datetime.fromisoformat(line["at"]).replace(tzinfo=UTC),
                status=line["status"],
            )
            for line in DELIVERY.finditer(self.log.read_text(encoding="utf-8", errors="replace"))
        ]
