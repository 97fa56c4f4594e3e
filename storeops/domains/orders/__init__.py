"""What customers bought, by whichever till: orders, products, and what follows from them."""

from storeops.domain import Domain, Noun, ScreenSpec, TaskSpec
from storeops.i18n import N_

DOOR = (
    "daily",
    "facts",
    "importing",
    "matching",
    "products",
    "receipts",
    "sold",
    "values",
)  # what other domains may use
DOMAIN = Domain(
    name="orders",
    title=N_("What customers bought: orders of all channels, products, value, next purchases."),
    tables="storeops.domains.orders.schema",
    nouns=(
        Noun(
            name="order", module="commands.order",
            help=N_("Orders: import, list, say whose they are."),
        ),
        Noun(
            name="product", module="commands.product",
            help=N_("Products: import and list names, categories, warranties."),
        ),
        Noun(
            name="value", module="commands.value",
            help=N_("What customers are worth: segments, reasons, next purchases."),
        ),
    ),
    screens=(
        ScreenSpec(
            name="orders", key="O", title=N_("Orders"), screen="tui.screens.orders:OrdersScreen",
            help=N_("What customers bought, whose orders are not known and why, sums by shop, "
                    "channel and day."),
        ),
    ),
    tasks=(
        TaskSpec(
            name="orders", cron="0 3 * * *", command=("order", "import", "--watched", "--quiet"),
            title=N_("Take in new files of watched folders."), timeout_s=2 * 3600,
        ),
        TaskSpec(
            name="match", cron="10 3 * * *", command=("order", "match", "--quiet"),
            title=N_("Look whose the orders are that wait."),
        ),
        TaskSpec(
            name="value", cron="20 3 * * *", command=("value", "run", "--quiet"),
            title=N_("Reckon value and segments at the end of yesterday."),
        ),
    ),
    conditions={
        "spent": "storeops.domains.orders.facts:SPENT",
        "orders": "storeops.domains.orders.facts:ORDERS",
        "last-order": "storeops.domains.orders.facts:LAST_ORDER",
        "bought": "storeops.domains.orders.facts:BOUGHT",
        "segment": "storeops.domains.orders.facts:SEGMENT",
        "channel": "storeops.domains.orders.facts:CHANNEL",
        "shop-bought": "storeops.domains.orders.facts:SHOP_BOUGHT",
        "warranty": "storeops.domains.orders.facts:WARRANTY",
        "next": "storeops.domains.orders.facts:NEXT",
    },
    columns={
        "spent_fen": "storeops.domains.orders.facts:SPENT_COLUMN",
        "orders": "storeops.domains.orders.facts:ORDERS_COLUMN",
        "last_order": "storeops.domains.orders.facts:LAST_COLUMN",
        "segment": "storeops.domains.orders.facts:SEGMENT_COLUMN",
    },
    card={"purchases": "storeops.domains.orders.facts:card"},
    erase={"orders": "storeops.domains.orders.forget"},
    shared="storeops.domains.orders.shared:THINGS",
    today="storeops.domains.orders.facts:today",
    refreshed="storeops.domains.orders.matching:refreshed",
    demo="storeops.domains.orders.demo:furnish",
    completion={
        "order_source": "storeops.domains.orders.facts:complete_source",
        "channel": "storeops.domains.orders.facts:complete_channel",
        "shop-bought": "storeops.domains.orders.facts:complete_shop",
        "bought": "storeops.domains.orders.facts:complete_article",
        "segment": "storeops.domains.orders.facts:complete_segment",
    },
)  # fmt: skip
