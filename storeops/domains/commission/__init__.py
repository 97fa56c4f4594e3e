"""Whose sale it was: rules, allocations to the fen, months that are closed, pay slips."""

from storeops.domain import Domain, Noun, ScreenSpec
from storeops.i18n import N_

DOMAIN = Domain(
    name="commission",
    title=N_("Whose sale it was: rules, shares to the fen, closed months, pay slips."),
    needs=("orders", "handover"),
    tables="storeops.domains.commission.schema",
    office=True,
    nouns=(
        Noun(
            name="commission", module="commands.commission", group="change",
            help=N_("Whose sale it was: rules, months, pay slips, and why."),
        ),
    ),
    screens=(
        ScreenSpec(
            name="performance", key="P", title=N_("Performance"),
            screen="tui.screens.performance:PerformanceScreen",
            help=N_("A month's sales by guide and shop, down to a line and why it is shared so."),
        ),
    ),
    erase={"commission_lines": "storeops.domains.commission.forget"},
    today="storeops.domains.commission.closing:today",
    demo="storeops.domains.commission.demo:furnish",
)  # fmt: skip
