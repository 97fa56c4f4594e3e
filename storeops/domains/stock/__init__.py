"""Stock of the shops: what lies there by lot and expiry, counted, and what must go today."""

from storeops.domain import Domain, Noun, ScreenSpec
from storeops.i18n import N_

DOMAIN = Domain(
    name="stock",
    title=N_("Stock of shops by lot and expiry: lists, counts, what expires."),
    tables="storeops.domains.stock.schema",
    nouns=(
        Noun(
            name="stock", module="commands.stock",
            help=N_("Stock of shops: import, list, count, what expires."),
        ),
    ),
    screens=(
        ScreenSpec(
            name="stock", key="K", title=N_("Stock"), table="stock_lot",
            screen="tui.screens.stock:StockScreen",
            help=N_("What lies in shops, first expired first, and what to do with it."),
        ),
    ),
    today="storeops.domains.stock.shelf:today",
)  # fmt: skip
