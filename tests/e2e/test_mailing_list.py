"""A CA whose alias is a mailing list: subject, From and text are changed, and the report has arrived all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from email import message_from_bytes
from pathlib import Path

import pytest
import trustme
from servers.ca_site import CaSite
from servers.canary_run import configuration, running, staff
from servers.folders import server_folder
from servers.mailman import mailing_list
from servers.ports import LOOPBACK, Ports

from canary.model import Outcome

LIST = "report-list@ca.test"


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[CaSite]:
    """A mail system with a mailing list that the desk is a member of."""
    folder = tmp_path_factory.mktemp("list")
    with ExitStack() as stack:
        ports = Ports()
        stack.callback(ports.close)
        lmtp = ports.reserve()
        transports = {LIST: f"lmtp:inet:{LOOPBACK}:{lmtp}"}
        site = stack.enter_context(CaSite(folder / "site", authority, transports=transports))
        staff(site)
        site.add_user(LIST.partition("@")[0])
        place = stack.enter_context(server_folder(folder / "mailman"))
        stack.enter_context(mailing_list(place / "all", LIST, ["desk@ca.test"], lmtp, site.mx[1]))
        yield site


@pytest.mark.parametrize("variant", ["plain", "V01-pkcs1", "V21-html", "V21-charset", "V21-forwarded"])
async def test_a_list_that_rewrites_still_delivers_a_whole_report(listed: CaSite, tmp_path: Path, variant: str) -> None:
    known = len(listed.messages("desk", "CPR"))
    config = configuration(listed, tmp_path, alias={"to": LIST, "variants": [variant]})
    async with running(config, tmp_path) as run:
        await run.watching()
        verdict = await run.outcome(await run.probe())
    assert (verdict.outcome, verdict.place) == (Outcome.ARRIVED, "cpr"), verdict.reason
    message = message_from_bytes(listed.messages("desk", "CPR")[known][2])
    assert LIST in message["From"]
    assert "[problem reports]" in message["Subject"].replace("\n", "")
    assert message["List-Id"]
