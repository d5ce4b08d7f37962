"""The page and its PDF as a reader gets them: complete, paged, and deaf to whatever a message said."""

from __future__ import annotations

import csv
import io
import re
import subprocess
from dataclasses import fields, replace
from datetime import timedelta
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from audit.story import PERIOD, at
from PIL import Image
from playwright.async_api import async_playwright
from servers import debian

from canary.audit.report.contents import AuditReport
from canary.audit.report.counts import Counts
from canary.audit.report.diary import Diary
from canary.audit.report.due import DueLine, DueTurns
from canary.audit.report.make import make
from canary.audit.report.page import gravest, outages, render
from canary.audit.report.pdf import to_pdf
from canary.audit.report.results import results
from canary.audit.report.rules import Measure
from canary.audit.report.tables import tables
from canary.audit.report.tally import Tally
from canary.ledger.events import digest

CHROMIUM = next(path for path in debian.PACKAGES["chromium"] if Path(path).exists())
DUE = DueTurns(PERIOD.since, PERIOD.until, (DueLine("alias", 72, 69, {"blackout": 2}, 1), DueLine("form", 9, 9, {}, 0)))
SECTIONS = (
    "Scope and channels in force", "What was tested, and what this does not prove", "Availability", "Latency",
    "Exceptions", "Human response", "The prober itself", "Population", "Evidence", "Control mapping",
    "How to check this report", "Annex: what others add",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(made: tuple[AuditReport, Tally], tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("report") / "out"
    make(*made, where)
    return where


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


class Reader(HTMLParser):
    """The tags of a page and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_what_is_in_the_diary_is_on_the_page() -> None:
    template = (files("canary.audit.report") / "report.html").read_text(encoding="utf-8")
    assert [known.name for known in fields(Diary) if f"report.diary.{known.name}" not in template] == []


def test_the_page_has_every_section_and_every_exception(page: str, made: tuple[AuditReport, Tally]) -> None:
    text = " ".join(" ".join(Reader(page).words).split())
    for section in SECTIONS:
        assert text.count(section) >= 2, section  # in the contents, and above its text
    for run in made[0].exceptions:
        assert run.first in text
    assert "NOT redacted" not in text
    assert "No reference to a criterion of WebTrust or a clause of ETSI was confirmed by the operator" in text
    assert "unverified" not in text
    assert "WebTrust, ETSI" not in text


def test_what_messages_said_is_text(page: str) -> None:
    reader = Reader(page)
    assert "script" not in {tag for tag, _ in reader.tags}
    assert any("<script>alert(1)</script>" in word for word in reader.words)
    assert "\u202e" not in page
    assert "anna." not in page
    assert "Test CA <&>" in reader.words[reader.words.index("Problem reporting channels: report of tests") + 2]


def test_the_page_fetches_nothing_and_links_only_within(page: str) -> None:
    for tag, attributes in Reader(page).tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "form", "base")
        assert not any(name.startswith("on") or name == "src" for name in attributes)
        assert "url(" not in (attributes.get("style") or "")
        assert (attributes.get("href") or "#").startswith("#")


async def test_a_browser_shows_it_without_asking_for_anything(folder: Path, tmp_path: Path) -> None:
    asked: list[str] = []
    told: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM)
        tab = await browser.new_page(viewport={"width": 1000, "height": 1400})
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: told.append(message.text))
        await tab.goto((folder / "report.html").as_uri())
        assert await tab.evaluate("document.documentElement.scrollWidth") <= 1000  # nothing sticks out
        assert await tab.locator("figure svg").count() >= 4  # no bars of a single month
        await browser.close()
    assert asked == [(folder / "report.html").as_uri()]
    assert told == []


def test_the_pdf_is_paged_and_says_whose_it_is(folder: Path) -> None:
    text = subprocess.run(
        ["pdftotext", "-layout", str(folder / "report.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout
    pages = text.split("\f")[:-1]
    assert len(pages) > 3
    for number, words in enumerate(pages, 1):
        assert re.search(rf"\b{number} ?/ ?{len(pages)}$", words.rstrip())
        assert "Test CA <&>" in words
        assert f"{PERIOD} (UTC)" in words
        assert "ledger head" in words
    for section in SECTIONS:
        assert any(section in words for words in pages[1:] + pages[:1]), section


@pytest.mark.parametrize(
    ("heading", "headed"),
    [
        (r"4\s+Latency$", "Bar: 5th to 95th percentile"),
        ("Probes that were due$", "sent or looked at"),
        (r"12\s+Annex: what others add$", "Management’s assertion"),
    ],
)
def test_a_heading_and_its_first_words_are_on_the_page_of_what_they_head(
    folder: Path, heading: str, headed: str
) -> None:
    text = subprocess.run(
        ["pdftotext", "-layout", str(folder / "report.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout
    (page,) = [words for words in text.split("\f") if re.search(rf"^ *{heading}", words, re.MULTILINE)]
    assert headed in page


def test_no_page_of_the_pdf_is_blank_or_runs_over(folder: Path, tmp_path: Path) -> None:
    subprocess.run(
        ["pdftoppm", "-r", "40", "-gray", "-png", str(folder / "report.pdf"), str(tmp_path / "p")], check=True
    )
    for file in tmp_path.glob("p-*.png"):
        with Image.open(file) as image:
            dark = image.point(lambda value: 255 if value < 160 else 0)
            box = dark.getbbox()
            assert box is not None
            assert box[0] > image.width * 0.04, file  # the margins are free
            assert box[2] < image.width * 0.96, file
            assert sum(dark.histogram()[128:]) > 500, file


def test_every_file_is_what_the_sums_say(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    assert {line.split("  ")[1] for line in lines} == {file.name for file in folder.iterdir()} - {"SHA256SUMS"}
    for line in lines:
        sha256, name = line.split("  ")
        assert digest((folder / name).read_bytes()) == sha256
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x.png", "file:///etc/passwd"])
def test_the_pdf_maker_fetches_nothing(address: str, tmp_path: Path) -> None:
    with_image, without = to_pdf(f'<p>x<img src="{address}"></p>'), to_pdf("<p>x</p>")
    assert abs(len(with_image) - len(without)) < 300


def test_exceptions_stand_by_weight(made: tuple[AuditReport, Tally], page: str) -> None:
    runs = gravest(made[0].exceptions)
    assert [run.channel for run in runs] == ["form", "alias", "person", "alias"]  # the one that goes on comes first
    places = [page.index(f'<span class="hash">{run.first}</span>') for run in runs]
    assert places == sorted(places)


def test_confirmed_references_are_shown_and_no_others(made: tuple[AuditReport, Tally]) -> None:
    first, *rest = made[0].controls
    confirmed = first.model_copy(update={"etsi": first.etsi.model_copy(update={"verified": True})})
    page = render(replace(made[0], controls=(confirmed, *rest)), made[1], {})
    assert "<th>WebTrust, ETSI</th>" in page
    assert page.count(first.etsi.reference) == 1
    assert first.webtrust.reference not in page


def test_probes_that_confirm_are_told_apart_and_misses_have_their_causes(
    made: tuple[AuditReport, Tally], page: str
) -> None:
    assert made[0].confirmations == Counts(missed=1)
    assert "1 of the probes in this section were sent at once to confirm a failure of the one before, 1 of them" in page
    causes = [line.causes for line in made[0].variants if line.group == "email"]
    assert {outcome for line in causes for outcome in line} == {"junked", "late"}
    assert all(sum(line.causes.values()) == line.counts.missed for line in (*made[0].variants, *made[0].senders))


def test_a_downtime_has_the_start_that_ended_it(made: tuple[AuditReport, Tally]) -> None:
    ((span, started),) = outages(made[0])
    assert span.what == "stopped"
    assert started == "version 0.1.0; the key of the marks before was lost: the disk died"


def test_a_column_has_one_unit(page: str) -> None:
    """Of what was measured, nothing stands in a unit of its own choice beside others."""
    for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
        for value in re.findall(r'<td class="n">([^<]*)</td>', table):
            assert not re.search(r"\d (ms|min|h|d)\b", value), value


def test_a_channel_has_its_address_and_its_queues(page: str) -> None:
    first = page.partition('id="s1"')[2].partition('id="s2"')[0]
    assert "to: problem-report@ca.test" in first  # what is disclosed is not redacted
    assert "url: https://www.ca.test/report" in first
    assert "to: sealed: of a person" in first
    assert first.count("cpr (monitored): imap.ca.test:993, CPR") == 3


def test_what_was_verified_is_told_of_a_verified_report_alone(made: tuple[AuditReport, Tally], page: str) -> None:
    assert "What was verified here" in page
    assert "What was verified here" not in render(replace(made[0], checked=None), made[1], {})


def test_page_one_says_how_many_were_judged_of_those_that_were_due(made: tuple[AuditReport, Tally], page: str) -> None:
    report, tally = made
    first = render(replace(report, due=DUE), tally, {}).partition('id="s1"')[0]
    counts, again = report.whole.counts, report.confirmations
    said = f"judged: {counts.judged} ({again.judged} of them to confirm a failure) of 81 that were due"
    assert f"{said}; held: 2, unaccounted for: 1" in first
    assert f"judged: {counts.judged}; how many were due is not known" in render(
        replace(report, due=DueTurns()), tally, {}
    )


def test_the_file_of_what_was_due_has_what_the_page_has(made: tuple[AuditReport, Tally]) -> None:
    report, tally = made
    report = replace(report, due=DUE)
    table = render(report, tally, {}).partition("Probes that were due")[2].partition("</table>")[0]
    page = [re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row) for row in table.split("</tr>")[:-1]]
    file = list(csv.reader(io.StringIO(tables(report, tally)["due.csv"].decode("utf-8-sig"))))
    assert [row[:6] for row in file[1:]] == page[1:]
    assert [name.replace("_", " ") for name in file[0][:6]] == page[0]
    assert page[-1] == ["all", "81", "78", "2", "blackout 2", "1"]


def test_a_blackout_that_was_recorded_afterwards_is_marked(made: tuple[AuditReport, Tally], page: str) -> None:
    report, tally = made
    (known,) = report.diary.blackouts
    assert known.recorded == at(1, 11.9)
    assert "of it over by then" not in page
    late = replace(known, recorded=known.start + timedelta(hours=1), untold=timedelta(hours=1))
    marked = replace(report, diary=replace(report.diary, blackouts=(late,)))
    said = render(marked, tally, {})
    first, _, rest = said.partition('id="s1"')
    assert "Of the blackouts and silences of the period 1 had lasted a while" in first
    row = rest.partition("blackout configured")[2].partition("</tr>")[0]
    assert '2026-03-04 03:00:00<br><span class="bad">1:00:00 of it over by then</span>' in row
    assert "J. Doe" in row
    assert "1 first recorded after they began" in results(marked)[Measure.HOLDS]


def test_a_setting_that_changed_is_a_row_for_each_version(made: tuple[AuditReport, Tally], page: str) -> None:
    table = page.partition("<th>must arrive in</th>")[2].partition("</table>")[0]
    rows = [row for row in table.split("</tr>") if '<td class="k">person</td>' in row]
    earlier, later = ("1:00:00", ">until 2026-03-02 23:54:00<"), ("0:30:00", ">from 2026-03-02 23:54:00<")
    assert [all(word in row for word in earlier) for row in rows] == [True, False]
    assert [all(word in row for word in later) for row in rows] == [False, True]
    assert table.count("whole period") == 2
