"""Stock of the shops: what lies there by lot and expiry, what must go today, and shelf photos."""

from storeops.domain import Domain, Noun, ScreenSpec, TaskSpec
from storeops.i18n import N_

DOOR = ("shelf",)  # what other domains may use
DOMAIN = Domain(
    name="stock",
    title=N_("Stock of shops by lot and expiry: lists, counts, what expires, photos."),
    needs=("notify", "lots", "orders"),
    tables="storeops.domains.stock.schema",
    office=True,
    nouns=(
        Noun(
            name="stock", module="commands.stock",
            help=N_("Stock of shops: import, list, count, what expires, photos."),
        ),
    ),
    screens=(
        ScreenSpec(
            name="stock", key="K", title=N_("Stock"), table="stock_lot",
            screen="tui.screens.stock:StockScreen",
            help=N_("What lies in shops, first expired first, and what to do with it."),
        ),
    ),
    today="storeops.domains.stock.morning:today",
    events={"image": "storeops.domains.stock.received:PHOTO"},
    tasks=(
        TaskSpec(
            name="photos", cron="*/30 8-21 * * *",
            command=("stock", "photos", "chase", "--quiet"),
            title=N_("Tell shops which shelf photos they owe."), catch_up=False,
        ),
    ),
    reports={"photos": "storeops.domains.stock.photo_report:photos_of"},
)  # fmt: skip
