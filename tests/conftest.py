"""Fixtures of all tests: one test authority and one running mail system a session, fresh for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import fast_lane
import hypothesis
import pytest
import trustme
from servers import certificates, debian
from servers.ca_site import CaSite

hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")  # a slow one fails no test for that


_UMASK = os.umask(0o022)
os.umask(_UMASK)

os.environ["CPR_CANARY_TRACEBACK"] = "1"  # what a command cannot explain is to be seen, here and in what is started


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--fast``: only what needs no program, as ``make check`` has it."""
    parser.addoption("--fast", action="store_true", help="only the tests that start no program")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run without the programs that the tests drive: a skipped test would prove nothing."""
    if config.option.fast:
        if hasattr(config, "workerinput") or not config.option.numprocesses:  # xdist itself starts its workers
            fast_lane.refuse_programs()
    elif packages := debian.missing():
        raise pytest.UsageError(debian.explain(packages))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow lane out of the fast one."""
    if config.option.fast:
        slow = [item for item in items if fast_lane.is_slow(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def pytest_runtest_teardown() -> None:
    """A command that is run in this process sets the umask, for what it makes; the servers here need another."""
    os.umask(_UMASK)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The certificate authority that every client in the tests trusts."""
    return certificates.authority()


@pytest.fixture(scope="session")
def ca_site(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[CaSite]:
    """The mail system, started once; tests ask for ``site``."""
    with CaSite(tmp_path_factory.mktemp("ca-site"), authority) as running:
        yield running


@pytest.fixture
def site(ca_site: CaSite) -> CaSite:
    """The mail system as on its first day: no users, no aliases, no mail, no faults."""
    ca_site.reset()
    return ca_site
