"""Who came, who went, day by day, by shop or by guide: what the morning page shows.

New are relations added that day, those that a handover made left out. Lost are relations that the
customer has ended, and those that are gone from the member's list; what moved to a colleague is
handed over, never lost. Who was lost before the first complete reading is not known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from storeops import times
from storeops.database.database import Database
from storeops.reading.overview import department_names

ASSIGNED = 202  # add_way: given by a colleague or an admin (doc 92114)
NEW, BY_CUSTOMER, BY_MEMBER, HANDED_OVER = "new", "by_customer", "by_member", "handed_over"
DAYS = 30


@dataclass(frozen=True, slots=True)
class Moves:
    """What happened in some days; relations.

    Attributes:
        new: added.
        by_customer: ended by the customer.
        by_member: gone from the member's list, otherwise.
        handed_over: gone to a colleague.
    """

    new: int = 0
    by_customer: int = 0
    by_member: int = 0
    handed_over: int = 0

    @property
    def lost(self) -> int:
        """Gone, to nobody."""
        return self.by_customer + self.by_member


@dataclass(frozen=True, slots=True)
class Unit:
    """A shop or a guide.

    Attributes:
        key: department id, or staff.id.
        name: for people.
        customers: active relations.
        waiting: relations that wait for a new owner.
        untagged: active relations without any tag.
        yesterday, week, week_before: moves of yesterday, of the seven days that end with it, and
            of the seven days before.
    """

    key: int
    name: str
    customers: int
    waiting: int
    untagged: int
    yesterday: Moves
    week: Moves
    week_before: Moves

    @property
    def behind(self) -> bool:
        """Whether it added less than half of what it added the week before, of some."""
        return self.week_before.new >= 4 and 2 * self.week.new < self.week_before.new


@dataclass(frozen=True, slots=True)
class Daily:
    """The days until yesterday, and the units of a profile.

    Attributes:
        days: (midnight, moves) of the last `DAYS` days, today last.
        known_since: when the first complete reading began, None never; who was lost before is not
            known, and of those added before only who is still there.
        units: every shop with members or customers, or every guide of the profile's shop.
        by: "store" or "owner".
        total: all units together.
    """

    days: tuple[tuple[float, Moves], ...]
    known_since: int | None
    units: tuple[Unit, ...]
    by: str
    total: Unit


@dataclass(slots=True)
class _Counts:
    """Moves per day and per unit."""

    per_day: Counter[tuple[int, str]] = field(default_factory=Counter)
    per_unit: Counter[tuple[int, int, str]] = field(default_factory=Counter)  # unit, span, kind


def read(db: Database, now: float, shop: int | None = None) -> Daily:
    """Count it; some tenths of a second for two million relations.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
        shop: department id of the profile's shop: its guides are counted; None: all shops.
    """
    today = times.midnight(now)
    starts = [(today - timedelta(days=back)).timestamp() for back in range(DAYS - 1, -1, -1)]
    first = int(starts[0])
    by = "store" if shop is None else "owner"
    column = "store_id" if shop is None else "staff_id"
    only, values = ("", ()) if shop is None else (" AND store_id = ?", (shop,))
    counts = _Counts()
    for unit, moment in db.execute(
        f"SELECT {column}, createtime FROM follow WHERE createtime >= ? AND createtime <= ?"
        f" AND add_way <> {ASSIGNED}{only}",
        (first, int(now), *values),
    ):
        _count(counts, starts, unit, moment, NEW)
    for unit, moment, kind in _ends(db, first, column, only, values):
        _count(counts, starts, unit, moment, kind)
    days = tuple((start, _moves(counts.per_day, (day,))) for day, start in enumerate(starts))
    units = _units(db, column, only, values, counts, shop)
    return Daily(days, _known_since(db), tuple(units), by, _total(units))


def _count(counts: _Counts, starts: Sequence[float], unit: int, moment: float, kind: str) -> None:
    day = bisect_right(starts, moment) - 1
    back = len(starts) - 1 - day  # 0 today, 1 yesterday
    counts.per_day[day, kind] += 1
    if back == 1:
        counts.per_unit[unit, 0, kind] += 1
    if 1 <= back <= 7:
        counts.per_unit[unit, 1, kind] += 1
    elif 8 <= back <= 14:
        counts.per_unit[unit, 2, kind] += 1


def _ends(
    db: Database, since: int, column: str, only: str, values: tuple[int, ...]
) -> list[tuple[int, int, str]]:
    """(unit, moment, kind) of relations that ended, each once, as they stand now."""
    found = {}
    for customer, staff, unit, moment, name, after, deleted in db.execute(
        f"SELECT t.customer_id, t.staff_id, f.{column}, t.at, t.field, t.after,"
        " f.deleted_by_customer_at FROM timeline AS t"
        " JOIN follow AS f ON f.customer_id = t.customer_id AND f.staff_id = t.staff_id"
        f" WHERE t.id >= ? AND t.at >= ? AND t.field IN ('status', 'deleted_by_customer'){only}"
        " AND (f.deleted_by_customer_at IS NOT NULL OR f.status IN ('lost', 'handed_over'))",
        (_first_entry(db, since), since, *values),
    ):
        if name == "deleted_by_customer":
            found[customer, staff] = (unit, moment, BY_CUSTOMER)
        elif after == '"handed_over"':
            found[customer, staff] = (unit, moment, HANDED_OVER)
        elif after == '"lost"' and deleted is None:
            found[customer, staff] = (unit, moment, BY_MEMBER)
        elif after == '"lost"':
            found.setdefault((customer, staff), (unit, moment, BY_CUSTOMER))
    return list(found.values())


def _first_entry(db: Database, since: int) -> int:
    """timeline.id from which entries may be as young as `since`: they are written in order."""
    low, high = 1, int(db.execute("SELECT coalesce(max(id), 0) FROM timeline").fetchone()[0]) + 1
    while low < high:
        middle = (low + high) // 2
        row = db.execute(
            "SELECT at FROM timeline WHERE id >= ? ORDER BY id LIMIT 1", (middle,)
        ).fetchone()
        if row is not None and row[0] < since:
            low = middle + 1
        else:
            high = middle
    return low


def _known_since(db: Database) -> int | None:
    found = db.execute(
        "SELECT min(s.started_at) FROM sync_scope AS s JOIN sync_run AS r ON r.id = s.run_id"
        " WHERE s.scope = 'follows' AND s.outcome = 'complete' AND r.mode <> 'store'"
    ).fetchone()[0]
    return None if found is None else int(found)


def _moves(counter: Counter, place: tuple[int, ...]) -> Moves:  # type: ignore[type-arg]
    return Moves(*(counter[(*place, kind)] for kind in (NEW, BY_CUSTOMER, BY_MEMBER, HANDED_OVER)))


def _units(
    db: Database,
    column: str,
    only: str,
    values: tuple[int, ...],
    counts: _Counts,
    shop: int | None,
) -> list[Unit]:
    statuses: Counter[tuple[int, str]] = Counter()
    where = f" WHERE 1{only}" if only else ""
    for unit, status, rows in db.execute(
        f"SELECT {column}, status, count(*) FROM follow{where} GROUP BY {column}, status", values
    ):
        statuses[unit, status] = rows
    untagged = dict(
        db.execute(
            f"SELECT {column}, count(*) FROM follow AS f WHERE status = 'active' AND NOT EXISTS"
            f" (SELECT 1 FROM follow_tag AS t WHERE t.follow_id = f.id){only} GROUP BY {column}",
            values,
        )
    )
    if shop is None:
        names = _shop_names(db)
        staffed = db.execute(
            "SELECT DISTINCT main_department FROM staff WHERE status = 'active'"
            " AND is_follow_user = 1"
        )
    else:
        names = dict(db.execute("SELECT id, coalesce(nullif(name, ''), userid) FROM staff"))
        staffed = db.execute(
            "SELECT id FROM staff WHERE main_department = ? AND status = 'active'"
            " AND is_follow_user = 1",
            (shop,),
        )
    keys = dict.fromkeys([*(row[0] for row in staffed), *(unit for unit, _status in statuses)])
    return [
        Unit(
            key, names.get(key, ""), statuses[key, "active"], statuses[key, "unassigned"],
            untagged.get(key, 0), *(_moves(counts.per_unit, (key, span)) for span in range(3)),
        )
        for key in keys
    ]  # fmt: skip


def _shop_names(db: Database) -> dict[int, str]:
    from storeops.notebook.stores import list_shops

    names = department_names(db)
    return names | {each.department_id: each.name for each in list_shops(db) if each.name}


def _total(units: Sequence[Unit]) -> Unit:
    def add(parts: Sequence[Moves]) -> Moves:
        return Moves(
            sum(each.new for each in parts), sum(each.by_customer for each in parts),
            sum(each.by_member for each in parts), sum(each.handed_over for each in parts),
        )  # fmt: skip

    return Unit(
        0, "", sum(each.customers for each in units), sum(each.waiting for each in units),
        sum(each.untagged for each in units), add([each.yesterday for each in units]),
        add([each.week for each in units]), add([each.week_before for each in units]),
    )  # fmt: skip
