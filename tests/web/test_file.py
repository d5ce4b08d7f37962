"""Web configuration files: what Prometheus' own documentation shows is taken, or refused by the name of its key."""

from __future__ import annotations

from pathlib import Path

import bcrypt
import pytest

from canary.config import ConfigError
from canary.web.file import read

HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()

BAD = {
    "unknown section": ("tls_server_cfg: {}", '1: tls_server_cfg: unknown key, did you mean "tls_server_config"?'),
    "unknown key": (
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  keyfile: c",
        '4: tls_server_config.keyfile: unknown key, did you mean "key_file"?',
    ),
    "rate limit": (
        "rate_limit: {burst: 1}",
        "1: rate_limit: is not supported by CPR Canary, want it left out: connections and reloads are limited anyhow",
    ),
    "excluded paths": (
        "auth_excluded_paths: [/metrics]",
        "1: auth_excluded_paths: is not supported by CPR Canary, want it left out: "
        "basic_auth_users are asked for everywhere",
    ),
    "cipher suites": (
        "tls_server_config: {cert_file: a, key_file: b, cipher_suites: []}",
        "1: tls_server_config.cipher_suites: is not supported by CPR Canary, "
        "want it left out: OpenSSL's own list holds",
    ),
    "curves": (
        "tls_server_config: {cert_file: a, key_file: b, curve_preferences: []}",
        "1: tls_server_config.curve_preferences: is not supported by CPR Canary, "
        "want it left out: OpenSSL's own list holds",
    ),
    "inline key": (
        "tls_server_config: {cert_file: a, key_file: b, key: hunter2}",
        "1: tls_server_config.key: is not supported by CPR Canary, want key_file",
    ),
    "sans": (
        "tls_server_config: {cert_file: a, key_file: b, client_allowed_sans: [c]}",
        "1: tls_server_config.client_allowed_sans: is not supported by CPR Canary, want it left out: "
        "whoever has a certificate of client_ca_file may ask",
    ),
    "http2": (
        "http_server_config:\n  http2: true",
        "2: http_server_config.http2: HTTP/2 is not supported by CPR Canary, want false, or it left out",
    ),
    "old TLS": (
        "tls_server_config: {cert_file: a, key_file: b, min_version: TLS10}",
        '1: tls_server_config.min_version: got "TLS10", want TLS12 or TLS13',
    ),
    "versions": (
        "tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}",
        "1: tls_server_config: min_version TLS13 is above max_version TLS12",
    ),
    "unverified certificates": (
        "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert}",
        '1: tls_server_config.client_auth_type: got "RequireAnyClientCert", want NoClientCert, '
        "VerifyClientCertIfGiven or RequireAndVerifyClientCert",
    ),
    "no CA": (
        "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}",
        "1: tls_server_config: client_auth_type is RequireAndVerifyClientCert and client_ca_file not given, want a "
        "client_ca_file with VerifyClientCertIfGiven or RequireAndVerifyClientCert, and none without",
    ),
    "no key": ("tls_server_config: {cert_file: a}", "1: tls_server_config.key_file: missing, want it"),
    "header": (
        "http_server_config: {headers: {Server: x}}",
        '1: http_server_config.headers.Server: got "Server", want Content-Security-Policy, X-Frame-Options, '
        "X-Content-Type-Options, X-XSS-Protection or Strict-Transport-Security",
    ),
    "header that is no ASCII": (
        "http_server_config: {headers: {X-Frame-Options: démon}}",
        '1: http_server_config.headers.X-Frame-Options: got "démon", want one line of ASCII',
    ),
    "password": (
        "basic_auth_users:\n  alice: hunter2",
        "2: basic_auth_users.alice: want a bcrypt hash of cost 4 to 15 such as `htpasswd -nBC 10 NAME` prints",
    ),
    "password that is a number": (
        "basic_auth_users:\n  alice: 4711",
        "2: basic_auth_users.alice: want a bcrypt hash of cost 4 to 15 such as `htpasswd -nBC 10 NAME` prints",
    ),
    "users": ("basic_auth_users: hunter2", "1: basic_auth_users: want a mapping of names to bcrypt hashes"),
    "twice": (
        "basic_auth_users: {}\nbasic_auth_users: {}",
        "2: basic_auth_users: written twice, first on line 1; want it once",
    ),
    "no mapping": ("- a", "1: got a list, want a mapping of sections"),
    "empty": ("", "1: got an empty file, want a configuration"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_is_told_with_its_line(tmp_path: Path, name: str) -> None:
    text, told = BAD[name]
    path = tmp_path / "web.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert str(caught.value) == f"{path}:{told}"
    assert "hunter2" not in repr(caught.value.mistakes)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text("basic_auth_users: {a: b}\nrate_limit: {}\nhttp_server_config: {http2: true}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert [mistake.line for mistake in caught.value.mistakes] == [1, 2, 3]


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/web.yml").write_text(
        "tls_server_config: {cert_file: c.pem, key_file: ../k.pem, prefer_server_cipher_suites: false}\n"
        f"basic_auth_users: {{alice: {HASH}}}\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    found = read(Path("deep/web.yml"))
    assert found.files() == [tmp_path / "deep/c.pem", tmp_path / "deep/../k.pem"]


def test_a_file_that_never_ends(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_bytes(b"# " + b"x" * (1 << 20))
    with pytest.raises(ConfigError, match="a web configuration file: more than 1048576 bytes"):
        read(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="want UTF-8"):
        read(path)
