"""A report as a workbook: a sheet of what stands out, and one for each table."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from storeops.domains.report.words import whole
from storeops.i18n import _
from storeops.operations.reports import MOMENT, TEXT, NamedReport, ReportTable
from storeops.plain import plain
from storeops.times import minute

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

_CELL = 32_767  # characters
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


def workbook(report: NamedReport) -> bytes:
    """The file; texts stay texts, whatever they look like."""
    import xlsxwriter  # 40 ms, only here

    data = io.BytesIO()
    book = xlsxwriter.Workbook(
        data, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    bold = book.add_format({"bold": True})
    number = book.add_format({"num_format": "#,##0.##"})
    _summary(book.add_worksheet(_("Summary")), report, bold, number)
    taken = {_("Summary").casefold()}
    for table in report.tables:
        sheet = book.add_worksheet(_sheet_name(table.title, taken))
        _sheet(sheet, table, bold, number)
    book.set_properties({"title": f"{report.title} {report.period.words}"})
    book.close()
    return data.getvalue()


def _sheet_name(title: str, taken: set[str]) -> str:
    name = plain(title).translate(_FORBIDDEN)[:28] or "-"
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = f"{name} {number}"
    taken.add(found.casefold())
    return found


def _summary(sheet: Worksheet, report: NamedReport, bold: Any, number: Any) -> None:
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 2, 14)
    _write(sheet, 0, 0, f"{report.title} {report.period.words}", TEXT, bold)
    _write(sheet, 1, 0, whole(report.complete), TEXT)
    line = 3
    _write(sheet, line, 1, report.period.words, TEXT, bold)
    _write(sheet, line, 2, _("week before"), TEXT, bold)
    for tile in report.tiles:
        line += 1
        _write(sheet, line, 0, tile.title, TEXT)
        _write(sheet, line, 1, tile.value, tile.kind, number)
        _write(sheet, line, 2, tile.before, tile.kind, number)
    line += 2
    for note in report.notes:
        _write(sheet, line, 0, note, TEXT)
        line += 1
    for curve in report.curves:
        line += 1
        _write(sheet, line, 0, curve.title, TEXT, bold)
        for day, value in curve.points:
            line += 1
            _write(sheet, line, 0, day, TEXT)
            _write(sheet, line, 1, value, "count", number)
        line += 1


def _sheet(sheet: Worksheet, table: ReportTable, bold: Any, number: Any) -> None:
    sheet.freeze_panes(1, 0)
    for at, column in enumerate(table.columns):
        sheet.set_column(at, at, 18 if column.kind == TEXT else 12)
        _write(sheet, 0, at, column.title, TEXT, bold)
    for line, row in enumerate(table.rows, start=1):
        for at, column in enumerate(table.columns):
            _write(sheet, line, at, column.of(row), column.kind, number)
    if table.rows:
        sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)
        for at, column in enumerate(table.columns):
            if column.key == table.bar:
                sheet.conditional_format(1, at, len(table.rows), at, {"type": "data_bar"})


def _write(sheet: Worksheet, line: int, at: int, value: Any, kind: str, form: Any = None) -> None:
    """A cell; what is not known stays empty and is no zero."""
    if value is None:
        return
    if kind == MOMENT:
        sheet.write_string(line, at, minute(value))
    elif isinstance(value, int | float) and kind != TEXT:
        sheet.write_number(line, at, value, form)
    else:
        sheet.write_string(line, at, plain(str(value))[:_CELL], form)
