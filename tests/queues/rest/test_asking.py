"""What asks over HTTP: whom it trusts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from canary.model import Component, OwnFaultError
from canary.queues.rest.asking import trusted


@pytest.mark.parametrize("make", [lambda _: None, os.mkfifo, Path.touch], ids=["missing", "a FIFO", "empty"])
def test_a_ca_file_that_is_none_is_told_and_not_waited_for(tmp_path: Path, make: Callable[[Path], object]) -> None:
    file = tmp_path / "ca.pem"
    make(file)
    with pytest.raises(OwnFaultError) as fault:
        trusted(Component.TICKETS, file)
    assert (fault.value.component, fault.value.reason) == (Component.TICKETS, "ca_file")
    assert str(file) in fault.value.detail
