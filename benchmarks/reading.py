"""Searching and paging a large mirror, inside the process: p50, p95, p99 and the worst.

    make bench-data
    python benchmarks/reading.py [--data .bench/data.db] [--rounds 40]

Every round draws other words, owners, shops, tags and places in the list; each measured call makes
its query from the text, plans it and reads one page of 50 keys, as a command would.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import Database, open_database
from storeops.mirror.query import CustomerQuery
from storeops.mirror.query_rows import CustomerRows

NOW = 1_767_225_600
BUSY: dict[tuple[str, str], list[float]] = {}  # processor seconds: what a busy machine cannot blur
DEFAULT = Path(".bench/data.db")


class Sample:
    """Draws values that the mirror holds, popular and rare alike."""

    def __init__(self, db: Database, seed: int) -> None:
        self.rng = random.Random(seed)
        self.db = db
        self.top = db.execute("SELECT max(id) FROM customer").fetchone()[0]
        self.staff = [row[0] for row in db.execute("SELECT userid FROM staff ORDER BY id")]
        self.stores = [
            row[0] for row in db.execute("SELECT DISTINCT store_id FROM follow WHERE store_id > 0")
        ]
        self.tags = [
            row[0] for row in db.execute("SELECT tag_id FROM tag WHERE deleted_at IS NULL")
        ]
        self.states = [
            row[0]
            for row in db.execute("SELECT DISTINCT state FROM follow WHERE state <> '' LIMIT 200")
        ]

    def name(self) -> str:
        """A random customer's name of two characters or more."""
        while True:
            row = self.db.execute(
                "SELECT name FROM customer WHERE id = ?", (self.rng.randint(1, self.top),)
            ).fetchone()
            if row and len(row[0]) >= 2 and not set(row[0]) & set('"\\'):
                return str(row[0])

    def part(self, size: int) -> str:
        """`size` neighbouring characters of a random name, quoted."""
        while True:
            name = self.name()
            if len(name) >= size:
                at = self.rng.randint(0, len(name) - size)
                return f'"{name[at : at + size]}"'

    def phone(self, size: int) -> str:
        """The last digits of a random phone number."""
        while True:
            row = self.db.execute(
                "SELECT mobiles FROM follow WHERE id = ?", (self.rng.randint(1, self.top),)
            ).fetchone()
            if row and len(row[0]) > 8:
                return str(row[0][-2 - size : -2])

    def letters(self, size: int) -> str:
        """Random pinyin initials."""
        return "".join(self.rng.choices("bcdfghjklmnpqrstwxyz", k=size))

    def owner(self) -> str:
        """`@userid`."""
        return f"@{self.rng.choice(self.staff)}"

    def store(self) -> str:
        """`store:id`."""
        return f"store:{self.rng.choice(self.stores)}"

    def tag(self) -> str:
        """`#tag_id`."""
        return f"#{self.rng.choice(self.tags)}"

    def state(self) -> str:
        """`state:…`."""
        return f'state:"{self.rng.choice(self.states)}"' if self.states else "has:state"

    def months(self) -> str:
        """A month of the three years."""
        return f"{self.rng.choice((2023, 2024, 2025))}-{self.rng.randint(1, 12):02d}"


def cases(draw: Sample) -> dict[str, Callable[[], str]]:
    """Name → a function that draws a filter."""
    flags = ["has:phone", "has:remark", "has:tag", "gender:female", "owners:>1", "type:wecom"]
    pick = draw.rng.choice
    return {
        "search: 1 character": lambda: draw.part(1),
        "search: 2 characters": lambda: draw.part(2),
        "search: 3 characters": lambda: draw.part(3),
        "search: 1-2 initials": lambda: draw.letters(pick((1, 2))),
        "search: 3 initials": lambda: draw.letters(3),
        "search: last 4 of a phone": lambda: draw.phone(4),
        "search: nothing found": lambda: "鬱龘",
        "everybody": lambda: "",
        "owner": draw.owner,
        "store": draw.store,
        "tag": draw.tag,
        "not tag": lambda: "!" + draw.tag(),
        "state": draw.state,
        "status": lambda: f"status:{pick(('active', 'unassigned', 'deleted', 'missing,lost'))}",
        "way": lambda: f"way:{pick(('scan', 'card', 'phone', 'group', '202'))}",
        "since or until": lambda: f"{pick(('since', 'until'))}:{draw.months()}",
        "a flag": lambda: pick(flags),
        "owner + tag": lambda: f"{draw.owner()} {draw.tag()}",
        "store + tag": lambda: f"{draw.store()} {draw.tag()}",
        "store + not tag": lambda: f"{draw.store()} !{draw.tag()}",
        "two tags": lambda: f"{draw.tag()} {draw.tag()}",
        "tag + since": lambda: f"{draw.tag()} since:{draw.months()}",
        "tag + flag": lambda: f"{draw.tag()} {pick(flags)}",
        "store + since": lambda: f"{draw.store()} since:{draw.months()}",
        "status + has:phone": lambda: f"status:{pick(('active', 'unassigned'))} has:phone",
        "way + state": lambda: f"way:scan {draw.state()}",
        "search + store": lambda: f"{draw.part(1)} {draw.store()}",
        "search + tag": lambda: f"{draw.part(pick((1, 2)))} {draw.tag()}",
        "search + not tag": lambda: f"{draw.part(1)} !{draw.tag()}",
        "owner or store": lambda: f"{draw.owner()} or {draw.store()}",
    }


def measure(
    db: Database, name: str, draw: Callable[[], str], rounds: int, sort: str
) -> list[float]:
    """Seconds of each round: make the query, read a first or a deep page."""
    times = []
    BUSY[(name, sort)] = busy = []
    rng = random.Random(name)
    for _round in range(rounds):
        text = draw()
        after = None
        if sort == "newest" and not name.startswith("search") and rng.random() < 0.5:
            # somewhere in the list: three years of rows end at NOW
            after = (NOW - rng.randrange(3 * 365 * 86_400), 1 << 40)
        start, worked = time.perf_counter(), time.thread_time()
        query = CustomerQuery(db, text, sort=sort, now=NOW)
        query.page(after, 50)
        busy.append(time.thread_time() - worked)
        times.append(time.perf_counter() - start)
        if times[-1] > 0.02:
            print(f"    {times[-1] * 1e3:.0f} ms: {text}  after {after}", file=sys.stderr)
    return times


def line(name: str, times: list[float]) -> str:
    """One row of the table, milliseconds."""
    ordered = sorted(times)

    def at(part: float) -> float:
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1e3

    return (
        f"| {name:28} | {statistics.median(ordered) * 1e3:7.2f} | {at(0.95):7.2f} |"
        f" {at(0.99):7.2f} | {ordered[-1] * 1e3:7.2f} |"
    )


def others(db: Database, draw: Sample) -> None:
    """Things measured once: any position, counts, facets, rows of a page."""
    query = CustomerQuery(db, "", now=NOW)

    def timed(name: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        answer = work()
        print(f"| {name:44} | {(time.perf_counter() - start) * 1e3:9.1f} ms | {answer} |")

    print("\n| once | time | answer |\n|---|---:|---|")
    timed("count of all", lambda: query.count().rows)
    timed("anchors of all", query.build_anchors)
    spots = [draw.rng.randrange(draw.top) for _ in range(200)]
    times = []
    for spot in spots:
        start = time.perf_counter()
        query.window(spot, 50)
        times.append(time.perf_counter() - start)
    print(line("window of 50 at any position", times))
    tag = draw.tag()
    timed(f"count {tag}", lambda: CustomerQuery(db, tag, now=NOW).count().rows)
    timed(f"count {tag}, capped", lambda: CustomerQuery(db, tag, now=NOW).count(9_999))
    store = draw.store()
    timed(f"facet owner of {store}", lambda: len(CustomerQuery(db, store, now=NOW).facet("owner")))
    timed("facet store of all", lambda: len(query.facet("store")))
    rows = CustomerRows(db)
    ids = query.page(limit=50).ids
    rows.load(ids)
    timed("rows of a page of 50", lambda: len(rows.load(ids)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    if not arguments.data.exists():
        sys.exit(f"{arguments.data} is not there: run `make bench-data` first")
    db = open_database(arguments.data, migrations(DATA_ROOMS), cache_mb=64)
    db.connection.execute("PRAGMA mmap_size=2000000000")
    draw = Sample(db, arguments.seed)
    rows = db.execute("SELECT (SELECT count(*) FROM customer), (SELECT count(*) FROM follow)")
    print("customers {:,}, follows {:,}\n".format(*rows.fetchone()))
    print(f"| {'ms, one page of 50':28} |     p50 |     p95 |     p99 |   worst |")
    print(f"|{'-' * 30}|--------:|--------:|--------:|--------:|")
    everything: list[float] = []
    for name, function in cases(draw).items():
        if arguments.only and arguments.only not in name:
            continue
        times = measure(db, name, function, arguments.rounds, "newest")
        everything += times
        print(line(name, times), flush=True)
    for name in ("everybody", "owner", "store", "tag", "search: 2 characters"):
        if arguments.only:
            break
        times = measure(db, name, cases(draw)[name], arguments.rounds, "name")
        everything += times
        print(line(f"by name: {name}", times), flush=True)
    print(line("all of them", everything))
    print(f"\n| {'the same in processor ms':28} |     p50 |     p95 |     p99 |   worst |")
    print(f"|{'-' * 30}|--------:|--------:|--------:|--------:|")
    for (name, sort), busy in BUSY.items():
        print(line(name if sort == "newest" else f"by name: {name}", busy))
    print(line("all of them", [each for busy in BUSY.values() for each in busy]))
    if not arguments.only:
        others(db, draw)
    db.close()


if __name__ == "__main__":
    main()
