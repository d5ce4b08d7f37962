"""One report with two files through a web form."""

from __future__ import annotations

from typing import Any

from channels.opened import resources
from servers.form_examples import FILES, SENDER, report, web_form

from canary.channels.forms.browser import Browser
from canary.channels.forms.web import WebFormChannel
from canary.model import Submission


async def submit(url: str, browser: Browser, form: str = "report", *, within: float = 60, **changes: Any) -> Submission:
    channel = WebFormChannel(web_form(url, form, **changes), SENDER, resources(browser))
    return await channel.submit(channel.prepare(report(attachments=FILES)), within=within)
