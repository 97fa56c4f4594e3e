"""Exporting a large mirror: time against the bare query, peak memory, marks of everybody.

    make bench-data
    python benchmarks/export.py [--data .bench/data.db] [--formats csv,ndjson,parquet,xlsx]

The bare query reads the same columns of the same customers in the same order and throws every row
away. Each line runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import Database, open_database
from storeops.mirror.query import CustomerQuery

NOW = 1_767_225_600
DEFAULT = Path(".bench/data.db")


def bare(db: Database) -> int:
    """The rows of the export's own SQL, thrown away."""
    from storeops.operations.export import BATCH
    from storeops.operations.export_rows import SQL

    sql = SQL.format(more="")
    rows = 0
    last = None
    for keys in CustomerQuery(db, "", now=NOW).keys(BATCH):
        for row in db.execute(sql, (json.dumps([key[1] for key in keys]),)):
            rows += row[0] != last
            last = row[0]
    return rows


def export(db: Database, kind: str) -> int:
    """A whole export into a scratch file."""
    from commands.cells import csv_cell
    from storeops.operations.export import export_customers

    with tempfile.TemporaryDirectory(dir=os.environ.get("STOREOPS_BENCH_TMP")) as folder:
        done = export_customers(
            db,
            CustomerQuery(db, "", now=NOW),
            str(Path(folder) / f"all.{kind}"),
            sys.stdout,
            reveal=True,
            cell=csv_cell,
        )
    return done.rows


def mark(db: Database) -> int:
    """Everybody into one mark (`mark add all --store all`)."""
    from storeops.notebook import marks

    return marks.add_ids(db, "everybody", CustomerQuery(db, "", now=NOW).ids(), NOW)


def unmark(db: Database) -> int:
    """And out again."""
    from storeops.notebook import marks

    return marks.clear(db, "everybody")


WORK = {"bare query": bare, "mark everybody": mark, "clear the mark": unmark}


def run_one(data: Path, name: str) -> None:
    """Do one thing and print rows, seconds and peak memory as JSON."""
    db = open_database(data, migrations(DATA_ROOMS))
    work = WORK.get(name)
    start = time.perf_counter()
    rows = work(db) if work else export(db, name)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    db.close()
    print(json.dumps([rows, seconds, peak]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--formats", default="csv,ndjson,parquet,xlsx")
    parser.add_argument("--one", default="")
    arguments = parser.parse_args()
    if not arguments.data.exists():
        sys.exit(f"{arguments.data} is not there: run `make bench-data` first")
    if arguments.one:
        run_one(arguments.data, arguments.one)
        return
    print(f"| {'what':16} |      rows |  seconds | × bare |  peak MB |")
    print(f"|{'-' * 18}|----------:|---------:|-------:|---------:|")
    floor = 0.0
    for name in ["bare query", *arguments.formats.split(","), "mark everybody", "clear the mark"]:
        words = [sys.executable, __file__, "--data", str(arguments.data), "--one", name]
        answer = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
        rows, seconds, peak = json.loads(answer)
        floor = floor or seconds
        times = f"{seconds / floor:6.2f}" if name not in WORK or name == "bare query" else " " * 6
        print(
            f"| {name:16} | {rows:9,} | {seconds:8.2f} | {times} | {peak / 1e6:8.0f} |", flush=True
        )


if __name__ == "__main__":
    main()
