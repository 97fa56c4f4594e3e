"""What can be done about a plan: rows out of it, carried out, undone, cancelled, held, resumed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from storeops.changes.plan_summary import PlanSummary, summary
from storeops.errors import StoreOpsError
from storeops.i18n import _, ngettext, said, sentences
from tui import plan_words
from tui.screens.base import BaseScreen, ScreenPart
from tui.screens.ledger import PlanControl

if TYPE_CHECKING:
    from storeops.changes.plan_cards import Card
    from storeops.changes.plans import Plan


@dataclass(frozen=True, slots=True)
class PlanSelection:
    """What a screen shows of a plan.

    Attributes:
        card: the plan, with its tallies.
        rows: numbers of the rows that are marked, or of the one under the cursor.
        hidden: rows of it that a filter hides.
    """

    card: Card
    rows: Sequence[int]
    hidden: int


class PlanChanges(ScreenPart):
    """Changes, applies and undoes the plan under the cursor.

    Args:
        screen: what it belongs to.
        selected: the plan; asked for only when `why_not` has let the action through.
        removed: rows were taken out of it.
        review: shows another plan, by its id.
    """

    def __init__(
        self,
        screen: BaseScreen,
        selected: Callable[[], PlanSelection],
        removed: Callable[[], None],
        review: Callable[[str], None],
    ) -> None:
        super().__init__(screen)
        self._selected = selected
        self._removed = removed
        self._review = review
        self._control = PlanControl(screen)

    @property
    def plan(self) -> Plan:
        """The plan under the cursor."""
        return self._selected().card.plan

    # -- rows ----------------------------------------------------------------------------------

    def do_remove(self) -> None:
        """Take rows out."""
        from storeops.changes.control import remove_rows
        from storeops.changes.drafts import remove

        selected = self._selected()
        plan, numbers = selected.card.plan, selected.rows
        ledger = self.app.core.ledger
        take = remove if plan.status == "draft" else remove_rows

        def done(left: Plan) -> None:
            self._removed()
            self.app.notify(
                ngettext(
                    "{count} row is out of {plan}; {left} are left.",
                    "{count} rows are out of {plan}; {left} are left.",
                    len(numbers),
                ).format(count=len(numbers), plan=plan.name, left=left.rows)
            )
            self.screen.read_again()

        self.screen.work(lambda: take(ledger, plan.name, numbers), done)

    # -- applying ------------------------------------------------------------------------------

    def do_apply(self) -> None:
        """Make a plan of a draft; or ask for the count and apply."""
        selected = self._selected()
        if selected.card.state == "draft":
            self._freeze(selected.card.plan)
        else:
            self._ask(selected.card, selected.hidden)

    def _freeze(self, draft: Plan) -> None:
        from storeops.changes.drafts import freeze

        ledger = self.app.core.ledger

        def done(plan: Plan) -> None:
            self.app.notify(
                _(
                    "{plan} was checked: {ready} ready, {blocked} blocked. Ctrl+S applies it."
                ).format(plan=plan.name, ready=f"{plan.ready:,}", blocked=f"{plan.blocked:,}"),
                severity="warning" if plan.blocked else "information",
            )
            self._review(plan.name)

        self.screen.work(lambda: freeze(ledger, draft.name), done)

    def _ask(self, card: Card, hidden: int) -> None:
        from storeops.changes.apply import may_apply
        from tui.modals.count import Confirmed, CountModal

        plan, ledger = card.plan, self.app.core.ledger

        def look() -> tuple[str, PlanSummary]:
            may_apply(ledger, plan)
            ceiling = ledger.policy.ceiling_hit(ledger.db, plan.ready, ledger.clock.now())
            return ceiling, summary(ledger.db, plan.id)

        def ask(answer: tuple[str, PlanSummary]) -> None:
            ceiling, found = answer
            lines = [plan_words.sentence(card, found, ledger.who)]
            if hidden:
                lines.append(
                    ngettext(
                        "! {count} row is hidden by the filter and would be applied, too. Esc "
                        "leaves, f shows all.",
                        "! {count} rows are hidden by the filter and would be applied, too. Esc "
                        "leaves, f shows all.",
                        hidden,
                    ).format(count=f"{hidden:,}")
                )
            if plan.blocked:
                lines.append(
                    ngettext(
                        "{count} blocked row stays out.", "{count} blocked rows stay out.",
                        plan.blocked,
                    ).format(count=f"{plan.blocked:,}")
                )  # fmt: skip
            lines += [f"! {each['message']}" for each in plan.problems[:3]]
            title = _("Apply {plan}").format(plan=plan.name)
            self.screen.open_window(
                CountModal(title, lines, plan.ready, reason_needed=ceiling), answered(ceiling)
            )

        def answered(ceiling: str) -> Callable[[Confirmed | None], None]:
            def then(answer: Confirmed | None) -> None:
                if answer is not None:
                    self._apply(plan, reason=answer.reason, override=bool(ceiling))

            return then

        self.screen.work(look, ask)

    def _apply(
        self, plan: Plan, *, reason: str = "", override: bool = False, skip_changed: bool = False
    ) -> None:
        from storeops.changes.apply import AppliedPlan, apply

        ledger, customers = self.app.core.ledger, self.app.customers

        def send() -> tuple[AppliedPlan, int]:
            applied = apply(ledger, plan.name, skip_changed=skip_changed, reason=reason,
                            override=override)  # fmt: skip
            return applied, customers.done_with(plan.id)

        def done(answer: tuple[AppliedPlan, int]) -> None:
            applied, freed = answer
            if applied.plan.status == "asked":
                self._asked(applied.plan)
                return
            text = ngettext(
                "{jobs} call of {plan} is on its way.", "{jobs} calls of {plan} are on their way.",
                applied.jobs,
            ).format(jobs=f"{applied.jobs:,}", plan=plan.name)  # fmt: skip
            if applied.skipped:
                text = sentences(text, ngettext(
                    "{count} changed row was left out.", "{count} changed rows were left out.",
                    applied.skipped,
                ).format(count=applied.skipped))  # fmt: skip
            if freed:
                text = sentences(
                    text,
                    ngettext(
                        "Its customer is not marked any more; u in Customers takes that back.",
                        "Its {count} customers are not marked any more; u in Customers takes that "
                        "back.",
                        freed,
                    ).format(count=f"{freed:,}"),
                )
            self.app.notify(text)
            self.screen.read_again()
            self.app.working.start()

        def failed(error: Exception) -> None:
            changed = (
                error.details.get("changed_rows") if isinstance(error, StoreOpsError) else None
            )
            if changed:
                self.screen.read_again()
                self._changed(plan, cast("StoreOpsError", error), len(changed), reason, override)
            else:
                self.app.failed(error)

        self.app.background("work").submit(send, done, failed)

    def _asked(self, plan: Plan) -> None:
        """Send the request to head office, and say whether it has it."""
        from storeops.changes import plans
        from storeops.hub.asking import SentRequests, send

        core = self.app.core
        self.screen.read_again()

        def ask() -> tuple[SentRequests, Plan]:
            return send(core), plans.by_id(core.data, plan.id)

        def sent(answer: tuple[SentRequests, Plan]) -> None:
            told, stands = answer
            text = _("Head office is asked to carry out {plan}.").format(plan=plan.name)
            if stands.status == plans.REFUSED:
                text = _("Head office refused plan {plan}: {why}").format(
                    plan=plan.name, why=said(stands.paused_why)
                )
            elif told.waiting:
                trouble = told.trouble or _("No line.")
                text = _("{message} The request waits here.").format(message=trouble)
            good = stands.status != plans.REFUSED and not told.waiting
            self.app.notify(text, severity="information" if good else "warning")
            self.screen.read_again()

        self.app.background("work").submit(ask, sent, self.app.failed)

    def _changed(
        self, plan: Plan, error: StoreOpsError, count: int, reason: str, override: bool
    ) -> None:
        """Rows changed since the plan was made: leave them out, make it again, or nothing."""
        from storeops.changes import replan
        from tui.modals.choose import ChooseModal

        left = plan.ready - count
        ways = []
        if replan.can(self.app.core.ledger, plan):
            ways.append(("replan", _("Make the plan again from what is so now, and read it")))
        if left > 0:
            ways.append(
                ("skip", ngettext("Apply the other {left} row, leave the changed ones out",
                                  "Apply the other {left} rows, leave the changed ones out",
                                  left).format(left=f"{left:,}"))
            )  # fmt: skip

        def then(way: str | None) -> None:
            if way == "skip":
                self._apply(plan, reason=reason, override=override, skip_changed=True)
            elif way == "replan":
                self._replan(plan)

        window = ChooseModal(_("Rows have changed"), error.message, ways)
        if not ways or not self.screen.open_window(window, then):
            self.app.failed(error)

    def _replan(self, plan: Plan) -> None:
        from storeops.changes.replan import replan

        ledger = self.app.core.ledger

        def done(new: Plan) -> None:
            self.app.notify(
                _("{new} takes the place of {old}, which is cancelled.").format(
                    new=new.name, old=plan.name
                )
            )
            self._review(new.name)

        self.screen.work(lambda: replan(ledger, plan.name), done)

    # -- after ---------------------------------------------------------------------------------

    def do_undo(self) -> None:
        """Make the inverse plan and show it."""
        from storeops.changes.undo import plan_undo

        ledger, name = self.app.core.ledger, self.plan.name

        def done(inverse: Plan) -> None:
            self.app.notify(
                _("{undo} puts {plan} back; read it, then Ctrl+S applies it.").format(
                    undo=inverse.name, plan=name
                )
            )
            self._review(inverse.name)

        self.screen.work(lambda: plan_undo(ledger, name), done)

    def do_cancel(self) -> None:
        """Cancel, after asking."""
        from storeops.changes.control import CancelledRows, cancel_plan

        ledger, name = self.app.core.ledger, self.plan.name

        def done(what: CancelledRows) -> None:
            said = ngettext(
                "{count} row of {plan} is cancelled.", "{count} rows of {plan} are cancelled.",
                what.rows,
            ).format(count=f"{what.rows:,}", plan=name)  # fmt: skip
            self.app.notify(f"{said} {what.words()}".rstrip())
            self.screen.read_again()

        self.screen.confirm(
            _("Cancel {plan}?").format(plan=name),
            _("What was sent already stays; u makes the plan that puts it back."),
            lambda: self.screen.work(lambda: cancel_plan(ledger, name), done),
        )

    def do_pause(self) -> None:
        """Hold back what is queued; a pause is no change."""
        from storeops.changes.control import pause

        ledger, name = self.app.core.ledger, self.plan.name
        self.screen.work(lambda: pause(ledger, name), lambda _jobs: self.screen.read_again())

    def do_resume(self) -> None:
        """Go on, after asking."""
        self._control.resume(self.plan.name, paused=self.plan.paused)

    def do_retry(self) -> None:
        """Send failed rows again, after asking."""
        self._control.retry(self.plan.name)
