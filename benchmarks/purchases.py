# ruff: noqa: E501 (a filter is one line)
"""A million customers with ten million order lines: value, filters, facets, the card.

    make bench-data
    .venv/bin/python benchmarks/purchases.py [--lines 10000000] [--peers PYTHON]

The mirror is a copy of `--data`; orders are written into it as an import leaves them, the oldest
first, and `summary.refresh` makes what follows from them. Value runs in a process of its own,
beside plain SQL, numpy over SQLite and DuckDB over the same file (`--peers`: an interpreter that
has duckdb and duckdb-extension-sqlite-scanner); all of them must find the same figures. The bars
stand beside the figures; missed by processor time, the program ends with 1.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from value_peers import END, digest, measured

from storeops import times
from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import Database, open_database
from storeops.domain import registry
from storeops.domains.orders import facts, summary, value
from storeops.reading.query import CustomerQuery

DAY = 86_400
SPAN = 2 * 365 * DAY
ARTICLES = 1_000
SHOPS = 1_500
VALUE_S, VALUE_MB = 180, 1_024
PAGE_P95, PAGE_P99, PAGE_WORST, COUNT_P95, CARD_MS = 15, 50, 300, 300, 5  # ms
FILTERS: dict[str, Callable[[random.Random], str]] = {
    "spent:": lambda dice: f"spent:>{dice.choice((10, 50, 100, 500, 1_000, 2_000, 5_000, 9_000))}",
    "last-order:": lambda dice: f"last-order:{dice.choice('<>')}{dice.choice((1, 7, 30, 60, 180, 365))}d",
    "orders:": lambda dice: f"orders:>={dice.choice((2, 3, 5, 10, 20))}",
    "segment:": lambda dice: f"segment:{dice.choice(('champion', 'at-risk', 'dormant', 'newcomer'))}",
    "channel:": lambda dice: f"channel:{dice.choice(('till', 'mini-program', 'marketplace'))}",
    "shop-bought:": lambda dice: f"shop-bought:N{dice.randrange(SHOPS):04d}",
    "bought: code": lambda dice: f"bought:P{dice.randrange(ARTICLES):04d}",
    "bought: category": lambda dice: f"bought:{dice.choice(('phones', 'phones/5G', 'fresh', 'parts'))}",
    "warranty:": lambda dice: f"warranty:<{dice.choice((7, 30, 90))}d",
    "next:": lambda dice: f"next:<{dice.choice((1, 7, 30))}d",
    "spent: last-order:": lambda dice: f"spent:>{dice.choice((100, 1_000))} last-order:>{dice.choice((30, 90))}d",
    "spent: #tag": lambda dice: f"spent:>{dice.choice((100, 1_000))} has:tag",
    "!segment: spent:": lambda dice: f"!segment:dormant spent:>{dice.choice((100, 1_000))}",
}  # fmt: skip


def say(name: str, text: str) -> None:
    print(f"{name:48} {text}", flush=True)


class clock:
    """Wall and processor seconds of a block."""

    def __enter__(self) -> clock:
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu

    def __str__(self) -> str:
        return f"{self.wall:8.1f} s wall {self.cpu:8.1f} s of CPU"


# -- the orders -----------------------------------------------------------------------------------


def fill(db: Database, lines: int) -> None:
    """Write orders with that many lines, two an order; who buys often is drawn once for all."""
    dice = np.random.default_rng(3)
    ids = np.array([key for (key,) in db.execute("SELECT id FROM customer ORDER BY id")])
    orders = max(lines // 2, 1)
    keen = dice.gamma(0.7, 1.0, len(ids))
    count = np.bincount(dice.choice(len(ids), max(orders - len(ids), 0), p=keen / keen.sum()),
                        minlength=len(ids)) + (1 if orders >= len(ids) else 0)  # fmt: skip
    who = np.repeat(np.arange(len(ids)), count)[:orders]
    first = END - dice.integers(0, SPAN, len(ids))
    life = np.minimum(dice.exponential(300 * DAY, len(ids)), END - 1 - first)
    paid_at = (first[who] + dice.random(len(who)) * life[who]).astype(np.int64)
    order = np.argsort(paid_at, kind="stable")
    who, paid_at = who[order], paid_at[order]
    size = 1 + np.bincount(dice.integers(0, len(who), lines - len(who)), minlength=len(who))
    back = dice.random(len(who)) < 0.04
    price = (dice.lognormal(3.0, 1.2, ARTICLES) * 100).astype(np.int64) + 10
    popular = 1 / (1 + np.arange(ARTICLES)) ** 0.8
    popular /= popular.sum()
    shop = who + np.where(dice.random(len(who)) < 0.1, dice.integers(0, SHOPS, len(who)), 0)
    channel = dice.choice(3, len(who), p=(0.8, 0.15, 0.05))
    indexes = db.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        " AND tbl_name IN ('orders_order', 'orders_buyer')"
    ).fetchall()
    with db.atomic() as connection:
        for name, _sql in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.execute(
            "INSERT INTO orders_source (id, name, channel, created_at, imported_at)"
            " VALUES (1, 'till', 'till', ?, ?)", (END, END))  # fmt: skip
        connection.execute("INSERT OR REPLACE INTO orders_meta VALUES ('currency', 'CNY')")
        connection.executemany(
            "INSERT INTO orders_product VALUES (?, ?, ?, '', ?, ?, '', ?)",
            ((f"P{at:04d}", f"Article {at}",
              ("fresh/milk", "phones/5G", "phones/4G", "parts", "fresh/bread")[at % 5],
              24 if at % 5 in (1, 2) else 0, 6 if at % 5 == 0 else 0, END)
             for at in range(ARTICLES)),
        )  # fmt: skip
        connection.executemany(
            "INSERT INTO orders_buyer (id, phone, customer_id, matched_by, reason)"
            " VALUES (?, ?, ?, 'phone', '')",
            ((at + 1, f"1{at:010d}", key) for at, key in enumerate(ids.tolist())),
        )
    names = ("till", "mini-program", "marketplace")
    step, at = 100_000, 0
    ends = np.cumsum(size)
    for start in range(0, len(who), step):
        stop = min(start + step, len(who))
        chunk = int(ends[stop - 1]) - at
        owner = np.repeat(np.arange(start, stop), size[start:stop])
        number = np.arange(at, at + chunk) - (ends[owner] - size[owner]) + 1
        code = dice.choice(ARTICLES, chunk, p=popular)
        sign = np.where(back[owner], -1, 1)
        amount = price[code] * sign
        total = np.bincount(owner - start, weights=amount, minlength=stop - start).astype(np.int64)
        at += chunk
        with db.atomic() as connection:
            connection.executemany(
                "INSERT INTO orders_order VALUES (?, 1, ?, 1, ?, ?, ?, 'CNY', ?, ?, 0, '', '', '',"
                " ?, ?, ?, 0, ?, ?)",
                ((key + 1, f"S{key:09d}", "return" if gone else "paid", when, fen, names[way],
                  f"N{place % SHOPS:04d}", buyer + 1, customer, when, when, when)
                 for key, gone, when, fen, way, place, buyer, customer in zip(
                     range(start, stop), back[start:stop].tolist(), paid_at[start:stop].tolist(),
                     total.tolist(), channel[start:stop].tolist(), shop[start:stop].tolist(),
                     who[start:stop].tolist(), ids[who[start:stop]].tolist(), strict=True)),
            )  # fmt: skip
            connection.executemany(
                "INSERT INTO orders_line VALUES (?, ?, ?, '', ?, ?, 0)",
                zip((owner + 1).tolist(), number.tolist(),
                    [f"P{each:04d}" for each in code.tolist()], (1000 * sign).tolist(),
                    amount.tolist(), strict=True),
            )  # fmt: skip
    with db.atomic() as connection:
        for _name, sql in indexes:
            connection.execute(sql)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def build(data: Path, out: Path, lines: int) -> None:
    """The mirror with its orders, moved to `out` when it is whole."""
    work = out.with_name(f"{out.name}.new")
    work.unlink(missing_ok=True)
    shutil.copyfile(data, work)
    db = open_database(work, migrations(DATA_ROOMS), cache_mb=128)
    with clock() as took:
        fill(db, lines)
    say(f"{lines:,} lines written", str(took))
    ids = [key for (key,) in db.execute(
        "SELECT DISTINCT customer_id FROM orders_order WHERE customer_id IS NOT NULL")]  # fmt: skip
    with clock() as took:
        summary.refresh(db, ids, END)
    say(f"what follows of {len(ids):,} customers, all anew", str(took))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    for tail in ("-wal", "-shm"):
        work.with_name(work.name + tail).unlink(missing_ok=True)
    work.replace(out)


# -- value, each way in a process of its own ------------------------------------------------------


def by_ours(path: Path) -> list[object]:
    times.use("Asia/Shanghai")
    db = open_database(path, migrations(DATA_ROOMS))
    try:
        value.run_value(db, END, end=END, renew=True)
    finally:
        db.close()
    return []


def kept(path: Path) -> list[object]:
    """The digest of what our run wrote."""
    db = open_database(path, migrations(DATA_ROOMS))
    rows = db.execute("SELECT customer_id, recency_days, frequency, monetary_fen, score"
                      " FROM orders_value").fetchall()  # fmt: skip
    db.close()
    return digest(*(np.array(each) for each in zip(*rows, strict=True)))


def values(path: Path, python: str) -> list[str]:
    """Value by every way; what was missed."""
    missed = []
    ours, peers = (
        [sys.executable, __file__, "--way"],
        str(Path(__file__).with_name("value_peers.py")),
    )
    want: list[object] = []
    for title, command in (
        ("value run", [*ours, "ours", "--out"]),
        ("value run again, nothing new", [*ours, "ours", "--out"]),
        ("plain SQL, nothing written", [sys.executable, peers, "sql"]),
        ("numpy over SQLite, nothing written", [sys.executable, peers, "numpy"]),
        ("DuckDB over the same file, nothing written", [python, peers, "duckdb"]),
    ):
        run = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
        if run.returncode:
            say(title, f"- ({run.stderr.strip().rpartition(chr(10))[2]})")
            continue
        found, same = json.loads(run.stdout), ""
        if command[1] != peers:
            want = kept(path)
            if found["cpu"] > VALUE_S or found["mb"] > VALUE_MB:
                missed.append(title)
        elif found["digest"] == want:
            same = ", the same figures"
        else:
            same = f", OTHER FIGURES: {found['digest']}, ours {want}"
            missed.append(title)
        say(title, f"{found['wall']:8.1f} s wall {found['cpu']:8.1f} s of CPU"
            f" {found['mb']:6.0f} MB{same}")  # fmt: skip
    return missed


# -- reading --------------------------------------------------------------------------------------


def spread(samples: list[float]) -> tuple[float, float, float, float]:
    """p50, p95, p99, worst in ms."""
    ordered = sorted(samples)
    return (statistics.median(ordered) * 1e3,
            *(ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1e3
              for part in (0.95, 0.99)), ordered[-1] * 1e3)  # fmt: skip


def row(name: str, samples: list[float], busy: list[float]) -> tuple[float, ...]:
    wall, cpu = spread(samples), spread(busy)
    print(f"{name:36}" + "".join(f"{each:9.2f}" for each in (*wall, *cpu)), flush=True)
    return cpu


def reading(db: Database, rounds: int) -> list[str]:
    missed = []

    def timed(samples: list[float], busy: list[float], work: Callable[[], object]) -> None:
        start, worked = time.perf_counter(), time.thread_time()
        work()
        busy.append(time.thread_time() - worked)
        samples.append(time.perf_counter() - start)

    def head(title: str) -> None:
        print(f"\n{title:36}" + "".join(
            f"{each:>9}" for each in ("p50 ms", "p95", "p99", "worst", "cpu p50", "p95", "p99", "worst")
        ))  # fmt: skip

    with clock() as took:
        CustomerQuery(db, "has:tag", now=END).count()
    say("\ncolumns of the mirror, read once a process", str(took))
    head("one page of 50")
    every: tuple[list[float], list[float]] = ([], [])
    for name, draw in FILTERS.items():
        dice = random.Random(name)
        found: tuple[list[float], list[float]] = ([], [])
        for _round in range(rounds):
            text = draw(dice)
            after = (END - dice.randrange(3 * 365 * DAY), 1 << 40) if dice.random() < 0.5 else None
            timed(*found, lambda t=text, a=after: CustomerQuery(db, t, now=END).page(a, 50))
        row(name, *found)
        for all_, some in zip(every, found, strict=True):
            all_ += some
    cpu = row("all of them", *every)
    if cpu[1] > PAGE_P95 or cpu[2] > PAGE_P99 or cpu[3] > PAGE_WORST:
        missed.append("pages")

    head("a count")
    every = ([], [])
    for name, draw in FILTERS.items():
        dice = random.Random(name)
        found = ([], [])
        for _round in range(max(rounds // 4, 5)):
            text = draw(dice)
            timed(*found, lambda t=text: CustomerQuery(db, t, now=END).count())
        row(name, *found)
        for all_, some in zip(every, found, strict=True):
            all_ += some
    if row("all of them", *every)[1] > COUNT_P95:
        missed.append("counts")

    head("a facet")
    every = ([], [])
    for name in ("store", "owner", "tag", "segment", "channel", "shop-bought"):
        for where in ("", "spent:>1000", "last-order:<30d", "segment:champion"):
            found = ([], [])
            for _round in range(3):
                timed(*found, lambda w=where, n=name: CustomerQuery(db, w, now=END).facet(n))
            row(f"{name} of {where or 'all'}", *found)
            for all_, some in zip(every, found, strict=True):
                all_ += some
    if row("all of them", *every)[1] > COUNT_P95:
        missed.append("facets")

    head("the card's section")
    dice = random.Random("card")
    ids = [key for (key,) in db.execute("SELECT customer_id FROM orders_customer"
                                        " ORDER BY orders DESC LIMIT 200")]  # fmt: skip
    top = db.execute("SELECT max(customer_id) FROM orders_customer").fetchone()[0]
    ids += [dice.randrange(1, top) for _ in range(800)]
    found = ([], [])
    for key in ids:
        timed(*found, lambda k=key: facts.card(db, k, END))
    if row("of 200 who buy most, 800 others", *found)[1] > CARD_MS:
        missed.append("card")
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(".bench/data.db"))
    parser.add_argument("--out", type=Path, default=Path(".bench/purchases.db"))
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--skip", default="", help="value or reading")
    parser.add_argument("--way", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        print(json.dumps(measured(by_ours, asked.out)))
        return
    registry()
    if not asked.out.exists():
        if not asked.data.exists():
            sys.exit(f"{asked.data} is not there: run `make bench-data` first")
        build(asked.data, asked.out, asked.lines)
    missed = values(asked.out, asked.peers) if asked.skip != "value" else []
    if asked.skip != "reading":
        db = open_database(asked.out, migrations(DATA_ROOMS))
        missed += reading(db, asked.rounds)
        db.close()
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
