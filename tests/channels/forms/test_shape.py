"""How a form looks: what is told of it, what changes, and what is new each time and no change."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from channels.opened import resources
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from reports.named import EXPIRED
from servers.form_examples import SENDER, report, web_form
from servers.form_site import Fault, FormSite

from canary.budgets import FORM_SHAPE
from canary.channels.forms.browser import Browser
from canary.channels.forms.html import read_html
from canary.channels.forms.http import HttpFormChannel
from canary.channels.forms.page import FormField, PageFacts
from canary.channels.forms.settings import HttpFormSettings
from canary.channels.forms.shape import key_in, of_form, of_page, of_target, server_key
from canary.channels.forms.web import WebFormChannel

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = st.lists(
    st.builds(
        FormField,
        label=st.text(max_size=300),
        kind=st.sampled_from(["text", "select", "radio", "textarea"]),
        required=st.booleans(),
        options=st.lists(st.text(max_size=200), max_size=80).map(tuple),
    ),
    max_size=120,
)


def shape(html: str) -> dict[str, str]:
    return of_form(read_html(html).forms[0])


@given(FIELDS)
async def test_it_is_bounded_whatever_is_on_the_page_and_the_same_each_time(fields: list[FormField]) -> None:
    found = of_page(PageFacts("", fields=tuple(fields)))
    assert found == of_page(PageFacts("", fields=tuple(fields)))
    assert sum(len(name) + len(text) for name, text in found.items()) <= (FORM_SHAPE.decoded or 0)
    assert len(found) <= (FORM_SHAPE.number or 0) + 1
    assert all(text.isprintable() for item in found.items() for text in item)


@given(st.lists(st.text("abc xyz", min_size=1), min_size=1, unique=True), st.integers())
async def test_the_order_of_options_does_not_count(options: list[str], seed: int) -> None:
    mixed = list(options)
    Random(seed).shuffle(mixed)
    one, other = (FormField("Topic", "select", options=tuple(some)) for some in (options, mixed))
    assert of_page(PageFacts("", fields=(one,))) == of_page(PageFacts("", fields=(other,)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<input type=hidden name=csrf value=1a2b>", "<input type=hidden name=csrf value=77ff>"),
        ("<input name=q aria-label='What is 3 + 4?'>", "<input name=q aria-label='What is 8 + 1?'>"),
        ("<input name=f7a31 id=x1>", "<input name=f9b02 id=x2>"),
        ("<select name=s><option>a<option>b</select>", "<select name=s><option>b<option>a</select>"),
        ("<button name=nonce value=1>Go</button>", "<button name=nonce value=2>Go</button>"),
    ],
)
async def test_what_is_new_with_every_visit_is_no_change(before: str, after: str) -> None:
    assert shape(f"<form>{before}<textarea name=text></textarea></form>") == shape(
        f"<form>{after}<textarea name=text></textarea></form>"
    )


@pytest.mark.parametrize(
    "after",
    [
        "<form><input name=serial required><textarea name=text></textarea>",
        "<form><input name=serial type=number><textarea name=text></textarea>",
        "<form><input name=number><textarea name=text></textarea>",
        "<form><input name=serial><input name=relation><textarea name=text></textarea>",
        "<form><select name=serial><option>a</select><textarea name=text></textarea>",
        "<form><input name=serial>",
    ],
)
async def test_what_a_reporter_would_meet_is_a_change(after: str) -> None:
    assert shape("<form><input name=serial><textarea name=text></textarea>") != shape(after)


async def test_an_option_that_goes_is_a_change_even_in_a_long_list() -> None:
    def countries(last: str) -> dict[str, str]:
        names = [f"Land {chr(65 + at % 26)}{chr(65 + at // 26)}" for at in range(200)]
        return of_page(PageFacts("", fields=(FormField("Country", "select", options=(*names, last)),)))

    assert countries("Zanzibar") != countries("Zypern")


@pytest.mark.parametrize(
    ("url", "told_as"),
    [
        ("https://ca.example/report?token=1a2b", "POST https://ca.example/report"),
        ("https://ca.example/report;jsessionid=0A1B", "POST https://ca.example/report"),
        ("https://ca.example/s/0a1b2c3d4e5f60718293/send", "POST https://ca.example/s/#/send"),
        ("https://ca.example/v2/report.php", "POST https://ca.example/v2/report.php"),
    ],
)
async def test_where_it_goes_is_told_without_tokens(url: str, told_as: str) -> None:
    assert of_target(url, "post") == {"goes to": told_as}


async def test_the_key_is_that_of_the_certificate_and_there_is_none_without_tls(tmp_path: Path) -> None:
    with FormSite(tmp_path, tls=True) as site:
        url, first = site.url, await server_key(site.url)
        assert await server_key(url) == first
        assert len(first["key"]) == 64
    again = tmp_path / "again"
    again.mkdir()
    with FormSite(again, tls=True) as other:
        assert (await server_key(other.url))["key"] != first["key"]
    with FormSite(tmp_path) as plain:
        assert await server_key(plain.url) == {}
    assert await server_key(url) == {}, "nobody listens there any more"


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4))
async def test_no_certificate_that_a_server_shows_raises_anything(changes: list[tuple[int, int]]) -> None:
    good = x509.load_pem_x509_certificate(EXPIRED.encode()).public_bytes(Encoding.DER)
    der = bytearray(good)
    for place, octet in changes:
        der[place % len(der)] = octet
    assert key_in(bytes(der)).keys() <= {"key"}
    assert key_in(b"") == {}
    newer = good.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020109"))
    assert key_in(newer) == {}, "of a version that there is not"


async def test_a_form_without_a_browser_is_seen_on_each_visit(tmp_path: Path) -> None:
    fields = {"name": "{name}", "email": "{email}", "text": "{text}", "serial": "{serial}", "subject": "{subject}"}
    with FormSite(tmp_path, tls=True) as site:
        given = {"arrives_in": "cpr", "approved_by": "us", "url": f"{site.url}/state", "fields": fields}
        given |= {"serial": "01" * 8, "confirm": {"text": "Thank you"}, "ca_file": str(site.ca_file)}
        channel = HttpFormChannel(HttpFormSettings.model_validate(given), SENDER, resources())
        assert "; 7 fields, goes to POST https://127.0.0.1:" in await channel.check()
        looked = dict(channel.seen)
        assert (await channel.submit(channel.prepare(report()), within=60)).accepted
        assert channel.seen == looked
        assert looked["key"] == (await server_key(site.url))["key"]
        site.fault = Fault.ERROR
        await channel.submit(channel.prepare(report()), within=60)
        assert channel.seen == {}, "an answer that is no form tells nothing of how it looks"


async def test_a_form_in_the_browser_is_seen_whole_or_not_at_all(tmp_path: Path, browser: Browser) -> None:
    with FormSite(tmp_path) as site:
        channel = WebFormChannel(web_form(site.url, "wizard", patience="30s"), SENDER, resources(browser))
        seen = []
        for _ in range(2):
            assert (await channel.submit(channel.prepare(report()), within=120)).accepted
            seen.append(dict(channel.seen))
        assert seen[0] == seen[1]
        assert {"field 'What is the matter?'", "field 'Subject'", "goes to", "captcha"} <= seen[0].keys()
        site.fault = Fault.LOGIN
        await channel.submit(channel.prepare(report()), within=120)
        assert channel.seen == {}
        site.fault = Fault.CAPTCHA
        asking = WebFormChannel(web_form(site.url, "report", patience="30s"), SENDER, resources(browser))
        await asking.submit(asking.prepare(report()), within=120)
        assert asking.seen["captcha"] == "reCAPTCHA"
