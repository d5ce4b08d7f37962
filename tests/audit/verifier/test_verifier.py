"""A healthy bundle is accepted by a verifier that needs nothing of ours; whatever is changed in it is noticed."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

from audit.verifier.conftest import Healthy
from audit.verifier.office import asked, unpacked
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers.tsa import openssl_verifies

from canary.audit.bundle.commitment import read
from canary.audit.verifier.verify import verify


def test_it_is_accepted_and_every_question_was_asked(healthy: Healthy) -> None:
    found = verify(healthy.path, healthy.options)
    assert found.ok, [row.failures for row in found.rows.values() if row.failed]
    assert {row.state for row in found.rows.values()} == {"ok"}
    assert not any(row.unchecked for row in found.rows.values())
    between = [(fact["not_before"], fact["not_after"]) for fact in found.facts["probes"]]
    assert all(after for _, after in between)
    assert any(before and before < after for before, after in between)
    assert found.rows["files are those that the manifest names"].checked == len(healthy.files) - 2


def test_the_same_evidence_makes_the_same_bundle(healthy: Healthy, tmp_path: Path) -> None:
    with zipfile.ZipFile(healthy.path) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    again = tmp_path / "again.zip"
    manifest = json.loads(healthy.files["manifest.json"])
    office = healthy.office
    wanted = replace(office.wanted("7", 5), bound=read(healthy.commitment))
    office.bundle(again, wanted, {"one": healthy.tsa.ca_file})
    assert again.read_bytes() == healthy.path.read_bytes()
    assert unpacked(again)["manifest.json"] == healthy.files["manifest.json"]
    assert manifest["probes"]
    assert again.stat().st_mode & 0o777 == 0o600


def test_openssl_agrees_about_the_time_stamps(healthy: Healthy, tmp_path: Path) -> None:
    tokens = [name for name in healthy.files if name.endswith(".tsr")]
    assert tokens
    for name in tokens:
        size = name.removeprefix("timestamps/").partition("-")[0]
        head = healthy.files.get(f"checkpoints/{size}", healthy.files["checkpoint"])
        reply = tmp_path / Path(name).name
        reply.write_bytes(healthy.files[name])
        assert openssl_verifies(reply, head, healthy.tsa.ca_file)
        assert not openssl_verifies(reply, head + b"x", healthy.tsa.ca_file)


def run_alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the copy with an isolated interpreter that knows the standard library and this folder alone."""
    program = (
        "import sys, runpy; "
        "sys.path[:] = [p for p in sys.path if '-packages' not in p] + [sys.argv.pop(1)]; "
        "runpy.run_module('verifier', run_name='__main__', alter_sys=True)"
    )
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(folder), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_needs_cryptography_and_nothing_else(healthy: Healthy, alone: Path) -> None:
    brought = ["--key", healthy.first_key, "--witness", healthy.witness, "--tsa-ca", str(healthy.tsa.ca_file)]
    brought += ["--seed", "7", "--size", "5", "--commitment", str(healthy.commitment), *asked(healthy.path)]
    ended = run_alone(alone, str(healthy.path), *brought)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith("PROVED: everything that was asked of this bundle follows from what was signed\n")
    told = json.loads(run_alone(alone, str(healthy.path), *brought, "--json").stdout)
    assert told["verdict"] == "proved"
    assert told["bundle"]["origin"] == "ca.example/cpr-canary"


def test_its_exit_codes(healthy: Healthy, alone: Path, tmp_path: Path) -> None:
    days, empty = asked(healthy.path), tmp_path / "empty.zip"
    without_key = run_alone(alone, str(healthy.path), *days)
    assert without_key.returncode == 1
    assert "no key of the log was given (--key)" in without_key.stdout
    assert run_alone(alone, str(healthy.path), *days, "--key", healthy.first_key).returncode == 3
    assert run_alone(alone, str(healthy.path), "--key", healthy.first_key).returncode == 2
    assert run_alone(alone, str(tmp_path / "none.zip"), *days, "--key", healthy.first_key).returncode == 2
    assert run_alone(alone, str(healthy.path), *days, "--key", "not a key").returncode == 2
    assert run_alone(alone, str(healthy.path), *days, "--key", healthy.witness).returncode == 2
    empty.write_bytes(b"")
    assert run_alone(alone, str(empty), *days, "--key", healthy.first_key).returncode == 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_byte_of_any_file_that_is_changed_is_noticed(healthy: Healthy, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(healthy.files)))
    content = healthy.files[name]
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[place]))
    changed = content[:place] + bytes([byte]) + content[place + 1 :]
    assert not healthy.check(healthy.files | {name: changed}).ok


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_byte_of_the_zip_that_is_changed_is_noticed_or_changes_no_file(
    healthy: Healthy, data: st.DataObject
) -> None:
    raw = healthy.path.read_bytes()
    place = data.draw(st.integers(0, len(raw) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != raw[place]))
    broken = healthy.folder / "broken.zip"
    broken.write_bytes(raw[:place] + bytes([byte]) + raw[place + 1 :])
    if verify(broken, healthy.options).ok:
        assert unpacked(broken) == healthy.files
