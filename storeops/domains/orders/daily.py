"""What shops sold by day and product, for forecasts."""

from __future__ import annotations

from storeops.database.database import Database
from storeops.domains.orders import values

DAY_S = 86_400


def daily_sales(db: Database, now: float) -> list[tuple[str, str, int, float]]:
    """(shop, product code, days since 1970-01-01, pieces) of all purchases, in that order.

    Returns and cancelled orders are left out: what comes back was wanted on the day of the sale.
    Lines without a product code and orders without a shop are left out, too, and today, which is
    not over: what is sold by noon is no day's demand.

    Args:
        db: data.db.
        now: Unix seconds; the zone's offset of today is taken for all days.
    """
    offset = values.day_offset(now)
    rows = db.execute(
        "SELECT o.shop, l.code, (o.paid_at + ?) / ? AS day, sum(l.quantity) / 1000.0"
        " FROM orders_order o JOIN orders_line l ON l.order_id = o.id"
        " WHERE o.status = 'paid' AND o.shop <> '' AND l.code <> '' AND l.quantity > 0"
        " AND day < ?"
        " GROUP BY o.shop, l.code, day ORDER BY o.shop, l.code, day",
        (offset, DAY_S, (int(now) + offset) // DAY_S),
    )
    return rows.fetchall()
