"""A report as a file for people."""

from __future__ import annotations

from storeops.operations.reports import NamedReport

ENDINGS = {".xlsx": "xlsx", ".html": "html", ".htm": "html", ".md": "md"}  # → format


def as_file(report: NamedReport, kind: str, made: str) -> bytes:
    """The whole report in a format.

    Args:
        report: it.
        kind: xlsx, html or md.
        made: when, as it is written below the HTML page.
    """
    if kind == "xlsx":
        from storeops.domains.report.workbook import workbook

        return workbook(report)
    if kind == "html":
        from storeops.domains.report.html import html

        return html(report, made).encode("utf-8", "replace")
    from storeops.domains.report.markdown import markdown

    return markdown(report).encode("utf-8", "replace")
