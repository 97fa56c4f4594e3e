"""A report as Markdown, also small enough for a message to a group."""

from __future__ import annotations

import re
from collections.abc import Iterator

from storeops.domains.report.words import difference, whole, worded
from storeops.i18n import _
from storeops.operations.reports import TEXT, NamedReport, ReportTable
from storeops.sparks import curve

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~])")


def escaped(text: str) -> str:
    """Text of a stranger that stays text."""
    return _SPECIAL.sub(r"\\\1", text)


def markdown(report: NamedReport, *, rows: int | None = None) -> str:
    """The whole report.

    Args:
        report: which.
        rows: at most so many lines of each table; None for all.
    """
    return "\n".join(_lines(report, rows)) + "\n"


def _lines(report: NamedReport, most: int | None) -> Iterator[str]:
    yield f"# {escaped(report.title)} {report.period.words}"
    yield ""
    for tile in report.tiles:
        change = difference(tile)
        beside = f" ({change})" if change else ""
        yield f"- {escaped(tile.title)}: **{worded(tile.value, tile.kind)}**{beside}"
    yield ""
    for each in report.curves:
        yield f"`{curve([value for _day, value in each.points])}` {escaped(each.title)}"
        yield ""
    for table in report.tables:
        yield from _table(table, most)
    if report.notes:
        yield f"**{whole(report.complete)}**"
        yield ""
        yield from (f"- {escaped(note)}" for note in report.notes)


def _table(table: ReportTable, most: int | None) -> Iterator[str]:
    yield f"## {escaped(table.title)}"
    yield ""
    if not table.rows:
        yield escaped(table.empty)
        yield ""
        return
    yield "| " + " | ".join(escaped(each.title) for each in table.columns) + " |"
    yield "|" + "|".join(" --- " if each.kind == TEXT else " ---: " for each in table.columns) + "|"
    shown = table.rows if most is None else table.rows[:most]
    for row in shown:
        cells = (escaped(worded(row.get(each.key), each.kind)) for each in table.columns)
        yield "| " + " | ".join(cells) + " |"
    if len(shown) < len(table.rows):
        yield ""
        yield escaped(_("and {count} more").format(count=len(table.rows) - len(shown)))
    yield ""
