"""What a profile forecasts when nobody says of what: its last run's history, else its tills'."""

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
    """(history, last known day) of what is forecast when nobody says of what.

    The folder of the last run, up to the day that it took for the last; where that was what tills
    sold, or there was no run, all that they have sold by now (None for the last day with sales).

    Returns:
        None where neither is.
    """
    last = dict(last_run(db) or {})
    if last.get("data"):
        return str(last["data"]), date.fromisoformat(str(last["as_of"]))
    sold = own(db, now)
    return None if sold is None else (sold, None)
