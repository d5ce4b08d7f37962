"""The servers that the email channel is tried with."""

from __future__ import annotations

import pytest
from servers import smtp_script


@pytest.fixture(params=["one by one", "pipelined"])
def pipelining(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever asks for it is so whether or not the server takes several commands at a time (RFC 2920)."""
    monkeypatch.setattr(smtp_script, "PIPELINING", request.param == "pipelined")
