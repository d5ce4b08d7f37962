"""The file of the policies that a sender knows: what is written is read again, and nothing else is taken for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canary.budgets import STS_KEPT, STS_POLICY
from canary.channels.email.mx.kept import KeptPolicies, NotKeptError
from canary.channels.email.mx.sts import StsPolicy

POLICY = StsPolicy("enforce", ("mail.example.com", "*.example.net"), 604_800, "20160831085700Z")
ENTRY = {"mode": "enforce", "mx": ["mail.example.com"], "max_age": 604_800, "id": "1", "until": 1.8e9}


def put(folder: Path, content: bytes) -> KeptPolicies:
    """A file with this in it."""
    path = folder / "mta-sts.own.json"
    path.write_bytes(content)
    path.chmod(0o600)
    return KeptPolicies(folder, "own")


def test_what_is_written_is_read_again_in_its_order_and_nobody_else_reads_it(tmp_path: Path) -> None:
    kept = {"b.test": (POLICY, 1.8e9), "a.test": (StsPolicy("none", (), 0, "x"), 1.7e9)}
    KeptPolicies(tmp_path, "own").write(kept)
    KeptPolicies(tmp_path, "own").write(kept)
    assert list(KeptPolicies(tmp_path, "own").read().items()) == list(kept.items())
    assert KeptPolicies(tmp_path, "other").read() == {}
    [file] = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Invalid JSON"),
        (b"[]", "should be an object"),
        (b"[" * 100_000, "Invalid JSON"),
        (b"\xff", "Invalid JSON"),
        (json.dumps({"a.test": ENTRY | {"mode": "strict"}}).encode(), "'enforce', 'testing' or 'none'"),
        (json.dumps({"a.test": ENTRY | {"mx": ["*"]}}).encode(), "pattern"),
        (json.dumps({"a.test": ENTRY | {"mx": ["mail.test\nx"]}}).encode(), "pattern"),
        (json.dumps({"a.test": ENTRY | {"max_age": 31_557_601}}).encode(), "less than or equal"),
        (json.dumps({"a.test": ENTRY | {"until": float("nan")}}).encode(), "than or equal"),
        (json.dumps({"a.test": ENTRY | {"more": 1}}).encode(), "not permitted"),
        (json.dumps({str(n): ENTRY for n in range(101)}).encode(), "more than 100 domains"),
        (b" " * (8 * 1024 * 1024 + 1), "more than 8388608 bytes"),
    ],
)
def test_what_is_damaged_is_told_and_not_taken(content: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(NotKeptError, match=r"mta-sts\.own\.json (holds no policies|cannot be read): ") as raised:
        put(tmp_path, content).read()
    assert said in str(raised.value)
    assert (STS_POLICY.number, STS_KEPT.received) == (100, 8 * 1024 * 1024)


def test_what_is_not_ours_alone_is_not_taken(tmp_path: Path) -> None:
    kept = put(tmp_path, json.dumps({"a.test": ENTRY}).encode())
    assert kept.read()["a.test"][0].mode == "enforce"
    (tmp_path / "mta-sts.own.json").chmod(0o644)
    with pytest.raises(NotKeptError, match="chmod 600"):
        kept.read()
    (tmp_path / "mta-sts.own.json").unlink()
    (tmp_path / "mta-sts.own.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotKeptError, match="symbolic link"):
        kept.read()
    kept.write({})  # in place of the link, and not where that leads
    assert (kept.read(), (tmp_path / "elsewhere").exists()) == ({}, False)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_file_is_read_or_told_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    said = ""
    try:
        put(tmp_path, content).read()
    except NotKeptError as error:
        said = str(error)
    assert len(said) < 600
