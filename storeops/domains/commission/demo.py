"""Commission in the demo chain: two rules, so that a month can be tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from storeops.domain import DemoStep
from storeops.domains.commission import rules_in_force
from storeops.domains.commission.rules import WHOLE, CommissionRule
from storeops.i18n import N_

if TYPE_CHECKING:
    from storeops.operations.wiring import Wiring

PER_CENT = WHOLE // 100
RULES = (
    CommissionRule(
        "everything", 0, "first-bind", (("owner", WHOLE),), rate=20_000,
        protection_days=30, protected=40 * PER_CENT,
    ),
    CommissionRule(
        "phones", 0, "split", (("owner", 60 * PER_CENT), ("seller", 40 * PER_CENT)),
        categories=("手机",), priority=10, missing="others", rate=10_000, protection_days=30,
        protected=40 * PER_CENT,
    ),
)  # fmt: skip
STEPS = (DemoStep("commission preview", N_("last month's sales, shared between guides and shops")),)


def furnish(app: Wiring) -> Sequence[DemoStep]:
    """Adopt the rules; the journal says who did.

    Args:
        app: of the demo's profile.

    Returns:
        What to look at.
    """
    rules_in_force.adopt(app.ledger, RULES)
    return STEPS
