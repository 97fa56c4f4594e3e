"""Tomorrow's demand and what to order for it, shop by shop and product by product."""

from storeops.domain import Domain, Noun, ScreenSpec
from storeops.i18n import N_

DOMAIN = Domain(
    name="forecast",
    title=N_("Forecasts of demand by shop and product, and orders made from them."),
    needs=("orders", "stock", "lots"),
    tables="storeops.domains.forecast.schema",
    office=True,
    nouns=(
        Noun(
            name="forecast", module="commands.forecast",
            help=N_("Demand of the days ahead: forecast, score, explain, order."),
        ),
    ),
    screens=(
        ScreenSpec(
            name="forecast", key="W", title=N_("Forecast"), table="orders_order",
            screen="tui.screens.forecast:ForecastScreen",
            help=N_("What shops sold and will sell, as a picture; what to order by shelf life."),
        ),
    ),
)  # fmt: skip
