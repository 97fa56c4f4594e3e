"""Reports: what happened to customers, shop by shop and guide by guide, on any past day."""

from storeops.domain import Domain, Noun
from storeops.i18n import N_

DOMAIN = Domain(
    name="report",
    title=N_("Reports of any past day: by shop, by guide, of handovers and of customers."),
    needs=("handover",),
    tables="storeops.domains.report.schema",
    nouns=(
        Noun(
            name="report", module="commands.report", group="watch",
            help=N_("What a day brought: new, lost, handed over, untagged; by shop and guide."),
        ),
    ),
    reports={
        "daily": "storeops.domains.report.daily:daily",
        "store": "storeops.domains.report.stores:stores",
        "staff": "storeops.domains.report.guides:guides",
        "handover": "storeops.domains.report.moves:moves",
        "customers": "storeops.domains.report.people:people",
    },
)  # fmt: skip
