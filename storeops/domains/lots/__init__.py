"""Lots: where each came from and went, from the farm's tank to the till, and calling one back."""

from storeops.domain import Domain, Noun
from storeops.i18n import N_

DOMAIN = Domain(
    name="lots",
    title=N_("Lots from farm to shelf: events, tracing both ways, recalls."),
    needs=("suppliers", "orders", "notify", "care"),
    tables="storeops.domains.lots.schema",
    nouns=(
        Noun(
            name="lot", module="commands.lot",
            help=N_("Lots: take in what happened to them, show one."),
        ),
        Noun(
            name="trace", module="commands.trace",
            help=N_("Trace a lot back and forward, call it back, infer a lot."),
        ),
    ),
    today="storeops.domains.lots.recall:today",
)  # fmt: skip
