"""A web configuration file as exporter-toolkit has it: TLS, users with bcrypt passwords, headers of answers.

https://prometheus.io/docs/prometheus/latest/configuration/https/ is its reference. What stands there and is not done
here is refused by name. Paths in it count from its own folder. It is read again when it, or a file that it names, has
changed: so a renewed certificate is taken.
"""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from canary.budgets import WEB_FILE, BudgetError
from canary.config import ConfigError, yaml_lines
from canary.config.mistakes import Mistake, shown, suggest, wording
from canary.settings import FilePath, Settings

_BCRYPT = re.compile(r"\$2[abxy]\$(?:0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}")
_NAME = re.compile(r"[!-9;-~](?:[ -9;-~]{0,98}[!-9;-~])?")
_Header = Literal[
    "Content-Security-Policy",
    "X-Frame-Options",
    "X-Content-Type-Options",
    "X-XSS-Protection",
    "Strict-Transport-Security",
]
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_Version = Literal["TLS12", "TLS13"]
_ASKING = {"VerifyClientCertIfGiven": ssl.CERT_OPTIONAL, "RequireAndVerifyClientCert": ssl.CERT_REQUIRED}
_NOT_HERE = {
    "tls_server_config": {
        "cert": "want cert_file",
        "key": "want key_file",
        "client_ca": "want client_ca_file",
        "client_allowed_sans": "want it left out: whoever has a certificate of client_ca_file may ask",
        "cipher_suites": "want it left out: OpenSSL's own list holds",
        "curve_preferences": "want it left out: OpenSSL's own list holds",
    },
    "": {
        "rate_limit": "want it left out: connections and reloads are limited anyhow",
        "auth_excluded_paths": "want it left out: basic_auth_users are asked for everywhere",
    },
}
"""What exporter-toolkit knows and we do not, by section, with what to do instead."""


def _hash(value: object) -> object:
    if not isinstance(value, str) or not _BCRYPT.fullmatch(value):  # not repeated: it may be the password itself
        raise PydanticCustomError("bcrypt", "want a bcrypt hash of cost 4 to 15 such as `htpasswd -nBC 10 NAME` prints")
    return value


def _header(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("wanted one line of ASCII")
    return value


class _ServerTls(Settings):
    cert_file: FilePath = Field(description="PEM file of the certificate and its chain")
    key_file: FilePath = Field(description="PEM file of its key")
    client_auth_type: Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] = "NoClientCert"
    client_ca_file: FilePath | None = None
    min_version: _Version = "TLS12"
    max_version: _Version = "TLS13"
    prefer_server_cipher_suites: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.client_ca_file is not None) != (self.client_auth_type in _ASKING):
            raise ValueError(
                f"client_auth_type is {self.client_auth_type} and client_ca_file "
                f"{'not given' if self.client_ca_file is None else 'given'}, want a client_ca_file "
                f"with {' or '.join(_ASKING)}, and none without"
            )
        if self.min_version > self.max_version:
            raise ValueError(f"min_version {self.min_version} is above max_version {self.max_version}")
        return self

    def files(self) -> list[Path]:
        return [path for path in (self.cert_file, self.key_file, self.client_ca_file) if path is not None]

    def context(self) -> ssl.SSLContext:
        """Raises OSError (of which ssl.SSLError is one) naming the file that cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version, context.maximum_version = _VERSIONS[self.min_version], _VERSIONS[self.max_version]
        if not self.prefer_server_cipher_suites:
            context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        for path in self.files():
            path.open("rb").close()  # OpenSSL does not say which one it cannot read
        context.load_cert_chain(self.cert_file, self.key_file, password=_no_password)
        if self.client_ca_file is not None:
            context.load_verify_locations(self.client_ca_file)
        context.verify_mode = _ASKING.get(self.client_auth_type, ssl.CERT_NONE)
        return context


def _no_password() -> str:
    raise OSError("it is encrypted, want one without a password")  # or OpenSSL asks for one on the terminal


class _Http(Settings):
    http2: Literal[False] = False
    headers: dict[_Header, Annotated[str, AfterValidator(_header)]] = Field(default_factory=dict)


class WebFile(Settings):
    """What a web configuration file says."""

    tls_server_config: _ServerTls | None = None
    http_server_config: _Http = Field(default_factory=_Http)
    basic_auth_users: dict[str, Annotated[str, BeforeValidator(_hash)]] = Field(default_factory=dict)

    @field_validator("basic_auth_users")
    @classmethod
    def _names(cls, users: dict[str, str]) -> dict[str, str]:
        for name in users:
            if not _NAME.fullmatch(name):
                raise ValueError("want names of at most 100 printable ASCII characters without a colon")
        return users

    def files(self) -> list[Path]:
        """The files that it names."""
        return self.tls_server_config.files() if self.tls_server_config else []

    def context(self) -> ssl.SSLContext | None:
        """What TLS is made with; None where it is HTTP in the clear. Raises OSError if a file cannot be used."""
        return self.tls_server_config.context() if self.tls_server_config else None


def read(path: Path) -> WebFile:
    """Read a web configuration file. Raises :class:`ConfigError` with every mistake, if there is any."""
    try:
        document = yaml_lines.parse(WEB_FILE.read_path(path).decode("utf-8-sig"))
    except BudgetError as error:
        raise ConfigError([Mistake(str(path), 1, "", f"{error}, want fewer")]) from None
    except OSError as error:
        raise ConfigError([Mistake(str(path), 1, "", f"{error.strerror}, want a file that can be read")]) from None
    except UnicodeDecodeError:
        raise ConfigError([Mistake(str(path), 1, "", "got bytes that are no UTF-8, want UTF-8")]) from None
    except yaml_lines.UnreadableError as error:
        raise ConfigError([Mistake(str(path), error.line, "", error.message)]) from None
    return _validated(path, document)


def _validated(path: Path, document: yaml_lines.Document) -> WebFile:
    mistakes = [
        Mistake(str(path), line, key[-1], f"written twice, first on line {first}; want it once")
        for key, line, first in document.repeats
    ]
    found = None
    if not isinstance(document.value, dict):
        raise ConfigError([Mistake(str(path), 1, "", f"got {shown(document.value)}, want a mapping of sections")])
    try:
        found = WebFile.model_validate(document.value, context={"folder": path.absolute().parent})
    except ValidationError as errors:
        for error in errors.errors(include_url=False):
            where = tuple(str(step) for step in error["loc"] if step != "[key]")
            mistakes.append(Mistake(str(path), document.line(where), ".".join(where), _worded(error, where)))
    if found is None or mistakes:
        raise ConfigError(mistakes)
    return found


def _worded(error: ErrorDetails, where: tuple[str, ...]) -> str:
    section, key = ".".join(where[:-1]), where[-1] if where else ""
    match error["type"]:
        case "missing":
            return "missing, want it"
        case "extra_forbidden" if instead := _NOT_HERE.get(section, {}).get(key):
            return f"is not supported by CPR Canary, {instead}"
        case "extra_forbidden":
            return f"unknown key, {suggest(key, _known(section))}"
        case "literal_error" if where == ("http_server_config", "http2"):
            return "HTTP/2 is not supported by CPR Canary, want false, or it left out"
        case "dict_type" if where == ("basic_auth_users",):
            return "want a mapping of names to bcrypt hashes"
    return wording(error)


def _known(section: str) -> list[str]:
    model: dict[str, type[Settings]] = {"tls_server_config": _ServerTls, "http_server_config": _Http}
    return list(model.get(section, WebFile).model_fields)
