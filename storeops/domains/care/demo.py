"""Care in the demo chain: a few rules, and the tasks of this morning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from storeops import times
from storeops.domain import DemoStep
from storeops.domains.care import birthdays, matters, rules, tasks
from storeops.domains.care.rules import CareRule
from storeops.domains.orders import sold
from storeops.i18n import N_, _
from storeops.reading import identities

if TYPE_CHECKING:
    from storeops.operations.wiring import Wiring

RULES = (
    CareRule("works-3", "after-purchase", 3, articles=("手机",), priority=5),
    CareRule("works-7", "after-purchase", 7, articles=("配件",), workdays=True),
    CareRule("warranty-30", "warranty", 30, articles=("手机",)),
    CareRule("milk", "replenishment", 1, articles=("生鲜/鲜奶",), expires=5),
    CareRule("silent", "silent", 45, orders=4, priority=3),
    CareRule("birthday", "birthday", 0, expires=1, priority=6),
    CareRule("complaint", "complaint", 2, priority=10),
    CareRule("new-owner", "new-owner", 3, priority=9),
)
CAP = 8  # tasks of a guide a day
COMPLAINT = N_("the new screen has scratches")
INVENTOR = "storeops demo"
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
    db, now = app.data, app.clock.now()
    rules.adopt(db, RULES, now)
    since = int(now) - 30 * tasks.DAY_S
    gave_back = {
        each.customer
        for each in sold.between(db, since, int(now))
        if each.status == "return" and each.customer is not None
    }
    people = identities.people(db.connection, gave_back)
    for external, _name in [people[each] for each in sorted(people)[:2]]:
        matters.open_matter(db, external, matters.COMPLAINT, _(COMPLAINT), INVENTOR, now - 86_400)
    for bought in sold.bought(db, since, int(now), ())[:2]:
        external = identities.people(db.connection, [bought.customer])[bought.customer][0]
        birthdays.note_birthday(db, external, times.day(now)[5:], INVENTOR, now)
    tasks.plan_care(db, now, cap=CAP)
    return STEPS
