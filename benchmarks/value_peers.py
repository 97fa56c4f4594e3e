"""What customers are worth, by other programs over the same orders: plain SQL, numpy, DuckDB.

Run by benchmarks/purchases.py in processes of their own; imports nothing of storeops, so that an
interpreter with duckdb and duckdb-extension-sqlite-scanner is enough.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

DAY = 86_400
END = 1_767_196_800  # 2026-01-01 00:00 in China
OFFSET = 8 * 3_600
DAY_OF_END = (END - 1 + OFFSET) // DAY
HALF_LIFE_DAYS = 180.0
# the same text for both engines, save the division of whole numbers
SQL = f"""
WITH d AS (
    SELECT customer_id, (paid_at + {OFFSET}) / {DAY} AS day,
        max(CASE WHEN status = 'paid' THEN paid_at END) AS last_at,
        sum(CASE WHEN status = 'paid' THEN 1 ELSE 0 END) AS purchases,
        sum(CASE WHEN currency = 'CNY' THEN amount_fen ELSE 0 END) AS fen
    FROM {{orders}} WHERE customer_id IS NOT NULL AND paid_at < {END} AND status <> 'cancelled'
    GROUP BY 1, 2)
SELECT customer_id, ({END} - 1 - max(last_at)) / {DAY} AS recency, sum(purchases) AS frequency,
    sum(fen) AS fen,
    sum(CASE WHEN purchases > 0 THEN pow(2, (day - {DAY_OF_END}) / {HALF_LIFE_DAYS}) ELSE 0 END)
FROM d GROUP BY 1 HAVING sum(purchases) > 0
"""
Found = list[Any]


def digest(customer: Any, recency: Any, frequency: Any, fen: Any, score: Any) -> Found:
    """What must be equal whoever reckons: sums over all customers."""
    customer, frequency = np.asarray(customer, np.int64), np.asarray(frequency, np.int64)
    return [len(customer), int(np.sum(recency)), int(np.sum(frequency)), int(np.sum(fen)),
            int(np.sum(customer * frequency % 1_000_003)), round(float(np.sum(score)))]  # fmt: skip


def by_sql(path: Path) -> Found:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = connection.execute(SQL.format(orders="orders_order")).fetchall()
    connection.close()
    return digest(*(np.array(each) for each in zip(*rows, strict=True)))


def by_numpy(path: Path) -> Found:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    cursor = connection.execute(
        "SELECT customer_id, paid_at, status = 'paid',"
        " CASE WHEN currency = 'CNY' THEN amount_fen ELSE 0 END FROM orders_order"
        f" WHERE customer_id IS NOT NULL AND paid_at < {END} AND status <> 'cancelled'"
    )
    pieces = []
    while rows := cursor.fetchmany(100_000):
        pieces.append(np.array(rows, np.int64))
    connection.close()
    customer, paid_at, paid, fen = np.concatenate(pieces).T
    ids, who = np.unique(customer, return_inverse=True)
    frequency = np.bincount(who, paid).astype(np.int64)
    spent = np.zeros(len(ids), np.int64)
    np.add.at(spent, who, fen)
    last_at = np.zeros(len(ids), np.int64)
    bought = paid == 1
    np.maximum.at(last_at, who[bought], paid_at[bought])
    days = np.unique(who[bought] * 100_000 + (paid_at[bought] + OFFSET) // DAY)
    score = np.bincount(days // 100_000, 2.0 ** ((days % 100_000 - DAY_OF_END) / HALF_LIFE_DAYS),
                        minlength=len(ids))  # fmt: skip
    some = frequency > 0
    return digest(ids[some], ((END - 1 - last_at) // DAY)[some], frequency[some], spent[some],
                  score[some])  # fmt: skip


def by_duckdb(path: Path) -> Found:
    import duckdb
    import duckdb_extension_sqlite_scanner as extension

    connection = duckdb.connect(config={"allow_unsigned_extensions": "true", "threads": "2",
                                        "memory_limit": "1GB"})  # fmt: skip
    file = next(Path(extension.__path__[0]).rglob("*.duckdb_extension"))
    connection.execute(f"LOAD '{file}'")
    connection.execute(f"ATTACH '{path}' AS s (TYPE sqlite, READ_ONLY)")
    text = SQL.format(orders="s.orders_order").replace(f" / {DAY}", f" // {DAY}")
    found = connection.execute(text).fetchnumpy()
    connection.close()
    return digest(*(np.asarray(each, float) for each in found.values()))


WAYS: dict[str, Callable[[Path], Found]] = {
    "sql": by_sql, "numpy": by_numpy, "duckdb": by_duckdb,
}  # fmt: skip


def measured(work: Callable[[Path], Found], path: Path) -> dict[str, Any]:
    """Wall and processor seconds, peak memory in MB, and what was found."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work(path)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": wall, "cpu": cpu, "mb": peak, "digest": found}


if __name__ == "__main__":
    print(json.dumps(measured(WAYS[sys.argv[1]], Path(sys.argv[2]))))
