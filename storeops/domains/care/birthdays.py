"""Birthdays, where they are known: what a guide noted, and what a member card says.

The year is nobody's business here and is not kept. On years without a 29th of February the day
before stands for it.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator
from datetime import date, timedelta

from storeops.database.database import Database
from storeops.domains.orders import matching
from storeops.errors import NotFoundError
from storeops.i18n import _
from storeops.mirror import meta
from storeops.reading import identities


def note_birthday(db: Database, external_userid: str, day: str, who: str, now: float) -> None:
    """Keep a customer's birthday; "" forgets it.

    Args:
        db: data.db.
        external_userid: a customer of the mirror.
        day: as `values.birthday` gives it: 05-01.
        who: whose word it is.
        now: Unix seconds.

    Raises:
        NotFoundError: nothing was noted that could be forgotten.
    """
    meta.must_be_kept_here(db.connection)
    with db.atomic() as connection:
        if day:
            connection.execute(
                "INSERT OR REPLACE INTO care_birthday VALUES (?, ?, ?, ?)",
                (external_userid, day, who, int(now)),
            )
            return
        gone = connection.execute(
            "DELETE FROM care_birthday WHERE external_userid = ?", (external_userid,)
        ).rowcount
    if not gone:
        raise NotFoundError(_("No birthday of this customer was noted here."))


def noted(db: Database, external_userid: str) -> str:
    """05-01; "" when nobody noted it."""
    row = db.execute(
        "SELECT day FROM care_birthday WHERE external_userid = ?", (external_userid,)
    ).fetchone()
    return row[0] if row else ""


def between(db: Database, first: date, last: date) -> Iterator[tuple[int, date]]:
    """(customer.id, the day) of birthdays from `first` to `last`; what a guide noted goes before
    what a card says.

    Args:
        db: data.db.
        first, last: less than a year apart.
    """
    wanted: dict[str, date] = {}
    for after in range((last - first).days + 1):
        day = first + timedelta(after)
        wanted.setdefault(f"{day:%m-%d}", day)
        if (day.month, day.day) == (2, 28) and not isleap(day.year):
            wanted["02-29"] = day
    told = dict(db.execute("SELECT external_userid, day FROM care_birthday").fetchall())
    ids = identities.ids_of(db.connection, told)
    days = matching.born_on(db, wanted) | {ids[each]: told[each] for each in ids}
    for customer, born in sorted(days.items()):
        if born in wanted:
            yield customer, wanted[born]
