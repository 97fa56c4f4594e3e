"""From the givers and takers at the desk to a plan; and asking how handovers ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from storeops.domains.handover.request import HandoverRequest
from storeops.i18n import _, labelled, ngettext, sentences
from storeops.notebook.marks import DEFAULT
from storeops.reading.customers import Selection
from tui import plan_words
from tui.names import NameLookup
from tui.screens.base import BaseScreen, ScreenPart

if TYPE_CHECKING:
    from storeops.changes.plan_cards import Card
    from storeops.domains.handover.options import Owner
    from storeops.domains.handover.plan_result import PlanResult
    from storeops.domains.handover.watch_result import WatchResult
    from tui.screens.handover.terms import Terms


@dataclass(frozen=True, slots=True)
class HandoverSelection:
    """Who hands over what to whom.

    Attributes:
        from_owners: userids.
        owners: what is known of them.
        to_owners: userids of the marked ones; none means the colleagues of the shop.
        only_marked: only marked customers are meant.
    """

    from_owners: tuple[str, ...]
    owners: Sequence[Owner]
    to_owners: tuple[str, ...]
    only_marked: bool


class HandoverPlanning(ScreenPart):
    """Makes plans of what is selected.

    Args:
        screen: what it belongs to.
        selected: what a plan shall be made of.
        planned: a plan was made.

    Attributes:
        made: owners → the plan made of their customers here.
        held_back: owners → how long the limits make their plan take, and why.
        stands: owners → rows of their plan per status, when they were read last.
    """

    def __init__(
        self,
        screen: BaseScreen,
        selected: Callable[[], HandoverSelection],
        planned: Callable[[], None],
    ) -> None:
        super().__init__(screen)
        self._selected = selected
        self._planned = planned
        self.made: dict[tuple[str, ...], PlanResult] = {}
        self.held_back: dict[tuple[str, ...], str] = {}
        self.stands: dict[tuple[str, ...], dict[str, int]] = {}
        self._shares: dict[str, str] = {}  # rule → what was typed for it last

    def do_make(self) -> None:
        """Ask for the terms, then make the plan."""
        from tui.screens.handover.terms import HandoverModal

        selected, words = self._selected(), NameLookup(self.app.core.data)
        text = [
            labelled(each.name or each.userid, _(", ").join((
                ngettext("{count} customer", "{count} customers", each.customers)
                .format(count=f"{each.customers:,}"),
                ngettext("{count} group chat", "{count} group chats", each.group_chats)
                .format(count=f"{each.group_chats:,}"),
            )))
            for each in selected.owners[:5]
        ]  # fmt: skip
        text.append(
            _("to {takers}").format(takers=_(", ").join(words.members(selected.to_owners)))
            if selected.to_owners
            else _("to the colleagues of the shop")
        )

        def then(terms: Terms | None) -> None:
            if terms is not None:
                self._plan(selected, terms)

        on_job = any(not each.left for each in selected.owners)
        self.screen.open_window(
            HandoverModal(text, selected.to_owners, on_job=on_job, typed=self._shares), then
        )

    def _plan(self, selected: HandoverSelection, terms: Terms) -> None:
        from storeops.changes.plan_cards import card
        from storeops.domains.handover.options import command_of
        from storeops.domains.handover.planner import plan_handover
        from storeops.mirror.members import word_of

        from_owners, to_owners = selected.from_owners, selected.to_owners
        request = HandoverRequest(
            from_owners=from_owners,
            to_owners=to_owners,
            rule=terms.rule,
            cap=terms.cap,
            message=terms.message,
            selection=Selection(mark=DEFAULT if selected.only_marked else ""),
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
            self.stands.pop(from_owners, None)
            self.held_back[from_owners] = plan_words.forecast(stands.seconds, stands.held_by)
            self._planned()
            self.app.notify(
                _("{plan}: {ready} ready, {blocked} blocked; p reviews it.").format(
                    plan=made.plan.name, ready=f"{made.plan.ready:,}",
                    blocked=f"{made.plan.blocked:,}",
                ),
                severity="warning" if made.plan.blocked else "information",
            )  # fmt: skip

        self.screen.work(make, done)

    def do_watch(self) -> None:
        """Ask about everything that is due."""
        from storeops.domains.handover.watch import watch

        core, stop = self.app.core, threading.Event()
        self.app.notify(_("Asking WeCom …"), timeout=2)

        def done(watched: WatchResult) -> None:
            settled = plan_words.counts_text(watched.settled)
            if watched.settled:
                text = _("Settled: {rows}").format(rows=settled)
            else:
                text = _("Nothing was settled.")
            if watched.waiting:
                text = sentences(
                    text,
                    ngettext(
                        "{count} row still waits.", "{count} rows still wait.", watched.waiting
                    ).format(count=f"{watched.waiting:,}"),
                )
            troubles = tuple(each.error for each in watched.asked if each.error)
            self.app.notify(text, severity="warning" if troubles else "information",
                            steps=troubles[:2])  # fmt: skip
            self.screen.read_again()

        self.app.background("work").submit(
            lambda: watch(core.ledger, core.client, stop=stop), done, self.app.failed,
            stop=stop.set,
        )  # fmt: skip
