"""Where a profile's history lies: what its last forecast looked at, else what its tills sold."""

from __future__ import annotations

from datetime import date

from storeops.database.database import Database
from storeops.domains.forecast.history import DailySales
from storeops.domains.forecast.run import last_run
from storeops.domains.orders.daily import daily_sales
from storeops.i18n import _


def own(db: Database, now: float) -> DailySales | None:
    """What the profile's tills sold; None where nothing was sold.

    Args:
        db: data.db.
        now: Unix seconds.
    """
    rows = daily_sales(db, now)
    return DailySales(_("the orders"), rows) if rows else None


def latest(db: Database, now: float) -> tuple[str | DailySales, date | None] | None:
    """(history, last known day or None for the last with sales) of the last run, else the orders.

    Returns:
        None where neither is.
    """
    last = dict(last_run(db) or {})
    if last.get("data"):
        return str(last["data"]), date.fromisoformat(str(last["as_of"]))
    sold = own(db, now)
    return None if sold is None else (sold, None)
