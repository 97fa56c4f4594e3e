"""Loyalty points of a third party: what `docs/architecture.md` walks through in ten steps."""

from storeops.domain import Domain, Noun, ScreenSpec, TaskSpec

DOMAIN = Domain(
    name="loyalty",
    title="Loyalty points of the Acme till.",
    needs=("remarks",),
    tables="acme_loyalty.tables",
    nouns=(
        Noun(name="loyalty", module="acme_loyalty.command", help="Loyalty points.", group="look"),
    ),
    screens=(
        ScreenSpec(
            name="loyalty", key="y", title="Loyalty", screen="acme_loyalty.screen:LoyaltyScreen",
            help="Who has how many points.", table="loyalty_points",
        ),
    ),
    actions={"loyalty_gift": "acme_loyalty.gift:GiftAction"},
    requests=("loyalty_gift",),
    scopes={"loyalty": "acme_loyalty.scope:SCOPE"},
    events={"loyalty_points/earned": "acme_loyalty.event"},
    at_once={"bell": "acme_loyalty.event:ring"},
    conditions={"points": "acme_loyalty.facts:POINTS", "level": "acme_loyalty.facts:LEVEL"},
    columns={"points": "acme_loyalty.facts:COLUMN"},
    card={"loyalty": "acme_loyalty.facts:card"},
    erase={"points": "acme_loyalty.facts"},
    shared="acme_loyalty.facts:SHARED",
    submissions={"loyalty_points": "acme_loyalty.facts:SUBMISSION"},
    refreshed="acme_loyalty.facts:refreshed",
    today="acme_loyalty.facts:today",
    checks="acme_loyalty.facts:checks",
    reports={"points": "acme_loyalty.facts:report"},
    tasks=(
        TaskSpec(
            name="loyalty", cron="0 6 * * *", command=("loyalty", "list"), title="Who has points.",
        ),
    ),
    alarms={"loyalty_gold": "acme_loyalty.facts:GOLD"},
    senders={"till": "acme_loyalty.facts:send"},
    completion={"level": "acme_loyalty.facts:levels"},
    demo="acme_loyalty.facts:furnish",
    catalogue="acme_loyalty.locale",
)  # fmt: skip
