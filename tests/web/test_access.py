"""A web configuration file at work: real TLS, real clients, users with bcrypt, certificates that are renewed."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import bcrypt
import httpx
import pytest
import trustme
from servers.certificates import authority_file, server_cert, stranger_cert
from structlog.testing import capture_logs
from web.asking import APP, HandSet, opened, until

from canary.config import ConfigError
from canary.config.sections import Web
from canary.model import OwnFaultError
from canary.settings import Secret
from canary.web import serve_on
from canary.web.access import Access, rules
from canary.web.connections import Connections
from canary.web.guard import Doorkeeper
from canary.web.passwords import Passwords, basic
from canary.web.server import listen

PASSWORD = "correct horse"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
TLS = "tls_server_config: {cert_file: cert.pem, key_file: key.pem"
TOKEN = "0123456789abcdef-token"


def written(folder: Path, text: str) -> Web:
    (folder / "web.yml").write_text(text, encoding="utf-8")
    return Web(config_file=folder / "web.yml")


@asynccontextmanager
async def served(web: Web) -> AsyncIterator[tuple[int, Access]]:
    """The application behind a web configuration file that is followed; its port."""
    access = Access(web)
    with closing(listen("127.0.0.1", 0)) as listener:
        async with serve_on(Doorkeeper(APP, access), listener, access.tls) as port:
            following = asyncio.create_task(access.follow_files())
            yield port, access
            following.cancel()


def client(
    authority: trustme.CA, version: ssl.TLSVersion | None = None, own: trustme.LeafCert | None = None
) -> httpx.AsyncClient:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if own is not None:
        own.configure_cert(context)
    return httpx.AsyncClient(verify=context)


async def serial(port: int, authority: trustme.CA) -> str:
    """The serial number of the certificate that is shown."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    _, writer = await asyncio.open_connection("localhost", port, ssl=context)
    found: str = writer.get_extra_info("peercert")["serialNumber"]
    writer.close()
    return found


async def test_tls_of_the_versions_that_it_says(authority: trustme.CA, tmp_path: Path) -> None:
    server_cert(authority, tmp_path)
    async with served(written(tmp_path, TLS + ", min_version: TLS13}")) as (port, _):
        async with client(authority, ssl.TLSVersion.TLSv1_3) as good:
            assert (await good.get(f"https://localhost:{port}/metrics")).status_code == 404
        async with client(authority, ssl.TLSVersion.TLSv1_2) as old:
            with pytest.raises(httpx.ConnectError):
                await old.get(f"https://localhost:{port}/")
        async with httpx.AsyncClient() as in_the_clear:
            with pytest.raises(httpx.RemoteProtocolError):
                await in_the_clear.get(f"http://localhost:{port}/")


@pytest.mark.parametrize(
    ("policy", "without"), [("VerifyClientCertIfGiven", True), ("RequireAndVerifyClientCert", False)]
)
async def test_client_certificates(authority: trustme.CA, tmp_path: Path, policy: str, without: bool) -> None:
    server_cert(authority, tmp_path)
    authority_file(authority, tmp_path)
    text = TLS + f", client_auth_type: {policy}, client_ca_file: authority.pem}}"
    async with served(written(tmp_path, text)) as (port, _):
        assert await answered(client(authority, own=authority.issue_cert("prometheus")), port)
        assert await answered(client(authority), port) is without
        assert not await answered(client(authority, own=trustme.CA().issue_cert("prometheus")), port)


async def answered(asking: httpx.AsyncClient, port: int) -> bool:
    async with asking:
        try:
            return (await asking.get(f"https://localhost:{port}/")).status_code == 200
        except (httpx.TransportError, ssl.SSLError):
            return False


async def test_a_renewed_certificate_is_taken_and_a_wrong_one_is_not(authority: trustme.CA, tmp_path: Path) -> None:
    server_cert(authority, tmp_path)
    with capture_logs() as logs:
        async with served(written(tmp_path, TLS + "}")) as (port, _):
            first = await serial(port, authority)
            (tmp_path / "key.pem").write_text("no key", encoding="utf-8")
            await until(lambda: any("cannot be used" in entry["event"] for entry in logs))
            assert await serial(port, authority) == first
            server_cert(authority, tmp_path)
            await until(lambda: any("read again" in entry["event"] for entry in logs))
            assert await serial(port, authority) != first


async def test_handshakes_that_do_not_end_are_bounded_too(authority: trustme.CA, tmp_path: Path) -> None:
    server_cert(authority, tmp_path)
    access = Access(written(tmp_path, TLS + "}"))
    clock = HandSet()
    with closing(listen("127.0.0.1", 0)) as listener:
        inside = Connections(Doorkeeper(APP, access), listener, clock, access.tls, 8)
        inside.open()
        port = listener.getsockname()[1]
        held = [await opened(port, b"\x16\x03\x01\x02\x00"[: number % 6]) for number in range(50)]
        assert await answered(client(authority), port)
        clock.seconds += 11
        for reader, writer in held:
            assert await asyncio.wait_for(reader.read(), 60) == b""
            writer.close()
        assert await answered(client(authority), port)
        await inside.close()


async def test_users_are_asked_for_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_WEB_TOKEN", TOKEN)
    web = written(tmp_path, f"basic_auth_users: {{alice: {HASH}}}\n").model_copy(
        update={"token": Secret(env="TEST_WEB_TOKEN")}
    )
    async with served(web) as (port, _), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as asking:
        for path in ("/metrics", "/-/healthy", "/-/ready", "/evidence/checkpoint"):
            refused = await asking.get(path)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Basic realm="cpr-canary"')
            assert (await asking.get(path, auth=("alice", PASSWORD))).status_code == 404
            for wrong in (("alice", "guess"), ("bob", PASSWORD), ("", ""), ("alice", "x" * 100), ("alice", "a\0b")):
                assert (await asking.get(path, auth=wrong)).status_code == 401
            assert (await asking.get(path, headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 404
        assert (await asking.post("/-/reload", auth=("alice", PASSWORD))).status_code == 401
        assert (await asking.post("/-/reload", headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 404


async def test_a_right_password_is_checked_once_and_a_wrong_one_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[bytes] = []
    monkeypatch.setattr(bcrypt, "checkpw", lambda password, stored: checked.append(password) or password == b"right")
    users = Passwords({"alice": HASH})
    for _ in range(3):
        assert await users.admit(httpx.BasicAuth("alice", "right")._auth_header)
        assert not await users.admit(httpx.BasicAuth("alice", "wrong")._auth_header)
        assert not await users.admit(httpx.BasicAuth("nobody", "right")._auth_header)
    assert checked.count(b"right") == 4  # a name that is not known costs as much
    assert checked.count(b"wrong") == 3


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !", "Basic YQ==", "Basic /w==", "Basic YTpi\n!", "Bearer YTpi", "BasicYTpi"]
)
def test_what_is_no_name_and_password(header: str) -> None:
    assert basic(header) is None


async def test_users_of_a_changed_file_hold_at_once(tmp_path: Path) -> None:
    async with served(written(tmp_path, f"basic_auth_users: {{alice: {HASH}}}\n")) as (port, access):
        before = access.rules
        written(tmp_path, f"basic_auth_users: {{robert: {HASH}}}\n")
        await until(lambda: access.rules is not before)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as asking:
            assert (await asking.get("/", auth=("robert", PASSWORD))).status_code == 200
            assert (await asking.get("/", auth=("alice", PASSWORD))).status_code == 401


async def test_headers_stand_in_every_answer(tmp_path: Path) -> None:
    text = (
        "http_server_config: {http2: false, headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=9}}\n"
    )
    async with served(written(tmp_path, text)) as (port, _), httpx.AsyncClient() as asking:
        for path, status in (("/", 200), ("/nothing", 404)):
            answer = await asking.get(f"http://127.0.0.1:{port}{path}")
            assert (answer.status_code, answer.headers["x-frame-options"]) == (status, "deny")
            assert answer.headers["strict-transport-security"] == "max-age=9"


def test_files_that_cannot_be_used(authority: trustme.CA, tmp_path: Path) -> None:
    web = written(tmp_path, TLS + "}")
    with pytest.raises(OwnFaultError, match=r"cert\.pem"):
        rules(web)
    server_cert(authority, tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    shutil.move(stranger_cert(other)[1], tmp_path / "key.pem")
    with pytest.raises(OwnFaultError, match=r"(?i)mismatch"):
        rules(web)
    with pytest.raises(ConfigError, match="want a file that can be read"):
        rules(Web(config_file=tmp_path / "nowhere.yml"))


@pytest.mark.parametrize("token", ["tiny", "with a space in it all", "ümlaut-token-of-some-length"])
def test_a_token_that_is_none_is_refused_and_not_told(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("TEST_WEB_TOKEN", token)
    with pytest.raises(OwnFaultError) as caught:
        rules(Web(token=Secret(env="TEST_WEB_TOKEN")))
    assert token not in str(caught.value)
    monkeypatch.setenv("TEST_WEB_TOKEN", TOKEN)
    assert TOKEN not in repr(rules(Web(token=Secret(env="TEST_WEB_TOKEN"))))


def test_a_token_that_is_not_there_is_told_by_its_source() -> None:
    with pytest.raises(OwnFaultError, match="environment variable NO_SUCH_TOKEN"):
        rules(Web(token=Secret(env="NO_SUCH_TOKEN")))
