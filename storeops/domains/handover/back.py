"""The way back of a handover: a handover of its own, with its cost under the 90-day rule."""

from __future__ import annotations

from collections.abc import Sequence

from storeops.changes import plans
from storeops.changes.action import Verdict
from storeops.changes.ledger import Ledger
from storeops.changes.problems import Problem
from storeops.domains.handover import attempts, rules
from storeops.domains.handover.plan_result import PlanResult, by_code
from storeops.domains.handover.planner import plan_subjects
from storeops.domains.handover.request import HandoverRequest
from storeops.domains.handover.subjects import Subject, kind_of
from storeops.errors import ConflictError, PartialError, UsageError
from storeops.i18n import _, ngettext
from storeops.mirror import members


def plan_back(ledger: Ledger, name: str, *, reason: str = "") -> PlanResult:
    """Plan to give every customer of a done handover back to who had them.

    A leaver cannot take anybody back; those rows are blocked and say so.

    Raises:
        UsageError: the plan is no handover.
        ConflictError: nothing of it is done.
        PartialError: no row of the way back could be sent; no plan is made.
    """
    db, now = ledger.db, ledger.clock.now()
    plan = plans.get(db, name, plans.APPLIED)
    if plan.kind != "handover":
        raise UsageError(_("Plan {plan} is not a handover.").format(plan=plan.name))
    records = db.execute(
        "SELECT h.subject, h.takeover_userid, h.handover_userid, coalesce(c.id, 0),"
        " coalesce(f.id, 0), coalesce(f.createtime, 0), coalesce(f.status, '') FROM handover AS h"
        " LEFT JOIN customer AS c ON c.external_userid = h.subject"
        " LEFT JOIN staff AS s ON s.userid = h.takeover_userid"
        " LEFT JOIN follow AS f ON f.customer_id = c.id AND f.staff_id = s.id"
        " WHERE h.plan_id = ? AND h.what = 'customer' AND h.status = 'done' ORDER BY h.row",
        (plan.id,),
    ).fetchall()
    if not records:
        raise ConflictError(
            _("Nothing of plan {plan} is done; there is no way back to plan.").format(
                plan=plan.name
            ),
            hint=_("Ask how it stands: storeops handover watch"),
        )
    people = members.by_userids(db, [each[1] for each in records])
    subjects = []
    for external, holder, former, customer, follow, created, status in records:
        from_owner = people[holder.lower()]
        kind = kind_of(from_owner, status)
        subjects.append(
            Subject(
                rules.CUSTOMER,
                kind,
                from_owner,
                external,
                customer,
                follow,
                created,
                status,
                former,
            )
        )
    request = HandoverRequest(reason=reason, command=f"storeops handover back-plan {plan.name}")

    def none_ready(verdicts: Sequence[Verdict]) -> PartialError:
        blocked = by_code(verdicts)
        return PartialError(
            _("There is no way back of plan {plan}: {reason}").format(
                plan=plan.name, reason=blocked[0][1]
            ),
            hint=_(
                "Hand the customers to a colleague in service: "
                "storeops handover plan --from USERID --to USERID"
            ),
            details={"blocked_by": {code: count for code, _reason, count in blocked}},
        )

    cost = [_cost(ledger, subjects, now)]
    return plan_subjects(ledger, request, subjects, cost, none_ready=none_ready)


def _cost(ledger: Ledger, subjects: list[Subject], now: float) -> Problem:
    """What the way back uses up."""
    recent = attempts.recent(ledger.db, [each.id for each in subjects], now)
    last = sum(1 for each in subjects if len(recent.get(each.id, ())) == rules.REPEAT_LIMIT - 1)
    over = sum(1 for each in subjects if len(recent.get(each.id, ())) >= rules.REPEAT_LIMIT)
    message = ngettext(
        "The way back is a handover of {count} customer and takes 24 h again; ",
        "The way back is a handover of {count} customers and takes 24 h again; ",
        len(subjects),
    ).format(count=len(subjects))
    message += _(
        "afterwards {last} of them cannot be handed over again within 90 days, {over} cannot "
        "already."
    ).format(last=last, over=over)
    return Problem("way_back", message, warning=True)
