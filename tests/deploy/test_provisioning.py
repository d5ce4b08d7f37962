"""Grafana's provisioning files. No Grafana is there to load them: names are held against those in its documentation."""

from __future__ import annotations

import re
from typing import Any

from deploy.files import COMPOSE, DEPLOY, yaml_of

FOLDER = DEPLOY / "grafana" / "provisioning"
SOURCES = FOLDER / "datasources" / "prometheus.yaml"
PROVIDERS = FOLDER / "dashboards" / "cpr-canary.yaml"

SOURCE_KEYS = {
    "name", "type", "uid", "access", "orgId", "url", "user", "database", "basicAuth", "basicAuthUser",
    "withCredentials", "isDefault", "correlations", "jsonData", "secureJsonData", "version", "editable",
}  # fmt: skip
PROMETHEUS_KEYS = {
    "httpMethod", "timeInterval", "queryTimeout", "prometheusType", "prometheusVersion", "cacheLevel",
    "incrementalQuerying", "disableRecordingRules", "exemplarTraceIdDestinations", "customQueryParameters",
    "defaultEditor", "manageAlerts", "disableMetricsLookup", "seriesEndpoint",
}  # fmt: skip
PROVIDER_KEYS = {
    "name", "orgId", "folder", "folderUid", "type", "disableDeletion", "updateIntervalSeconds", "allowUiUpdates",
    "editable", "options",
}  # fmt: skip


def grafana() -> dict[str, Any]:
    service: dict[str, Any] = yaml_of(COMPOSE)["services"]["grafana"]
    return service


def test_every_file_is_known_here() -> None:
    assert {path for path in FOLDER.rglob("*") if path.is_file()} == {SOURCES, PROVIDERS}


def test_data_source_has_only_names_that_grafana_knows() -> None:
    whole = yaml_of(SOURCES)
    assert whole.keys() == {"apiVersion", "datasources"}
    [source] = whole["datasources"]
    assert source.keys() <= SOURCE_KEYS
    assert source["jsonData"].keys() <= PROMETHEUS_KEYS
    assert (source["type"], source["access"], whole["apiVersion"]) == ("prometheus", "proxy", 1)


def test_dashboard_provider_has_only_names_that_grafana_knows() -> None:
    whole = yaml_of(PROVIDERS)
    assert whole.keys() == {"apiVersion", "providers"}
    [provider] = whole["providers"]
    assert provider.keys() <= PROVIDER_KEYS
    assert provider["options"].keys() == {"path", "foldersFromFilesStructure"}
    # a folder of ours, and folders after those of the files, exclude each other
    assert not (provider["folder"] and provider["options"]["foldersFromFilesStructure"])
    assert provider["allowUiUpdates"] is False


def test_dashboards_are_mounted_where_they_are_looked_for() -> None:
    [provider] = yaml_of(PROVIDERS)["providers"]
    mounts = dict(volume.split(":")[1::-1] for volume in grafana()["volumes"])
    assert mounts[provider["options"]["path"]] == "../../dashboards"
    assert mounts["/etc/grafana/provisioning"] == "../grafana/provisioning"


def test_every_dollar_is_a_variable_that_compose_sets() -> None:
    for path in (SOURCES, PROVIDERS):
        text = re.sub(r"#.*", "", path.read_text(encoding="utf-8")).replace("$$", "")
        assert set(re.findall(r"\$(\w*)", text)) <= grafana()["environment"].keys()


def test_interval_is_that_of_the_scrapes() -> None:
    [source] = yaml_of(SOURCES)["datasources"]
    assert source["jsonData"]["timeInterval"] == yaml_of(COMPOSE.parent / "prometheus.yml")["global"]["scrape_interval"]


def test_password_comes_from_a_file() -> None:
    environment = grafana()["environment"]
    assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] == f"/run/secrets/{grafana()['secrets'][0]}"
    assert not [name for name in environment if "PASSWORD" in name and not name.endswith("__FILE")]
