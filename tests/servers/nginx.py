"""A private nginx on loopback before an application, as ``docs/captcha-bypass/nginx.conf`` has it."""

from __future__ import annotations

from pathlib import Path

import httpx
from servers.http_daemon import HttpDaemon

DOCS = Path(__file__).parents[2] / "docs/captcha-bypass"
_WHOLE = """\
load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
user root;
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    location_of_what_is_in_the_docs
}}
"""


class Nginx(HttpDaemon):
    """One instance below ``folder`` that hands on to ``application`` (HOST:PORT), with a key of a bypass."""

    def __init__(self, folder: Path, application: str, key: str) -> None:
        super().__init__(folder, "")
        secret = folder / "bypass.key"
        secret.write_text(key + "\n", encoding="utf-8")
        secret.chmod(0o600)
        script = (DOCS / "bypass.js").read_text(encoding="utf-8")
        (folder / "bypass.js").write_text(script.replace("/etc/nginx/cpr-canary-bypass.key", str(secret)))
        shown = (DOCS / "nginx.conf").read_text(encoding="utf-8").replace("/etc/nginx/bypass.js", f"{folder}/bypass.js")
        shown = shown.replace("127.0.0.1:8080", self.address).replace("127.0.0.1:8000", application)
        self.file.write_text(_WHOLE.format(folder=folder).replace("location_of_what_is_in_the_docs", shown))

    def command(self) -> list[str]:
        """The program with its flags."""
        return ["/usr/sbin/nginx", "-p", str(self.folder), "-c", str(self.file)]

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it ended with status {self._process.returncode}"
        try:
            return self._client.get("/").status_code < 500
        except httpx.TransportError:
            return False
