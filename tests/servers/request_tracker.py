"""A real Request Tracker of Debian, private and on loopback, with SQLite; mail comes in by its own rt-mailgate."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from servers.polling import listening, tail, until
from servers.ports import LOOPBACK, Ports

CONFIG = """\
Set($rtname, 'rt.test');
Set($Organization, 'rt.test');
Set($Timezone, 'UTC');
Set($WebDomain, '{host}');
Set($WebPort, {port});
Set($WebPath, '');
Set($WebBaseURL, 'http://{host}:{port}');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/rt.sqlite');
Set($DatabaseUser, ''); Set($DatabasePassword, ''); Set($DatabaseAdmin, '');
Set($MailCommand, 'testfile');
Set($CorrespondAddress, 'rt@rt.test');
Set($CommentAddress, 'rt-comment@rt.test');
Set($LogToSTDERR, 'warning'); Set($LogToSyslog, undef);
Set($RestrictReferrer, 0);
Set($WebSessionClass, 'Apache::Session::File');
Set($MasonDataDir, '{folder}/mason'); Set($MasonSessionDir, '{folder}/sessions');
Set($LexiconLanguages, qw(en));
1;
"""
SERVER = "/usr/share/request-tracker5/libexec/rt-server"
PASSWORDS = {name: f"{name}-password" for name in ("canary", "blind", "closer", "anna", "robot")}


class RequestTracker:
    """Started on entering the context, ended on leaving it. ``anna`` may do all, ``canary`` see queues and tickets.

    ``closer`` may close them, too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.log, self._ports = folder, folder / "log", Ports()
        self.port = self._ports.reserve()
        self.url = f"http://{LOOPBACK}:{self.port}"
        for name in ("mason", "sessions", "no-more"):
            (folder / name).mkdir(parents=True)
        (folder / "config.pm").write_text(CONFIG.format(host=LOOPBACK, port=self.port, folder=folder))
        self._process: subprocess.Popen[bytes] | None = None
        self._api = httpx.Client(base_url=f"{self.url}/REST/2.0", timeout=180, trust_env=False)
        self.token = ""

    def __enter__(self) -> RequestTracker:
        made = ("--action", "init", "--skip-create", "--dba", "", "--prompt-for-dba-password", "0")
        self._run("/usr/sbin/rt-setup-database-5", *made)
        said = self._run("/usr/bin/perl", str(Path(__file__).with_suffix(".pl")))
        self.token = said.rpartition("TOKEN ")[2].strip()
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        self._api.close()
        self._ports.close()

    def start(self) -> None:
        """Start, and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [SERVER, "--server", "Starlet", "--port", str(self.port), "--host", LOOPBACK, "--max-workers", "3"],
                env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            until(lambda: listening((LOOPBACK, self.port)), "Request Tracker", 180)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{tail(self.log)}") from None

    def stop(self) -> None:
        """End it; its tickets stay."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    @property
    def _environment(self) -> Mapping[str, str]:
        more = {"RT_SITE_CONFIG": str(self.folder / "config.pm"), "RT_SITE_CONFIG_DIR": str(self.folder / "no-more")}
        return {**os.environ, **more}

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def import_mail(self, queue: str, raw: bytes) -> None:
        """What an MTA does with a mail for a queue: hand it to rt-mailgate."""
        done = subprocess.run(self.importer(queue), input=raw, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def importer(self, queue: str) -> list[str]:
        """The command that takes a mail for a queue from its standard input."""
        return ["/usr/bin/rt-mailgate-5", "--queue", queue, "--action", "correspond", "--url", self.url]

    def act(self, method: str, path: str, body: Any = None, user: str = "anna") -> Any:
        """Do something by the API, as somebody who may do all; AssertionError if it is refused."""
        answer = self._api.request(method, path, json={} if body is None else body, auth=(user, PASSWORDS[user]))
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def tickets(self, mark: str) -> list[str]:
        """The numbers of the tickets that were opened by the message whose Message-ID begins with this mark."""
        found = self.act(
            "POST", "/attachments?fields=TransactionId", [{"field": "MessageId", "operator": "LIKE", "value": mark}]
        )
        entries = [item["TransactionId"] for item in found["items"]]
        return [self.act("GET", f"/transaction/{entry}")["Object"]["id"] for entry in entries]

    def change(self, ticket: str, user: str = "anna", **fields: str) -> None:
        """Change fields of a ticket: Queue, Status, Owner, MergeInto."""
        self.act("PUT", f"/ticket/{ticket}", fields, user)

    def say(self, ticket: str, text: str, how: str = "correspond", user: str = "anna") -> None:
        """Answer (``correspond``) or comment on (``comment``) a ticket."""
        self.act("POST", f"/ticket/{ticket}/{how}", {"Content": text, "ContentType": "text/plain"}, user)
