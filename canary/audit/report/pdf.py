"""The page as PDF, by weasyprint. Nothing is fetched: all that the page needs is in it."""

from __future__ import annotations

from canary.model import Component, OwnFaultError


def to_pdf(page: str) -> bytes:
    """The PDF of a page. Raises OwnFaultError (component config) if the libraries that draw text are not installed."""
    try:
        from weasyprint import HTML  # half a second, and libraries of the system
        from weasyprint.urls import URLFetcher
    except OSError as error:
        detail = f"no PDF without Pango and HarfBuzz (Debian: libpangoft2-1.0-0 libharfbuzz-subset0): {error}"
        raise OwnFaultError(Component.CONFIG, "no_pango", detail) from error

    class Nothing(URLFetcher):  # type: ignore[misc]  # weasyprint has no types
        def fetch(self, url: str, headers: object = None) -> object:  # noqa: ARG002  # theirs
            raise ValueError(f"the report fetches nothing, and not {url}")

    return bytes(HTML(string=page, url_fetcher=Nothing()).write_pdf())
