"""A page of 50 anywhere with any one or two conditions: processor time, kind by kind.

    make bench-data
    python benchmarks/pairs.py [--data .bench/data.db] [--rounds 300] [--only tag] [--counts]

Every sample draws other values (popular and rare), an order (newest, oldest, name) and a place (the
first page, the last, after or before a key somewhere), makes its query from the text as a command
would, and reads one page; with `--counts` it counts the customers, or counts them by a facet. The
slowest are shown with what drove them.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from draws import NOW, Sample

from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import Database, open_database
from storeops.reading.query import FACETS, CustomerQuery, Key
from storeops.reading.query_plan import Span

DEFAULT = Path(".bench/data.db")
ALLOWED_S = {False: 0.020, True: 0.300}  # a page, a count


@dataclass(frozen=True)
class Taken:
    """One sample: seconds of processor and of the clock, and what was asked."""

    busy: float
    wall: float
    text: str
    sort: str
    place: str
    key: Key | None
    backwards: bool


def read(db: Database, text: str, draw: Sample) -> Taken:
    """Make one query and read one page of 50 keys."""
    sort = draw.sort()
    place, key, backwards = draw.place(sort)
    wall, busy = time.perf_counter(), time.thread_time()
    CustomerQuery(db, text, sort=sort, now=NOW).page(key, 50, backwards=backwards)
    busy, wall = time.thread_time() - busy, time.perf_counter() - wall
    return Taken(busy, wall, text, sort, place, key, backwards)


def count(db: Database, text: str, draw: Sample) -> Taken:
    """Make one query and count its customers, or by the values of a facet."""
    what = draw.rng.choice(("", "", "", *FACETS))
    wall, busy = time.perf_counter(), time.thread_time()
    query = CustomerQuery(db, text, now=NOW)
    if what:
        query.facet(what, 12)
    else:
        query.count()
    busy, wall = time.thread_time() - busy, time.perf_counter() - wall
    return Taken(busy, wall, text, "newest", what or "count", None, False)


def line(name: str, taken: list[Taken], allowed_s: float) -> str:
    """One row of the table: milliseconds of processor time."""
    ordered = sorted(each.busy * 1e3 for each in taken)

    def at(part: float) -> float:
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]

    slow = sum(each > allowed_s * 1e3 for each in ordered)
    return (
        f"| {name:16} | {len(ordered):6} | {at(0.5):7.2f} | {at(0.95):7.2f} | {at(0.99):7.2f} |"
        f" {ordered[-1]:7.2f} | {slow:5} |"
    )


def tell(db: Database, one: Taken) -> None:
    """What drove a slow one, and how SQLite reads it."""
    print(
        f"\n{one.busy * 1e3:.1f} ms (clock {one.wall * 1e3:.1f}): {one.text}"
        f"  --sort {one.sort}, {one.place} {one.key or ''}"
    )
    query = CustomerQuery(db, one.text, sort=one.sort, now=NOW)
    for drives, _sql, considered in query.explain().alternatives:
        print(f"    {drives}; {', '.join(f'{label}: {rows}' for label, rows in considered)}")
    for planner in query.planners:
        down = (one.sort == "newest") != one.backwards
        sql, params = planner.page(Span(one.key, None, down), 51, 0)
        for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", params):
            print(f"      {row[3]}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--only", default="", help="kinds that hold this word")
    parser.add_argument("--counts", action="store_true", help="count instead of paging")
    parser.add_argument("--show", type=int, default=10, help="how many of the slowest to explain")
    arguments = parser.parse_args()
    if not arguments.data.exists():
        sys.exit(f"{arguments.data} is not there: run `make bench-data` first")
    measure, allowed = count if arguments.counts else read, ALLOWED_S[arguments.counts]
    db = open_database(arguments.data, migrations(DATA_ROOMS))
    draw = Sample(db, arguments.seed)
    kinds = draw.kinds()
    what = "counts, ms" if arguments.counts else "page of 50, ms"
    print(f"| {what:16} | times  |     p50 |     p95 |     p99 |   worst | slow  |")
    print(f"|{'-' * 18}|-------:|--------:|--------:|--------:|--------:|------:|")
    everything: list[Taken] = []
    combinations: list[tuple[str, ...]] = [(), *((name,) for name in kinds)]
    combinations += itertools.combinations_with_replacement(kinds, 2)
    for names in combinations:
        title = " + ".join(names) or "everybody"
        if arguments.only and arguments.only not in title:
            continue
        taken = []
        for _round in range(arguments.rounds):
            text = " ".join(kinds[name]() for name in names)
            taken.append(measure(db, text, draw))
        everything += taken
        print(line(title, taken, allowed), flush=True)
    print(line("all of them", everything, allowed))
    for one in sorted(everything, key=lambda each: -each.busy)[: arguments.show]:
        tell(db, one)
    db.close()


if __name__ == "__main__":
    main()
