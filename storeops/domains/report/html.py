"""A report as one HTML file: pictures inside as SVG, nothing from elsewhere, no script.

Everything that comes from people goes through `_text`; the page forbids itself to load anything.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from html import escape

from storeops import i18n
from storeops.domains.report.words import better, difference, whole, worded
from storeops.i18n import _, labelled, ngettext
from storeops.operations.reports import (
    TEXT,
    Curve,
    NamedReport,
    ReportColumn,
    ReportPicture,
    ReportTable,
)
from storeops.plain import plain

MOST_PICTURE_BYTES = 24_000_000  # of all photos that one page holds
_STYLE = """
:root{--ink:#1c2430;--dim:#66707d;--line:#e3e7ec;--page:#f6f7f9;--card:#fff;--bar:#3b7dd8;
--good:#1a7f4b;--bad:#c2362b;--warn:#8a5a00;--soft:#fff6df}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--dim:#98a2b0;--line:#2c3440;
--page:#12161c;--card:#1a2029;--bar:#5b9bf0;--good:#54c98a;--bad:#f0796f;--warn:#e8c26a;
--soft:#2a2416}}
*{box-sizing:border-box}
body{margin:0;padding:16px;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
main{max-width:1080px;margin:0 auto}
h1{font-size:22px;margin:0 0 2px}h2{font-size:17px;margin:26px 0 8px}
.sub{color:var(--dim);margin:0 0 16px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(132px,1fr));gap:10px}
.tile,figure,.scroll{background:var(--card);border:1px solid var(--line);border-radius:10px}
.tile{padding:10px 12px}.tile b{display:block;font-size:24px;line-height:1.25;font-weight:650}
.tile span{color:var(--dim);font-size:13px}.good{color:var(--good)!important}
.bad{color:var(--bad)!important}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(280px,1fr));gap:10px;
margin-top:10px}
.b{fill:var(--bar)}.u{fill:var(--dim)}
figure{margin:0;padding:10px 12px}figcaption{color:var(--dim);font-size:13px}
figure svg{display:block;width:100%;height:72px;margin-top:6px}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:7px 10px;text-align:left;white-space:nowrap;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--dim);font-weight:500;font-size:13px}
.n{text-align:right}td svg{display:block;width:100%;height:4px;margin-top:3px}
.notes{background:var(--soft);border:1px solid var(--line);border-radius:10px;
padding:10px 12px 10px 30px;margin:16px 0 0}
.shots{display:grid;grid-template-columns:repeat(auto-fill,minmax(170px,1fr));gap:10px}
.shots img{display:block;width:100%;height:130px;object-fit:cover;border-radius:6px}
.shots b{display:block;margin-top:6px;font-weight:600}
.empty{color:var(--dim)}footer{color:var(--dim);font-size:13px;margin-top:22px}
@media(max-width:620px){body{padding:10px}.less{display:none}th,td{padding:6px 8px}
.tiles{grid-template-columns:repeat(2,1fr)}td.t{white-space:normal;min-width:104px}}
"""


def html(report: NamedReport, made_at: str) -> str:
    """The whole page.

    Args:
        report: which.
        made_at: when it was made, for the last line.
    """
    return "".join(_page(report, made_at))


def _text(text: str) -> str:
    return escape(plain(text))


def _page(report: NamedReport, made_at: str) -> Iterator[str]:
    title = f"{report.title} {report.period.words}"
    language = "zh-CN" if i18n.language() == "zh_CN" else "en"
    yield f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield (
        '<meta http-equiv="Content-Security-Policy"'
        f" content=\"default-src 'none'; style-src 'unsafe-inline'{_sources(report)}\">"
    )
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body><main>"
    yield f"<h1>{_text(report.title)}</h1>"
    yield f'<p class="sub">{_text(report.period.words)} · {_text(whole(report.complete))}</p>'
    yield '<div class="tiles">'
    for tile in report.tiles:
        tone = {1: ' class="good"', -1: ' class="bad"'}.get(better(tile), "")
        change = difference(tile)
        beside = (
            f"<span{tone}>{_text(change)} {_text(_('than the week before'))}</span>"
            if change
            else ""
        )
        yield (
            f'<div class="tile"><span>{_text(tile.title)}</span>'
            f"<b>{_text(worded(tile.value, tile.kind))}</b>{beside}</div>"
        )
    yield "</div>"
    if report.notes:
        items = "".join(f"<li>{_text(note)}</li>" for note in report.notes)
        yield f'<ul class="notes">{items}</ul>'
    if report.curves:
        yield '<div class="curves">'
        yield from map(_curve, report.curves)
        yield "</div>"
    if report.pictures:
        yield from _pictures(report.pictures)
    for table in report.tables:
        yield from _table(table)
    yield f"<footer>storeops · {_text(made_at)}</footer></main></body></html>\n"


def _sources(report: NamedReport) -> str:
    """What else the page may show: photos that it holds itself."""
    return "; img-src data:" if report.pictures else ""


def _pictures(pictures: Sequence[ReportPicture]) -> Iterator[str]:
    """Photos, shown small; those beyond `MOST_PICTURE_BYTES` are named only."""
    yield f'<h2>{_text(_("Photos"))}</h2><div class="shots">'
    left, out = MOST_PICTURE_BYTES, 0
    for each in pictures:
        data = b""
        if each.size <= left:
            with suppress(OSError):
                data = each.path.read_bytes()
        shown = ""
        if data and len(data) <= left:
            left -= len(data)
            packed = b64encode(data).decode("ascii")
            shown = (
                f'<img alt="{_text(each.title)}" loading="lazy"'
                f' src="data:image/{each.kind};base64,{packed}">'
            )
        else:
            out += 1
        yield f"<figure>{shown}<b>{_text(each.title)}</b><figcaption>{_text(each.note)}"
        yield "</figcaption></figure>"
    yield "</div>"
    if out:
        text = ngettext(
            "{count} photo is not in this page.", "{count} photos are not in this page.", out
        )
        yield f'<p class="empty">{_text(text.format(count=out))}</p>'


def _curve(curve: Curve) -> str:
    """Columns of one figure, day by day; a dot on the ground where it is not known."""
    width, height = max(1, len(curve.points)) * 10, 60
    top = max((value for _day, value in curve.points if value is not None), default=0) or 1
    shapes = []
    for at, (day, value) in enumerate(curve.points):
        said = f"<title>{labelled(_text(day), _text(worded(value, 'count')))}</title>"
        if value is None:
            shapes.append(
                f'<circle cx="{at * 10 + 5}" cy="{height - 2}" r="1.5" class="u">{said}</circle>'
            )
            continue
        tall = round(value / top * (height - 4), 2) if value else 0
        shapes.append(
            f'<rect x="{at * 10 + 1}" y="{round(height - 1 - tall, 2)}" width="8"'
            f' height="{max(1, tall)}" rx="1" class="b">{said}</rect>'
        )
    known = [value for _day, value in curve.points if value is not None]
    latest = worded(curve.points[-1][1], "count") if curve.points else ""
    label = _("{title}: {latest} on the last day, {top} at most").format(
        title=curve.title, latest=latest, top=worded(max(known, default=None), "count")
    )
    return (
        f"<figure><figcaption>{_text(label)}</figcaption>"
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img"'
        f' aria-label="{_text(label)}">{"".join(shapes)}</svg></figure>'
    )


def _table(table: ReportTable) -> Iterator[str]:
    yield f"<h2>{_text(table.title)}</h2>"
    if not table.rows:
        yield f'<p class="empty">{_text(table.empty)}</p>'
        return
    yield '<div class="scroll"><table><thead><tr>'
    for column in table.columns:
        yield f'<th scope="col"{_classes(column)}>{_text(column.title)}</th>'
    yield "</tr></thead><tbody>"
    top = max((row.get(table.bar) or 0 for row in table.rows), default=0) if table.bar else 0
    for row in table.rows:
        yield "<tr>"
        for column in table.columns:
            value = column.of(row)
            picture = _bar(value, top) if column.key == table.bar and value else ""
            yield f"<td{_classes(column)}>{_text(worded(value, column.kind))}{picture}</td>"
        yield "</tr>"
    yield "</tbody></table></div>"


def _classes(column: ReportColumn) -> str:
    names: Sequence[str] = ["t" if column.kind == TEXT else "n"]
    names = [*names, "less"] if column.secondary else names
    return f' class="{" ".join(names)}"'


def _bar(value: float, top: float) -> str:
    share = round(100 * value / top, 1) if top else 0
    return (
        '<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{share}" height="4" class="b"/></svg>'
    )
