"""What each fault does to mail, who is told of it, and that mending it is enough."""

from __future__ import annotations

import dataclasses

import httpx
import pytest
from demo.form_client import fill_in
from demo.outside import Outside, report

from canary.demo.ca import DemoCa
from canary.demo.directory import ALIAS, by_slug
from canary.demo.faults import BY_NAME, FAULTS
from canary.demo.mail_system import Rules
from canary.model import Outcome, Seen
from canary.queues.replies.classify import classify

MEMBERS = ("maria", "peter", "judit")
ANNA = by_slug("anna").address


async def told(outside: Outside, sender: str = "researcher") -> list[str]:
    """What came back to a sender, as the canary understands it."""
    return sorted(classify(raw)[0] for raw in await outside.raw(sender, "INBOX"))


async def words(outside: Outside) -> str:
    """What the canary makes of the bounce that the researcher got."""
    (detail,) = [
        detail for seen, detail in map(classify, await outside.raw("researcher", "INBOX")) if seen is Seen.BOUNCE
    ]
    return detail


async def test_departed_member_bounces_and_the_others_get_theirs(ca: DemoCa, outside: Outside) -> None:
    BY_NAME["departed"].apply(ca)
    await outside.send(report("R"), tag="abc")
    assert await outside.subjects() == {"maria/CPR": ["R"], "peter/CPR": ["R"]}
    assert await told(outside) == ["acknowledgement", "bounce"]
    bounce = next(m for m in await outside.read("researcher") if m.get_content_type() == "multipart/report")
    assert BY_NAME["departed"].words in await words(outside)
    assert bounce["To"] == "robin.hayes+abc@researcher.test"


async def test_holiday_leaves_it_in_her_inbox_unread_and_says_so(ca: DemoCa, outside: Outside) -> None:
    BY_NAME["holiday"].apply(ca)
    await outside.send(report("R"), to=ANNA, tag="abc")
    await outside.send(report("R"), to=by_slug("tomas").address)
    assert await outside.subjects() == {"anna/INBOX": ["R"], "desk/CPR": ["R"]}
    assert await told(outside) == ["acknowledgement", "out_of_office"]
    away = next(m for m in await outside.read("researcher") if "(vacation)" in m["Auto-Submitted"])
    assert away["Subject"] == "Out of office: R"
    assert away["To"] == "robin.hayes+abc@researcher.test"
    assert ANNA in away["From"]


async def test_junk_by_sender_junks_only_that_sender(ca: DemoCa, outside: Outside) -> None:
    BY_NAME["junk-by-sender"].apply(ca)
    await outside.send(report("free"), sender="freemail", tag="abc")
    await outside.send(report("own domain"))
    assert await outside.subjects() == {
        **{f"{slug}/Junk": ["free"] for slug in MEMBERS},
        **{f"{slug}/CPR": ["own domain"] for slug in MEMBERS},
    }
    assert await told(outside, "freemail") == []
    assert await told(outside) == ["acknowledgement"]


async def test_silent_drop_accepts_and_leaves_no_trace(ca: DemoCa, outside: Outside) -> None:
    BY_NAME["silent-drop"].apply(ca)
    await outside.send(report("R"))
    await outside.send(report("to her"), to=ANNA)
    assert await outside.subjects() == {"desk/CPR": ["to her"]}
    assert await told(outside) == ["acknowledgement"]


async def test_expired_alias_bounces_from_the_senders_own_provider(ca: DemoCa, outside: Outside) -> None:
    BY_NAME["bounce"].apply(ca)
    await outside.send(report("R"), tag="abc")
    assert await outside.subjects() == {}
    assert await told(outside) == ["bounce"]
    (bounce,) = await outside.read("researcher")
    assert bounce["From"] == "Mail Delivery System <mailer-daemon@researcher.test>"
    assert BY_NAME["bounce"].words in await words(outside)
    assert ALIAS in str(bounce)


@pytest.mark.parametrize("name", ["keys.zip", "keys.tar.xz", "KEYS.7Z"])
async def test_quarantine_holds_archives_only(ca: DemoCa, outside: Outside, name: str) -> None:
    BY_NAME["quarantine"].apply(ca)
    with_archive, with_picture = report("archive"), report("picture")
    with_archive.add_attachment(b"PK", maintype="application", subtype="octet-stream", filename=name)
    with_picture.add_attachment(b"PNG", maintype="image", subtype="png", filename="zip.png")
    await outside.send(with_archive)
    await outside.send(with_picture)
    assert await outside.subjects() == {
        "desk/Quarantine": ["archive"],
        **{f"{slug}/CPR": ["picture"] for slug in MEMBERS},
    }
    assert await told(outside) == ["acknowledgement"]


async def test_unclassified_form_report_waits_in_general_and_is_acknowledged_all_the_same(
    ca: DemoCa, outside: Outside, visitor: httpx.AsyncClient
) -> None:
    BY_NAME["unclassified"].apply(ca)
    assert "Thank you" in (await fill_in(visitor)).text
    assert list(await outside.subjects()) == ["desk/General"]
    assert await told(outside) == ["acknowledgement"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_mending_is_enough_and_leaves_other_faults_alone(
    ca: DemoCa, outside: Outside, visitor: httpx.AsyncClient, fault: object
) -> None:
    for each in FAULTS:
        each.apply(ca)
    for each in FAULTS:
        if each is not fault:
            each.mend(ca)
    broken = [
        field.name
        for field in dataclasses.fields(Rules)
        if getattr(ca.rules, field.name) != getattr(Rules(), field.name)
    ]
    assert broken == [BY_NAME[fault.name].rule]  # type: ignore[attr-defined]
    BY_NAME[fault.name].mend(ca)  # type: ignore[attr-defined]
    assert ca.rules == Rules()
    archive = report("R")
    archive.add_attachment(b"7z", maintype="application", subtype="octet-stream", filename="keys.tar.xz")
    await outside.send(archive, sender="freemail")
    await outside.send(report("R"), to=ANNA)
    await fill_in(visitor)
    found = await outside.subjects()
    assert {place: len(subjects) for place, subjects in found.items()} == {
        "desk/CPR": 2, **{f"{slug}/CPR": 1 for slug in MEMBERS},
    }  # fmt: skip


def test_table_tells_every_fault_apart_by_what_the_canary_reports() -> None:
    assert [fault.name for fault in FAULTS] == [
        "unclassified", "departed", "holiday", "junk-by-sender", "silent-drop", "bounce", "quarantine",
    ]  # fmt: skip
    told_apart = {(fault.channel, fault.outcome, fault.place, fault.words) for fault in FAULTS}
    assert len(told_apart) == len(FAULTS)
    assert Outcome.ARRIVED not in {fault.outcome for fault in FAULTS}
    assert len({fault.rule for fault in FAULTS}) == len(FAULTS)
    assert [fault.incident.days for fault in FAULTS[:5]] == ["9.9 d", "6.9 d", "2.7 d", "12.9 d", "> 2.0 d"]
