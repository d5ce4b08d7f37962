"""A private DNS server on loopback, Debian's dnsmasq, that answers what it is given and asks nobody else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from dns.asyncresolver import Resolver
from servers.polling import until_ready
from servers.ports import LOOPBACK, Ports

_LONGEST = 200
"""Characters of one string of a record: it may have several (RFC 1035 section 3.3.14)."""


@contextmanager
def dns_server(texts: Mapping[str, str]) -> Iterator[Resolver]:
    """A resolver that knows these TXT records, by name."""
    ports = Ports()
    port = ports.reserve()
    records = [f"--txt-record={name},{','.join(_pieces(text))}" for name, text in texts.items()]
    command = ["/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"]
    command += ["--pid-file=", f"--port={port}", f"--listen-address={LOOPBACK}", "--bind-interfaces", "--user=root"]
    command += ["--local=/test/", *records]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        try:
            until_ready("dnsmasq", [(LOOPBACK, port)])
            resolver = Resolver(configure=False)
            resolver.nameservers, resolver.port = [LOOPBACK], port
            yield resolver
        finally:
            running.terminate()
            ports.close()


def _pieces(text: str) -> list[str]:
    return [text[start : start + _LONGEST] for start in range(0, len(text), _LONGEST)]
