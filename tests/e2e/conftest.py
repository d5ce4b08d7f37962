"""The mail system with its people, for the tests of the whole way of a probe."""

from __future__ import annotations

import pytest
from servers.ca_site import CaSite
from servers.canary_run import staff


@pytest.fixture
def ca(site: CaSite) -> CaSite:
    """The mail system with a desk behind the alias, two individuals and two personas."""
    staff(site)
    return site
