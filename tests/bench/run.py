"""Every measurement, one after the other. ``--quick`` takes shorter windows; ``--json FILE`` keeps the numbers."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import (
    bench_audit,
    bench_email,
    bench_evidence,
    bench_form,
    bench_loop,
    bench_notice,
    bench_replies,
    bench_start,
    bench_tickets,
    bench_verify,
)


def main() -> None:
    """Measure, print tables, keep the numbers."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="shorter windows")
    arguments.add_argument("--json", type=Path, help="write the numbers to this file")
    measurements = ["start", "replies", "email", "tickets", "notice", "loop", "form", "evidence", "audit", "verify"]
    arguments.add_argument("--only", choices=measurements, help="only this measurement")
    given = arguments.parse_args()
    numbers: dict[str, object] = {}
    if given.only in (None, "start"):
        numbers["start"] = bench_start.main()
    if given.only in (None, "replies"):
        numbers["replies"] = bench_replies.main()
    if given.only in (None, "email"):
        numbers["email"] = bench_email.main(window=30 if given.quick else 120)
    if given.only in (None, "tickets"):
        numbers["tickets"] = bench_tickets.main(window=30 if given.quick else 120)
    if given.only in (None, "notice"):
        numbers["notice"] = bench_notice.main(40 if given.quick else 100)
    if given.only in (None, "loop"):
        numbers["loop"] = bench_loop.main(window=20 if given.quick else 60)
    if given.only in (None, "form"):
        numbers["form"] = bench_form.main()
    if given.only in (None, "evidence"):
        numbers["evidence"] = bench_evidence.main(200_000 if given.quick else bench_evidence.LEAVES)
    if given.only in (None, "audit"):
        numbers["audit"] = bench_audit.main(days=4 if given.quick else 92)
    if given.only in (None, "verify"):
        numbers["verify"] = bench_verify.main(days=2 if given.quick else 92)
    if given.json:
        given.json.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
