"""Makes a report: a folder with the page, its PDF, and the files that both refer to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from canary.audit.report.contents import AuditReport
from canary.audit.report.page import render
from canary.audit.report.pdf import to_pdf
from canary.audit.report.tables import tables, to_json
from canary.audit.report.tally import Tally
from canary.ledger.events import digest

SUMS = "SHA256SUMS"


def make(report: AuditReport, counted: Tally, folder: Path, progress: Callable[[str], object] = str) -> dict[str, str]:
    """Write the report into ``folder`` (mode 0700, made if needed); returns the SHA-256 of each file by its name.

    ``progress`` is told what is being made. Raises OSError.
    """
    progress("files")
    files = {**tables(report, counted), "report.json": to_json(report)}
    progress("page")
    page = render(report, counted, {name: digest(content) for name, content in files.items()})
    files["report.html"] = page.encode()
    progress("PDF")
    files["report.pdf"] = to_pdf(page)
    sums = {name: digest(content) for name, content in sorted(files.items())}
    files[SUMS] = "".join(f"{sha256}  {name}\n" for name, sha256 in sums.items()).encode()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return sums
