"""One head office, many back offices: facts of each shop flow down over NATS JetStream.

Head office publishes what its mirror learns, each shop's part to that shop alone; a back office
without a secret fills its ordinary mirror from there. Streams, rights, replay and encryption are
the server's; nothing of a broker is built here.
"""

from storeops.domain import Domain, Noun
from storeops.i18n import N_

DOOR = (
    "arriving", "demo", "following", "joining", "office", "outbox", "publishing", "server",
    "settings", "status", "stores", "things",
)  # fmt: skip

DOMAIN = Domain(
    name="hub",
    title=N_("Head office and back offices: each shop's part of the mirror at the shop."),
    tables="storeops.hub.schema",
    nouns=(
        Noun(
            name="hub", module="commands.hub", group="setup",
            help=N_("Head office and back offices: publish, follow, who has joined."),
        ),
    ),
    card={"elsewhere": "storeops.hub.card:elsewhere"},
    checks="storeops.hub.checks:checks",
)  # fmt: skip
