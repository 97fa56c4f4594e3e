"""Orders: taking in, value, and who buys next, on a real shop's invoice lines.

    ONLINE_RETAIL=folder python benchmarks/orders.py [--lines 1000000] [--customers 20000]

The folder holds lines.csv.gz of “Online Retail” (UCI Machine Learning Repository no. 352, CC BY
4.0): invoice_no, invoice_at (London), customer_id, stock_code, quantity, unit_price; without it
only the invented lines are measured. AUC is measured on the 30 days after each cut.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from storeops import times
from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import open_database
from storeops.domains.orders import value
from storeops.domains.orders.importing import OrderRequest, import_orders
from storeops.mirror.facts import Batch, apply_facts
from storeops.wecom.customers import ExternalContact, FollowInfo, FollowRow

NOW = int(datetime(2026, 11, 1).timestamp())
CUTS = ("2011-05-31", "2011-06-30", "2011-07-31")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def mirror(path: Path, ids: list[str]):
    db = open_database(path, migrations(DATA_ROOMS))
    for start in range(0, len(ids), 2_000):
        rows = [
            FollowRow(ExternalContact(f"wm{each:0>30}", each, type=1),
                      FollowInfo("guide", createtime=1, remark_mobiles=(f"138{each:0>8}",)))
            for each in ids[start : start + 2_000]
        ]  # fmt: skip
        apply_facts(db, "sync", Batch(follows=rows), NOW, "1")
    return db


def take(db, path: Path, **how):
    begun, used = time.perf_counter(), time.process_time()
    done = import_orders(db, OrderRequest("retail", str(path), **how), NOW)
    took, used = time.perf_counter() - begun, time.process_time() - used
    say("  processor time of the import", f"{used:6.1f} s  {done.lines / used:8,.0f} lines/s")
    return done, took


def say(name: str, text: str) -> None:
    print(f"{name:44} {text}")


def auc(score, truth) -> float:
    """Chance that a buyer ranks above a non-buyer; ties count half."""
    order = sorted(zip(score, truth, strict=True))
    ranks, at, positives = 0.0, 0, sum(truth)
    while at < len(order):
        end = at
        while end < len(order) and order[end][0] == order[at][0]:
            end += 1
        ranks += (at + end + 1) / 2 * sum(hit for _score, hit in order[at:end])
        at = end
    return (ranks - positives * (positives + 1) / 2) / (positives * (len(order) - positives))


def retail(folder: Path, scratch: Path) -> None:
    lines = scratch / "lines.csv"
    with gzip.open(folder / "lines.csv.gz", "rt") as source, lines.open("w") as target:
        head = source.readline().replace("customer_id", "external")
        target.write(head)
        ids = {}
        for line in source:
            cells = line.split(",")
            ids[cells[2]] = None
            cells[2] = f"wm{cells[2]:0>30}"
            target.write(",".join(cells))
    db = mirror(scratch / "retail.db", list(ids))
    how = {"columns": {"external": "external_userid"}, "zone": "Europe/London", "currency": "GBP"}
    before = peak_mb()
    done, took = take(db, lines, **how)
    say("Online Retail, first import", f"{took:6.1f} s  {done.lines / took:8,.0f} lines/s"
        f"  +{peak_mb() - before:.0f} MB  {done.lines:,} lines, {done.orders:,} orders,"
        f" {done.matched:,} matched, {len(list(done.problems))} problems")  # fmt: skip
    changes = rows(db)
    again, took = take(db, lines, **how)
    say("second import", f"{took:6.1f} s  added {again.added}, changed {again.changed},"
        f" rows equal: {rows(db) == changes}")  # fmt: skip
    plain(db, lines)
    ranks(db)
    db.close()


def rows(db) -> list:
    return [db.execute(f"SELECT count(*), coalesce(sum({column}), 0) FROM {table}").fetchone()
            for table, column in (("orders_order", "amount_fen + version"),
                                  ("orders_line", "amount_fen"), ("orders_version", "version"),
                                  ("orders_customer", "spent_fen"))]  # fmt: skip


def plain(db, lines: Path) -> None:
    """RFM of every customer, beside plain SQL over the file."""
    import csv
    from decimal import ROUND_HALF_UP, Decimal

    times.use("Europe/London")
    begun = time.perf_counter()
    end = int(datetime(2011, 9, 1, tzinfo=ZoneInfo("Europe/London")).timestamp())
    value.run_value(db, NOW, end=end, renew=True)
    took = time.perf_counter() - begun
    memory = sqlite3.connect(":memory:")
    memory.execute("CREATE TABLE line (no, at INTEGER, who, fen INTEGER)")
    with lines.open() as file:
        reader = csv.reader(file)
        next(reader)
        zone = ZoneInfo("Europe/London")
        memory.executemany(
            "INSERT INTO line VALUES (?, ?, ?, ?)",
            ((no, int(datetime.fromisoformat(at).replace(tzinfo=zone).timestamp()), who,
              int((Decimal(price) * int(pieces) * 100).quantize(Decimal(1), ROUND_HALF_UP)))
             for no, at, who, _code, pieces, price in reader),
        )  # fmt: skip
    want = {
        who: (days, purchases, fen)
        for who, days, purchases, fen in memory.execute(
            "SELECT who, (? - 1 - max(at) FILTER (WHERE total >= 0)) / 86400,"
            " sum(total >= 0), sum(total) FROM (SELECT no, who, min(at) AS at, sum(fen) AS total"
            " FROM line GROUP BY no, who) GROUP BY who HAVING sum(total >= 0) > 0",
            (end,),
        )
    }
    memory.close()
    found = {row[0]: row[1:] for row in db.execute(
        "SELECT c.external_userid, v.recency_days, v.frequency, v.monetary_fen"
        " FROM orders_value v JOIN orders_customer c ON c.customer_id = v.customer_id"
    )}  # fmt: skip
    wrong = sum(found.get(who) != each for who, each in want.items()) + len(found.keys() - want)
    say("RFM beside plain SQL", f"{took:6.1f} s  {len(want):,} customers, {wrong} differ")


def ranks(db) -> None:
    times.use("Europe/London")
    zone = ZoneInfo("Europe/London")
    table: dict[str, list[float]] = {}
    bases = []
    for cut in CUTS:
        end = int(datetime.fromisoformat(cut).replace(tzinfo=zone).timestamp()) + 86_400
        value.run_value(db, NOW, end=end, renew=True, model=True)
        found = db.rows("SELECT * FROM orders_value")
        buyers = {who for (who,) in db.execute(
            "SELECT DISTINCT customer_id FROM orders_order WHERE status = 'paid'"
            " AND paid_at >= ? AND paid_at < ?", (end, end + 30 * 86_400))}  # fmt: skip
        days = dict(db.execute(
            "SELECT customer_id, count(DISTINCT date(paid_at, 'unixepoch')) FROM orders_order"
            " WHERE status = 'paid' AND paid_at < ? GROUP BY 1", (end,)).fetchall())  # fmt: skip
        truth = [int(row["customer_id"] in buyers) for row in found]
        bases.append(sum(truth) / len(truth))
        frequency = places([days[row["customer_id"]] for row in found])
        recency = places([-row["recency_days"] for row in found])
        for name, score in {
            "frequency (days)": frequency,
            "recency": recency,
            "spent": [row["monetary_fen"] for row in found],
            "recency + frequency": [a + b for a, b in zip(frequency, recency, strict=True)],
            "BG/NBD": [row["expected"] for row in found],
            "value score (ours)": [row["score"] for row in found],
        }.items():
            table.setdefault(name, []).append(auc(score, truth))
    print(f"\n{'who buys in the next 30 days, AUC':34}" + "".join(f"{cut:>12}" for cut in CUTS)
          + f"{'mean':>9}")  # fmt: skip
    print(f"{'base rate':34}" + "".join(f"{each:12.3f}" for each in bases))
    for name, found in table.items():
        print(f"{name:34}" + "".join(f"{each:12.4f}" for each in found)
              + f"{sum(found) / len(found):9.4f}")  # fmt: skip
    single = [
        max(each)
        for each in zip(
            *(table[name] for name in ("frequency (days)", "recency", "spent")), strict=True
        )
    ]
    ours = table["value score (ours)"]
    worst = min(a - b for a, b in zip(ours, single, strict=True))
    good = worst >= -0.005 and sum(ours) > sum(single)
    print(f"beside the best single rank: worst {worst:+.4f}, mean"
          f" {(sum(ours) - sum(single)) / 3:+.4f}: {'ok' if good else 'NOT OK'}\n")  # fmt: skip
    if not good:
        sys.exit(1)


def places(values: list) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    found, at = [0.0] * len(values), 0
    while at < len(order):
        end = at
        while end < len(order) and values[order[end]] == values[order[at]]:
            end += 1
        for each in order[at:end]:
            found[each] = (at + end) / 2 / len(values)
        at = end
    return found


def invented(scratch: Path, lines: int, customers: int) -> None:
    times.use("Asia/Shanghai")
    dice = random.Random(11)
    path = scratch / "invented.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("订单号,付款时间,渠道,门店,手机号,商品编码,数量,单价\n")
        for number in range(lines):
            order = number // 2
            dice.seed(order)
            who, day = dice.randrange(customers), dice.randint(1, 28)
            file.write(f"S{order:09d},2026-{dice.randint(1, 10):02d}-{day:02d} 10:00:00,till,"
                       f"N{who % 99:03d},138{who:08d},P{number % 997:05d},1,{number % 300}.50\n"
                       )  # fmt: skip
    db = mirror(scratch / "invented.db", [str(each) for each in range(customers)])
    before = peak_mb()
    done, took = take(db, path)
    size = path.stat().st_size / 1e6
    say(f"{lines:,} invented lines ({size:.0f} MB)", f"{took:6.1f} s"
        f"  {done.lines / took:8,.0f} lines/s  +{peak_mb() - before:.0f} MB,"
        f" {done.matched:,} of {done.orders:,} matched")  # fmt: skip
    begun = time.perf_counter()
    value.run_value(db, NOW)
    say("value run", f"{time.perf_counter() - begun:6.1f} s  {customers:,} customers")
    db.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("ONLINE_RETAIL", ".bench/online_retail")
    parser.add_argument("--retail", type=Path, default=Path(default))
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--customers", type=int, default=20_000)
    asked = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="orders-bench-"))
    try:
        if (asked.retail / "lines.csv.gz").exists():
            retail(asked.retail, scratch)
        else:
            print("no Online Retail (ONLINE_RETAIL=folder): its rows stay empty", file=sys.stderr)
        if asked.lines:
            invented(scratch, asked.lines, asked.customers)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
