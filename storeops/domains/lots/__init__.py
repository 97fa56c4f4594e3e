"""Lots: where each came from and went, from the farm's tank to the till, and calling one back."""

from storeops.domain import Domain, Noun, ScreenSpec
from storeops.i18n import N_

DOOR = ("coming", "recall")  # what other domains may use
DOMAIN = Domain(
    name="lots",
    title=N_("Lots from farm to shelf: events, tracing both ways, recalls."),
    needs=("suppliers", "orders", "notify", "care"),
    tables="storeops.domains.lots.schema",
    office=True,
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
    screens=(
        ScreenSpec(
            name="tracing", key="T", title=N_("Tracing"), table="lots_thing",
            screen="tui.screens.tracing:TracingScreen",
            help=N_("A lot, what went into it and what was made of it, walked both ways."),
        ),
    ),
    today="storeops.domains.lots.recall:today",
)  # fmt: skip
