"""Time-stamps: real ones are had, verified by us and by openssl alike, and recorded; others are refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from evidence.logging_keys import Desk
from servers.tsa import Tsa, openssl_verifies

from canary.evidence.log import IDLE
from canary.evidence.settings import TsaSettings
from canary.evidence.timestamps import Authority, TimestampError, verify
from canary.ledger import Event, EventKind
from canary.ledger.events import parse_time


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path / "state")
    yield opened
    opened.ledger.close()


@pytest.fixture
def tsa(tmp_path: Path) -> Iterator[Tsa]:
    with Tsa(tmp_path / "tsa") as running:
        yield running


def authority(desk: Desk, tsa: Tsa, name: str = "one", **more: object) -> Authority:
    settings = TsaSettings(name=name, url=tsa.url, ca_file=tsa.ca_file, **more)  # type: ignore[arg-type]
    return Authority(settings, desk.ledger, desk.log.folder / "timestamps", desk.clock)


def checkpoint(desk: Desk, **later: float) -> Event:
    desk.later(**later)
    desk.add(1)
    desk.log.advance()
    return list(desk.ledger.events(kind=EventKind.CHECKPOINT))[-1]


async def test_a_checkpoint_is_stamped_verified_and_recorded(desk: Desk, tsa: Tsa) -> None:
    signed, stamps = checkpoint(desk), authority(desk, tsa)
    before = datetime.now(UTC).replace(microsecond=0)
    told = await stamps.do(signed)
    path = desk.log.folder / f"timestamps/{signed.body['size']}-one.tsr"
    assert told.body["size"] == signed.body["size"]
    assert told.body["root"] == signed.body["root"]
    assert told.body["tsa"] == "one"
    assert desk.ledger.artefacts.get(told.body["token"]) == path.read_bytes()
    assert stamps.last is not None
    assert before <= stamps.last <= datetime.now(UTC)
    assert openssl_verifies(path, signed.body["note"].encode(), tsa.ca_file)
    assert not openssl_verifies(path, signed.body["note"].encode() + b"x", tsa.ca_file)
    assert verify(path.read_bytes(), signed.body["note"].encode(), tsa.ca_file) == stamps.last


async def test_what_is_pending_follows_from_the_ledger(desk: Desk, tsa: Tsa) -> None:
    stamps = authority(desk, tsa)
    assert stamps.pending() == []
    first = checkpoint(desk)
    assert stamps.pending() == [first]
    await stamps.do(first)
    assert stamps.pending() == []
    checkpoint(desk, minutes=30)
    assert stamps.pending() == []
    hourly = checkpoint(desk, minutes=30)
    assert stamps.pending() == [hourly]
    assert authority(desk, tsa, "two").pending() == [hourly]
    later = checkpoint(desk, minutes=5)
    assert stamps.pending() == [later]


async def test_an_authority_that_was_down_for_days_owes_every_day_s_end(desk: Desk, tsa: Tsa) -> None:
    stamps = authority(desk, tsa)
    await stamps.do(checkpoint(desk))
    ends = []
    for _ in range(3):
        checkpoint(desk, hours=6)
        ends.append(checkpoint(desk, hours=6, minutes=1))  # the first of the next day
        checkpoint(desk, hours=11, minutes=59)
    assert stamps.pending()[:-1] == ends
    tsa.down = True
    with pytest.raises(TimestampError, match="answered 503 Service Unavailable"):
        await stamps.do(ends[0])
    assert stamps.pending()[:-1] == ends
    tsa.down = False
    while due := stamps.pending():
        await stamps.do(due[0])
    assert [event.body["size"] for event in desk.ledger.events(kind=EventKind.TIMESTAMPED)][1:4] == [
        end.body["size"] for end in ends
    ]


async def test_an_authority_that_is_not_there_is_told(desk: Desk, tmp_path: Path) -> None:
    with Tsa(tmp_path / "gone") as gone:
        stamps = authority(desk, gone)
    with pytest.raises(TimestampError, match=r"http://127\.0\.0\.1:\d+/tsr: .*refused"):
        await stamps.do(checkpoint(desk))
    assert list(desk.ledger.events(kind=EventKind.TIMESTAMPED)) == []
    assert not (desk.log.folder / "timestamps").exists()


@pytest.mark.parametrize("valid", [(-30, -1), (1, 30)])
async def test_a_certificate_that_does_not_hold_at_that_time_is_refused(
    desk: Desk, tmp_path: Path, valid: tuple[int, int]
) -> None:
    begins, ends = (timedelta(days=days) for days in valid)
    with Tsa(tmp_path / "old", valid=(begins, ends)) as old:
        await refused(desk, old, "the time-stamp does not verify: .*certificate")


async def test_a_certificate_of_another_root_is_refused(desk: Desk, tsa: Tsa, tmp_path: Path) -> None:
    with Tsa(tmp_path / "stranger") as stranger:
        tsa.ca_file = stranger.ca_file
        await refused(desk, tsa, "the time-stamp does not verify")


async def test_a_token_for_other_data_is_refused(desk: Desk, tsa: Tsa) -> None:
    signed = checkpoint(desk)
    reply = (await authority(desk, tsa).do(signed), desk.log.folder / f"timestamps/{signed.body['size']}-one.tsr")[1]
    tsa.answers = [reply.read_bytes()]
    await refused(desk, tsa, "the time-stamp is for other data")


async def test_a_token_that_was_made_before_is_refused_by_its_nonce(desk: Desk, tsa: Tsa) -> None:
    signed = checkpoint(desk)
    await authority(desk, tsa).do(signed)
    tsa.answers = [(desk.log.folder / f"timestamps/{signed.body['size']}-one.tsr").read_bytes()]
    with pytest.raises(TimestampError, match="Nonce mismatch"):
        await authority(desk, tsa, "two").do(signed)


async def test_a_token_with_a_flipped_bit_is_refused(desk: Desk, tsa: Tsa) -> None:
    signed = checkpoint(desk)
    await authority(desk, tsa).do(signed)
    reply = (desk.log.folder / f"timestamps/{signed.body['size']}-one.tsr").read_bytes()
    for place in range(len(reply) - 60, len(reply), 7):  # in the signature
        changed = reply[:place] + bytes([reply[place] ^ 1]) + reply[place + 1 :]
        with pytest.raises(TimestampError):
            verify(changed, signed.body["note"].encode(), tsa.ca_file)


async def test_what_is_no_reply_is_refused(desk: Desk, tsa: Tsa) -> None:
    tsa.answers = [b"<html>", b"\x30" * 300_000, b"\x30\x05\x30\x03\x02\x01\x02"]
    await refused(desk, tsa, "not a time-stamp reply")
    await refused(desk, tsa, "more than 262144 bytes")
    await refused(desk, tsa, "not granted: status 2")


async def test_a_file_that_holds_no_certificates_is_told(desk: Desk, tsa: Tsa, tmp_path: Path) -> None:
    tsa.ca_file = tmp_path / "nothing.pem"
    await refused(desk, tsa, "nothing.pem: .*No such file")
    tsa.ca_file.write_text("no certificate")
    await refused(desk, tsa, "nothing.pem: ")


async def refused(desk: Desk, tsa: Tsa, reason: str) -> None:
    before = list(desk.ledger.events(kind=EventKind.TIMESTAMPED))
    with pytest.raises(TimestampError, match=reason):
        await authority(desk, tsa, "another").do(checkpoint(desk))
    assert list(desk.ledger.events(kind=EventKind.TIMESTAMPED)) == before


async def test_time_stamps_follow_also_where_nothing_happens(desk: Desk, tsa: Tsa) -> None:
    """Nothing but our own events is new, and yet one is to come before the hour is over: so it is waited for."""
    stamps = authority(desk, tsa)
    assert not stamps.waits()
    told = await stamps.do(checkpoint(desk))
    assert told.body["every"] == 3600
    desk.later(minutes=54)
    assert not stamps.waits()
    desk.later(minutes=1)
    assert stamps.waits()
    desk.log.advance(idle=timedelta(0))
    [due] = stamps.pending()
    assert due.body["size"] > told.body["size"]
    await stamps.do(due)
    assert not stamps.waits()


@pytest.mark.parametrize(("every", "checkpoints", "told"), [("1h", 300, 3600), ("1m", 300, 600), ("15m", 600, 1200)])
async def test_an_interval_is_told_that_can_be_kept(
    desk: Desk, tsa: Tsa, every: str, checkpoints: float, told: float
) -> None:
    settings = TsaSettings(name="one", url=tsa.url, ca_file=tsa.ca_file, every=every)  # type: ignore[arg-type]
    stamps = Authority(settings, desk.ledger, desk.log.folder / "timestamps", desk.clock, checkpoints=checkpoints)
    assert (await stamps.do(checkpoint(desk))).body["every"] == told


async def test_the_newest_lacks_a_time_stamp_until_it_has_one(desk: Desk, tsa: Tsa) -> None:
    stamps = authority(desk, tsa)
    assert stamps.newest() is None
    await stamps.do(checkpoint(desk))
    assert stamps.newest() is None
    later = checkpoint(desk, minutes=1)
    assert stamps.pending() == []
    assert stamps.newest() == later


@pytest.mark.parametrize("busy", [True, False])
@pytest.mark.parametrize(("every", "hours"), [("1h", 8), ("10m", 2), ("1m", 1)])
async def test_no_two_are_further_apart_than_is_told(
    desk: Desk, tmp_path: Path, every: str, hours: int, *, busy: bool
) -> None:
    """Checkpoints that are a little late each time, with something to sign or without: what is told is kept."""
    years = timedelta(days=3000)
    with Tsa(tmp_path / "tsa", valid=(-years, years)) as tsa:
        tsa.now, stamps = desk.clock.now, authority(desk, tsa, every=every)
        for turn in range(hours * 12):
            desk.later(seconds=300 + (turn * 7) % 5)
            if busy or not turn:
                desk.add(1)
            desk.log.advance(idle=timedelta(0) if stamps.waits() else IDLE)
            for due in stamps.pending():
                await stamps.do(due)
    told = list(desk.ledger.events(kind=EventKind.TIMESTAMPED))
    at = [parse_time(event.body["gen_time"]) for event in told]
    assert len(told) >= hours
    assert max((later - one).total_seconds() for one, later in pairwise(at)) <= told[0].body["every"]
