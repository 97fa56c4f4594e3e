"""Care in the demo chain: a few rules, and the tasks of this morning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from storeops.domain import DemoStep
from storeops.domains.care import rules, tasks
from storeops.domains.care.rules import CareRule
from storeops.i18n import N_

if TYPE_CHECKING:
    from storeops.operations.wiring import Wiring

RULES = (
    CareRule("works-3", "after-purchase", 3, articles=("手机",), priority=5),
    CareRule("works-7", "after-purchase", 7, articles=("配件",), workdays=True),
    CareRule("warranty-30", "warranty", 30, articles=("手机",)),
    CareRule("milk", "replenishment", 1, articles=("生鲜/鲜奶",), expires=5),
    CareRule("silent", "silent", 45, orders=4, priority=3),
    CareRule("new-owner", "new-owner", 0, priority=9),
)
CAP = 8  # tasks of a guide a day
STEPS = (
    DemoStep("care list", N_("what is to be done today, by guide, and why")),
    DemoStep("value segments", N_("what customers are worth, by segment")),
)


def furnish(app: Wiring) -> Sequence[DemoStep]:
    """Take the rules into force and make the tasks of today.

    Args:
        app: of the demo's profile, its orders known.

    Returns:
        What to look at.
    """
    now = app.clock.now()
    rules.adopt(app.data, RULES, now)
    tasks.plan_care(app.data, now, cap=CAP)
    return STEPS
