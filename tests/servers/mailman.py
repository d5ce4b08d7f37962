"""A mailing list in place of an alias, by Debian's Mailman 3: what it passes on is rewritten as lists do."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from servers.polling import listening, tail, until
from servers.ports import LOOPBACK

CONFIG = """\
[mailman]
layout: here
site_owner: owner@{domain}
[paths.here]
bin_dir: /usr/lib/mailman3/bin
var_dir: {folder}/var
[database]
class: mailman.database.sqlite.SQLiteDatabase
url: sqlite:///{folder}/var/mailman.db
[mta]
incoming: mailman.mta.null.NullMTA
lmtp_host: {host}
lmtp_port: {lmtp}
smtp_host: {host}
smtp_port: {mx}
"""
IDLE = ("archive", "bad", "bounces", "command", "digest", "nntp", "rest", "retry", "shunt", "task", "virgin")
"""Runners that nobody needs here."""

LIST = """\
from mailman.interfaces.action import Action
from mailman.interfaces.template import ITemplateManager
from zope.component import getUtility

def open_to_all(the_list):
    the_list.default_nonmember_action = Action.defer
    the_list.max_message_size = 0
    the_list.require_explicit_destination = False
    the_list.subject_prefix = "[problem reports] "
    the_list.anonymous_list = True
    getUtility(ITemplateManager).set(
        "list:member:regular:footer", the_list.list_id, "mailman:///list:member:regular:footer.txt")
"""


@contextmanager
def mailing_list(folder: Path, address: str, members: Sequence[str], lmtp: int, mx: int) -> Iterator[None]:
    """A list at ``address`` that takes from anybody, at the port ``lmtp``, and sends to ``mx``; needs root."""
    folder.mkdir()
    folder.chmod(0o755)
    text = CONFIG.format(folder=folder, domain=address.partition("@")[2], host=LOOPBACK, lmtp=lmtp, mx=mx)
    config = folder / "mailman.cfg"
    config.write_text(text + "".join(f"[runner.{name}]\nstart: no\n" for name in IDLE))
    (folder / "opening.py").write_text(LIST)
    (folder / "members").write_text("".join(f"{member}\n" for member in members))
    shutil.chown(folder, "list", "list")
    _run(config, "create", address)
    _run(config, "addmembers", str(folder / "members"), address)
    _run(config, "shell", "-l", address, "-r", "opening.open_to_all")
    log = folder / "log"
    with log.open("ab") as output:
        master = subprocess.Popen(
            _as_list(config, "master", "-C", str(config)), stdout=output, stderr=output, cwd=folder
        )
    try:
        until(partial(listening, (LOOPBACK, lmtp)), f"Mailman at port {lmtp}; its log is {log}", 120)
        yield
    finally:
        master.terminate()
        master.wait(60)


def _as_list(config: Path, program: str, *arguments: str) -> list[str]:
    environment = ["env", f"MAILMAN_CONFIG_FILE={config}", f"PYTHONPATH={config.parent}"]
    return ["runuser", "-u", "list", "--", *environment, f"/usr/lib/mailman3/bin/{program}", *arguments]


def _run(config: Path, *arguments: str) -> None:
    command = _as_list(config, "mailman", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=config.parent)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}{tail(config.parent / 'var/logs/mailman.log')}"
