"""From the givers and takers at the desk to a plan; and asking how handovers ended."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar, cast

from storeops.domains.handover.request import HandoverRequest
from storeops.i18n import _, ngettext
from storeops.notebook.marks import DEFAULT
from storeops.reading.customers import Selection
from tui import plan_words
from tui.keys import Key
from tui.names import NameLookup
from tui.plan_card import forecast
from tui.screens.ledger import LedgerScreen

if TYPE_CHECKING:
    from storeops.changes.plan_cards import Card
    from storeops.domains.handover.options import Owner
    from storeops.domains.handover.plan_result import PlanResult
    from storeops.domains.handover.watch_result import WatchResult
    from tui.modals.handover import Terms


class HandoverPlanning(LedgerScreen):
    """A desk with givers and takers.

    A subclass gives `from_owners` and `show_rows`.

    Attributes:
        only_marked: only marked customers are meant.
        to_owners: userids of the marked takers.
        made: givers → the plan made of them here.
        held_back: givers → how long the limits make their plan take, and why.
    """

    KEYS: ClassVar[tuple[Key, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.only_marked = False
        self.to_owners: set[str] = set()
        self.made: dict[tuple[str, ...], PlanResult] = {}
        self.held_back: dict[tuple[str, ...], str] = {}
        self._shares: dict[str, str] = {}  # rule → what was typed for it last
        self._stop = threading.Event()

    @property
    def from_owners(self) -> tuple[str, ...]:
        """The marked givers, or the one under the cursor."""
        raise NotImplementedError

    def show_rows(self) -> None:
        """Show what moves."""
        raise NotImplementedError

    def do_make(self) -> None:
        """Ask for the terms, then make the plan."""
        from tui.modals.handover import HandoverModal

        from_owners, to_owners = self.from_owners, tuple(sorted(self.to_owners))
        words, lines = NameLookup(self.app.core.data), self.table("from_owners").source
        owners = [cast("Owner", each.data) for each in lines.lines if each.key in from_owners]  # type: ignore[attr-defined]
        text = [
            _("{name}: {customers} customers, {groups} group chats").format(
                name=each.name or each.userid, customers=f"{each.customers:,}",
                groups=f"{each.group_chats:,}",
            )
            for each in owners[:5]
        ]  # fmt: skip
        text.append(
            _("to {takers}").format(takers=_(", ").join(words.members(to_owners)))
            if to_owners
            else _("to the colleagues of the shop")
        )

        def then(terms: Terms | None) -> None:
            if terms is not None:
                self._plan(from_owners, to_owners, terms)

        on_job = any(not each.left for each in owners)
        self.app.push_screen(
            HandoverModal(text, to_owners, on_job=on_job, typed=self._shares), then
        )

    def _plan(self, from_owners: tuple[str, ...], to_owners: tuple[str, ...], terms: Terms) -> None:
        from dataclasses import replace

        from storeops.changes.plan_cards import card
        from storeops.domains.handover.options import command_of
        from storeops.domains.handover.planner import plan_handover
        from storeops.mirror.members import word_of

        request = HandoverRequest(
            from_owners=from_owners,
            to_owners=to_owners,
            rule=terms.rule,
            cap=terms.cap,
            message=terms.message,
            selection=Selection(mark=DEFAULT if self.only_marked else ""),
            weights=terms.weights,
            map=terms.map,
        )
        ledger, governor = self.app.core.ledger, self.app.core.governor

        def make() -> tuple[PlanResult, Card]:
            said = replace(
                request,
                from_owners=[word_of(ledger.db, each) for each in from_owners],
                to_owners=[word_of(ledger.db, each) for each in to_owners],
            )
            made = plan_handover(ledger, replace(said, command=command_of(said)))
            return made, card(ledger, made.plan, governor)

        def done(answer: tuple[PlanResult, Card]) -> None:
            made, stands = answer
            self.made[from_owners] = made
            self.held_back[from_owners] = forecast(stands.seconds, stands.held_by)
            self.show_rows()
            self.app.notify(
                _("{plan}: {ready} ready, {blocked} blocked; p reviews it.").format(
                    plan=made.plan.name, ready=f"{made.plan.ready:,}",
                    blocked=f"{made.plan.blocked:,}",
                ),
                severity="warning" if made.plan.blocked else "information",
            )  # fmt: skip

        self.work(make, done)

    def do_watch(self) -> None:
        """Ask about everything that is due."""
        from storeops.domains.handover.watch import watch

        core, self._stop = self.app.core, threading.Event()
        stop = self._stop
        self.app.notify(_("Asking WeCom …"), timeout=2)

        def done(watched: WatchResult) -> None:
            settled = plan_words.counts_text(watched.settled)
            if watched.settled:
                text = _("Settled: {rows}").format(rows=settled)
            else:
                text = _("Nothing was settled.")
            if watched.waiting:
                text += " " + ngettext(
                    "{count} row still waits.", "{count} rows still wait.", watched.waiting
                ).format(count=f"{watched.waiting:,}")
            troubles = tuple(each.error for each in watched.asked if each.error)
            self.app.notify(text, severity="warning" if troubles else "information",
                            steps=troubles[:2])  # fmt: skip
            self.read_again()

        self.app.background("work").submit(
            lambda: watch(core.ledger, core.client, stop=stop), done, self.app.failed,
            stop=stop.set,
        )  # fmt: skip
