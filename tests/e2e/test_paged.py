"""Whom it pages for what real servers do to reports: what the CA did pages, what the provider of a sender did does not.

Postfix and Dovecot, Chromium, the canary as a process, Prometheus and Alertmanager with the shipped files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from e2e.test_forms import form_channel
from e2e.test_forms import forms as forms
from servers.answer_pages import answering, by_script
from servers.ca_site import CaSite
from servers.canary_run import configuration, written
from servers.form_site import FormSite
from servers.paging import PAGER, PATIENCE, CanaryProcess, Watch
from servers.polling import listening, until
from servers.ports import Ports

TIMES = {"interval": "6s", "deadline": "8s", "give_up": "60s", "acknowledged_within": "8s", "max_per_hour": 1000}
SLOW = {"interval": "10s", "deadline": "30s"}
"""Of forms: a browser takes its time on a machine with other work to do."""
REGRETS = by_script("await post('/store'); say('<p>Your report could not be delivered. Please write to us.</p>')")
FAILING = "cpr_canary_channel_failing_probes"
WELL = ("alias", "form")
BLAMELESS = (*WELL, "quota", "zip")
"""Those that are well, and those whose reports the sender's own provider refuses: that pages later, as silence."""


@pytest.fixture
def port() -> Iterator[int]:
    with ExitStack() as stack:
        ports = Ports()
        stack.callback(ports.close)
        yield ports.reserve()


def channels(ca: CaSite, forms: FormSite, regretting: str) -> dict[str, Any]:
    """A channel for each thing that is done to a report."""
    steps = [
        {"fill": {"label": "Your name", "with": "{name}"}},
        {"fill": {"label": "Email", "with": "{email}"}},
        {"fill": {"label": "Description", "with": "{text}"}},
        {"click": "Send report"},
    ]
    for alias in ("quota", "zip"):
        ca.add_alias(alias, ["desk"])
    ca.reject_recipient("quota@ca.test", "550 5.4.5 daily sending quota exceeded")
    ca.refuse_attachments("552 5.7.0 outgoing message blocked by policy")
    ca.rename()
    return {
        "alias": TIMES,
        "quota": TIMES | {"to": "quota@ca.test"},
        "zip": TIMES | {"to": "zip@ca.test", "variants": ["V02-zip"]},
        "form": TIMES | SLOW | form_channel(forms),
        "regrets": TIMES
        | SLOW
        | {"kind": "web_form", "url": regretting, "steps": steps, "confirm": {"text": "Thank you"}}
        | {"serial": "00c0ffee00c0ffee"},
    }


@pytest.mark.timeout(400)
async def test_who_is_to_blame_is_who_is_paged_for(ca: CaSite, forms: FormSite, tmp_path: Path, port: int) -> None:
    async with answering({"report": REGRETS}, {"store": (500, "out of order")}) as site:
        config = configuration(ca, tmp_path, **channels(ca, forms, f"{site.url}/report"))
        for name in ("form", "regrets"):
            del config["channels"][name]["to"]
        config["operator"]["domains"].append("127.0.0.1")
        config |= {"web": {"listen": f"127.0.0.1:{port}"}, "confirm_after": "1s"}
        await asyncio.to_thread(story, ca, written(config, tmp_path), port)


def story(ca: CaSite, config: Path, port: int) -> None:
    with ExitStack() as stack:
        canary = CanaryProcess(config)
        stack.callback(canary.end)
        canary.start()
        until(lambda: listening(("127.0.0.1", port)), "the canary", PATIENCE)
        watch = Watch(stack, config.parent, port)
        page = watch.until_told(PAGER, "firing", "CPRCanaryChannelDown", channel="regrets")
        assert page["labels"]["kind"] == "web_form"
        for name, results in (("alias", "met"), ("form", "met"), ("quota", "indeterminate"), ("zip", "indeterminate")):
            query = f'cpr_canary_deadline_results_total{{channel="{name}", result="{results}"}}'
            until(lambda query=query: (found := watch.prometheus.query(query)) and found[0].value >= 2, query, PATIENCE)
        failing = {series.labels["channel"]: series.value for series in watch.prometheus.query(FAILING)}
        assert failing == dict.fromkeys(BLAMELESS, 0) | {"regrets": failing["regrets"]}
        paged = {alert["labels"]["channel"] for alert in watch.told(PAGER, "CPRCanaryChannelDown")}
        assert paged.isdisjoint(WELL)
        ca.cut_body(b"4711")
        watch.until_told(PAGER, "firing", "CPRCanaryChannelDown", channel="alias")
