"""The shipped Alertmanager configuration: amtool on its routes, and a real Alertmanager on what silences what."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from deploy.metrics_used import Rule, alerts, scenarios
from servers.alertmanager import Alertmanager, Webhook
from servers.polling import until

EXAMPLE = Path(__file__).parents[2] / "deploy" / "alertmanager" / "alertmanager.example.yml"
NAMES = {alert.name for alert in alerts()}
RECEIVERS = {"critical": "pager,tickets", "warning": "tickets", "none": "deadman"}
NEWS = {
    "CPRCanaryAbsent", "CPRCanaryAliasRosterDrift", "CPRCanaryClockSkew", "CPRCanaryConfigReloadFailed",
    "CPRCanaryEvidenceVerifyFailed", "CPRCanaryForgedArrival", "CPRCanaryProbesUnaccounted", "CPRCanaryWatchdog",
}  # fmt: skip
"""The alerts that are never silenced: what they tell follows from no other."""
CHANNEL = {"job": "cpr-canary", "channel": "report-alias", "kind": "email", "queue": "cpr"}


def amtool(*arguments: str | Path) -> str:
    done = subprocess.run(["/usr/bin/amtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def route(**labels: str) -> str:
    told = [f"{name}={value}" for name, value in labels.items()]
    return amtool("config", "routes", "test", "--config.file", EXAMPLE, *told)


def test_the_example_is_right() -> None:
    assert "SUCCESS" in amtool("check-config", EXAMPLE)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_every_alert_goes_where_its_severity_says(alert: Rule) -> None:
    assert route(alertname=alert.name, job="cpr-canary", **alert.labels) == RECEIVERS[alert.labels["severity"]]


def test_heartbeats_of_others_open_no_ticket() -> None:
    assert route(alertname="Watchdog", severity="none") == "nobody"


def test_an_alert_without_severity_is_not_lost() -> None:
    assert route(alertname="SomebodyElses") == "tickets"


def test_mail_is_not_a_way_out_and_the_reason_stands_beside_the_receivers() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert not any("email_configs" in receiver for receiver in yaml.safe_load(text)["receivers"])
    assert "DO NOT LET THE MAIL SYSTEM UNDER TEST BE THE ONLY WAY OUT" in text
    assert text.index("the mail system under test: see above") > text.index("receivers:")


def inhibitions() -> Iterator[tuple[set[str], set[str], list[str]]]:
    """The alerts that silence, those that are silenced, and the labels that must be equal."""
    for rule in yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["inhibit_rules"]:
        sources, targets = (matching(rule[f"{side}_matchers"]) for side in ("source", "target"))
        yield sources, targets, rule["equal"]


def matching(matchers: list[str]) -> set[str]:
    [matcher] = matchers
    pattern = re.fullmatch(r'alertname=~?"(.*)"', matcher)
    assert pattern, matcher
    for word in re.findall("[A-Za-z]+", pattern[1]):
        assert any(name.endswith(word) for name in NAMES) or word == "CPRCanary", f"there is no {word}"
    return {name for name in NAMES if re.fullmatch(pattern[1], name)}


def test_what_inhibitions_compare_is_on_both_sides() -> None:
    """Alertmanager takes two labels that are both missing for equal: a source without one would silence too much."""
    named = [
        {**labels, "alertname": t["alertname"]}
        for test in scenarios()
        for t in test["alert_rule_test"]
        for labels in (alert["exp_labels"] for alert in t["exp_alerts"])
    ]
    for sources, targets, equal in inhibitions():
        assert sources
        assert targets
        assert "job" in equal
        for alert in named:
            if alert["alertname"] in sources or alert["alertname"] in targets:
                assert set(equal) <= alert.keys(), alert


def test_what_tells_something_new_is_never_silenced() -> None:
    """Whoever adds an alert decides whether it only follows from a canary that is gone, in the example or here."""
    silenced = set().union(*(targets for _, targets, _ in inhibitions()))
    assert NAMES - silenced == NEWS


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Alertmanager, Webhook]]:
    """The example with its receivers on loopback, and without waiting to gather a group."""
    with Webhook() as webhook:
        text = re.sub(r"https://[a-z.]+example\.com", webhook.url, EXAMPLE.read_text(encoding="utf-8"))
        text = re.sub(r"url: (\S+)/cpr-canary", lambda match: f"url: {match[1]}/all", text)
        with Alertmanager(tmp_path, text.replace("group_wait: 30s", "group_wait: 0s")) as alertmanager:
            yield alertmanager, webhook


def states(alertmanager: Alertmanager, wanted: dict[str, str]) -> None:
    """Wait until the alerts, told apart by their label ``is``, have these states."""
    until(lambda: {name: alertmanager.state(**{"is": name}) for name in wanted} == wanted, f"{wanted}")


def test_a_canary_that_is_gone_silences_its_own_channels_only(running: tuple[Alertmanager, Webhook]) -> None:
    alertmanager, _ = running
    alertmanager.fire({"alertname": "CPRCanaryAbsent", "severity": "critical", "job": "cpr-canary", "is": "source"})
    down = {"alertname": "CPRCanaryChannelDown", "severity": "critical"}
    alertmanager.fire({**down, **CHANNEL, "is": "own"})
    alertmanager.fire({**down, **CHANNEL, "job": "another-canary", "is": "another's"})
    forged = {"alertname": "CPRCanaryForgedArrival", "severity": "critical", "reason": "bad_mac"}
    alertmanager.fire({**forged, **CHANNEL, "is": "forged"})
    states(alertmanager, {"source": "active", "own": "suppressed", "another's": "active", "forged": "active"})


def test_a_queue_that_cannot_be_read_silences_the_channels_into_it(running: tuple[Alertmanager, Webhook]) -> None:
    alertmanager, _ = running
    source = {"alertname": "CPRCanaryQueueUnreadable", "severity": "critical", "job": "cpr-canary", "queue": "cpr"}
    alertmanager.fire({**source, "is": "source"})
    down = {"alertname": "CPRCanaryChannelDown", "severity": "critical"}
    alertmanager.fire({**down, **CHANNEL, "is": "into it"})
    alertmanager.fire({**down, **CHANNEL, "queue": "general", "is": "into another"})
    alertmanager.fire({"alertname": "CPRCanaryAliasRosterDrift", "severity": "warning", **CHANNEL, "is": "drift"})
    states(alertmanager, {"source": "active", "into it": "suppressed", "into another": "active", "drift": "active"})


def test_a_channel_that_is_down_silences_what_follows(running: tuple[Alertmanager, Webhook]) -> None:
    alertmanager, _ = running
    alertmanager.fire({"alertname": "CPRCanaryChannelDown", "severity": "critical", **CHANNEL, "is": "source"})
    burn = {"alertname": "CPRCanaryErrorBudgetBurn", "severity": "warning"}
    alertmanager.fire({**burn, **CHANNEL, "is": "same"})
    alertmanager.fire({**burn, **CHANNEL, "channel": "form", "is": "other"})
    states(alertmanager, {"source": "active", "same": "suppressed", "other": "active"})


def test_a_mail_server_that_is_down_is_one_page_and_one_ticket(tmp_path: Path) -> None:
    unreadable = {"alertname": "CPRCanaryQueueUnreadable", "severity": "critical", "job": "cpr-canary"}
    queues = [f"queue-{number:02}" for number in range(19)]
    with Webhook() as webhook:
        tree = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8").replace("group_wait: 30s", "group_wait: 1s"))
        for receiver in tree["receivers"]:
            for hook in receiver.get("webhook_configs", []):
                hook["url"] = f"{webhook.url}/{receiver['name']}"
        with Alertmanager(tmp_path, yaml.safe_dump(tree)) as alertmanager:
            alertmanager.fire_together({**unreadable, "queue": queue} for queue in queues)
            for receiver in ("pager", "tickets"):
                until(lambda name=receiver: len(webhook.alerts(f"/{name}")) >= 19, receiver)  # type: ignore[misc]
                [told] = webhook.notifications(f"/{receiver}")
                assert sorted(alert["labels"]["queue"] for alert in told["alerts"]) == queues


def test_page_ticket_and_heartbeat_arrive(tmp_path: Path) -> None:
    with Webhook() as webhook:
        text = EXAMPLE.read_text(encoding="utf-8").replace("group_wait: 30s", "group_wait: 0s")
        tree = yaml.safe_load(text)
        for receiver in tree["receivers"]:
            for hook in receiver.get("webhook_configs", []):
                assert urlsplit(hook["url"]).hostname.endswith("example.com")  # type: ignore[union-attr]
                hook["url"] = f"{webhook.url}/{receiver['name']}"
        with Alertmanager(tmp_path, yaml.safe_dump(tree)) as alertmanager:
            alertmanager.fire({"alertname": "CPRCanaryChannelDown", "severity": "critical", **CHANNEL})
            alertmanager.fire({"alertname": "CPRCanaryWatchdog", "severity": "none", "job": "cpr-canary"})
            alertmanager.fire({"alertname": "Watchdog", "severity": "none"})
            for receiver in ("pager", "tickets", "deadman"):
                until(lambda name=receiver: webhook.alerts(f"/{name}"), receiver)  # type: ignore[misc]
        names = {
            receiver: {alert["labels"]["alertname"] for alert in webhook.alerts(f"/{receiver}")}
            for receiver in ("pager", "tickets", "deadman")
        }
        assert names == {
            "pager": {"CPRCanaryChannelDown"},
            "tickets": {"CPRCanaryChannelDown"},
            "deadman": {"CPRCanaryWatchdog"},
        }
