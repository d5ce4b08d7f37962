"""The commands as an operator runs them: real processes, exit codes, what stands on the screen."""

from __future__ import annotations

import getpass
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from builders import message
from ledger.test_results import life
from servers.ca_site import PASSWORD, CaSite
from servers.canary_run import configuration, direct, staff, written
from servers.polling import until

from canary.ledger import Event, EventKind, Ledger
from canary.reports import VARIANTS


def cpr_canary(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; no secret may ever be printed."""
    command = [sys.executable, "-m", "canary", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "160", "TERM": "dumb"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False, env=environment)
    assert PASSWORD not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def ca(site: CaSite) -> CaSite:
    staff(site)
    return site


@pytest.fixture
def config(ca: CaSite, tmp_path: Path) -> Path:
    return written(configuration(ca, tmp_path), tmp_path)


def test_help_and_version_teach() -> None:
    assert "Exit codes" in cpr_canary("--help").stdout
    assert cpr_canary("--version").stdout.startswith("cpr-canary ")


@pytest.mark.parametrize(
    "command", ["check", "run", "status", "pause", "resume", "stop-all", "silence", "retention", "probe"]
)
def test_every_command_has_help(command: str) -> None:
    assert cpr_canary(command, "--help").returncode == 0


def test_wrong_configuration_is_told_whole_with_its_lines(config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("deadline: 60s", "deadline: soon") + "surprise: 1\n", encoding="utf-8")
    done = cpr_canary("check", config)
    assert done.returncode == 2
    assert "soon" in done.stderr
    assert "surprise" in done.stderr
    assert f"{config.name}:" in done.stderr


def test_configuration_that_is_not_there(tmp_path: Path) -> None:
    assert cpr_canary("check", tmp_path / "none.yaml").returncode == 2


def test_check_logs_in_everywhere_and_sends_nothing(ca: CaSite, config: Path) -> None:
    done = cpr_canary("check", config, "--json")
    findings = json.loads(done.stdout)
    assert (done.returncode, {finding["fault"] for finding in findings}) == (0, {None})
    assert {"watch desk", "watch researcher-replies", "sender researcher"} <= {f["what"] for f in findings}
    assert ca.messages("desk", "CPR") == ca.messages("desk", "INBOX") == []


def test_check_gives_advice_and_is_content(config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("deadline: 60s", "deadline: 61s"), encoding="utf-8")
    done = cpr_canary("check", config)
    assert done.returncode == 0
    assert "channels.alias.deadline" in done.stdout
    assert "advice" in done.stdout


def test_check_names_a_folder_that_is_missing_and_a_server_that_is_down(ca: CaSite, tmp_path: Path) -> None:
    config = configuration(ca, tmp_path)
    config["watch"]["desk"]["folders"].append({"name": "Nowhere", "queue": "nowhere", "role": "junk"})
    config["senders"]["researcher"]["submission"]["port"] = 1
    done = cpr_canary("check", written(config, tmp_path))
    assert done.returncode == 3
    assert "Nowhere" in done.stdout
    assert "sender researcher" in done.stdout


def test_probe_that_arrives(config: Path) -> None:
    done = cpr_canary("probe", config, "--channel", "alias", "--json")
    result: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0
    assert list(result) == [
        "probe", "channel", "kind", "sender", "variant", "outcome", "place", "submitted_at", "stages", "reason",
    ]  # fmt: skip
    assert (result["outcome"], result["place"], result["kind"]) == ("arrived", "cpr", "email")
    assert {"accepted", "arrived"} <= result["stages"].keys()


def test_probe_on_the_screen(config: Path) -> None:
    done = cpr_canary("probe", config, "--channel", "alias", "--variant", "V04", "--sender", "freemail")
    assert done.returncode == 0
    assert "V04 by freemail" in done.stderr
    assert "arrived" in done.stderr


def test_probe_that_is_refused(ca: CaSite, tmp_path: Path) -> None:
    ca.reject_recipient("problem-report@ca.test", "550 5.1.1 expired")
    config = written(direct(configuration(ca, tmp_path), ca), tmp_path)
    done = cpr_canary("probe", config, "--channel", "alias", "--json")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (1, "rejected")


@pytest.mark.parametrize(("give_up", "ended"), [("4s", ["missing"]), ("1h", [])])
def test_probe_that_is_lost_is_told_as_the_ledger_keeps_it(
    ca: CaSite, tmp_path: Path, give_up: str, ended: list[str]
) -> None:
    ca.silently_drop("problem-report")
    settings = configuration(ca, tmp_path, alias={"deadline": "4s", "give_up": give_up})
    done = cpr_canary("probe", written(settings, tmp_path), "--channel", "alias", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["outcome"], told["place"]) == (1, "missing", "cpr")
    with closing(Ledger(Path(settings["state"]))) as ledger:
        [decided] = ledger.events(kind=EventKind.DEADLINE, probe=told["probe"])
        ends = [event.body["outcome"] for event in ledger.events(kind=EventKind.FINISHED, probe=told["probe"])]
    assert (decided.body["result"], decided.body["outcome"], ends) == ("missed", "missing", ended)


def test_probe_with_a_fault_of_ours(ca: CaSite, tmp_path: Path) -> None:
    config = configuration(ca, tmp_path)
    config["senders"]["researcher"]["submission"]["port"] = 1
    done = cpr_canary("probe", written(config, tmp_path), "--channel", "alias", "--json")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (3, "indeterminate")


@pytest.mark.parametrize(
    ("wrong", "there"), [(("--channel", "no"), "alias"), (("--channel", "alias", "--variant", "no"), "V04")]
)
def test_name_that_does_not_exist_is_answered_with_those_that_do(
    config: Path, wrong: tuple[str, ...], there: str
) -> None:
    done = cpr_canary("probe", config, *wrong)
    assert done.returncode == 2
    assert there in done.stderr


def test_kill_switch_holds_everywhere_until_resumed(ca: CaSite, config: Path) -> None:
    assert cpr_canary("stop-all", config, "--reason", "mail migration").returncode == 0
    assert (config.parent / "state" / "STOP").exists()
    refused = cpr_canary("probe", config, "--channel", "alias")
    assert refused.returncode == 2
    assert "mail migration" in refused.stderr
    assert "mail migration" in cpr_canary("status", config).stdout
    assert ca.messages("desk", "CPR") == []
    assert cpr_canary("resume", config).returncode == 0
    assert cpr_canary("probe", config, "--channel", "alias", "--json").returncode == 0


def events(config: Path) -> list[Event]:
    ledger = Ledger(config.parent / "state", inline=True)
    told = list(ledger.events())
    ledger.close()
    return told


def test_kill_switch_is_evidence(config: Path) -> None:
    assert cpr_canary("stop-all", config, "--reason", "mail migration").returncode == 0
    assert cpr_canary("resume", config).returncode == 0
    assert cpr_canary("resume", config).returncode == 0  # nothing to reset
    told = events(config)
    kinds = [EventKind.STOPPED_ALL, EventKind.RESUMED, EventKind.CLEARED, EventKind.RESUMED]
    assert [event.kind for event in told] == kinds
    assert told[0].body == {"reason": "mail migration", "by": getpass.getuser()}
    assert told[2].body == {"by": getpass.getuser()}


def test_silence_is_evidence_and_silences_nothing(config: Path) -> None:
    what = ("--alert", "CPRCanaryChannelDown", "--by", "J. Doe", "--reason", "mail migration")
    refused = cpr_canary("silence", config, *what, "--until", "tomorrow")
    assert refused.returncode == 2
    assert "2026-12-24T18:00:00Z" in refused.stderr
    assert cpr_canary("silence", config, *what, "--until", "2026-12-24T18:00:00+01:00").returncode == 0
    assert "does not silence anything" in cpr_canary("silence", "--help").stdout
    [event] = events(config)
    assert (event.kind, event.body["until"]) == (EventKind.SILENCED, "2026-12-24T17:00:00.000000Z")
    assert (event.body["by"], event.body["reason"]) == ("J. Doe", "mail migration")


def test_retention_shows_what_it_forgets_and_tells_the_ledger(config: Path) -> None:
    with config.open("a", encoding="utf-8") as file:
        file.write("retention: {events: 36500d}\n")
    ledger = Ledger(config.parent / "state", inline=True)
    ledger.append(*life()).result()
    ledger.artefacts.put(b"0")  # what it names
    payload = ledger.artefacts.path(message(0))
    ledger.close()
    os.utime(payload, (0, 0))  # as if written then
    shown = cpr_canary("retention", "run", config, "--dry-run")
    assert (shown.returncode, payload.exists()) == (0, True)
    assert "messages" in shown.stdout
    told = json.loads(cpr_canary("retention", "run", config, "--json").stdout)
    assert [(row["rule"], row["count"]) for row in told["forgotten"]] == [("messages", 1), ("traces", 0), ("events", 0)]
    assert not payload.exists()
    assert events(config)[-1].kind is EventKind.FORGOTTEN
    assert events(config)[-1].body["artefacts"] == [message(0)]


def test_pause_is_evidence(config: Path) -> None:
    assert cpr_canary("pause", config, "--channel", "alias", "--reason", "maintenance").returncode == 0
    assert "maintenance" in cpr_canary("status", config).stdout
    assert cpr_canary("resume", config, "--channel", "alias").returncode == 0
    ledger = Ledger(config.parent / "state", inline=True)
    kinds = [event.kind for event in ledger.events()]
    ledger.close()
    assert kinds == [EventKind.PAUSED, EventKind.RESUMED]


def test_status_after_a_probe(config: Path) -> None:
    cpr_canary("probe", config, "--channel", "alias", "--json")
    [row] = json.loads(cpr_canary("status", config, "--json").stdout)["channels"]
    assert (row["channel"], row["state"]) == ("alias", "arrived")
    assert row["last_success"] is not None


def test_variants_and_schema() -> None:
    assert {row["id"] for row in json.loads(cpr_canary("variants", "--json").stdout)} == set(VARIANTS)
    table = cpr_canary("variants").stdout
    assert "V04" in table
    assert "1967929, 1966006" in table
    assert json.loads(cpr_canary("schema").stdout)["$schema"].startswith("https://json-schema.org/")


def test_rotated_key_still_knows_old_marks(config: Path) -> None:
    cpr_canary("probe", config, "--channel", "alias", "--json")
    assert cpr_canary("rotate-key", config).returncode == 0
    assert len((config.parent / "state" / "mark.key").read_text().split()) == 2
    assert cpr_canary("probe", config, "--channel", "alias", "--json").returncode == 0


def test_a_lost_key_is_told_and_gone_on_without_only_when_somebody_says_so(config: Path) -> None:
    cpr_canary("probe", config, "--channel", "alias", "--json")
    (config.parent / "state" / "mark.key").unlink()
    for command in (("run", config), ("probe", config, "--channel", "alias"), ("rotate-key", config)):
        refused = cpr_canary(*command)
        assert refused.returncode == 3
        assert "put it back from a back-up of the state folder" in " ".join(refused.stderr.split())
    assert cpr_canary("rotate-key", config, "--lost", "the disk died").returncode == 0
    assert cpr_canary("probe", config, "--channel", "alias", "--json").returncode == 0
    ledger = Ledger(config.parent / "state", inline=True)
    *_, started = ledger.events(kind=EventKind.STARTED)
    ledger.close()
    assert started.body["mark_key_lost"].startswith("the disk died (said ")
    assert cpr_canary("rotate-key", config, "--lost", "again").returncode == 3


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (config.parent / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "canary", "run", str(config)], stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def log_of(config: Path) -> str:
    return (config.parent / "log").read_text(encoding="utf-8")


def test_run_obeys_its_signals(config: Path) -> None:
    with running(config) as process:
        until(lambda: "running" in log_of(config), "the start", timeout=60)
        process.send_signal(signal.SIGHUP)
        until(lambda: "configuration reloaded" in log_of(config), "the reload", timeout=30)
        good = config.read_text(encoding="utf-8")
        config.write_text(good + "surprise: 1\n", encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        until(lambda: "configuration refused" in log_of(config), "the refusal", timeout=30)
        process.send_signal(signal.SIGUSR1)
        until((config.parent / "state" / "STOP").exists, "the kill switch", timeout=30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert "stopped" in log_of(config)


def test_state_folder_that_cannot_be_written_is_our_own_fault(config: Path) -> None:
    (config.parent / "state").mkdir(0o700)
    (config.parent / "state" / "run.lock").mkdir()  # where a file should be
    done = cpr_canary("run", config)
    assert done.returncode == 3
    assert "our own fault (store, unusable): cannot write in" in done.stderr


def test_probe_beside_a_running_canary_is_recorded_once(ca: CaSite, config: Path) -> None:
    with running(config) as process:
        until(lambda: "running" in log_of(config), "the start", timeout=60)
        done = cpr_canary("probe", config, "--channel", "alias", "--json")
        assert done.returncode == 0
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    ledger = Ledger(config.parent / "state", inline=True)
    probe = json.loads(done.stdout)["probe"]
    sightings = [event for event in ledger.events(probe=probe) if event.kind is EventKind.SIGHTING]
    numbers = [event.seq for event in ledger.events()]
    ledger.close()
    assert len(sightings) == 1
    assert numbers == list(range(1, len(numbers) + 1))
