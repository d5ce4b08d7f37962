"""``cpr-canary variants``: the kinds of report there are."""

from __future__ import annotations

from rich.table import Table

from canary.cli.common import Json, out, print_json
from canary.reports import VARIANTS


def variants(as_json: Json = False) -> None:
    """List the variants of synthetic report, with the real incidents behind each (Mozilla Bugzilla numbers)."""
    if as_json:
        print_json(
            [
                {"id": v.id, "title": v.title, "language": v.language, "incidents": v.incidents}
                for v in VARIANTS.values()
            ]
        )
        return
    table = Table("variant", "what it is", "language", "incidents")
    for variant in VARIANTS.values():
        table.add_row(variant.id, variant.title, variant.language, ", ".join(map(str, variant.incidents)))
    out.print(table)
