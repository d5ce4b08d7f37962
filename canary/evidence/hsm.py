"""Keys in a hardware module, by PKCS #11: made in it, used in it, and never outside of it."""

from __future__ import annotations

import secrets
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from canary.evidence.notes import Signer, VKey
from canary.evidence.settings import Pkcs11Settings
from canary.model import Component, OwnFaultError

_ED25519 = b"\x13\x0cedwards25519"
"""CKA_EC_PARAMS: the curve by its name, a PrintableString (PKCS #11 3.0, section 6.3.2)."""

_one_at_a_time: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)
"""By module and token: a login to a token is of the whole process, so two sessions would end each other's."""


class Pkcs11Keys:
    """The Ed25519 keys of one label in one token. Several may share the label: each has an id of its own."""

    def __init__(self, settings: Pkcs11Settings, name: str) -> None:
        self._settings, self._name = settings, name

    def signers(self) -> list[Signer]:
        """Every key pair of the label. Raises OwnFaultError if the token cannot be used."""
        import pkcs11

        with self.session() as session:
            wanted = {
                pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY,
                pkcs11.Attribute.LABEL: self._settings.label,
            }
            return [self._signer(key) for key in session.get_objects(wanted)]

    def create(self) -> Signer:
        """Make a key pair in the token; the private key cannot leave it. Raises OwnFaultError."""
        import pkcs11

        with self.session(rw=True) as session:
            curve = {pkcs11.Attribute.EC_PARAMS: _ED25519}
            parameters = session.create_domain_parameters(pkcs11.KeyType.EC_EDWARDS, curve, local=True)
            public, _ = parameters.generate_keypair(
                mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
                store=True,
                label=self._settings.label,
                id=secrets.token_bytes(8),
                private_template={pkcs11.Attribute.EXTRACTABLE: False, pkcs11.Attribute.SENSITIVE: True},
            )
            return self._signer(public)

    def remove(self, vkey: VKey) -> None:
        """Destroy a key pair in the token. Raises OwnFaultError."""
        import pkcs11

        gone = [signer.id for signer in self.signers() if isinstance(signer, Pkcs11Signer) and signer.vkey == vkey]
        with self.session(rw=True) as session:
            for ident in gone:
                for key in list(session.get_objects({pkcs11.Attribute.ID: ident})):
                    key.destroy()

    @contextmanager
    def session(self, *, rw: bool = False) -> Iterator[Any]:
        """A session of the token's user. Raises OwnFaultError, also for what goes wrong within."""
        try:
            import pkcs11
        except ImportError as error:
            raise _unusable("python-pkcs11 is not installed: pip install 'cpr-canary[pkcs11]'") from error
        try:
            module = str(self._settings.module)
            with _one_at_a_time[module, self._settings.token]:
                library = pkcs11.lib(module)
                token = library.get_token(token_label=self._settings.token)
                with token.open(user_pin=self._settings.pin.reveal(), rw=rw) as session:
                    yield session
        except (pkcs11.PKCS11Error, RuntimeError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise _unusable(f"token {self._settings.token} of {self._settings.module}: {reason}") from error

    def _signer(self, public: Any) -> Pkcs11Signer:
        import pkcs11

        point = bytes(public[pkcs11.Attribute.EC_POINT])
        if len(point) == 34:  # in an OCTET STRING, as the standard has it; some modules leave that out
            point = point[2:]
        return Pkcs11Signer(self, VKey(self._name, point), bytes(public[pkcs11.Attribute.ID]))


@dataclass(frozen=True)
class Pkcs11Signer:
    """A key in a token; each signature is a session of its own, so that a module that was away is found again."""

    keys: Pkcs11Keys
    vkey: VKey
    id: bytes

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of ``message``, made by the module. Raises OwnFaultError."""
        import pkcs11

        with self.keys.session() as session:
            private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=self.id)
            return bytes(private.sign(message, mechanism=pkcs11.Mechanism.EDDSA))


def _unusable(detail: str) -> OwnFaultError:
    return OwnFaultError(Component.CONFIG, "evidence_key", detail)
