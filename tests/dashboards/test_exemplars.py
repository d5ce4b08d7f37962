"""The dots on the latency panel: Prometheus finds the probes behind the very expression that the panel asks for."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from servers.polling import until
from servers.prometheus import Prometheus

from canary.metrics import Exporter
from dashboards.__main__ import HERE
from tests.dashboards.history import START, example_history
from tests.dashboards.queries import expand, targets, view_of

SCRAPING = """
global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: cpr-canary, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}]
"""


def test_the_latency_panel_has_a_dot_for_a_probe(tmp_path: Path) -> None:
    dashboard = json.loads((HERE / "channel.json").read_text(encoding="utf-8"))
    asking = [target["expr"] for _, target in targets(dashboard) if target.get("exemplar")]
    assert len(asking) == 1
    with example_history(tmp_path) as history:
        history.go_to(START + timedelta(hours=2))
        own = CollectorRegistry(auto_describe=False)
        own.register(Exporter(history.prober))
        server, thread = start_http_server(0, "127.0.0.1", own)
        try:
            configuration = SCRAPING.format(port=server.server_port)
            with Prometheus(tmp_path / "prometheus", configuration) as prometheus:
                view = view_of(dashboard, history.now)
                expr = expand(asking[0], view, 60)
                begin, end = START.timestamp(), history.now.timestamp()
                dots = until(lambda: prometheus.exemplars(expr, begin, end), "an exemplar")
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
    known = {one.case.probe.id for one in history.prober.ledger.state.open.values()} | history.ended
    assert {dot["labels"]["probe_id"] for dot in dots} <= known
