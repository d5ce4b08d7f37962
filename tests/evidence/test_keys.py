"""Keys: made once, readable by their owner only, in a file or in a (software) hardware module that keeps them."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from evidence.logging_keys import MemoryKeys

from canary.evidence import keys as module
from canary.evidence.hsm import Pkcs11Keys
from canary.evidence.keys import FileKeys, key_store
from canary.evidence.notes import Signer
from canary.evidence.settings import KeySettings, Pkcs11Settings
from canary.model import OwnFaultError
from canary.threads import begun

NAME = "ca.example/cpr-canary"
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"


def signs(signer: Signer) -> None:
    Ed25519PublicKey.from_public_bytes(signer.vkey.public).verify(signer.sign(b"message"), b"message")


# In a file


def test_keys_are_made_newest_first_and_taken_away(tmp_path: Path) -> None:
    store = FileKeys(tmp_path / "key", NAME)
    assert store.signers() == []
    first, second = store.create(), store.create()
    assert [signer.vkey for signer in store.signers()] == [second.vkey, first.vkey]
    assert first.vkey.name == NAME
    for signer in store.signers():
        signs(signer)
    store.remove(first.vkey)
    assert [signer.vkey for signer in FileKeys(tmp_path / "key", NAME).signers()] == [second.vkey]
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_key_that_openssl_made_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True, capture_output=True)
    path.chmod(0o600)
    [signer] = FileKeys(path, NAME).signers()
    signs(signer)


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    store = FileKeys(tmp_path / "key", NAME)
    store.create()
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(OwnFaultError, match="mode 0640 lets others read the evidence key; wanted 0600"):
        store.signers()


@pytest.mark.parametrize("content", ["", "nothing", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_without_keys_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(OwnFaultError, match="wanted Ed25519 private keys as PEM"):
        FileKeys(tmp_path / "key", NAME).signers()


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "x25519", "-out", path], check=True, capture_output=True)
    path.chmod(0o600)
    with pytest.raises(OwnFaultError, match="wanted Ed25519 private keys"):
        FileKeys(path, NAME).signers()


def test_no_key_is_printed(tmp_path: Path) -> None:
    signer = FileKeys(tmp_path / "key", NAME).create()
    assert repr(signer) == f"<FileSigner of {signer.vkey}>"


# In a module


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pkcs11Settings]:
    """A fresh SoftHSM token. The library reads its configuration once a process, so the folder is one for all tests."""
    folder = Path(os.environ.get("SOFTHSM2_CONF", "")).parent
    if folder == Path() or not folder.name.startswith("softhsm-"):
        folder = tmp_path / "softhsm-tokens"
        (folder / "tokens").mkdir(parents=True)
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n")
        os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    label = f"canary-{tmp_path.name[-20:]}"
    made = ["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", "87654321"]
    subprocess.run(["softhsm2-util", *made], check=True, capture_output=True)
    monkeypatch.setenv("HSM_PIN", "87654321")
    import pkcs11

    pkcs11.unload(SOFTHSM)  # a token that is new is only found by a library that is
    yield settings(label)
    pkcs11.unload(SOFTHSM)


def settings(token: str, **more: object) -> Pkcs11Settings:
    given = {"module": SOFTHSM, "token": token, "label": "evidence", "pin": {"env": "HSM_PIN"}}
    return Pkcs11Settings.model_validate(given | more)


def test_keys_are_made_used_and_destroyed_in_the_module(token: Pkcs11Settings) -> None:
    store = Pkcs11Keys(token, NAME)
    assert store.signers() == []
    first, second = store.create(), store.create()
    assert {signer.vkey for signer in store.signers()} == {first.vkey, second.vkey}
    for signer in store.signers():
        signs(signer)
    store.remove(first.vkey)
    assert [signer.vkey for signer in store.signers()] == [second.vkey]
    signs(second)
    with pytest.raises(OwnFaultError):
        first.sign(b"message")


def test_a_private_key_cannot_leave_the_module(token: Pkcs11Settings) -> None:
    import pkcs11

    store = Pkcs11Keys(token, NAME)
    store.create()
    with store.session() as session:
        [private] = session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})
        assert private[pkcs11.Attribute.SENSITIVE]
        assert not private[pkcs11.Attribute.EXTRACTABLE]
        with pytest.raises(pkcs11.PKCS11Error):
            private[pkcs11.Attribute.VALUE]


async def test_a_module_that_hangs_holds_up_no_other(token: Pkcs11Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at a reload that would go on with another module: the running one signs on."""
    import pkcs11

    asked, let_go, library = threading.Event(), threading.Event(), pkcs11.lib

    def lib(so: str) -> object:
        if so == SOFTHSM:
            return library(so)
        asked.set()
        let_go.wait()
        raise RuntimeError("the module is gone")

    monkeypatch.setattr(pkcs11, "lib", lib)
    store, other = Pkcs11Keys(token, NAME), Pkcs11Keys(settings("t", module="/opt/hanging.so"), NAME)
    hanging = begun(other.signers)
    await begun(asked.wait)
    async with asyncio.timeout(60):
        signs(await begun(store.create))
    let_go.set()
    with pytest.raises(OwnFaultError, match="the module is gone"):
        await hanging


def test_a_module_that_cannot_be_used_is_our_own_fault(token: Pkcs11Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong, message in (
        (settings("no such token"), "token no such token of .*: "),
        (settings(token.token, module="/nowhere.so"), "token .* of /nowhere.so: "),
        (settings(token.token, pin={"env": "NOWHERE"}), "secret not found, or empty: environment variable NOWHERE"),
    ):
        with pytest.raises(OwnFaultError, match=message) as error:
            Pkcs11Keys(wrong, NAME).signers()
        assert error.value.reason == "evidence_key"
    monkeypatch.setenv("HSM_PIN", "wrong-pin")
    with pytest.raises(OwnFaultError) as error:
        Pkcs11Keys(token, NAME).signers()
    assert "wrong-pin" not in error.value.detail


# Whichever


def test_the_configuration_says_where_the_keys_are(tmp_path: Path, token: Pkcs11Settings) -> None:
    default, given = tmp_path / "default", tmp_path / "given"
    key_store(None, default, NAME).create()
    key_store(KeySettings.model_validate({"file": str(given)}), default, NAME).create()
    assert default.exists()
    assert given.exists()
    store = key_store(KeySettings(pkcs11=token), default, NAME)
    signs(store.create())


def test_another_package_brings_keys_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("kms", "evidence.test_keys:kms", "canary.evidence_keys")
    monkeypatch.setattr(module, "entry_points", lambda group: [point] if group == "canary.evidence_keys" else [])
    chosen = KeySettings.model_validate({"plugin": {"name": "kms", "options": {"folder": str(tmp_path)}}})
    store = key_store(chosen, tmp_path / "key", NAME)
    signs(store.create())
    assert store.signers()[0].vkey.name == NAME
    unknown = KeySettings.model_validate({"plugin": {"name": "another"}})
    with pytest.raises(OwnFaultError, match="no package brings evidence keys of the kind 'another'"):
        key_store(unknown, tmp_path / "key", NAME)


def kms(options: dict[str, str], name: str) -> MemoryKeys:
    return MemoryKeys(Path(options["folder"]) / "signed", name)
