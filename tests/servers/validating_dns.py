"""A private resolver on loopback, Debian's unbound, that validates by DNSSEC and knows the zones that it is given.

Zones are signed here, by a key that the resolver trusts: nobody else is asked.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.dnssec
import dns.name
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.dnssectypes import Algorithm
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from servers.polling import until_ready
from servers.ports import LOOPBACK, Ports

SOA = "@ 60 IN SOA ns hostmaster 1 3600 600 86400 60\n@ 60 IN NS ns\nns 60 IN A 127.0.0.1\n"
_DAY = 86_400


@dataclass(frozen=True)
class Zone:
    """Records as a zone's file has them, relative to its name.

    ``signed`` by DNSSEC; ``spoilt`` are texts that somebody replaced after that.
    """

    records: str
    signed: bool = True
    spoilt: Mapping[str, str] | None = None


@contextmanager
def validating_dns(folder: Path, zones: Mapping[str, Zone]) -> Iterator[int]:
    """The port of a resolver that knows these zones, by name."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = dns.dnssec.make_dnskey(key.public_key(), Algorithm.ECDSAP256SHA256, flags=257)
    ports = Ports()
    port = ports.reserve()
    lines = [
        "server:", f'  directory: "{folder}"', '  chroot: ""', '  username: ""', '  pidfile: ""', "  use-syslog: no",
        f"  interface: {LOOPBACK}@{port}", "  do-daemonize: no", "  num-threads: 1", "  do-ip6: no",
        "  outgoing-range: 16", "  num-queries-per-thread: 16", "  so-reuseport: no",
        f"  outgoing-interface: {LOOPBACK}", '  local-zone: "." static', '  local-zone: "test." transparent',
    ]  # fmt: skip
    parts = list[str]()
    for name, zone in zones.items():
        file = folder / f"{name}.zone"
        file.write_text(_written(name, zone, key, public))
        if zone.signed:
            lines.append(f'  trust-anchor: "{name}. DNSKEY {public.to_text()}"')
        parts += [
            "auth-zone:", f'  name: "{name}."', f'  zonefile: "{file}"',
            "  for-downstream: no", "  for-upstream: yes", "  fallback-enabled: no",
        ]  # fmt: skip
    settings = folder / "unbound.conf"
    settings.write_text("\n".join([*lines, *parts, "remote-control:", "  control-enable: no", ""]))
    log = folder / "unbound.log"
    command = ["/usr/sbin/unbound", "-d", "-c", str(settings)]
    with log.open("wb") as said, subprocess.Popen(command, stderr=said) as running:
        try:
            until_ready("unbound", [(LOOPBACK, port)], log)
            yield port
        finally:
            running.terminate()
            ports.close()


def _written(name: str, zone: Zone, key: ec.EllipticCurvePrivateKey, public: DNSKEY) -> str:
    whole = dns.zone.from_text(SOA + zone.records, dns.name.from_text(name), relativize=False)
    if zone.signed:
        dns.dnssec.sign_zone(whole, keys=[(key, public)], lifetime=_DAY)
    text = whole.to_text(relativize=False)
    for before, after in (zone.spoilt or {}).items():
        assert before in text, before
        text = text.replace(before, after)
    return text
