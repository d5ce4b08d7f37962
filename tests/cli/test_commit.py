"""``audit commit``, then the seed: sample and bundle are of what was bound to, or there is none."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from audit.verifier.office import JUNK, Office
from bench.bench_audit import configuration
from bench.history import History
from click.testing import Result
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
from servers.tsa import Tsa
from typer.testing import CliRunner

from canary.audit.verifier import commitment
from canary.cli.main import app

DAY = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
DAYS = ("--from", DAY, "--to", DAY)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "canary.yaml"
    file.write_text(yaml.safe_dump(configuration(tmp_path / "state", History(channels=1))), encoding="utf-8")
    return file


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Four probes of yesterday, all signed today."""
    opened = Office(tmp_path / "state", "example-ca.test/cpr-canary")
    now = opened.now
    opened.now = lambda: now() - timedelta(days=1)  # type: ignore[method-assign]
    for place in (JUNK, JUNK):
        opened.probe()
        opened.probe(place=place)
    opened.stop()
    opened.log.advance(force=True)
    yield opened
    opened.close()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


def stamped(tsa: Tsa, data: bytes) -> bytes:
    query = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build().as_bytes()
    request = urllib.request.Request(tsa.url, query, {"Content-Type": "application/timestamp-query"})
    with urllib.request.urlopen(request) as answer:
        return bytes(answer.read())


def test_commit_then_challenge_then_verify(office: Office, config: Path, tmp_path: Path) -> None:
    bound, out, listing = tmp_path / "bound.json", tmp_path / "bundle.zip", tmp_path / "listing"
    told = run("commit", config, *DAYS, "--out", bound, "--challenge", "drand, round 5000000", "--json")
    assert told.exit_code == 0, told.output
    digest = sha256(bound.read_bytes()).hexdigest()
    assert json.loads(told.stdout) | {"end": 0} == {"file": str(bound), "sha256": digest, "population": 4, "end": 0}
    assert json.loads(bound.read_bytes())["challenge"] == "drand, round 5000000"
    with Tsa(tmp_path / "tsa") as tsa:
        token = tmp_path / "token.tsr"
        token.write_bytes(stamped(tsa, bound.read_bytes()))
        seed = sha256(token.read_bytes()).hexdigest()
        drawing = ("--commitment", bound, "--seed", seed, "--size", 2)
        drawn = json.loads(run("sample", config, *DAYS, *drawing, "--population", listing, "--json").stdout)
        assert (drawn["population"], len(drawn["sample"])) == (4, 2)
        assert drawn["population_sha256"] == sha256(listing.read_bytes()).hexdigest()
        made = json.loads(run("bundle", config, *DAYS, *drawing, "--out", out, "--json").stdout)
        assert [row["probe"] for row in drawn["sample"]] == made["probes"]
        key = ("--key", office.vkey, "--tsa-ca", tsa.ca_file)
        checked = run("verify", out, *key, *DAYS, *drawing, "--seed-token", token, "--json")
        rows = {row["what"]: row for row in json.loads(checked.stdout)["checks"]}
        assert rows[commitment.COMMITTED]["state"] == rows[commitment.CHALLENGE]["state"] == "ok", checked.stdout
        assert "drand, round 5000000" in rows[commitment.COMMITTED]["said"]
        other = tmp_path / "other.tsr"
        other.write_bytes(stamped(tsa, bound.read_bytes()))
        checked = run("verify", out, *key, *DAYS, *drawing, "--seed-token", other)
        assert checked.exit_code == 1
        assert f"the seed is {seed}, and that of the time-stamp is" in " ".join(checked.stdout.split())
        other.write_bytes(stamped(tsa, b"another commitment"))
        checked = run("verify", out, *key, *DAYS, *drawing, "--seed-token", other)
        assert "seed is public randomness that came after: the time-stamp is for other data" in checked.stdout


def test_a_list_that_is_not_the_one_that_was_bound_to_is_not_drawn_from(office: Office, config: Path) -> None:
    bound = config.with_name("bound.json")
    assert run("commit", config, *DAYS, "--out", bound).exit_code == 0
    with closing(sqlite3.connect(office.folder / "ledger.sqlite")) as database, database:
        database.execute("UPDATE result SET deadline = 'met', outcome = 'arrived'")
    drawing = (config, *DAYS, "--commitment", bound, "--seed", "7", "--size", 1)
    for command in (("sample", *drawing), ("bundle", *drawing, "--out", config.with_name("bundle.zip"))):
        told = run(*command)
        assert told.exit_code == 2
        assert "was bound to: the results in" in " ".join(told.output.replace("│", "").split())


def test_nobody_is_bound_to_a_period_that_is_not_signed_to_its_end(office: Office, config: Path) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    told = run("commit", config, "--from", DAY, "--to", today, "--out", config.with_name("bound.json"))
    assert told.exit_code == 2
    assert "of no checkpoint that is as late as the end of the period" in " ".join(told.output.replace("│", "").split())
    assert not config.with_name("bound.json").exists()


@pytest.mark.parametrize("content", ["", "{}", '{"format":"cpr-canary-commitment@2"}', "[" * 60_000, "x" * 70_000])
def test_what_is_no_commitment_is_told_as_such(office: Office, config: Path, content: str) -> None:
    bound = config.with_name("bound.json")
    bound.write_text(content, encoding="utf-8")
    told = run("sample", config, *DAYS, "--commitment", bound, "--seed", "7", "--size", 1)
    assert told.exit_code == 2, told.exception
    assert "is no commitment" in " ".join(told.output.replace("│", "").split())


def test_a_commitment_is_of_one_period(office: Office, config: Path) -> None:
    bound = config.with_name("bound.json")
    assert run("commit", config, *DAYS, "--out", bound).exit_code == 0
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    told = run("sample", config, "--from", DAY, "--to", today, "--commitment", bound, "--seed", "7", "--size", 1)
    assert told.exit_code == 2
    assert "was asked for" in told.output
