"""Reports: what some days brought, as `storeops report` says it; from a line to its customers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from storeops import times
from storeops.domains.report import HELP
from storeops.domains.report.files import ENDINGS, as_file
from storeops.domains.report.words import better, difference, whole, worded
from storeops.errors import StoreOpsError
from storeops.export_file import whole_file
from storeops.i18n import N_, _, labelled
from storeops.operations import reports
from storeops.operations.reports import TEXT, NamedReport, Period, ReportTable
from storeops.sparks import bar, curve
from tui.cells import cell_width, shown
from tui.fields import fields
from tui.keys import DO, LIST, LOOK, Key
from tui.names import NameLookup
from tui.refusal import refusal
from tui.screens.listing import ListScreen
from tui.widgets.bars import Piece
from tui.widgets.panes import Pane
from tui.widgets.rows import Line, ListColumn, TableRows

BAR = 10  # cells of the longest bar
NOTES = 2  # sentences on what could not be known
SPANS = (1, 7, 30)  # days
_STYLES = {1: "$text-success", -1: "$text-error"}


class ReportsScreen(ListScreen):
    """One report of some days: what stands out, curves, and a table."""

    DEFAULT_CSS = """
    ReportsScreen #says-pane { height: auto; }
    ReportsScreen #says-pane > .frame { height: auto; }
    ReportsScreen #says { height: auto; padding: 0 1; }
    ReportsScreen #body { height: 1fr; }
    """
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("which", "w,f8", N_("Report"), N_("Choose another report."), LOOK, footer=True),
        Key("earlier", "left_square_bracket", N_("Earlier"),
            N_("As many days, just before these."), LOOK, footer=True),
        Key("later", "right_square_bracket", N_("Later"),
            N_("As many days, just after these."), LOOK, footer=True),
        Key("span", "d,f4", N_("Day, week, month"),
            N_("One day, seven or thirty that end with it."), LOOK, footer=True),
        Key("open", "c,f6", N_("Customers"),
            N_("Show the customers of the row under the cursor."), LOOK, footer=True),
        Key("fresh", "a", N_("New"),
            N_("Who was added in these days, by whom is under the cursor or by all."), LOOK),
        Key("untagged", "t", N_("Untagged"),
            N_("The customers without a tag, of whom is under the cursor or of all."), LOOK),
        Key("table", "v", N_("Next table"), N_("Show another table of the report."), LOOK),
        Key("export", "e", N_("Export"),
            N_("Write the report to a file: a workbook, one HTML page or Markdown."), DO,
            footer=True),
        Key("filter", "slash,f3", N_("Filter"),
            N_("Narrow the list to rows that hold all the words typed."), LOOK, footer=True),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.name_shown = "daily"
        self.days: Period | None = None  # None: until yesterday
        self.report: NamedReport | None = None
        self._refused: StoreOpsError | None = None  # why there is none of these days
        self._table_at = 0

    def columns(self) -> list[ListColumn]:
        """Those of the table, and a bar where it has one; before it is made: one."""
        if self.report is None:
            return [ListColumn("name", "", 14, 1)]
        table = self.shown_table
        found = [
            ListColumn(each.key, each.title, 12, 1, keep=9, fit=True, last=True)
            if each.kind == TEXT
            else ListColumn(
                each.key,
                each.title,
                max(5, cell_width(each.title)),
                right=True,
                keep=3 if each.secondary else 7,
            )
            for each in table.columns
        ]
        title = next((each.title for each in table.columns if each.key == table.bar), "")
        return [*found, ListColumn("bar", title, BAR, keep=4)] if table.bar else found

    @property
    def shown_table(self) -> ReportTable:
        """The table of the report that is shown."""
        assert self.report is not None
        return self.report.tables[self._table_at % len(self.report.tables)]

    def body(self) -> Iterable[Widget]:
        """What stands out, then the table with a card."""
        yield Pane(Static("", id="says"), id="says-pane")
        yield from super().body()

    def arrive(self, target: str) -> None:
        """Come with the name of a report."""
        if target in reports.names():
            self._choose(target)

    def read_again(self) -> None:
        """Make the report again, beside the lists: a large chain takes some tenths of a second."""
        core, name, days = self.app.core, self.name_shown, self.days

        def make() -> NamedReport | StoreOpsError:
            now = core.clock.now()
            try:
                return reports.make(core.data, name, days or reports.period(now), now)
            except StoreOpsError as error:
                return error

        self._submit("figures", make, self._show_report, "report", None)

    @property
    def period(self) -> Period:
        """The days that are shown, or were asked for in vain."""
        if self.report is not None:
            return self.report.period
        return self.days or reports.period(self._now())

    def _show_report(self, report: NamedReport | StoreOpsError) -> None:
        if isinstance(report, StoreOpsError):
            self._show_refusal(report)
            return
        stay = self.report is not None and self.report.name == report.name
        self.report, self._refused = report, None
        self._show_table(stay=stay)
        self.query_one("#says", Static).update(_describe(report))
        tone = "good" if report.complete else "warn"
        self.query_one("#says-pane", Pane).entitle(
            f"{shown(report.title)} · {report.period.words}",
            [Piece(f" {whole(report.complete)} ", tone)],
        )

    def _show_refusal(self, error: StoreOpsError) -> None:
        """Say it where the figures would be, so that the keys lead on to other days."""
        self.report, self._refused, self.rows = None, error, TableRows()
        self.table.set_columns(self.columns())
        self.query_one("#says", Static).update(refusal(error))
        self.query_one("#says-pane", Pane).entitle(f"{self.name_shown} · {self.period.words}")
        self.query_one("#list-pane", Pane).entitle("")
        self._show(stay=False)

    def _show_table(self, *, stay: bool) -> None:
        table = self.shown_table
        self.rows = TableRows(_lines(table))
        self.table.set_columns(self.columns())
        title = shown(table.title)
        if self.report is not None and len(self.report.tables) > 1:
            title += f" {self._table_at % len(self.report.tables) + 1}/{len(self.report.tables)}"
        self.query_one("#list-pane", Pane).entitle(title)
        self._show(stay=stay)

    def nothing(self) -> str:
        """What the report says of an empty table."""
        return self.shown_table.empty or _("The list is empty.") if self.report else ""

    def card(self, line: Line) -> Content:
        """Every figure of the row, also those that have no room in the list."""
        at = int(str(line.key))
        row = self.shown_table.rows[at] if at < len(self.shown_table.rows) else {}
        rows = [(each.title, worded(each.of(row), each.kind)) for each in self.shown_table.columns]
        return fields("", rows)

    def filter_of(self, line: Line) -> str:
        """The customers of the shop or guide."""
        at = int(str(line.key))
        if at >= len(self.shown_table.subjects):
            return ""
        names, subject = NameLookup(self.app.core.data), self.shown_table.subjects[at]
        return names.shop_filter(subject) if isinstance(subject, int) else (
            names.member_filter(subject)
        )  # fmt: skip

    def name_of(self, line: Line) -> str:
        """The first text of the row."""
        return next((each for each in line.cells if each), "")

    def command_line(self) -> str:
        """The command that says the same."""
        words = ["storeops", "report", self.name_shown]
        if self.days is not None and self.days.days == 1:
            words += ["--on", self.days.since]
        elif self.days is not None:
            words += ["--since", self.days.since, "--until", self.days.until]
        return " ".join(words)

    # -- keys ----------------------------------------------------------------------------------

    def why_not(self, action: str) -> str:
        """The days after yesterday have not been; some tables are not about shops or guides."""
        if action not in ("which", "earlier", "later", "span", "open", "fresh", "untagged",
                          "table", "export"):  # fmt: skip
            return super().why_not(action)
        if self.report is None and self._refused is None:
            return _("The report is being made.")
        if action == "later" and self.period.end >= reports.period(self._now()).end:
            return _("These are the last whole days.")
        if self._refused is not None:
            return self._refused.message if action in ("open", "table", "export") else ""
        assert self.report is not None
        if action == "open" and not self.shown_table.subjects:
            return _("The rows of this table are neither shops nor guides.")
        if action == "table" and len(self.report.tables) < 2:
            return _("The report has one table.")
        return super().why_not(action) if action == "open" else ""

    def _now(self) -> float:
        return self.app.core.clock.now()

    def do_which(self) -> None:
        """Another report."""
        from tui.modals.choose import ChooseModal

        def then(name: str | None) -> None:
            if name:
                self._choose(name)

        ways = [(name, labelled(name, _(HELP[name])) if name in HELP else name)
                for name in reports.names()]  # fmt: skip
        self.open_window(ChooseModal(_("Report"), "", ways), then)

    def _choose(self, name: str) -> None:
        self.name_shown, self._table_at = name, 0
        self.read_again()

    def do_earlier(self) -> None:
        """The days before."""
        self._go_by(1)

    def do_later(self) -> None:
        """The days after, until yesterday."""
        self._go_by(-1)

    def _go_by(self, steps: int) -> None:
        days, yesterday = self.period, reports.period(self._now())
        self.days = days.back(steps * days.days)
        if self.days.end > yesterday.end:
            self.days = self._ending(yesterday, days.days)
        self.read_again()

    def do_span(self) -> None:
        """A day, a week, thirty days."""
        days = self.period
        longer = next((each for each in SPANS if each > days.days), SPANS[0])
        self.days = self._ending(days, longer)
        self.read_again()

    def _ending(self, days: Period, number: int) -> Period:
        """So many days that end with these."""
        last = reports.period(self._now(), on=days.until)
        return reports.period(self._now(), since=last.back(number - 1).since, until=days.until)

    def _customers(self, condition: str) -> None:
        line = self.table.line
        where = self.filter_of(line) if line is not None and self.focused is self.table else ""
        self.app.go("customers", f"{where} {condition}".strip())

    def do_fresh(self) -> None:
        """Who was added in these days."""
        self._customers(f"since:{self.period.since} until:{self.period.until}")

    def do_untagged(self) -> None:
        """Customers without a tag."""
        self._customers("!#* status:active")

    def do_table(self) -> None:
        """The next table."""
        self._table_at += 1
        self._show_table(stay=False)

    def do_export(self) -> None:
        """The file that `storeops report --out` writes."""
        from tui.modals.file import FileModal, Target

        report = self.report
        assert report is not None
        made = times.minute(self._now())

        def then(file: Target | None) -> None:
            if file is None:
                return

            def write() -> None:
                with whole_file(file.path, over=file.over) as out:
                    out.write(as_file(report, ENDINGS[file.path.suffix.lower()], made))

            def done(_nothing: None) -> None:
                text = _("{report} {days} written to {path}.").format(
                    report=report.title, days=report.period.words, path=file.path.absolute()
                )
                self.app.notify(text, timeout=8)

            self.work(write, done)

        what = f"{shown(report.title)} {report.period.words}"
        name = f"report-{report.name}-{report.period.until}.xlsx"
        self.open_window(FileModal(what, name, tuple(ENDINGS)), then)


def _lines(table: ReportTable) -> list[Line]:
    """The rows; what is not known is a dash."""
    values = [row.get(table.bar) or 0 for row in table.rows] if table.bar else []
    most = max(values, default=0)
    found = []
    for at, row in enumerate(table.rows):
        cells = [shown(worded(each.of(row), each.kind)) for each in table.columns]
        pieces = {}
        if table.bar:
            picture = bar(values[at], most, BAR)
            pieces = {len(cells): [(picture, "chip0")]}
            cells.append(picture)
        found.append(Line(at, tuple(cells), "", None, pieces))
    return found


def _describe(report: NamedReport) -> Content:
    """Figures beside the week before, curves, and what could not be known."""
    parts: list[Content] = []
    for each in report.tiles:
        if parts:
            parts.append(Content(" · "))
        parts.append(
            Content.assemble(
                f"{each.title} ", (worded(each.value, each.kind), "bold"),
                (f" {difference(each)}" if difference(each) else "", _STYLES.get(better(each), "")),
            )
        )  # fmt: skip
    lines = [Content("").join(parts)] if parts else []
    for line in report.curves:
        picture = curve([value for _day, value in line.points])
        lines.append(Content.assemble((f"{line.title} ", "$text-muted"), picture))
    lines += [Content.assemble((f"! {shown(each)}", "$text-warning"))
              for each in report.notes[:NOTES]]  # fmt: skip
    return Content("\n").join(lines)
