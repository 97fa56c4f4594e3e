"""A report as Markdown, also small enough for a message to a group."""

from __future__ import annotations

import re
from collections.abc import Iterator

from storeops.domains.report.words import difference, whole, worded
from storeops.i18n import _, aside, labelled
from storeops.operations.reports import TEXT, NamedReport, ReportTable
from storeops.plain import plain
from storeops.sparks import curve

_CODE = "store_code"
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
        said = labelled(escaped(tile.title), f"**{worded(tile.value, tile.kind)}**")
        yield f"- {aside(said, change) if change else said}"
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
        cells = (escaped(worded(each.of(row), each.kind)) for each in table.columns)
        yield "| " + " | ".join(cells) + " |"
    if len(shown) < len(table.rows):
        yield ""
        yield escaped(_("and {count} more").format(count=len(table.rows) - len(shown)))
    yield ""


_TOP = 5
_LOOKALIKES = str.maketrans("<>`*[]", "＜＞＇＊［］")  # a chat's Markdown knows no escapes


def brief(report: NamedReport, most_bytes: int) -> str:
    """The report as a message to a group: what stands out, the first of each list, the notes.

    Args:
        report: which.
        most_bytes: how long it may be, UTF-8.
    """
    lines = [f"**{_safe(report.title)} {report.period.words}** · {whole(report.complete)}"]
    for tile in report.tiles:
        change = difference(tile)
        said = labelled(_safe(tile.title), f"**{worded(tile.value, tile.kind)}**")
        lines.append(f"> {aside(said, change) if change else said}")
    for table in report.tables:
        lines += _top(table)
    lines += [_safe(note) for note in report.notes]
    text = "\n".join(lines)
    while len(text.encode("utf-8", "replace")) > most_bytes:
        lines.pop()
        text = "\n".join([*lines, "…"])
    return text


def _top(table: ReportTable) -> list[str]:
    """The rows of a list that are ahead in what its picture shows."""
    named = next((each for each in table.columns if each.kind == TEXT and each.key != _CODE), None)
    bar = next((each for each in table.columns if each.key == table.bar), None)
    if named is None or bar is None:
        return []
    some = [row for row in table.rows if row.get(bar.key)]
    ahead = sorted(some, key=lambda row: -row[bar.key])[:_TOP]
    head = labelled(_(", ").join((_safe(table.title), _safe(bar.title))), "").rstrip()
    return [head] * bool(ahead) + [
        labelled(_safe(worded(named.of(row), TEXT)), worded(row.get(bar.key), bar.kind))
        for row in ahead
    ]


def _safe(text: str) -> str:
    return plain(text).translate(_LOOKALIKES)
