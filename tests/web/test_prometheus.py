"""A real Prometheus scrapes the canary over TLS, with a name and a password, by the web configuration file."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import bcrypt
import pytest
import trustme
import yaml
from metrics.recorded import opened, settings
from servers.certificates import authority_file, server_cert
from servers.polling import until
from servers.prometheus import Prometheus

from canary.web import Access, create_app, listen, serve_on


@pytest.mark.parametrize(("password", "health"), [("right", "up"), ("wrong", "down")])
async def test_it_is_scraped_by_whoever_may(authority: trustme.CA, tmp_path: Path, password: str, health: str) -> None:
    server_cert(authority, tmp_path)
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(10)).decode()
    web = {
        "tls_server_config": {"cert_file": "cert.pem", "key_file": "key.pem", "min_version": "TLS13"},
        "basic_auth_users": {"prometheus": hashed},
    }
    (tmp_path / "web.yml").write_text(yaml.safe_dump(web), encoding="utf-8")
    prober = opened(settings(tmp_path, kind="email"))
    access = Access(prober.config.web.model_copy(update={"config_file": tmp_path / "web.yml"}))
    ca = authority_file(authority, tmp_path)
    with closing(listen("127.0.0.1", 0)) as listener:
        async with serve_on(create_app(prober, access=access), listener, access.tls) as port:
            found = await asyncio.to_thread(_scraped, tmp_path / "prometheus", port, ca, password)
    assert (found["health"], "401" in found["lastError"]) == (health, health == "down")
    prober.ledger.close()


def _scraped(folder: Path, port: int, ca: Path, password: str) -> dict[str, str]:
    job = {
        "job_name": "cpr-canary",
        "scheme": "https",
        "tls_config": {"ca_file": str(ca)},
        "basic_auth": {"username": "prometheus", "password": password},
        "static_configs": [{"targets": [f"localhost:{port}"]}],
    }
    patient = {"scrape_interval": "5s", "scrape_timeout": "5s"}  # on a machine with other work to do
    text = yaml.safe_dump({"global": patient, "scrape_configs": [job]})
    with Prometheus(folder, text) as prometheus:

        def known() -> dict[str, str] | None:
            [target] = prometheus.targets() or [{"health": "unknown"}]
            return target if target["health"] != "unknown" else None

        found: dict[str, str] = until(known, "a scrape", 60)
        return found
