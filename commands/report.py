"""`storeops report`: what a day brought, as a table, for programs, as a file, or to a group."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands import cells, output, table
from commands.context import current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.output import Column
from commands.page_options import PageOptions
from commands.progress import bars
from storeops.domain import registry
from storeops.domains.report import HELP
from storeops.errors import ConflictError, PartialError, UsageError
from storeops.i18n import N_, _, labelled, ngettext

if TYPE_CHECKING:
    from storeops.operations.reports import NamedReport, ReportTable

app = typer.Typer(
    help=_("What a day brought: new, lost, handed over, untagged; by shop and guide.")
)

MESSAGE_BYTES = 2048  # what every target takes
FORMATS = ("table", "json", "csv", "xlsx", "md", "html")
_ENDINGS = {".json": "json", ".csv": "csv", ".xlsx": "xlsx", ".md": "md", ".html": "html",
            ".htm": "html"}  # fmt: skip

On = Annotated[
    str,
    typer.Option(
        "--on", metavar="DATE",
        help=_("The day: 2026-05-01, 2026-05, yesterday (default), last-week."),
    ),
]  # fmt: skip
Since = Annotated[str, typer.Option("--since", metavar="DATE", help=_("The first day."))]
Until = Annotated[
    str, typer.Option("--until", metavar="DATE", help=_("The last day; yesterday when left out."))
]


def _formats(incomplete: str) -> list[str]:
    return [each for each in FORMATS if each.startswith(incomplete)]


def _command(name: str) -> Callable[..., None]:
    """The command of one report."""

    def run(
        on: On = "",
        since: Since = "",
        until: Until = "",
        format_: Annotated[
            str,
            typer.Option(
                "--format",
                metavar="FORMAT",
                autocompletion=_formats,
                help=_("table, json, csv, xlsx, md or html."),
            ),
        ] = "",
        out: Annotated[
            str,
            typer.Option(
                "--out",
                "-o",
                metavar="FILE",
                help=_("Write it to a file, whose ending says the format."),
            ),
        ] = "",
        send: Annotated[
            list[str] | None,
            typer.Option(
                "--send",
                metavar="NAME",
                help=_("Send it to a group or to people: a name of `notify list`."),
            ),
        ] = None,
    ) -> None:
        from storeops.operations import reports

        kind = _format(format_, out)
        call = current()
        now = call.app.clock.now()
        days = reports.period(now, on=on, since=since, until=until)
        report = reports.make(call.app.data, name, days, now)
        for to in send or ():
            _send(report, to)
        if out:
            _to_file(report, kind, out, now)
        else:
            _to_stdout(report, kind, now)
            if not call.settings.machine:
                for step in report.next_steps:
                    note(_("Next: {command}").format(command=step))

    return run  # fmt: skip


def _names() -> list[str]:
    """Every report, those of the chain as a whole before those of single domains."""
    known = list(HELP)
    return sorted(
        registry().named("reports"),
        key=lambda name: known.index(name) if name in known else len(known),
    )


for _name in _names():
    app.command(_name, help=_(HELP.get(_name, N_("A report that an extension brings."))))(
        _command(_name)
    )


def _send(report: NamedReport, to: str) -> None:
    """Send what stands out, once for the days and the target.

    Raises:
        NotFoundError: there is no such target.
        PartialError: it was not sent, or not to everybody.
    """
    from storeops.domains.notify import log, outbox, targets
    from storeops.domains.notify.messages import OutMessage
    from storeops.domains.report.markdown import brief

    app = current().app
    to = targets.get(app.data, to).name  # the same message, however the name was typed
    message = OutMessage("markdown", brief(report, MESSAGE_BYTES), fold=False)
    days = report.period.since + "_" + report.period.until
    ident = f"report-{report.name}-{days}-{to}"
    with suppress(ConflictError):  # it is sent, or just being sent, as it was known then
        outbox.post(app, to, message, id=ident, newer=True)
    before = log.get(app.data, ident).status == log.SENT
    outbox.deliver(app, seconds=120.0)
    kept = log.get(app.data, ident)
    log.must_have_gone([kept])
    if kept.status == log.GONE:  # an erasure emptied it, or its plan was cancelled
        text = _("{report} {days} was cancelled and is not sent to {name}: storeops notify log")
    elif kept.status != log.SENT:
        text = _("{report} {days} waits to be sent to {name}: storeops notify log")
    elif before:
        text = _("{report} {days} was sent to {name} before.")
    else:
        text = _("{report} {days} is sent to {name}.")
    note(text.format(report=report.title, days=report.period.words, name=to))


def _format(wanted: str, out: str) -> str:
    """The format that is meant.

    Raises:
        UsageError: none of `FORMATS`, or two that contradict each other.
    """
    kind = wanted.lower()
    machine = current().settings.format
    if kind and kind not in FORMATS:
        raise UsageError(
            _("There is no format {name}.").format(name=wanted),
            hint=_("Known: {names}.").format(names=_(", ").join(FORMATS)),
        )
    if kind and machine and kind != machine:
        raise UsageError(
            _("{options} contradict each other.").format(options=f"--format {kind}, --{machine}"),
            hint=_("Leave one of them out."),
        )
    if machine == "ndjson":
        raise UsageError(
            _("A report is one object: use --json."), hint=_("Or --csv for its first table.")
        )
    if kind or machine:
        return kind or machine
    if not out:
        return "table"
    found = _ENDINGS.get(Path(out).suffix.lower(), "")
    if not found:
        raise UsageError(
            _("“{path}” does not say which format to write.").format(path=out),
            hint=_("End the name in .html, .xlsx, .md, .csv or .json, or add --format."),
        )
    return found


def _bytes(report: NamedReport, kind: str, now: float) -> bytes:
    """The report in a format of files."""
    from storeops import times
    from storeops.domains.report.files import ENDINGS, as_file

    if kind in ENDINGS.values():
        return as_file(report, kind, times.minute(now))
    if kind == "json":
        return (cells.json_text(report.data, indent=2) + "\n").encode("utf-8", "replace")
    if kind == "csv":
        return _csv_text(report).encode("utf-8", "replace")
    import io
    from contextlib import redirect_stdout

    with redirect_stdout(io.StringIO()) as text:
        _show(report)
    return text.getvalue().encode("utf-8", "replace")


def _csv_text(report: NamedReport) -> str:
    """The first table with the keys of its rows as headings."""
    import csv
    import io

    first = report.tables[0]
    settings = current().settings
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    keys = settings.fields or _csv_keys(first)
    writer.writerow(keys)
    writer.writerows([cells.csv_cell(output.reach(row, key)) for key in keys] for row in first.rows)
    return ("\ufeff" if settings.bom else "") + file.getvalue()


def _csv_keys(first: ReportTable) -> tuple[str, ...]:
    """Everything that a row says in one value; the same whichever columns people are shown."""
    if not first.rows:
        return tuple(each.key for each in first.columns)
    return tuple(key for key, value in first.rows[0].items() if key != "week_before")


def _to_file(report: NamedReport, kind: str, out: str, now: float) -> None:
    """A file of our own takes its place when it is whole; cron writes it every day."""
    from storeops.export_file import whole_file

    with whole_file(out, over=True) as file:
        file.write(_bytes(report, kind, now))
    if not current().settings.quiet:
        output.result(
            {"path": out, "format": kind, "report": report.name, "complete": report.complete},
            _("{report} {days} written to {path}.").format(
                report=report.title, days=report.period.words, path=out
            ),
            fields=(),
        )


def _to_stdout(report: NamedReport, kind: str, now: float) -> None:
    if kind == "xlsx":
        raise UsageError(
            _("{format} cannot be written to stdout.").format(format=kind),
            hint=_("Give the name of a file in --out."),
        )
    if kind in ("json", "csv"):
        current().set(format=kind)
    if kind == "json":
        output.result(report.data)
        return
    if kind == "csv":
        first = report.tables[0]
        output.items(first.rows, [], csv_keys=_csv_keys(first))
        return
    if kind == "table":
        _show(report)
        return
    output.write(_bytes(report, kind, now).decode("utf-8"))
    sys.stdout.flush()


def _show(report: NamedReport) -> None:
    """The whole report for a person."""
    width = shutil.get_terminal_size((80, 24)).columns
    for line in _head(report, width):
        output.line(line) if not line.startswith("# ") else output.heading(line[2:])
    for each in report.tables:
        output.line("")
        output.heading(each.title)
        if not each.rows:
            output.line(each.empty)
            continue
        rows, columns = _table(each, width)
        table.show(
            (tuple(cells.table_cell(value) for value in row) for row in rows),
            [table.Head(each.title, each.right, each.max_width) for each in columns],
        )
    if report.notes:
        output.line("")
        for text in report.notes:
            output.line(f"! {text}")


def _head(report: NamedReport, width: int) -> list[str]:
    """Title, figures that stand out, curves."""
    from storeops.domains.report.words import difference, whole, worded
    from storeops.plain import cell_width, pad
    from storeops.sparks import curve

    title = f"# {report.title} {report.period.words} · {whole(report.complete)}"
    lines = [title, ""]
    wide = max((cell_width(each.title) for each in report.tiles), default=0)
    figures = [
        pad(each.title, wide)
        + pad(worded(each.value, each.kind), 10, right=True)
        + pad(difference(each), 8, right=True)
        for each in report.tiles
    ]
    two = width >= 2 * (wide + 18) + 4 and len(figures) > 3
    half = (len(figures) + 1) // 2 if two else len(figures)
    for at in range(half):
        lines.append("    ".join(figures[at::half] if two else figures[at : at + 1]).rstrip())
    if any(each.before is not None for each in report.tiles):
        lines.append(_("(beside each figure: how it differs from the week before)"))
    if report.curves:
        lines.append("")
        wide = max(cell_width(each.title) for each in report.curves)
        for each in report.curves:
            values = [value for _day, value in each.points]
            latest = worded(values[-1] if values else None, "count")
            lines.append(f"{pad(each.title, wide)}  {curve(values[-60:])}  {latest}")
    return lines


def _table(each: ReportTable, width: int) -> tuple[list[list[str]], list[Column]]:
    """Cells and columns that fit; what is secondary goes first where there is little room."""
    from storeops.domains.report.words import worded
    from storeops.operations.reports import TEXT
    from storeops.plain import cell_width
    from storeops.sparks import bar

    shown = list(each.columns)
    cells_of = {
        column.key: [worded(column.of(row), column.kind) for row in each.rows] for column in shown
    }

    def needed(key: str, title: str) -> int:
        return max(cell_width(title), *(min(24, cell_width(text)) for text in cells_of[key])) + 2

    while len(shown) > 2 and sum(needed(one.key, one.title) for one in shown) > width + 2:
        less = next((one for one in reversed(shown) if one.secondary), None)
        if less is None:
            break
        shown.remove(less)
    columns = [
        Column(one.key, one.title, right=one.kind != TEXT, max_width=24 if one.kind == TEXT else 0)
        for one in shown
    ]
    rows = [[cells_of[one.key][at] for one in shown] for at in range(len(each.rows))]
    room = width - sum(needed(one.key, one.title) for one in shown)
    values = [row.get(each.bar) or 0 for row in each.rows] if each.bar else []
    if table.colours() and room >= 10 and any(values):
        top = max(values)
        columns.append(Column("bar", ""))
        for row, value in zip(rows, values, strict=True):
            row.append(bar(value, top, min(16, room - 2)))
    return rows, columns


@app.command("list", help=_("Which reports there are."))
@option_sets
def list_(page: PageOptions = PageOptions(limit=100)) -> None:
    """Built-in ones and those of extensions."""
    named = registry().named("reports")
    rows = [
        {"name": name, "domain": named[name][0].name, "help": _(HELP.get(name, ""))}
        for name in _names()
    ]
    output.paged(
        rows,
        [
            Column("name", _("Report")),
            Column("help", _("What it says")),
            Column("domain", _("Brought by")),
        ],
        page=page,
    )


@app.command("fetch", help=_("Read chats and replies of the guides from WeCom's statistics."))
def fetch(
    on: On = "",
    since: Since = "",
    until: Until = "",
    again: Annotated[bool, typer.Option("--again", help=_("Read also what is known."))] = False,
) -> None:
    """Until yesterday, one call for a guide and 30 days; what is known is not asked again."""
    from storeops.domains.report.behaviour import fetch as read
    from storeops.operations import reports

    call = current()
    now = call.app.clock.now()
    days = reports.period(now, on=on, since=since, until=until)
    with call.interruptible("storeops report fetch") as stop, bars() as shown:
        done = read(
            call.app.data, call.app.client, days, now, again=again, stop=stop,
            on_progress=lambda part, all_: shown.show(
                "fetch", _("guides"), done=part, total=all_
            ),
        )  # fmt: skip
    output.result(
        {
            "since": days.since, "until": days.until, "members": done.members, "days": done.days,
            "known": done.known, "calls": done.calls, "failed": done.failed,
        },
        ngettext(
            "{days} day of {members} guides is read with {calls} calls.",
            "{days} days of {members} guides are read with {calls} calls.",
            done.days,
        ).format(days=cells.amount(done.days), members=done.members, calls=done.calls),
    )  # fmt: skip
    if done.failed:
        first = next(iter(done.failed.items()))
        raise PartialError(
            ngettext(
                "{count} guide could not be read: {first}.",
                "{count} guides could not be read: {first}.",
                len(done.failed),
            ).format(count=len(done.failed), first=labelled(*first))
        )


@app.command(
    "keep", help=_("Count days that are over, and keep each shop's figures for its back office.")
)
def keep(on: On = "", since: Since = "", until: Until = "") -> None:
    """Yesterday, the week that ends with it, last week, last month, and days that lack."""
    from storeops.domains.report.kept import keep as count
    from storeops.operations import reports

    call = current()
    now = call.app.clock.now()
    spans = [reports.period(now, on=on, since=since, until=until)] if on or since or until else ()
    done = count(call.app.data, now, spans)
    words = ngettext(
        "{count} span of days is counted; {lines} shops' figures were written.",
        "{count} spans of days are counted; {lines} shops' figures were written.",
        len(done.spans),
    )
    output.result(
        {
            "spans": [{"since": each.since, "until": each.until} for each in done.spans],
            "written": done.lines,
            "removed": done.removed,
        },
        words.format(count=len(done.spans), lines=cells.amount(done.lines)),
    )
