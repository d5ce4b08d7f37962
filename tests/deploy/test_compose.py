"""compose.yaml says what it must, as far as that can be told without a Docker engine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.files import COMPOSE, DEPLOY, DOCKERFILE, README, ROOT, assert_cli_takes, credentials, instructions, yaml_of

MADE_BY_THE_OPERATOR = {"etc", "secrets"}
"""Folders beside compose.yaml that are not in the repository; README.md says how to make them."""

SERVICES: dict[str, dict[str, Any]] = yaml_of(COMPOSE)["services"]
every_service = pytest.mark.parametrize("name", SERVICES)


def schema_says(path: Path) -> str:
    """What the Compose Specification's own JSON Schema says against a file; empty if nothing."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return "" if done.returncode == 0 else done.stdout


def binds(service: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """The (source, target, whether read-only) of what is mounted from the host."""
    found = []
    for volume in service.get("volumes", []):
        if isinstance(volume, dict):
            found.append((volume["source"], volume["target"], volume["read_only"]))
        elif volume.startswith("."):
            source, target, mode = volume.split(":")
            found.append((source, target, mode == "ro"))
    return found


def named_volumes(service: dict[str, Any]) -> set[str]:
    return {v.split(":")[0] for v in service.get("volumes", []) if isinstance(v, str) and not v.startswith(".")}


def test_specification_knows_every_key() -> None:
    assert schema_says(COMPOSE) == ""


def test_a_misspelt_key_would_be_found(tmp_path: Path) -> None:
    broken = yaml_of(COMPOSE)
    broken["services"]["canary"]["cap_dropp"] = ["ALL"]
    path = tmp_path / "compose.yaml"
    path.write_text(yaml.safe_dump(broken), encoding="utf-8")
    assert "cap_dropp" in schema_says(path)


@every_service
def test_service_has_no_rights_and_cannot_get_any(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9][0-9]*:[0-9]+", service["user"])
    assert not {"privileged", "cap_add", "pid", "ipc", "network_mode", "devices", "userns_mode"} & service.keys()
    assert all({"nosuid", "nodev"} <= set(mount.split(":")[1].split(",")) for mount in service.get("tmpfs", []))


@every_service
def test_ports_are_open_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@every_service
def test_image_is_built_here_or_pinned_by_version(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        context = COMPOSE.parent / service["build"]["context"]
        assert context.resolve() == ROOT
        assert (context / service["build"]["dockerfile"]).resolve() == DOCKERFILE
        return
    assert re.fullmatch(r"[a-z]+/[a-z]+:v?[0-9]+\.[0-9]+\.[0-9]+", service["image"])


@every_service
def test_service_tells_whether_it_is_healthy(name: str) -> None:
    service = SERVICES[name]
    in_the_image = "build" in service and "HEALTHCHECK" in dict(instructions())
    assert in_the_image or service["healthcheck"]["test"][0] == "CMD"


@every_service
def test_what_is_mounted_exists_and_is_read_only(name: str) -> None:
    for source, target, read_only in binds(SERVICES[name]):
        assert read_only, target
        path = (COMPOSE.parent / source).resolve()
        if path.parent == COMPOSE.parent and path.name in MADE_BY_THE_OPERATOR:
            continue
        assert path.exists(), source


def test_what_is_declared_is_used_and_what_is_used_is_declared() -> None:
    whole = yaml_of(COMPOSE)
    used = [SERVICES[name] for name in SERVICES]
    assert set().union(*map(named_volumes, used)) == whole["volumes"].keys()
    assert {s for service in used for s in service.get("secrets", [])} == whole["secrets"].keys()
    assert {n for service in used for n in service["networks"]} == whole["networks"].keys()


def test_secrets_are_those_of_the_example_configuration_and_come_from_files() -> None:
    assert set(SERVICES["canary"]["secrets"]) == credentials()
    declared = yaml_of(COMPOSE)["secrets"]
    assert {name: secret["file"] for name, secret in declared.items()} == {n: f"./secrets/{n}" for n in declared}


def test_readme_says_how_to_make_what_is_not_there() -> None:
    text = README.read_text(encoding="utf-8")
    assert all(f"{folder}/" in text for folder in MADE_BY_THE_OPERATOR)
    assert "secrets/grafana-password" in text
    assert "etc/cpr-canary.yaml" in text


def test_what_the_operator_makes_does_not_get_into_the_repository() -> None:
    ignored = (COMPOSE.parent / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {f"/{folder}/" for folder in MADE_BY_THE_OPERATOR} <= set(ignored)


@pytest.mark.parametrize("name", ["demo", "canary"])
def test_command_is_one_that_the_program_takes(name: str) -> None:
    assert_cli_takes(SERVICES[name]["command"])


def test_either_canary_is_the_one_that_prometheus_scrapes() -> None:
    for name in ("demo", "canary"):
        assert SERVICES[name]["profiles"] == [name]
        assert SERVICES[name]["networks"]["inside"]["aliases"] == ["canary"]
    [job] = yaml_of(COMPOSE.parent / "prometheus.yml")["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["canary:9750"]}]
    assert "inside" in SERVICES["prometheus"]["networks"]


def test_prometheus_is_configured_as_in_the_example_but_for_addresses() -> None:
    text = (COMPOSE.parent / "prometheus.yml").read_text(encoding="utf-8")
    for ours, example in (
        ("canary:9750", "127.0.0.1:9750"),
        ("alertmanager:9093", "127.0.0.1:9093"),
        ("http://127.0.0.1:3000", "https://grafana.example.com"),
        ("- rules/", "- "),
    ):
        assert ours in text
        text = text.replace(ours, example)
    assert yaml.safe_load(text) == yaml_of(DEPLOY / "prometheus" / "prometheus.example.yml")


def test_prometheus_finds_its_rules(tmp_path: Path) -> None:
    """Laid out as it is mounted, and asked of Debian's promtool."""
    shutil.copy(COMPOSE.parent / "prometheus.yml", tmp_path)
    (tmp_path / "rules").symlink_to(DEPLOY / "prometheus")
    assert "../prometheus:/etc/prometheus/rules:ro" in SERVICES["prometheus"]["volumes"]
    command = ["promtool", "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"\d+ rules found", done.stdout)) == 2


def test_nothing_of_the_demo_leaves_the_host() -> None:
    assert list(SERVICES["demo"]["networks"]) == ["inside"]
    assert yaml_of(COMPOSE)["networks"]["inside"] == {"internal": True}
    assert "ports" not in SERVICES["demo"]


def test_addresses_that_containers_name_are_services() -> None:
    text = COMPOSE.read_text(encoding="utf-8") + (COMPOSE.parent / "prometheus.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:http://)?([a-z]+):(?:9750|9090|9093|3000)\b", text))
    assert named <= SERVICES.keys()
    assert {"canary", "prometheus", "alertmanager"} <= named
