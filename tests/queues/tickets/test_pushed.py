"""What ticket systems push: each as its vendor signs it, and nothing else, is taken for a hint."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from queues.tickets.test_description import GIVEN
from starlette.datastructures import Headers

from canary.queues.tickets.description import preset, presets
from canary.queues.tickets.pushed import Webhook, why_not_own
from canary.queues.tickets.settings import TicketSettings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "sesame-open-now-please"
BODY = b'{"action": "opened", "issue": {"number": 14}}'


def _hub(kind: str) -> Callable[[str, bytes], dict[str, str]]:
    def signed(secret: str, body: bytes) -> dict[str, str]:
        return {"X-Hub-Signature": f"{kind}={hmac.new(secret.encode(), body, kind).hexdigest()}"}

    return signed


def _github(secret: str, body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


def _gitlab(secret: str, _: bytes) -> dict[str, str]:
    return {"X-Gitlab-Token": secret, "X-Gitlab-Event": "Issue Hook"}


def _zendesk(secret: str, body: bytes, time: str = "2026-03-01T11:58:00Z") -> dict[str, str]:
    signature = base64.b64encode(hmac.new(secret.encode(), time.encode() + body, hashlib.sha256).digest()).decode()
    return {"X-Zendesk-Webhook-Signature": signature, "X-Zendesk-Webhook-Signature-Timestamp": time}


VENDORS: Mapping[str, Callable[[str, bytes], dict[str, str]]] = {
    "github-issues": _github,
    "gitlab-service-desk": _gitlab,
    "jira-cloud": _hub("sha256"),
    "zammad": _hub("sha1"),
    "zendesk": _zendesk,
}
"""How each vendor's public description says that it is signed."""


def why(system: str, headers: Mapping[str, str], body: bytes = BODY, secret: str = SECRET) -> str | None:
    webhook = preset(system).webhook
    assert webhook is not None
    return why_not_own(webhook, secret, Headers(headers), body, NOW)


def test_every_system_that_is_described_to_push_is_here() -> None:
    assert {name for name in presets() if preset(name).webhook} == VENDORS.keys()


@pytest.mark.parametrize("system", VENDORS)
def test_what_a_system_signs_is_its_own(system: str) -> None:
    headers = VENDORS[system](SECRET, BODY)
    assert why(system, headers) is None
    assert why(system, {name.lower(): value for name, value in headers.items()}) is None


@pytest.mark.parametrize("system", VENDORS)
def test_what_somebody_else_signs_is_not(system: str) -> None:
    assert why(system, VENDORS[system]("another-secret-than-ours", BODY))
    assert why(system, {})
    assert why(system, dict.fromkeys(VENDORS[system](SECRET, BODY), ""))


@pytest.mark.parametrize("system", VENDORS)
@given(data=st.data())
def test_no_other_header_is_taken_for_a_signature(system: str, data: st.DataObject) -> None:
    good = VENDORS[system](SECRET, BODY)
    name = next(iter(good))
    other = data.draw(st.text(st.characters(max_codepoint=255), max_size=100).filter(lambda text: text != good[name]))
    told = why(system, good | {name: other})
    # the same signature may be written otherwise: with capitals in hex
    assert told or other.lower() == good[name].lower()


@given(body=st.binary(max_size=200).filter(lambda body: body != BODY))
@pytest.mark.parametrize("system", sorted(VENDORS.keys() - {"gitlab-service-desk"}))
def test_another_body_is_not_what_was_signed(system: str, body: bytes) -> None:
    assert why(system, VENDORS[system](SECRET, BODY), body)


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_what_was_pushed_long_ago_is_a_replay(seconds: int) -> None:
    time = (NOW + timedelta(seconds=seconds)).isoformat()
    assert "not within 5 minutes" in (why("zendesk", _zendesk(SECRET, BODY, time)) or "")


@pytest.mark.parametrize(
    "time", ["", "yesterday", "99999999999999999999", "-1", "2026-02-30T00:00:00Z", "2026-03-01T12:00:00+99:00"]
)
def test_a_time_that_is_none_is_no_time_of_now(time: str) -> None:
    assert "not within" in (why("zendesk", _zendesk(SECRET, BODY, time)) or "")


@pytest.mark.parametrize("time", [str(int(NOW.timestamp())), "2026-03-01T12:00:00", "2026-03-01T13:00:00+01:00"])
def test_a_time_may_be_written_in_several_ways(time: str) -> None:
    assert why("zendesk", _zendesk(SECRET, BODY, time)) is None


@pytest.mark.parametrize("secret", ["", "short", "x" * 15])
def test_a_secret_that_can_be_guessed_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="shorter than 16 characters"):
        why_not_own(Webhook(header="x-token", sign="secret"), secret, {"x-token": secret}, BODY, NOW)


def test_a_system_that_is_not_described_to_push_takes_no_secret() -> None:
    with pytest.raises(ValidationError, match="is not described to push anything, want no webhook"):
        TicketSettings.model_validate(GIVEN | {"webhook": {"env": "WEBHOOK"}})


def test_without_a_secret_nothing_is_a_hint() -> None:
    settings = TicketSettings.model_validate(GIVEN)
    assert not settings.takes_hints
    assert settings.why_no_hint({}, b"", NOW) == "nothing is to be pushed to it"
