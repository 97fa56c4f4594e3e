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

from draws import NOW, Sample

from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import Database, open_database
from storeops.reading.query import CustomerQuery
from storeops.reading.query_rows import CustomerRows

BUSY: dict[tuple[str, str], list[float]] = {}  # processor seconds: what a busy machine cannot blur
DEFAULT = Path(".bench/data.db")


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
        "since or until": lambda: f"{pick(('since', 'until'))}:{draw.month()}",
        "a flag": lambda: pick(flags),
        "owner + tag": lambda: f"{draw.owner()} {draw.tag()}",
        "store + tag": lambda: f"{draw.store()} {draw.tag()}",
        "store + not tag": lambda: f"{draw.store()} !{draw.tag()}",
        "two tags": lambda: f"{draw.tag()} {draw.tag()}",
        "tag + since": lambda: f"{draw.tag()} since:{draw.month()}",
        "tag + flag": lambda: f"{draw.tag()} {pick(flags)}",
        "store + since": lambda: f"{draw.store()} since:{draw.month()}",
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
    db = open_database(arguments.data, migrations(DATA_ROOMS))  # as the application opens it
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
