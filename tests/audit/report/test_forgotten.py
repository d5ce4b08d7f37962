"""Where retention has emptied events, the report has the same figures, and says what is no longer kept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from audit.story import NOW, PERIOD

from canary.audit.report.contents import AuditReport, build
from canary.audit.report.page import render
from canary.audit.report.tally import Tally
from canary.config import load
from canary.ledger import Ledger
from canary.ledger.reader import as_it_stands
from canary.ledger.retention import Retention, Rule
from canary.simulated import SimulatedClock


def test_the_figures_stay(own: Path, made: tuple[AuditReport, Tally]) -> None:
    config = load(own)
    ledger = Ledger(config.state, inline=True)
    (forgotten,) = Retention(ledger, {Rule.EVENTS: timedelta(days=1)}, SimulatedClock(NOW)).run()
    ledger.close()
    assert forgotten.count > 100
    with as_it_stands(config.state) as source:
        report, counted = build(source, config, PERIOD, NOW, profile="tls")
    before = made[0]
    assert report.whole == before.whole
    assert report.channel_months == before.channel_months
    assert [(r.id, r.outcome, r.detected_at, r.duration) for r in report.exceptions] == [
        (r.id, r.outcome, r.detected_at, r.duration) for r in before.exceptions
    ]
    assert report.unfinished == before.unfinished
    assert report.evidence.gap_free
    assert report.evidence.kept == before.evidence.kept + 1  # the tombstone
    assert report.evidence.before == before.evidence.before
    render(report, counted, {})
