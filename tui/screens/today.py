"""Today: the morning page – what to do, who came and who went, shop by shop."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from storeops.domains.report.figures import Figures
from storeops.domains.report.morning import Morning, MorningLine, morning
from storeops.domains.report.words import worded
from storeops.durations import ago
from storeops.errors import PolicyError
from storeops.i18n import N_, _, aside, ngettext
from storeops.operations import today
from storeops.operations.reports import COUNT
from storeops.operations.today import Step, Today
from storeops.sparks import bar, curve
from storeops.sync.scopes import scope_title
from storeops.wecom.oddities import sentence
from tui.cells import align, cell_width, shown
from tui.flowing import flowing
from tui.keys import GO, LIST, LOOK, Key
from tui.modals.command import CommandModal
from tui.names import NameLookup
from tui.refusal import refusal
from tui.screens.base import BaseScreen
from tui.widgets.bars import Piece
from tui.widgets.panes import ListPane, Pane
from tui.widgets.rows import Line, ListColumn, TableRows
from tui.widgets.virtual_list import VirtualList

TALL = 36
MARGIN = 6  # cells of a line that its sign and the frame take
BAR = 10  # cells of the longest bar
NAMED = 4  # who fell behind, by name


class TodayScreen(BaseScreen):
    """What a chain, or one shop, wants to know in the morning."""

    FIRST: ClassVar[str] = "steps"
    CSS_PATH = Path(__file__).with_name("today.tcss")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("step", "", N_("Do it"), N_("Go to the screen where the step is done; on a shop or a "
            "guide, to its customers."), GO, footer=True, shown="Enter"),
        Key("untagged", "t,f6", N_("Untagged"),
            N_("The customers without a tag, of the shop or guide under the cursor or of all."),
            LOOK, footer=True),
        Key("unassigned", "w,f8", N_("Unassigned"),
            N_("The customers that wait for a new owner, of the shop under the cursor or of all."),
            LOOK, footer=True),
        Key("fresh", "a,f4", N_("New this week"),
            N_("Who was added in the seven days until yesterday, by the shop or guide under the "
               "cursor or by all."), LOOK, footer=True),
        *(key for key in LIST if key.action != "jump"),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._shown = False
        self._morning: Morning | None = None

    def body(self) -> Iterable[Widget]:
        """Steps, figures, shops or guides."""
        workers = self.list_workers()
        steps = VirtualList([ListColumn("step", "", 20, 1)], *workers, id="steps")
        with Vertical(id="body"):
            yield ListPane(steps, title=_("What to do next"))
            yield Pane(Static("", id="figures"), title=_("The days"), id="figures-pane")
            yield ListPane(VirtualList(columns(), *workers, id="units"))

    def read_again(self) -> None:
        """Steps and health at once, figures a moment later."""
        core = self.app.core

        def count() -> Morning | PolicyError:
            shop = None
            if core.profile.store:
                shop = NameLookup(core.data).names.find_store(core.profile.store)
            try:
                return morning(core.data, core.clock.now(), shop)
            except PolicyError as error:
                return error

        self.others_wrote()
        self._submit("figures", count, self._show_days, "figures", None)

    def _show(self, seen: Today) -> None:
        self._shown = True
        room = self.size.width - MARGIN
        lines = [
            Line(at, (_said(step, room),), step.tone, step) for at, step in enumerate(seen.steps)
        ]
        rows = self.listing("steps")
        rows.styles.height = len(lines)
        rows.show(TableRows(lines), stay=True)
        self.query_one("#steps-pane", Pane).entitle(_("What to do next"), self._state(seen))

    def _state(self, seen: Today) -> list[Piece]:
        """One line for the data when all is well; who is missing when it is not."""
        state = seen.health
        poor = [each for each in state.scopes if each.outcome in ("partial", "failed")]
        to_sync = self.app.opener(self.app.specs["sync"])
        if poor:
            names = _(", ").join(scope_title(each.scope) for each in poor)
            text = "! " + _("not read whole: {names}").format(names=names)
            return [Piece(f" {text} ", "warn", to_sync)]
        if odd := sentence(state.odd_values):
            return [Piece(f" ! {shown(odd)} ", "warn", to_sync)]
        if any(each.completed_at is None for each in state.scopes):
            return [Piece(" ! " + _("never read") + " ", "warn", to_sync)]
        oldest = min(each.completed_at or 0 for each in state.scopes)
        customers = ngettext("{count} customer", "{count} customers", state.customers)
        shops = ngettext("{count} shop", "{count} shops", state.shops)
        text = _("{customers}, {shops}, read {age}").format(
            customers=customers.format(count=f"{state.customers:,}"),
            shops=shops.format(count=f"{state.shops:,}"), age=ago(oldest, seen.at),
        )  # fmt: skip
        stale = any(each.stale for each in state.scopes)
        sign = "! " if stale else "✓ "
        return [Piece(f" {sign}{text} ", "warn" if stale else "good", to_sync)]

    def _show_days(self, found: Morning | PolicyError) -> None:
        if isinstance(found, PolicyError):  # a back office for which nothing is kept yet
            self._morning = None
            self.query_one("#figures", Static).update(refusal(found))
            self.listing("units").show(TableRows(), stay=True)
            self.query_one("#units-pane", Pane).entitle(_("Guides"))
            self.paint_frame()
            return
        self._morning = found
        self.query_one("#figures", Static).update(flowing(figures(found)))
        ordered = sorted(found.lines, key=lambda each: (not each.behind, -(each.week.new or 0)))
        most = max((each.week.new or 0 for each in ordered), default=0)
        rows = self.listing("units")
        rows.show(TableRows([line(each, most) for each in ordered]), stay=True)
        title = _("Shops") if found.by == "store" else _("Guides")
        self.query_one("#units-pane", Pane).entitle(title, [Piece(f" {len(ordered):,} ")])
        self.paint_frame()

    def sync_ended(self) -> None:
        """Fresh again, perhaps."""
        self.read_again()

    def others_wrote(self) -> None:
        """Drafts and plans, perhaps."""
        core = self.app.core
        self.read(
            lambda: today.read(core.data, core.clock.now(), core.settings.stale_after),
            self._show,
            key="health",
        )

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Back again: drafts and plans move without the mirror."""
        super().on_screen_resume(event)
        if self._shown:
            self.others_wrote()

    def fold(self, size: Size) -> None:
        """More steps where there are more lines."""
        super().fold(size)
        self.set_class(size.height >= TALL, "tall")

    # -- keys ----------------------------------------------------------------------------------

    @on(VirtualList.Opened)
    def _opened(self, event: VirtualList.Opened) -> None:
        self.do_step()

    def command_line(self) -> str:
        """The command: of the figures where they have the keys, else of the steps."""
        if self.focused is not self.listing("units") or self._morning is None:
            return "storeops status"
        return f"storeops report {'daily' if self._morning.by == 'store' else 'staff'}"

    @property
    def _unit(self) -> MorningLine | None:
        """The shop or guide under the cursor, where that list has the keys."""
        rows = self.listing("units")
        found = rows.line.data if rows.line is not None and self.focused is rows else None
        return found if isinstance(found, MorningLine) else None

    def _customers(self, condition: str) -> None:
        """The customers of the unit under the cursor, or of all, that fulfil a condition."""
        unit = self._unit
        where = ""
        if unit is not None:
            names = NameLookup(self.app.core.data)
            if isinstance(unit.key, int):
                where = names.shop_filter(unit.key)
            else:
                where = names.member_filter(unit.key)
        self.app.go("customers", f"{where} {condition}".strip())

    def do_step(self) -> None:
        """Go where the step is done, or to the customers of a unit."""
        if self._unit is not None:
            self._customers("")
            return
        step = self.listing("steps").line
        if step is None or not isinstance(step.data, Step):
            return
        if step.data.screen:
            self.app.go(step.data.screen, step.data.request)
        elif step.data.command:  # no screen does it: the line to type, ready to be copied
            self.open_window(CommandModal(step.data.command, step.data.text))

    def do_untagged(self) -> None:
        """Customers without a tag."""
        self._customers("!#* status:active")

    def do_unassigned(self) -> None:
        """Customers that wait for a new owner."""
        self._customers("status:unassigned")

    def do_fresh(self) -> None:
        """Who was added in the seven days of the figures."""
        week = self._morning.week if self._morning is not None else None
        self._customers(f"since:{week.since} until:{week.until}" if week else "since:7d")

    def step_back(self) -> bool:
        """Back to the steps; there is nothing behind them."""
        steps = self.listing("steps")
        if self.focused is steps:
            self.app.notify(_("Esc leads no further back; q leaves storeops."))
        steps.focus()
        return True


def columns() -> list[ListColumn]:
    """A shop or guide, with its moves."""
    return [
        ListColumn("name", _("Name"), 14, 2, keep=9, last=True),
        ListColumn("new", _("Yesterday"), 9, right=True, keep=7),
        ListColumn("week", _("7 days"), 7, right=True, keep=8),
        ListColumn("delta", "±", 5, right=True, keep=8),
        ListColumn("bar", "", BAR, keep=4),
        ListColumn("lost", _("Lost"), 5, right=True, keep=7),
        ListColumn("handed", _("Handed over"), 11, right=True, keep=3),
        ListColumn("waiting", _("Pending"), 7, right=True, keep=6),
        ListColumn("untagged", _("Untagged"), 8, right=True, keep=6),
        ListColumn("customers", _("Customers"), 9, right=True, keep=2, tone="dim"),
    ]


def line(unit: MorningLine, most: int) -> Line:
    """A unit as a row; who fell behind carries a sign, what is not known a dash."""
    delta, tone = difference(unit.week, unit.before)
    name = ("! " if unit.behind else "") + _called(unit)
    picture = bar(unit.week.new or 0, most, BAR)
    lost, waiting = _some(unit.week.lost, "−"), _some(unit.day.waiting)
    return Line(
        unit.key,
        (
            name,
            _some(unit.day.new, "+"),
            _some(unit.week.new, "+"),
            delta,
            picture,
            lost,
            _some(unit.week.handed_over),
            waiting,
            _some(unit.day.untagged),
            worded(unit.day.customers, COUNT),
        ),
        "",
        unit,
        {
            **({0: [(name, "warn")]} if unit.behind else {}),
            3: [(f"{delta:>5}", tone)],
            4: [(picture, "chip0")],
            5: [(f"{lost:>5}", "bad")],
            7: [(f"{waiting:>7}", "warn")],
        },
    )


def _called(unit: MorningLine) -> str:
    """Its name; a guide without one is called by the userid."""
    return shown(unit.name or (unit.key if isinstance(unit.key, str) else "")) or _("(no store)")


def _some(number: int | None, sign: str = "") -> str:
    """A figure with its sign; nothing for zero, a dash for what is not known."""
    return sign + f"{number:,}" if number else "" if number == 0 else worded(None, COUNT)


def difference(now: Figures, before: Figures | None) -> tuple[str, str]:
    """How new ones differ: (`▲3`, good), (`▼4`, bad), or nothing."""
    if before is None or now.new is None or before.new is None or now.new == before.new:
        return "", ""
    change = now.new - before.new
    return (f"▲{change:,}", "good") if change > 0 else (f"▼{-change:,}", "bad")


def figures(found: Morning) -> Content:
    """Yesterday, the week, thirty days as sparklines, and how it stood at the end of yesterday."""
    total, day = found.total, found.total.day
    parts = [
        _moved(_("Yesterday"), day, None),
        _moved(_("7 days"), total.week, total.before),
        _sparks(found),
    ]
    if day.customers is not None:
        share = 100 * (day.untagged or 0) // day.customers if day.customers else 0
        stood = [
            ngettext("{count} customer", "{count} customers", day.customers)
            .format(count=f"{day.customers:,}"),
            _("{count} untagged ({share} %)").format(count=f"{day.untagged:,}", share=share),
            ngettext("{count} handover under way", "{count} handovers under way", day.waiting or 0)
            .format(count=f"{day.waiting:,}"),
        ]  # fmt: skip
        parts.append(Content.assemble(_label(_("Last night")), " · ".join(stood) + "\n"))
    behind = [_called(each) for each in found.lines if each.behind]
    if behind:
        names = _(", ").join(behind[:NAMED])
        if len(behind) > NAMED:
            names += " " + _("and {count} more").format(count=f"{len(behind) - NAMED:,}")
        parts.append(Content.assemble(_label(_("Fell behind")), (names, "$text-warning"), "\n"))
    parts += [Content.assemble((f"! {each}", "$text-warning"), "\n") for each in found.notes[:1]]
    return Content("").join(parts).rstrip()


def _label(text: str) -> tuple[str, str]:
    return align(text, 12), "bold $heading"


def _moved(label: str, moves: Figures, before: Figures | None) -> Content:
    parts: list[tuple[str, str] | str] = [_label(label)]
    if moves.new is None:
        parts.append(_("new: not known"))
    else:
        parts.append((_("+{count} new").format(count=f"{moves.new:,}"), "$text-success"))
    delta, tone = difference(moves, before)
    parts.append((f" {delta}" if delta else "", _STYLES.get(tone, "")))
    parts.append(" · ")
    if moves.lost is None:
        parts.append(_("lost: not known"))
    else:
        text = _("−{count} lost") if moves.lost else _("{count} lost")
        parts.append((text.format(count=f"{moves.lost:,}"), "$text-error" if moves.lost else ""))
    who = [
        text.format(count=f"{count:,}")
        for text, count in (
            (_("{count} ended by the customer"), moves.lost_by_customer),
            (_("{count} deleted by the guide"), moves.lost_by_guide),
            (_("{count} found gone"), moves.lost_found),
        )
        if count
    ]
    if who:
        parts.append(aside("", _(", ").join(who)))
    if moves.handed_over is not None:
        parts.append(" · " + _("{count} handed over").format(count=f"{moves.handed_over:,}"))
    return Content.assemble(*parts, "\n")


_STYLES = {"good": "$text-success", "bad": "$text-error"}


def _sparks(found: Morning) -> Content:
    """New and lost of thirty days; what is not known is no zero."""
    return Content.assemble(
        _label(_("30 days")), (curve([new for _day, new, _lost in found.days]), "$text-success"),
        "  ", (curve([lost for _day, _new, lost in found.days]), "$text-error"), "\n",
    )  # fmt: skip


def _said(step: Step, room: int) -> str:
    """A step; with its command where no screen does it, unless it would be cut: Enter shows it."""
    whole = f"{step.text} {step.command}".rstrip()
    return step.text if step.screen or cell_width(whole) > room else whole
