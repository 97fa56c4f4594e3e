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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.orders import facts, sources, values
from storeops.domains.orders.segments import HIGH, SEGMENTS, segment_of
from storeops.durations import span
from storeops.errors import ConflictError, NotFoundError
from storeops.i18n import _
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
            5 - sum(days > each for each in self.recency_days),
            1 + sum(frequency > each for each in self.frequency),
            1 + sum(fen > each for each in self.monetary_fen),
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


@dataclass(slots=True)
class _History:
    """One customer until the day."""

    customer: int
    last_at: int
    first_at: int
    frequency: int
    fen: int
    days: list[int]

    def score(self, end_day: int) -> float:
        return math.fsum(math.pow(2, (each - end_day) / HALF_LIFE_DAYS) for each in self.days)


def quintiles(found: Sequence[int]) -> tuple[int, ...]:
    """Four cut points: the values at a fifth, two, three and four fifths of a sorted list."""
    if not found:
        return (0, 0, 0, 0)
    ordered = sorted(found)
    return tuple(ordered[max(0, -(-len(ordered) * k // 5) - 1)] for k in (1, 2, 3, 4))


def _histories(connection: sqlite3.Connection, end: int, offset: int) -> Iterator[_History]:
    """Customers with a purchase before `end`, in one walk along an index."""
    currency = sources.home_currency(connection)
    rows = connection.execute(
        "SELECT customer_id, paid_at, status, CASE WHEN currency = ? THEN amount_fen ELSE 0 END"
        " FROM orders_order WHERE customer_id IS NOT NULL AND paid_at < ?"
        " AND status <> 'cancelled' ORDER BY customer_id, paid_at",
        (currency, end),
    )
    for customer, group in groupby(rows, lambda row: row[0]):
        first = last = purchases = fen = 0
        days: list[int] = []
        for _customer, paid_at, status, amount in group:
            fen += amount
            if status == values.PAID:
                first = first or paid_at
                last = paid_at
                purchases += 1
                day = (paid_at + offset) // DAY_S
                if not days or days[-1] != day:
                    days.append(day)
        if purchases:
            yield _History(customer, last, first, purchases, fen, days)


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
        end: the end of the day (exclusive), Unix seconds; None for the last midnight.
        renew: make new cut points.
        model: fit BG/NBD for the purchases to be expected.
        on_progress: told how many customers are done.

    Raises:
        NotFoundError: nobody has bought anything until then.
        ConfigError: the model needs scipy, which is not installed.
    """
    end = int(times.midnight(now).timestamp()) if end is None else end
    as_of = times.day(end - 1)
    offset = values.day_offset(end)
    end_day = (end - 1 + offset) // DAY_S
    found = list(_histories(db.connection, end, offset))
    if not found:
        raise NotFoundError(
            _("No matched purchase until the end of {day}.").format(day=as_of),
            hint=_("Import orders first, then see who they are: `storeops order match`."),
        )
    recency = [(end - 1 - each.last_at) // DAY_S for each in found]
    cuts = stored_cuts(db.connection)
    renewed = renew or cuts is None
    if cuts is None or renew:
        cuts = CutPoints(
            as_of, quintiles(recency), quintiles([each.frequency for each in found]),
            quintiles([each.fen for each in found]),
        )  # fmt: skip
    fitted: Any = None
    if model:
        from storeops.domains.orders import bgnbd

        fitted = bgnbd.fit([bgnbd.history(each.days, end_day) for each in found])
    counts: dict[str, int] = {}
    rows = []
    for each, days in zip(found, recency, strict=True):
        r, f, m = cuts.scores(days, each.frequency, each.fen)
        segment = segment_of(r, f, m)
        counts[segment] = counts.get(segment, 0) + 1
        expected = alive = None
        if fitted is not None:
            expected, alive = fitted.outlook(bgnbd.history(each.days, end_day), HORIZON_DAYS)
        rows.append(
            (each.customer, days, each.frequency, each.fen, r, f, m, segment,
             round(each.score(end_day), 6), expected, alive)
        )  # fmt: skip
    _keep(db, rows, on_progress)
    with db.atomic() as connection:
        about = {"made_on": cuts.made_on, "recency_days": cuts.recency_days,
                 "frequency": cuts.frequency, "monetary_fen": cuts.monetary_fen}  # fmt: skip
        for key, text in (("cuts", json.dumps(about)), ("as_of", str(end))):
            connection.execute("INSERT OR REPLACE INTO orders_meta VALUES (?, ?)", (key, text))
    return ValueRun(
        as_of, len(rows), cuts, renewed, counts,
        "" if fitted is None else "bg/nbd" if fitted.inside else "rate",
        () if fitted is None else fitted.parameters,
    )  # fmt: skip


def _keep(
    db: Database, rows: Sequence[tuple[Any, ...]], on_progress: Callable[[int], None]
) -> None:
    """Write what differs, in short transactions; who has no purchase any more leaves."""
    for start in range(0, len(rows), _WRITTEN):
        piece = rows[start : start + _WRITTEN]
        low, high = piece[0][0], piece[-1][0]
        with db.atomic() as connection:
            known = {row[0]: row for row in connection.execute(
                "SELECT customer_id, recency_days, frequency, monetary_fen, r, f, m, segment,"
                " score, expected, alive FROM orders_value WHERE customer_id BETWEEN ? AND ?",
                (low, high),
            )}  # fmt: skip
            connection.executemany(
                "INSERT OR REPLACE INTO orders_value VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [row for row in piece if known.pop(row[0], None) != row],
            )
            connection.executemany(
                "DELETE FROM orders_value WHERE customer_id = ?", [(key,) for key in known]
            )
        on_progress(start + len(piece))
    ids = [rows[start][0] for start in range(0, len(rows), _WRITTEN)]
    bounds = [*zip([0, *(rows[start - 1][0] + 1 for start in range(_WRITTEN, len(rows), _WRITTEN))],
                   [each - 1 for each in ids], strict=True),
              (rows[-1][0] + 1, 2**62)]  # fmt: skip
    with db.atomic() as connection:
        connection.executemany("DELETE FROM orders_value WHERE customer_id BETWEEN ? AND ?", bounds)


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
        _("R{score}: last purchase {days} days ago; high up to {cut} days").format(
            score=row["r"], days=row["recency_days"], cut=cuts.recency_days[5 - HIGH]
        ),
        _("F{score}: {count} purchases; high above {cut}").format(
            score=row["f"], count=row["frequency"], cut=cuts.frequency[HIGH - 2]
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
