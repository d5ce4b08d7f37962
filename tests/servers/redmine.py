"""A real Redmine of Debian, private and on loopback, with SQLite; mail comes in by its own mail handler.

It takes long to start, so all workers of a run share one.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from servers.polling import listening, tail, until
from servers.ports import LOOPBACK, Ports
from servers.shared import shared

DATABASE = """\
production:
  adapter: sqlite3
  database: {folder}/redmine.sqlite
  timeout: 60000
"""
GEMS = """\
eval_gemfile '/usr/share/redmine/Gemfile'
gem 'sqlite3'
gem 'webrick'
"""
INSTANCES = "/usr/share/redmine/instances"
"""Below it each of Debian's has a folder of its own, with what differs."""
PROJECTS = ("cpr", "general", "spam", "empty", "private")


class Redmine:
    """One that runs. ``anna`` and ``robot`` may do all, ``canary`` see the tickets of all projects but ``private``."""

    def __init__(self, folder: Path) -> None:
        self.port = int((folder / "port").read_text())
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.key = (folder / "key").read_text()
        self._client = httpx.Client(base_url=self.url, timeout=180, trust_env=False)

    def import_mail(self, project: str, raw: bytes, **issue: str) -> None:
        """Hand in a mail as rdm-mailhandler does; ``issue`` is what it sets besides."""
        given = {"key": "mail-key", "email": raw, "no_permission_check": "1", "issue[project]": project}
        more = {f"issue[{name}]": value for name, value in issue.items()}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._client.post("/mail_handler", content=urlencode({**given, **more}), headers=form)
        assert answer.status_code == 201, f"{answer.status_code} {answer.text}"

    def act(self, method: str, path: str, body: Any = None, user: str = "anna") -> Any:
        """Do something by the API, as somebody who may do all; AssertionError if it is refused."""
        answer = self._client.request(method, path, json=body, auth=(user, f"{user}-password"))
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content.strip() else None

    def ticket(self, mark: str) -> str:
        """The number of the one ticket whose text has this mark."""
        [found] = self.act("GET", f"/issues.json?status_id=*&description=~{mark}")["issues"]
        return str(found["id"])

    def change(self, ticket: str, user: str = "anna", **fields: object) -> None:
        """Change fields of a ticket, by the names of the API."""
        self.act("PUT", f"/issues/{ticket}.json", {"issue": fields}, user)

    def id_of(self, kind: str, name: str) -> int:
        """The number of a project, a status or a user."""
        found = self.act("GET", f"/{kind}.json?limit=100")[kind]
        return next(
            int(one["id"]) for one in found if name in (one.get("name"), one.get("identifier"), one.get("login"))
        )


@contextmanager
def redmine(folder: Path) -> Iterator[Redmine]:
    """One that lives in ``folder``, for each worker that names it."""

    def start() -> subprocess.Popen[bytes]:
        (folder / "port").write_text(str(ports.reserve()))
        return _started(folder)

    ports = Ports()
    try:
        with shared(folder, start):
            yield Redmine(folder)
    finally:
        ports.close()


def _started(folder: Path) -> subprocess.Popen[bytes]:
    """Start one, and wait until it answers."""
    for name in ("config", "log", "tmp/cache", "files"):
        (folder / name).mkdir(parents=True)
    (folder / "config/database.yml").write_text(DATABASE.format(folder=folder))
    (folder / "config/secret_key.txt").write_text("0" * 64)
    (folder / "Gemfile").write_text(GEMS)
    more = {"REDMINE_INSTANCE": os.path.relpath(folder, INSTANCES), "BUNDLE_GEMFILE": str(folder / "Gemfile")}
    port, log = (folder / "port").read_text(), folder / "output"
    command = ["/usr/bin/ruby", str(Path(__file__).with_suffix(".rb")), port, str(folder / "key")]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **more}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        until(lambda: process.poll() is not None or listening((LOOPBACK, int(port))), "Redmine", 300)
        assert process.poll() is None, f"it ended with status {process.poll()}"
    except AssertionError as error:
        process.kill()
        raise AssertionError(f"{error}\n{tail(log)}") from None
    return process
