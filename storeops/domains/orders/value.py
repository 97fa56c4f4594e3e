"""What customers are worth: recency, frequency and spending at a fixed day, eight segments, and a
rank of who buys next.

Cut points are quintiles of the day they were made; they stay until somebody renews them, so that a
customer changes segment for what the customer did and not for what others did. The rank counts
days with a purchase, each half as much after 180 days: it says best who buys in the next 30 days
(`make bench` prints the measure beside the single ranks).
"""

from __future__ import annotations

import json
import math
import sqlite3
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.orders import bgnbd, customer_sets, facts, sources, values
from storeops.domains.orders.bgnbd import BuyingHistory, FittedBgNbd
from storeops.domains.orders.segments import HIGH, SEGMENTS, segment_of
from storeops.durations import span
from storeops.errors import ConflictError, NotFoundError
from storeops.i18n import _, plural
from storeops.mirror import meta
from storeops.reading import identities

DAY_S = 86_400
HALF_LIFE_DAYS = 180
_WRITTEN = 20_000  # rows a transaction
HORIZON_DAYS = 30


@dataclass(frozen=True, slots=True)
class CutPoints:
    """Where scores begin: four values each, ascending.

    Attributes:
        made_on: the day, 2026-05-31.
        recency_days, frequency, monetary_fen: a larger value than k of them scores k + 1 (recency:
            5 - k).
    """

    made_on: str
    recency_days: tuple[int, ...]
    frequency: tuple[int, ...]
    monetary_fen: tuple[int, ...]

    def scores(self, days: int, frequency: int, fen: int) -> tuple[int, int, int]:
        """R, F and M, 1 to 5."""
        return (
            5 - bisect_left(self.recency_days, days),
            1 + bisect_left(self.frequency, frequency),
            1 + bisect_left(self.monetary_fen, fen),
        )


@dataclass(frozen=True, slots=True)
class ValueRun:
    """What a run found.

    Attributes:
        as_of: the day whose end counts, 2026-05-31.
        customers: with a purchase until then.
        cuts: the cut points used.
        renewed: whether they were made now.
        segments: segment → customers.
        model: "" | "bg/nbd" | "rate" (the fit ran to the edge: nobody seems to leave).
        parameters: r, alpha, a, b of the model; empty without one.
    """

    as_of: str
    customers: int
    cuts: CutPoints
    renewed: bool
    segments: dict[str, int]
    model: str = ""
    parameters: tuple[float, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The object of `value run --json`."""
        return {
            "as_of": self.as_of,
            "customers": self.customers,
            "cuts": {
                "made_on": self.cuts.made_on,
                "recency_days": list(self.cuts.recency_days),
                "frequency": list(self.cuts.frequency),
                "monetary_fen": list(self.cuts.monetary_fen),
            },
            "renewed": self.renewed,
            "segments": {key: self.segments.get(key, 0) for key in SEGMENTS},
            "model": self.model or None,
            "parameters": list(self.parameters),
        }


class _Histories:
    """What customers with a purchase did until a day, one number a customer in each column: a
    million of them take 64 MB. Ascending by customer."""

    def __init__(self) -> None:
        self.customer, self.last_at, self.frequency, self.fen = (array("q") for _ in range(4))
        self.days, self.first_day, self.last_day = (array("q") for _ in range(3))
        self.score = array("d")

    def __len__(self) -> int:
        return len(self.customer)

    def past(self, at: int, end_day: int) -> BuyingHistory:
        """What the model asks of one customer."""
        return bgnbd.history(self.days[at], self.first_day[at], self.last_day[at], end_day)


def quintiles(found: Sequence[int]) -> tuple[int, ...]:
    """Four cut points: the values at a fifth, two, three and four fifths of a sorted list."""
    if not found:
        return (0, 0, 0, 0)
    ordered = sorted(found)
    return tuple(ordered[max(0, -(-len(ordered) * k // 5) - 1)] for k in (1, 2, 3, 4))


def _histories(connection: sqlite3.Connection, end: int, offset: int) -> _Histories:
    """Customers with a purchase before `end`, in one walk along an index."""
    found = _Histories()
    end_day = (end - 1 + offset) // DAY_S
    weight = cache(lambda ago: math.pow(2, -ago / HALF_LIFE_DAYS))
    rows = connection.execute(
        "SELECT customer_id, paid_at, status, CASE WHEN currency = ? THEN amount_fen ELSE 0 END"
        " FROM orders_order WHERE customer_id IS NOT NULL AND paid_at < ?"
        " AND status <> 'cancelled' ORDER BY customer_id, paid_at",
        (sources.home_currency(connection), end),
    )
    for customer, group in groupby(rows, itemgetter(0)):
        last = purchases = fen = 0
        days: list[int] = []
        for _customer, paid_at, status, amount in group:
            fen += amount
            if status == values.PAID:
                last = paid_at
                purchases += 1
                day = (paid_at + offset) // DAY_S
                if not days or days[-1] != day:
                    days.append(day)
        if purchases:
            found.customer.append(customer)
            found.last_at.append(last)
            found.frequency.append(purchases)
            found.fen.append(fen)
            found.days.append(len(days))
            found.first_day.append(days[0])
            found.last_day.append(days[-1])
            found.score.append(math.fsum(weight(end_day - each) for each in days))
    return found


def stored_cuts(connection: sqlite3.Connection) -> CutPoints | None:
    """The cut points in force."""
    row = connection.execute("SELECT value FROM orders_meta WHERE key = 'cuts'").fetchone()
    if row is None:
        return None
    found = json.loads(row[0])
    return CutPoints(
        found["made_on"], tuple(found["recency_days"]), tuple(found["frequency"]),
        tuple(found["monetary_fen"]),
    )  # fmt: skip


def run_value(
    db: Database,
    now: float,
    *,
    end: int | None = None,
    renew: bool = False,
    model: bool = False,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> ValueRun:
    """Reckon what every customer is worth at the end of a day.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
        end: the end of the day (exclusive), Unix seconds; None for the last midnight, until which
            nobody may have bought anything.
        renew: make new cut points.
        model: fit BG/NBD for the purchases to be expected.
        on_progress: told how many customers are done.

    Raises:
        NotFoundError: nobody has bought anything until the day asked for.
        ConfigError: the model needs scipy, which is not installed.
    """
    meta.must_be_kept_here(db.connection)
    asked = end is not None
    end = int(times.midnight(now).timestamp()) if end is None else end
    as_of = times.day(end - 1)
    offset = values.day_offset(end)
    end_day = (end - 1 + offset) // DAY_S
    found = _histories(db.connection, end, offset)
    if not len(found) and not asked:  # every night of a chain that has taken in no orders yet
        with db.atomic() as connection:
            connection.execute("DELETE FROM orders_value")
            customer_sets.drop(connection)
        return ValueRun(as_of, 0, CutPoints(as_of, *[(0, 0, 0, 0)] * 3), False, {})
    if not len(found):
        raise NotFoundError(
            _("No matched purchase until the end of {day}.").format(day=as_of),
            hint=_("Import orders first, then see who they are: `storeops order match`."),
        )
    recency = array("q", ((end - 1 - each) // DAY_S for each in found.last_at))
    cuts = stored_cuts(db.connection)
    renewed = renew or cuts is None
    if cuts is None or renew:
        cuts = CutPoints(
            as_of, quintiles(recency), quintiles(found.frequency), quintiles(found.fen)
        )
    fitted: FittedBgNbd | None = None
    if model:
        fitted = bgnbd.fit(found.past(at, end_day) for at in range(len(found)))
    counts: Counter[str] = Counter()
    with db.atomic() as connection:
        customer_sets.drop(connection)
    for start in range(0, len(found), _WRITTEN):
        rows = []
        for at in range(start, min(start + _WRITTEN, len(found))):
            days, frequency, fen = recency[at], found.frequency[at], found.fen[at]
            r, f, m = cuts.scores(days, frequency, fen)
            segment = segment_of(r, f, m)
            counts[segment] += 1
            expected = alive = None
            if fitted is not None:
                expected, alive = fitted.outlook(found.past(at, end_day), HORIZON_DAYS)
            rows.append(
                (found.customer[at], days, frequency, fen, r, f, m, segment,
                 round(found.score[at], 6), expected, alive)
            )  # fmt: skip
        after = start + _WRITTEN
        upto = found.customer[after] - 1 if after < len(found) else 2**62
        _keep(db, rows, found.customer[start] if start else 0, upto)
        on_progress(start + len(rows))
    with db.atomic() as connection:
        about = {"made_on": cuts.made_on, "recency_days": cuts.recency_days,
                 "frequency": cuts.frequency, "monetary_fen": cuts.monetary_fen}  # fmt: skip
        for key, text in (("cuts", json.dumps(about)), ("as_of", str(end))):
            connection.execute("INSERT OR REPLACE INTO orders_meta VALUES (?, ?)", (key, text))
    customer_sets.hold(db)
    return ValueRun(
        as_of, len(found), cuts, renewed, dict(counts),
        "" if fitted is None else "bg/nbd" if fitted.inside else "rate",
        () if fitted is None else fitted.parameters,
    )  # fmt: skip


def _keep(db: Database, rows: Sequence[tuple[Any, ...]], low: int, high: int) -> None:
    """Write what differs of the customers from `low` to `high`, in one short transaction; who is
    not among them any more leaves."""
    with db.atomic() as connection:
        known = {row[0]: row for row in connection.execute(
            "SELECT customer_id, recency_days, frequency, monetary_fen, r, f, m, segment,"
            " score, expected, alive FROM orders_value WHERE customer_id BETWEEN ? AND ?",
            (low, high),
        )}  # fmt: skip
        connection.executemany(
            "INSERT OR REPLACE INTO orders_value VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [row for row in rows if known.pop(row[0], None) != row],
        )
        connection.executemany(
            "DELETE FROM orders_value WHERE customer_id = ?", [(key,) for key in known]
        )


def segments(db: Database) -> list[dict[str, Any]]:
    """Segments with customers, share of spending and what is usually done; the best first."""
    found = {row["segment"]: row for row in db.rows(
        "SELECT segment, count(*) AS customers, sum(monetary_fen) AS spent_fen FROM orders_value"
        " GROUP BY segment")}  # fmt: skip
    return [
        {
            "segment": key,
            "name": _(each.name),
            "customers": found[key]["customers"] if key in found else 0,
            "spent_fen": found[key]["spent_fen"] if key in found else 0,
            "hint": _(each.hint),
        }
        for key, each in SEGMENTS.items()
    ]


def show(db: Database, customer: int, now: float) -> dict[str, Any]:
    """What one customer is worth, and by which facts.

    Raises:
        NotFoundError: no purchase of this customer is known.
        ConflictError: `value run` has not been run since the first one.
    """
    row = next(iter(db.rows(
        "SELECT recency_days, frequency, monetary_fen, r, f, m, segment, score, expected, alive"
        " FROM orders_value WHERE customer_id = ?", (customer,))), None)  # fmt: skip
    cuts = stored_cuts(db.connection)
    if row is None or cuts is None:
        bought = db.execute(
            "SELECT 1 FROM orders_customer WHERE customer_id = ?", (customer,)
        ).fetchone()
        if bought is None:
            raise NotFoundError(_("No purchase of this customer is known."))
        raise ConflictError(
            _("Values were not reckoned since this customer's first purchase."),
            hint=_("Run `storeops value run`."),
            next_steps=["storeops value run"],
        )
    end = int(db.execute("SELECT value FROM orders_meta WHERE key = 'as_of'").fetchone()[0])
    external, name = identities.people(db.connection, [customer]).get(customer, ("", ""))
    return {
        "external_userid": external,
        "name": name,
        "as_of": times.day(end - 1),
        **row,
        "segment_name": _(SEGMENTS[row["segment"]].name),
        "cuts_made_on": cuts.made_on,
        "reasons": _reasons(row, cuts, sources.home_currency(db.connection)),
        "next": [_next(db, customer, each, now) for each in facts.due(db, customer, now)],
    }


def _reasons(row: dict[str, Any], cuts: CutPoints, currency: str) -> list[str]:
    """Why the scores are what they are, in sentences."""
    return [
        _("R{score}: last purchase {days} ago; high up to {cut}").format(
            score=row["r"],
            days=plural("{count} day", "{count} days", row["recency_days"]),
            cut=plural("{count} day", "{count} days", cuts.recency_days[5 - HIGH]),
        ),
        plural(
            "F{score}: {count} purchase; high above {cut}",
            "F{score}: {count} purchases; high above {cut}",
            row["frequency"], score=row["f"], cut=cuts.frequency[HIGH - 2],
        ),
        _("M{score}: {amount} {currency}; high above {cut}").format(
            score=row["m"], amount=values.yuan(row["monetary_fen"]), currency=currency,
            cut=values.yuan(cuts.monetary_fen[HIGH - 2]),
        ),
    ]  # fmt: skip


def _next(db: Database, customer: int, row: dict[str, Any], now: float) -> dict[str, Any]:
    last = [at for (at,) in db.execute(
        "SELECT DISTINCT o.paid_at FROM orders_order o JOIN orders_line l ON l.order_id = o.id"
        " WHERE o.customer_id = ? AND l.code = ? AND l.quantity > 0 AND o.status = 'paid'"
        " ORDER BY o.paid_at DESC LIMIT 3", (customer, row["code"]))]  # fmt: skip
    return {
        "code": row["code"],
        "name": row["name"],
        "next_at": row["next_at"],
        "warranty_until": row["warranty_until"],
        "last": last,
        "mean_gap_s": row["gap_s"],
        "since_s": int(now) - row["last_at"],
        "text": _("last bought {ago} ago").format(ago=span(now - row["last_at"])),
    }
