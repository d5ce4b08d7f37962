"""What asks a ticket system: whom it trusts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from canary.model import OwnFaultError
from canary.queues.tickets.client import trusted
from canary.queues.tickets.settings import TicketSettings

QUEUES = [{"name": "CPR", "queue": "cpr", "role": "monitored"}]


@pytest.mark.parametrize("make", [lambda _: None, os.mkfifo, Path.touch], ids=["missing", "a FIFO", "empty"])
def test_a_ca_file_that_is_none_is_told_and_not_waited_for(tmp_path: Path, make: Callable[[Path], object]) -> None:
    file, secret = tmp_path / "ca.pem", tmp_path / "token"
    make(file)
    secret.write_text("a-token\n")
    given = {"kind": "tickets", "preset": "request-tracker", "url": "https://rt.ca.test", "queues": QUEUES}
    settings = TicketSettings.model_validate({**given, "token": {"file": str(secret)}, "ca_file": str(file)})
    with pytest.raises(OwnFaultError) as fault:
        trusted(settings)
    assert fault.value.reason == "ca_file"
    assert str(file) in fault.value.detail
