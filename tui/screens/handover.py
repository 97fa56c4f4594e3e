"""Handover: leavers with what they left, and everything that waits for WeCom's answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from storeops.i18n import N_, _
from storeops.operations.handover.report import Waiting, waiting
from storeops.operations.leavers import Leaver, leavers
from tui.cells import shown
from tui.fields import quoted
from tui.keys import DO, LOOK, Key
from tui.modals.wish import Field, WishModal
from tui.screens.two_lists import TwoLists
from tui.times import day, moment, span
from tui.widgets.rows import Column, Line
from tui.wishing import names


class HandoverScreen(TwoLists):
    """Leavers above, waiting pairs below."""

    NAME: ClassVar[str] = "handover"
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("plan", "o,f6", N_("Plan handover"),
            N_("Plan who takes over what this leaver left; several takers share by rule."), DO,
            footer=True),
        Key("watch", "s,f8", N_("Ask WeCom"),
            N_("Ask how the handovers ended whose answer is due."), DO, footer=True),
        Key("customers", "c", N_("Customers"), N_("Show the leaver's customers."), LOOK,
            footer=True),
        *TwoLists.KEYS,
    )  # fmt: skip

    def top_columns(self) -> list[Column]:
        """Leaver, days left, what is left."""
        return [
            Column("name", _("Leaver"), 10, 2, keep=9),
            Column("userid", _("User id"), 12, 1, keep=5),
            Column("left", _("Left"), 10, keep=6),
            Column("days", _("Days left"), 9, right=True, keep=8),
            Column("customers", _("Customers"), 9, right=True, keep=8),
            Column("groups", _("Group chats"), 11, right=True, keep=7),
        ]

    def rows_columns(self) -> list[Column]:
        """Pair, rows, countdown."""
        return [
            Column("from", _("From"), 10, 2, keep=8),
            Column("to", _("To"), 10, 2, keep=9),
            Column("what", _("What"), 10, 1, keep=5),
            Column("rows", _("Waiting"), 8, right=True, keep=8),
            Column("due", _("Answer due"), 16, keep=6),
            Column("in", _("In"), 10, right=True, keep=8),
        ]

    def load_top(self) -> Sequence[Line]:
        """Leavers, most urgent first (lane)."""
        core = self.house.core
        lines = []
        for leaver in leavers(core.data, core.clock.now()):
            days = leaver.days_left
            late = days is not None and days < 0
            lines.append(
                Line(
                    leaver.userid,
                    (
                        shown(leaver.name or leaver.userid),
                        shown(leaver.userid),
                        day(leaver.left_at),
                        "" if days is None else ("! " if days < 60 else "") + str(days),
                        f"{leaver.customers:,}",
                        f"{leaver.group_chats:,}",
                    ),
                    "bad" if late else "warn" if days is not None and days < 60 else "",
                    leaver,
                )
            )
        return lines

    def load_rows(self, line: Line) -> tuple[Sequence[Line], str]:
        """Everything that waits, soonest due first (lane)."""
        core = self.house.core
        now = core.clock.now()
        found = sorted(waiting(core.data, now), key=lambda each: each.due_at)
        return [self._waiting(each, now) for each in found], _(
            "{pairs} pairs, {rows} rows wait for their answer."
        ).format(pairs=len(found), rows=f"{sum(each.rows for each in found):,}")

    @staticmethod
    def _waiting(pair: Waiting, now: float) -> Line:
        left = pair.due_at - now
        due = span(left) if left > 0 else "! " + _("due")
        return Line(
            (pair.handover_userid, pair.takeover_userid, pair.what, pair.kind),
            (
                shown(pair.handover_userid),
                shown(pair.takeover_userid),
                shown(pair.what),
                f"{pair.rows:,}",
                moment(pair.due_at),
                due,
            ),
            "" if left > 0 else "warn",
            pair,
        )

    @property
    def leaver(self) -> Leaver | None:
        """The leaver under the cursor."""
        line = self.top.line
        return cast("Leaver", line.data) if line is not None else None

    def command_line(self) -> str:
        """The command."""
        return "storeops leaver list"

    def why_not(self, action: str) -> str:
        """A leaver is needed; read-only refuses."""
        if action in ("plan", "customers") and self.leaver is None:
            return _("Nobody has left anything behind.")
        if action == "plan" and self.house.readonly:
            return _("Changes are refused in read-only mode.")
        return super().why_not(action)

    def do_customers(self) -> None:
        """The leaver's customers."""
        leaver = self.leaver
        if leaver is not None:
            self.house.go("customers", "@" + quoted(leaver.userid))

    def do_plan(self) -> None:
        """Ask for takers, then make the plan."""
        leaver = self.leaver
        if leaver is None:
            return

        def then(answer: dict[str, str] | None) -> None:
            if answer is not None:
                self.work(lambda: self._plan(leaver.userid, answer), made)

        def made(plan: str) -> None:
            self.house.tell(_("Plan {plan} is made; review it, then apply.").format(plan=plan))
            self.house.go("plans")

        text = _("{customers} customers and {groups} group chats. Nothing is sent yet.").format(
            customers=f"{leaver.customers:,}", groups=f"{leaver.group_chats:,}"
        )
        title = _("Who takes over from {name}?").format(name=shown(leaver.name or leaver.userid))
        self.app.push_screen(
            WishModal(
                title,
                text,
                [
                    Field("takers", _("To (members; empty: colleagues of the shop)")),
                    Field("rule", _("Rule: same-store, least-loaded, round-robin, weighted"),
                          hint="least-loaded"),
                    Field("cap", _("At most so many each"), hint="200"),
                ],
            ),
            then,
        )  # fmt: skip

    def _plan(self, giver: str, answer: dict[str, str]) -> str:
        from storeops.operations.handover.planner import plan_handover
        from storeops.operations.handover.wish import Wish

        takers = [each.lstrip("@＠") for each in names(answer["takers"])]
        cap = int(answer["cap"]) if answer["cap"].isdecimal() else None
        rule = answer["rule"] or ("" if takers else "same-store")
        words = ["storeops leaver plan", giver, *(f"--to {each}" for each in takers)]
        if rule:
            words.append(f"--rule {rule}")
        ledger = self.house.core.ledger
        ledger.policy.may_write()
        wish = Wish(givers=[giver], takers=takers, rule=rule, cap=cap, command=" ".join(words))
        return plan_handover(ledger, wish).plan.name

    def do_watch(self) -> None:
        """Ask about everything that is due."""
        from storeops.operations.handover.watch import watch

        core = self.house.core
        self.house.tell(_("Asking WeCom …"))

        def then(_watched: object) -> None:
            self.house.tell(_("Asked; what is settled is in the plans' rows."))
            self.read_again()

        self.work(lambda: watch(core.ledger, core.client), then)
