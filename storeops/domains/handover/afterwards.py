"""What is to be said and done after a watching: next steps, and how the command ends."""

from __future__ import annotations

from storeops.changes import next_steps as steps_of
from storeops.changes import plans, replan
from storeops.changes.action import DONE, NOT_AS_PLANNED
from storeops.changes.ledger import Ledger
from storeops.domains.handover import rules
from storeops.domains.handover.restore import can_lack
from storeops.domains.handover.watch_result import WatchResult
from storeops.errors import PartialError, StillRunningError, StoreOpsError
from storeops.i18n import _, ngettext


def next_steps(ledger: Ledger, found: WatchResult) -> list[str]:
    """Command lines that go on from here, each of which has something to do."""
    steps = []
    for name in sorted({name for status in NOT_AS_PLANNED for name in found.plans[status]}):
        plan = plans.get(ledger.db, name)
        if replan.helps(ledger, plan):
            steps.append(steps_of.again_command(plan))
    for name in sorted(found.plans[DONE]):
        if can_lack(ledger.db, plans.get(ledger.db, name).id):
            steps.append(f"storeops handover restore {name}")
    return steps


def trouble(ledger: Ledger, found: WatchResult) -> StoreOpsError | None:
    """What a caller must hear about a watching; None when all went as wished.

    When no pair could be asked, the first pair's own error; when a part could not be asked or
    ended otherwise than wished, "partly done"; when the time was over, "still running".
    """
    if found.errors and len(found.errors) == len(found.asked):
        return found.errors[0]
    bad = sum(found.settled[status] for status in NOT_AS_PLANNED)
    if found.errors:
        count = len(found.errors)
        return PartialError(
            ngettext(
                "{count} pair could not be asked about: {reason}",
                "{count} pairs could not be asked about: {reason}",
                count,
            ).format(count=count, reason=found.errors[0].message),
            next_steps=[rules.WATCH],
        )
    if bad:
        names = sorted({name for status in NOT_AS_PLANNED for name in found.plans[status]})
        return PartialError(
            ngettext(
                "{count} row was not done (plan {plans}).",
                "{count} rows were not done (plans {plans}).",
                bad,
            ).format(count=bad, plans=_(", ").join(names)),
            next_steps=[f"storeops plan results {name} --not-done" for name in names],
        )
    if found.ended == "time":
        return StillRunningError(
            ngettext(
                "{count} handover still waits.", "{count} handovers still wait.", found.waiting
            ).format(count=found.waiting),
            next_steps=[rules.WATCH],
        )
    return None
