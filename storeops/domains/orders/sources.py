"""Where orders come from: tills, shop systems, marketplaces, and what is remembered of each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _
from storeops.spelling import did_you_mean


@dataclass(frozen=True, slots=True)
class OrderSource:
    """A source.

    Attributes:
        id: its key.
        name: as people call it.
        channel, zone, currency: of orders that do not say; zone is an IANA name or "".
        hashed: phones are kept as keyed hashes only.
        columns: heading → field, as a person said it.
        folder: that is watched: absolute path, "" for none.
    """

    id: int
    name: str
    channel: str
    zone: str
    currency: str
    hashed: bool
    columns: Mapping[str, str]
    folder: str = ""


def names(db: Database) -> list[str]:
    """The names of all sources."""
    return [each for (each,) in db.execute("SELECT name FROM orders_source ORDER BY name")]


def find(db: Database, name: str) -> OrderSource:
    """A source by its name.

    Raises:
        NotFoundError: there is none of that name.
    """
    row = db.execute(
        "SELECT id, name, channel, zone, currency, hashed, mapping, folder FROM orders_source"
        " WHERE name = ?",
        (name,),
    ).fetchone()
    if row is None:
        raise NotFoundError(
            _("There is no source {name}.").format(name=name),
            hint=did_you_mean(name, names(db), _("`storeops order sources` names all of them.")),
        )
    key, name, channel, zone, currency, hashed, columns, folder = row
    return OrderSource(
        key, name, channel, zone, currency, bool(hashed), json.loads(columns), folder
    )


def watched(db: Database) -> list[OrderSource]:
    """Sources whose folder is watched, by name."""
    rows = db.execute("SELECT name FROM orders_source WHERE folder <> '' ORDER BY name").fetchall()
    return [find(db, name) for (name,) in rows]


def watch(db: Database, source: OrderSource, folder: str) -> None:
    """Look at a folder again every night; "" at none any more."""
    if source.folder != folder:
        with db.atomic() as connection:
            connection.execute(
                "UPDATE orders_source SET folder = ? WHERE id = ?", (folder, source.id)
            )


def prepare(
    db: Database,
    name: str,
    now: int,
    *,
    channel: str = "",
    zone: str = "",
    currency: str = "",
    hashed: bool | None = None,
    columns: Mapping[str, str] | None = None,
) -> OrderSource:
    """A source as it is to be from now on: what is given is remembered, the rest stays.

    Raises:
        UsageError: a name or currency that is none.
        ConfigError: no such zone.
    """
    name = name.strip()
    if not name or len(name) > 60:
        raise UsageError(_("A source needs a name of 1 to 60 characters: --source till"))
    currency = currency.strip().upper()
    if currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise UsageError(_("“{value}” is no currency (CNY)").format(value=currency[:40]))
    if zone:
        times.find_zone(zone)
    with db.atomic() as connection:
        connection.execute(
            "INSERT INTO orders_source (name, created_at) VALUES (?, ?)"
            " ON CONFLICT (name) DO NOTHING",
            (name, now),
        )
        before = find(db, name)
        mapping = {**before.columns, **(columns or {})}
        after = (
            channel or before.channel, zone or before.zone, currency or before.currency,
            before.hashed if hashed is None else hashed, mapping,
        )  # fmt: skip
        if after != (before.channel, before.zone, before.currency, before.hashed, before.columns):
            connection.execute(
                "UPDATE orders_source SET channel = ?, zone = ?, currency = ?, hashed = ?,"
                " mapping = ? WHERE id = ?",
                (*after[:4], json.dumps(mapping, ensure_ascii=False), before.id),
            )
        return find(db, name)


def listing(db: Database) -> list[dict[str, Any]]:
    """Every source with what it brought; times in Unix seconds."""
    rows = db.rows(
        "SELECT s.name, s.channel, s.zone, s.currency, s.hashed, s.mapping AS columns, s.folder,"
        " count(o.id) AS orders, sum(o.customer_id IS NULL) AS unmatched,"
        " min(o.paid_at) AS first_at, max(o.paid_at) AS last_at, s.imported_at"
        " FROM orders_source s LEFT JOIN orders_order o ON o.source_id = s.id"
        " GROUP BY s.id ORDER BY s.name"
    )
    for row in rows:
        row["hashed"] = bool(row["hashed"])
        row["unmatched"] = row["unmatched"] or 0 if row["orders"] else 0
        row["columns"] = json.loads(row["columns"])
    return rows


def note_import(db: Database, source: OrderSource, now: int) -> None:
    """An import of this source ended."""
    with db.atomic() as connection:
        connection.execute(
            "UPDATE orders_source SET imported_at = ? WHERE id = ?", (now, source.id)
        )


def files(db: Database, source: OrderSource) -> dict[str, tuple[int, int]]:
    """Name → (bytes, mtime) of files of a watched folder that were taken in."""
    rows = db.execute(
        "SELECT name, size, mtime_ns FROM orders_file WHERE source_id = ?", (source.id,)
    )
    return {name: (size, mtime) for name, size, mtime in rows}


def note_file(
    db: Database, source: OrderSource, name: str, size: int, mtime_ns: int, now: int
) -> None:
    """A file of a watched folder was taken in whole."""
    with db.atomic() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO orders_file VALUES (?, ?, ?, ?, ?)",
            (source.id, name, size, mtime_ns, now),
        )


def keep_currency(connection: sqlite3.Connection, currency: str) -> None:
    """The first currency that comes is the one that sums are made in."""
    connection.execute(
        "INSERT INTO orders_meta VALUES ('currency', ?) ON CONFLICT (key) DO NOTHING", (currency,)
    )


HOME = "coalesce((SELECT value FROM orders_meta WHERE key = 'currency'), 'CNY')"


def home_currency(connection: sqlite3.Connection) -> str:
    """The currency that sums are made in; orders in others are kept and not summed."""
    return str(connection.execute(f"SELECT {HOME}").fetchone()[0])


def forget(db: Database, name: str) -> int:
    """Take a source out with all its orders; returns how many.

    Raises:
        NotFoundError: there is none of that name.
    """
    from storeops.domains.orders import summary

    source = find(db, name)
    touched: set[int] = set()
    gone = 0
    while True:
        with db.atomic() as connection:
            rows = connection.execute(
                "SELECT id, customer_id FROM orders_order WHERE source_id = ? LIMIT 2000",
                (source.id,),
            ).fetchall()
            if not rows:
                break
            summary.delete_orders(connection, [key for key, _customer in rows])
            had = {customer for _key, customer in rows if customer is not None}
            summary.note_stale(connection, had)
        gone += len(rows)
        touched |= had
    with db.atomic() as connection:
        connection.execute("DELETE FROM orders_file WHERE source_id = ?", (source.id,))
        connection.execute("DELETE FROM orders_source WHERE id = ?", (source.id,))
        connection.execute(
            "DELETE FROM orders_buyer WHERE id NOT IN (SELECT buyer_id FROM orders_order)"
        )
    summary.refresh(db, touched, 0)
    return gone
