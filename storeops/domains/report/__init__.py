"""Reports: what happened to customers, shop by shop and guide by guide, on any past day."""

from storeops.domain import Domain, Noun, ScreenSpec, TaskSpec
from storeops.i18n import N_

HELP = {
    "daily": N_("A day of the chain and of each shop, beside the week before."),
    "store": N_("Each shop: who ended relations, tags given, chats and replies."),
    "staff": N_("Each guide: customers, losses, tags, chats and replies."),
    "handover": N_("Who handed over to whom, what waits, what leavers left."),
    "customers": N_("Where customers came from, who lost them, which tags were given."),
    "photos": N_("Shelf photos: what shops owed, what is there, the pictures."),
}
DOMAIN = Domain(
    name="report",
    title=N_("Reports of any past day: by shop, by guide, of handovers and of customers."),
    needs=("handover", "notify"),
    tables="storeops.domains.report.schema",
    shared="storeops.domains.report.shared:THINGS",
    nouns=(
        Noun(
            name="report", module="commands.report", group="watch",
            help=N_("What a day brought: new, lost, handed over, untagged; by shop and guide."),
        ),
    ),
    screens=(
        ScreenSpec(
            name="reports", key="R", title=N_("Reports"),
            screen="tui.screens.reports:ReportsScreen",
            help=N_("What some days brought, by shop and guide; from a line to its customers."),
        ),
    ),
    tasks=(
        TaskSpec(
            name="report", cron="0 8 * * *", command=("report", "daily", "--quiet"),
            title=N_("Say what yesterday brought, to whom messages go."),
            more="storeops.domains.report.night:sent_to",
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
