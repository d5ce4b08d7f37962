"""What every kind of channel has in its settings."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from canary.settings import ChannelSettings


class TestChannelSettings:
    def made(self, **more: Any) -> ChannelSettings:
        return ChannelSettings.model_validate({"kind": "any", "arrives_in": "cpr", "approved_by": "us", **more})

    def test_one_queue_or_several(self) -> None:
        assert self.made().arrives_in == ("cpr",)
        assert self.made(arrives_in=["a", "b"]).arrives_in == ("a", "b")

    @pytest.mark.parametrize("value", [[], None, 5, {"cpr": 1}, [None]])
    def test_no_queue_at_all(self, value: Any) -> None:
        with pytest.raises(ValidationError, match="arrives_in"):
            self.made(arrives_in=value)

    def test_looks_at_least_as_long_as_the_deadline(self) -> None:
        assert self.made(deadline="1h", give_up="1h").give_up == 3600
        with pytest.raises(ValidationError, match=r"give_up \(60s\) is shorter than deadline \(3600s\)"):
            self.made(deadline="1h", give_up="1m")

    def test_has_no_address_unless_its_kind_says_so(self) -> None:
        assert self.made().addresses() == {}

    def test_a_kind_must_say_what_it_targets(self) -> None:
        with pytest.raises(NotImplementedError, match="ChannelSettings does not say what it targets"):
            self.made().targets()
