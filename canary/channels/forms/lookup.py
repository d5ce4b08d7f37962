"""A host name of a form that is not found: whose fault that is."""

from __future__ import annotations

import asyncio
import socket

from canary.channels import UnusableError
from canary.model import Component, OwnFaultError


def name_fault(host: str, error: socket.gaierror) -> UnusableError | OwnFaultError:
    """A failed look-up: a name that does not exist is the CA's fault, a resolver that does not answer is ours."""
    if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
        return UnusableError(f"the host name {host} does not exist: {error.strerror}")
    return OwnFaultError(Component.DNS, "lookup_failed", f"looking up {host}: {error.strerror}")


async def lookup_fault(host: str) -> UnusableError | OwnFaultError:
    """Whose fault it is that the browser could not look up ``host``: asks the system's resolver."""
    try:
        await asyncio.get_running_loop().getaddrinfo(host, None)
    except socket.gaierror as error:
        return name_fault(host, error)
    return OwnFaultError(Component.DNS, "lookup_failed", f"the browser could not look up {host}, the system can")
