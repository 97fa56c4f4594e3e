"""What the hub is to the rest: a noun, its tables, a line of a customer's card, a check."""

from storeops.domain import Domain, Noun, TaskSpec
from storeops.i18n import N_

DOMAIN = Domain(
    name="hub",
    title=N_("Head office and back offices: each shop's part of the mirror at the shop."),
    needs=("sandbox",),
    tables="storeops.hub.schema",
    nouns=(
        Noun(
            name="hub", module="commands.hub", group="setup",
            help=N_("Head office and back offices: publish, follow, ask, who has joined."),
        ),
    ),
    tasks=(
        TaskSpec(
            name="shops-reports", cron="30 7 * * *", command=("report", "keep", "--quiet"),
            title=N_("Keep the figures of days that are over for shops' back offices."),
            fits="storeops.hub.stores:any_joined",
        ),
    ),
    card={"elsewhere": "storeops.hub.card:elsewhere"},
    retention="storeops.hub.retention",
    checks="storeops.hub.checks:checks",
    alarms={"hub_turned_away": "storeops.hub.attempts:TURNED_AWAY"},
)  # fmt: skip
