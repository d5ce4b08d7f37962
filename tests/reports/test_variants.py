"""The table of variants."""

from __future__ import annotations

import re

from canary.reports import VARIANTS


def test_ids_are_labels_and_keys() -> None:
    for name, variant in VARIANTS.items():
        assert variant.id == name
        assert re.fullmatch(r"[A-Za-z0-9-]+", name)


def test_every_content_variant_of_the_incidents_is_there() -> None:
    wanted = {f"V{number:02}" for number in range(1, 21)} - {"V13", "V14", "V17"}  # sender and time, not content
    assert wanted <= VARIANTS.keys()


def test_the_attachments_cover_what_filters_judge_by() -> None:
    extensions = {extension for variant in VARIANTS.values() for extension in variant.attachments}
    assert extensions == {"pem", "key", "csr", "zip", "tar.gz", "tar.xz", "7z", "eml", "pdf", "png"}


def test_what_a_plain_form_cannot_carry_needs_email() -> None:
    for variant in VARIANTS.values():
        if variant.attachments or variant.html_only:
            assert variant.needs_email, variant.id
    assert not VARIANTS["plain"].needs_email
