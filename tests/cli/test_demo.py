"""The demo as anybody runs it: a real process, its exit code, what it prints, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from servers.polling import until

from canary.demo.faults import BY_NAME, FAULTS

KEYS = {
    "probe", "channel", "kind", "sender", "variant", "outcome", "place", "submitted_at", "stages", "reason", "fault",
}  # fmt: skip


@pytest.fixture
def temp() -> Iterator[Path]:
    """The demo's folder for temporary files; in the end there is nothing in it, and no browser at work in it.

    Its path is short, since Chromium binds a socket in it.
    """
    with tempfile.TemporaryDirectory(prefix="demo-") as name:
        folder = Path(name)
        yield folder
        until(lambda: not at_work(folder), "no process left behind")
        assert list(folder.iterdir()) == []


def at_work(folder: Path) -> list[bytes]:
    """The command lines that name a folder, as those of its browsers do."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(process.read_bytes())
        except OSError:
            continue  # it has ended
    return [line for line in found if os.fsencode(folder) in line]


@contextmanager
def started(temp: Path, *arguments: str, columns: int = 80) -> Iterator[subprocess.Popen[str]]:
    """The command in a process group of its own, as in a terminal."""
    process = subprocess.Popen(
        [sys.executable, "-m", "canary", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(temp), "COLUMNS": str(columns), "TERM": "xterm"},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ended(process: subprocess.Popen[str], within: float = 150) -> tuple[int, str, str]:
    """Exit code and output of a process that ends by itself."""
    out, err = process.communicate(timeout=within)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def demo(temp: Path, *arguments: str, within: float = 150) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, JSON objects and the other output."""
    with started(temp, *arguments, "--json") as process:
        code, out, err = ended(process, within)
    return code, [json.loads(line) for line in out.splitlines()], err


def next_line(process: subprocess.Popen[str], pattern: str, error: bool = False) -> re.Match[str]:
    """The next line that matches."""
    for line in process.stderr if error else process.stdout:  # type: ignore[union-attr]
        if match := re.search(pattern, line):
            return match
    raise AssertionError(f"{pattern!r} was never said")


def test_once_sends_one_report_through_every_channel_and_all_arrive(temp: Path) -> None:
    code, probes, err = demo(temp, "--once")
    assert code == 0, err
    assert sorted((probe["channel"], probe["kind"]) for probe in probes) == [
        ("alias", "email"), ("contact-anna", "contact"), ("contact-tomas", "contact"), ("form", "web_form"),
    ]  # fmt: skip
    for probe in probes:
        assert probe.keys() == KEYS
        assert (probe["outcome"], probe["fault"]) == ("arrived", None)
        assert {"accepted", "arrived"} <= probe["stages"].keys()


def test_chosen_faults_alone_are_shown_in_the_order_of_the_show(temp: Path) -> None:
    code, probes, err = demo(temp, "--fault", "silent-drop", "--fault", "unclassified")
    assert code == 0, err
    told = [(p["fault"], p["channel"], p["outcome"], p["place"]) for p in probes if p["fault"]]
    assert told == [
        ("unclassified", "form", "wrong_queue", "general"),
        ("silent-drop", "alias", "missing", "judit-cpr"),
    ]
    assert {probe["outcome"] for probe in probes if not probe["fault"]} == {"arrived"}
    assert "2 of 2 faults were told apart" in err


@pytest.mark.timeout(400)
def test_whole_demo_tells_every_fault_apart(temp: Path) -> None:
    code, probes, err = demo(temp, within=380)
    assert code == 0, err
    told = {probe["fault"]: probe for probe in probes if probe["fault"]}
    assert list(told) == [fault.name for fault in FAULTS]
    for fault in FAULTS:
        probe = told[fault.name]
        assert (probe["channel"], probe["outcome"]) == (fault.channel, fault.outcome)
        assert fault.place in (None, probe["place"])
        assert fault.words in probe["reason"]
    healthy = [probe for probe in probes if not probe["fault"]]
    assert {probe["outcome"] for probe in healthy} == {"arrived"}
    assert {probe["kind"] for probe in healthy} == {"web_form", "email", "contact"}
    assert len(healthy) == 3 * 4 + 2 * len(FAULTS)


def test_people_without_a_terminal_get_plain_lines_that_fit(temp: Path) -> None:
    with started(temp, "--fault", "holiday") as process:
        code, out, err = ended(process)
    assert (code, err) == (0, "")
    assert all(len(line) <= 80 for line in out.splitlines())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", out)
    assert re.search(r"contact-anna +contact +researcher +plain +accepted +[0-9.]+ s +wrong_queue\n", out)
    assert re.search(r"contact-tomas +contact +researcher +plain +\w+ +[0-9.]+ s +arrived\n", out)
    assert "in reality after 2.7 days (KIR, bug 1967929)" in out
    assert re.search(r"holiday +KIR 1967929 +wrong_queue +wrong_queue +[0-9.]+ s +2.7 d\n", out)
    assert "1 of 1 faults were told apart" in out


def test_unknown_fault_is_answered_with_those_there_are(temp: Path) -> None:
    with started(temp, "--fault", "gremlins", columns=200) as process:
        code, out, err = ended(process)
    assert (code, out) == (2, "")
    assert "gremlins" in err
    assert all(name in err for name in BY_NAME)


def test_once_and_a_fault_contradict_each_other(temp: Path) -> None:
    with started(temp, "--once", "--fault", "bounce", columns=200) as process:
        code, _, err = ended(process)
    assert code == 2
    assert "--once shows no faults" in err


def test_missing_browser_is_our_fault_and_the_command_that_gets_it_is_named(temp: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "canary", "demo", "--once"]
    nothing = {"PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path), "COLUMNS": "200"}
    environment = {**os.environ, **nothing, "TMPDIR": str(temp)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 3
    assert "apt-get install chromium" in done.stderr


def test_taken_port_is_our_fault(temp: Path) -> None:
    with started(temp, "--stay", "--once", "--json") as first:
        port = next_line(first, r"http://127\.0\.0\.1:(\d+)/metrics", error=True)[1]
        with started(temp, "--once", "--port", port, columns=200) as second:
            code, _, err = ended(second)
        assert code == 3
        assert f"cannot listen on 127.0.0.1:{port}" in err
        os.killpg(first.pid, signal.SIGINT)
        first.communicate(timeout=60)


def test_metrics_are_served_where_another_machine_can_scrape_them_if_asked(temp: Path) -> None:
    with started(temp, "--once", "--stay", "--json", "--host", "0.0.0.0") as process:
        port = next_line(process, r"http://0\.0\.0\.0:(\d+)/metrics", error=True)[1]
        with urllib.request.urlopen(f"http://127.0.0.2:{port}/metrics", timeout=30) as answer:
            assert b"cpr_canary_build_info" in answer.read()
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)


@pytest.mark.parametrize(("number", "stop"), [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill)])
def test_stopped_in_the_middle_it_ends_cleanly(
    temp: Path, number: signal.Signals, stop: Callable[[int, int], None]
) -> None:
    """Ctrl-C in a terminal reaches the whole group, ``kill`` one process."""
    with started(temp, "--json") as process:
        next_line(process, '"kind": "web_form"')
        stop(process.pid, number)
        code, _, err = ended(process, 60)
    assert code == 128 + number
    assert "stopped before the end" in err


def test_stopped_while_it_starts_it_ends_cleanly(temp: Path) -> None:
    with started(temp, "--json") as process:
        until(lambda: list(temp.glob("cpr-canary-demo-*/*.password")), "the demo CA")
        os.killpg(process.pid, signal.SIGINT)
        code, out, _ = ended(process, 60)
    assert (code, out) == (130, "")


def test_stay_goes_on_probing_and_serving_until_interrupted(temp: Path) -> None:
    with started(temp, "--once", "--stay", "--json") as process:
        url = next_line(process, r"http://\S+/metrics", error=True)[0]
        next_line(process, '"channel": "form"')
        next_line(process, "probing on schedule", error=True)
        scheduled = json.loads(next_line(process, r".*")[0])
        assert (scheduled["outcome"], scheduled["fault"]) == ("arrived", None)
        with urllib.request.urlopen(url, timeout=30) as answer:
            text = answer.read().decode()
        assert all(f'channel="{channel}"' in text for channel in ("form", "alias", "contact-anna", "contact-tomas"))
        os.killpg(process.pid, signal.SIGINT)
        code, _, _ = ended(process, 60)
    assert code == 0
