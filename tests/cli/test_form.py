"""What ``cpr-canary form inspect`` says of pages that have no form for it: a line, and an exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers.form_kinds import KindsSite
from servers.form_site import FormSite
from servers.ports import Ports
from typer.testing import CliRunner

from canary.cli.main import app


def inspected(url: str) -> tuple[int, str]:
    """The exit code, and the one line that is said."""
    result = CliRunner().invoke(app, ["form", "inspect", url])
    assert result.stdout == ""
    return result.exit_code, result.stderr.strip()


def test_a_page_without_a_form_is_a_line() -> None:
    with KindsSite({"bare": "<h1>Report</h1><p>Write to cpr@ca.example"}) as site:
        said = (1, f"no form found at {site.url('bare')}: page says 'Report Write to cpr@ca.example'")
        assert inspected(site.url("bare")) == said
        assert inspected(site.url("nowhere")) == (1, f"{site.url('nowhere')}: HTTP 404: 'Not Found'")


def test_a_page_that_is_not_to_be_had_is_a_line(tmp_path: Path) -> None:
    closed = f"http://127.0.0.1:{Ports().reserve()}/"
    assert inspected(closed) == (1, f"{closed}: net::ERR_CONNECTION_REFUSED at {closed}")
    with FormSite(tmp_path, tls=True) as site:
        url = f"{site.url}/report"
        assert inspected(url) == (1, f"{url}: net::ERR_CERT_AUTHORITY_INVALID at {url}")


@pytest.mark.parametrize("url", ["ca.example", "ftp://ca.example/", "https://", "file:///etc/passwd"])
def test_what_is_no_web_address_is_wrong_usage(url: str) -> None:
    code, words = inspected(url)
    assert (code, "wanted https://HOST/PATH" in words.replace("\n", " ").replace("│ ", "")) == (2, True)
