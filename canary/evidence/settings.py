"""The ``evidence`` section of the configuration."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from canary.settings import Duration, FilePath, ListOf, Secret, Settings, Slug, is_loopback


def _origin(value: str) -> str:
    if not value or "+" in value or "://" in value or any(c.isspace() or not c.isprintable() for c in value):
        raise ValueError("wanted a name such as ca.example/cpr-canary, without scheme, spaces and plus signs")
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("wanted an address such as https://tsa.example.com/tsr")
    return value


def _witness_key(value: str) -> str:
    from canary.evidence.notes import COSIGNATURE, NoteError, VKey  # cryptography: for whoever has a witness

    try:
        key = VKey.parse(value)
    except NoteError as error:
        raise ValueError(f"{error}; wanted the witness's vkey, NAME+KEYID+BASE64") from None
    if key.type != COSIGNATURE:
        raise ValueError("wanted the vkey of a witness (signature type 4, it begins with B after the second plus)")
    return value


def _own_pace(value: float) -> float:
    if not 10 <= value <= 86400:
        raise ValueError("wanted a duration from 10s to 24h")
    return value


def _private_url(value: str) -> str:
    parts = urlsplit(_url(value))
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("wanted https, except for loopback addresses")
    return value


Url = Annotated[str, AfterValidator(_url)]


class Pkcs11Settings(Settings):
    """A key that never leaves a hardware module."""

    module: FilePath = Field(description="the module's library, such as /usr/lib/softhsm/libsofthsm2.so")
    token: str = Field(description="label of the token")
    label: str = Field(description="label of the keys; they are made on first use and at each rotation")
    pin: Secret = Field(description="the user's PIN: {file: PATH}, {env: NAME} or {credential: NAME}")


class PluginSettings(Settings):
    """A key of a kind that another package brings (entry point group ``canary.evidence_keys``)."""

    name: str = Field(description="name of the entry point")
    options: dict[str, str] = Field(default_factory=dict, description="whatever it needs")


class KeySettings(Settings):
    """Where the key is that signs checkpoints: exactly one of these."""

    file: FilePath | None = Field(None, description="a file with mode 0600, made on first use")
    pkcs11: Pkcs11Settings | None = None
    plugin: PluginSettings | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"got {' and '.join(given) or 'none'}, want exactly one of file, pkcs11 and plugin")
        return self


class TsaSettings(Settings):
    """A time-stamping authority (RFC 3161)."""

    name: Slug = Field(description="what it is called in the evidence; once used, it stays its name")
    url: Url = Field(description="where it takes time-stamp queries")
    ca_file: FilePath = Field(description="PEM file of the root, and of intermediates, that its certificate leads to")
    every: Duration = Field(3600.0, description="how often a checkpoint is time-stamped, besides the last one of a day")
    timeout: Duration = Field(30.0, description="how long to wait for an answer")


class WitnessSettings(Settings):
    """A witness that cosigns checkpoints (C2SP tlog-witness)."""

    name: Slug = Field(description="what it is called here")
    url: Annotated[str, AfterValidator(_private_url)] = Field(
        description="its submission prefix; add-checkpoint is put behind it"
    )
    vkey: Annotated[str, AfterValidator(_witness_key)] = Field(description="its public key")
    timeout: Duration = Field(30.0, description="how long to wait for an answer")


class EvidenceSettings(Settings):
    """How the ledger is made tamper-evident."""

    origin: Annotated[str, AfterValidator(_origin)] | None = Field(
        None, description="name of the log, for good; the first of operator.domains and /cpr-canary if not given"
    )
    key: KeySettings | None = Field(None, description="the key that signs; STATE/evidence/key if not given")
    checkpoint_every: Annotated[Duration, AfterValidator(_own_pace)] = Field(
        300.0, description="how often what is new is signed"
    )
    overlap: Duration = Field(7 * 86400.0, description="how long after a rotation the old key signs too")
    verify_every: Duration = Field(86400.0, description="how often the whole ledger is checked against the signed tree")
    publish_entries: bool = Field(
        False, description="serve the events themselves too; they may hold personal data (hashes are always served)"
    )
    timestamps: ListOf[TsaSettings] = Field((), description="time-stamping authorities; best two that are independent")
    witnesses: ListOf[WitnessSettings] = Field((), description="witnesses of other organisations that cosign")

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        for what, named in (("timestamps", self.timestamps), ("witnesses", self.witnesses)):
            names = [item.name for item in named]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f'{what} has "{name}" {names.count(name)} times, want each name once')
        return self
