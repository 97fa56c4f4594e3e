"""Suppliers: who delivers, whether their papers hold today, and what ends next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import ClassVar

from textual.content import Content

from storeops import times
from storeops.domains.suppliers import expiring
from storeops.domains.suppliers.numbers import ERROR, OK
from storeops.domains.suppliers.register import LONG_TERM, Paper
from storeops.domains.suppliers.rules import load_rules
from storeops.domains.suppliers.standing import SupplierStanding, standings
from storeops.domains.suppliers.words import kind_name, role_name
from storeops.i18n import N_, _, ngettext
from tui.cells import lines, shown
from tui.fields import fields, title
from tui.keys import LIST, LOOK, Key
from tui.screens.listing import ListScreen
from tui.widgets.rows import Line, ListColumn

SIGNS = {"ok": "✓", "warning": "!", "error": "✗"}


class SuppliersScreen(ListScreen):
    """Every supplier; the card has its papers, each with its state and why."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("filter", "slash,f3", N_("Filter"),
            N_("Narrow the list to rows that hold all the words typed."), LOOK, footer=True),
        Key("worst", "w,f8", N_("Worst first"),
            N_("Those whose papers fail first, or by their number."), LOOK, footer=True),
        Key("copy", "y", N_("Copy"), N_("Copy the id of the row under the cursor."), LOOK,
            footer=True),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._worst = True

    def columns(self) -> list[ListColumn]:
        """Number, name, role, papers, how they stand, what ends next."""
        return [
            ListColumn("code", _("Number"), 8, keep=6, fit=True),
            ListColumn("name", _("Supplier"), 12, 3, keep=9),
            ListColumn("role", _("Role"), 14, 1, keep=5),
            ListColumn("papers", _("Papers held"), 11, right=True, keep=3),
            ListColumn("status", _("Papers valid"), 16, 1, keep=8),
            ListColumn("next", _("Ends next"), 16, keep=7),
        ]

    def load(self) -> Sequence[Line]:
        """All suppliers with their papers (background)."""
        core = self.app.core
        today = times.local(core.clock.now()).date()
        rules = load_rules(core.profile.name)
        found = standings(core.data, rules, today)
        if self._worst:
            order = ("error", "warning", "ok")
            found.sort(key=lambda each: (order.index(each.status), each.supplier["code"]))
        return [
            self._line(each, expiring.expiring(list(each.papers), rules, today, 3_650), today)
            for each in found
        ]

    def _line(self, each: SupplierStanding, ends: list[dict[str, object]], today: date) -> Line:
        one = each.supplier
        sign = SIGNS[each.status]
        bad, doubt = each.count("error"), each.count("warning")
        words = _(", ").join(
            text.format(count=count)
            for text, count in (
                (ngettext("{count} error", "{count} errors", bad), bad),
                (ngettext("{count} warning", "{count} warnings", doubt), doubt),
            )
            if count
        ) or _("yes")
        upcoming = str(ends[0]["valid_until"]) if ends else ""
        return Line(
            one["code"],
            (
                shown(one["code"]), shown(one["name"]), shown(role_name(one["role"])),
                f"{len(each.papers):,}", f"{sign} {words}",
                f"! {upcoming}" if upcoming and upcoming < today.isoformat() else upcoming,
            ),
            {"error": "bad", "warning": "warn"}.get(each.status, ""),
            (each, ends),
        )  # fmt: skip

    def card(self, line: Line) -> Content:
        """Who it is, and its papers with their state."""
        assert isinstance(line.data, tuple)
        each: SupplierStanding = line.data[0]
        ends = {(row["kind"], row["number"]): row for row in line.data[1]}
        one = each.supplier
        parts = [
            fields(
                line.cells[1],
                [
                    (_("Number"), one["code"]),
                    (_("Role"), role_name(one["role"])),
                    (_("Credit code"), one["uscc"]),
                    (_("Address"), one["address"]),
                    (_("Categories"), _(", ").join(one["categories"])),
                ],
            ),
            title("\n" + _("Its papers")),
        ]
        for paper in each.papers:
            parts.append(self._paper(each, paper, ends.get((paper.kind, paper.number))))
        for found in each.findings:
            if not found.number and found.level == ERROR:
                parts.append(
                    Content.assemble(("✗ ", "$text-error"), shown(kind_name(found.kind)) + "\n",
                                     (f"  {found.message}\n", "$text-error"))
                )  # fmt: skip
        return Content("").join(parts)

    @staticmethod
    def _paper(each: SupplierStanding, paper: Paper, end: dict[str, object] | None) -> Content:
        mine = [
            found for found in each.findings
            if (found.kind, found.number, found.lot) == (paper.kind, paper.number, paper.lot)
        ]  # fmt: skip
        levels = {found.level for found in mine}
        level = next((one for one in ("error", "warning") if one in levels), "ok")
        style = {"ok": "$text-success", "warning": "$text-warning", "error": "$text-error"}[level]
        words = [shown(f"{paper.number} {paper.lot}".strip())]
        if paper.valid_until == LONG_TERM:
            words.append(_("no end"))
        elif paper.valid_until:
            words.append(_("until {day}").format(day=paper.valid_until))
        if end is not None and level == "ok":
            left = int(str(end["days_left"]))
            words.append(ngettext("{count} day", "{count} days", left).format(count=left))
        parts = [
            Content.assemble((f"{SIGNS[level]} ", style), shown(kind_name(paper.kind)) + "\n",
                             ("  " + " · ".join(words) + "\n", "$text-muted"))
        ]  # fmt: skip
        for found in mine:
            if found.level != OK:
                for text in lines(found.message):
                    parts.append(Content.styled(f"  {text}\n", style))
        if end is not None and end["status"] == "renew":
            parts.append(
                Content.styled(
                    "  " + _("to be renewed since {day}").format(day=end["renew_by"]) + "\n",
                    "$text-warning",
                )
            )
        return Content("").join(parts)

    def nothing(self) -> str:
        """Where suppliers come from."""
        return _("No supplier is known; take a list in: storeops supplier import FILE")

    def name_of(self, line: Line) -> str:
        """Its name is in the second column."""
        return line.cells[1]

    def label_of(self, key: Key) -> str:
        """The order that the key would bring."""
        if key.action == "worst" and self._worst:
            return _("By number")
        return super().label_of(key)

    def do_worst(self) -> None:
        """The other order."""
        self._worst = not self._worst
        self.read_again()

    def command_line(self) -> str:
        """The command."""
        return "storeops supplier list"
