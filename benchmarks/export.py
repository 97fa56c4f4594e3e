"""Exporting a large mirror: time against the bare query, peak memory, marks of everybody.

    make bench-data
    python benchmarks/export.py [--data .bench/data.db] [--formats csv,ndjson,parquet,xlsx]
    python benchmarks/export.py --check   # opens each file with other libraries and compares

The bare query reads the same columns of the same customers in the same order and throws every row
away. It runs before every export anew, so that both meet the same machine; of `--rounds` pairs the
one with the middle ratio of processor time counts. Each line runs in a process of its own, so that
its peak memory is its own, with that of a process it starts; the last column is the peak of the
same with the small mirror beside it.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import Database, open_database
from storeops.reading.query import CustomerQuery

NOW = 1_767_225_600
OPENPYXL = 20_000  # rows it reads in a few seconds; a million take it many minutes
DEFAULT = Path(".bench/data.db")
SMALL = Path(".bench/small.db")
BARE = """
SELECT c.id, f.createtime, f.id, c.external_userid, c.name, c.type, c.gender, c.unionid,
    c.createtime, f.staff_id, f.store_id, f.remark, f.mobiles, f.add_way, f.state, f.status,
    (SELECT group_concat(t.tag_id) FROM follow_tag t WHERE t.follow_id = f.id)
FROM json_each(?) j CROSS JOIN customer c ON c.id = j.value
LEFT JOIN follow f ON f.customer_id = c.id
"""


def bare(db: Database) -> int:
    """The columns of an export, thrown away."""
    rows = 0
    last = None
    for keys in CustomerQuery(db, "", now=NOW).keys(2_000):
        for row in db.execute(BARE, (json.dumps([key[1] for key in keys]),)):
            rows += row[0] != last
            last = row[0]
    return rows


def export(db: Database, kind: str, folder: Path, *, reveal: bool = True) -> int:
    """A whole export into a scratch file."""
    from storeops.domains.export.export import export_customers

    done = export_customers(
        db,
        CustomerQuery(db, "", now=NOW),
        str(folder / f"all.{kind}"),
        sys.stdout,
        reveal=reveal,
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


# -- checking ------------------------------------------------------------------------------------


def listed(db: Database) -> Iterator[dict[str, Any]]:
    """Every customer as `customer list --json --reveal` shows it."""
    from storeops.notebook import stores
    from storeops.reading.query_rows import CustomerRows

    shops = {each.department_id: each.name for each in stores.list_shops(db) if each.name}
    rows = CustomerRows(db, shops)
    for keys in CustomerQuery(db, "", now=NOW).keys(2_000):
        yield from rows.load([key[1] for key in keys])


def opened(path: Path, made: int) -> dict[str, Iterator[Any]]:
    """The rows of a file by each library that opens it: numbers as text, nothing as "".

    Args:
        path: the file.
        made: rows that were written to it.
    """
    if path.suffix == ".ndjson":
        return {"json": (json.loads(line) for line in path.open(encoding="utf-8"))}
    if path.suffix == ".xlsx":
        found: dict[str, Iterator[Any]] = {"calamine": _calamine(path)}
        if made <= OPENPYXL:
            import openpyxl

            book = openpyxl.load_workbook(path, read_only=True)
            cells = (row for sheet in book for row in itertools.islice(sheet.values, 1, None))
            found["openpyxl"] = (["" if v is None else str(v) for v in row] for row in cells)
        return found
    if path.suffix == ".parquet":
        from pyarrow import parquet

        batches = parquet.ParquetFile(path).iter_batches(5_000)
        return {
            "pyarrow": ([str(v) for v in row.values()] for b in batches for row in b.to_pylist())
        }
    from pyarrow import csv as arrow

    names = next(csv.reader(path.open(encoding="utf-8", newline="")))
    batches = arrow.open_csv(
        path,
        parse_options=arrow.ParseOptions(newlines_in_values=True),
        convert_options=arrow.ConvertOptions(
            column_types=dict.fromkeys(names, "string"), strings_can_be_null=False
        ),
    )
    return {
        "csv": itertools.islice(csv.reader(path.open(encoding="utf-8", newline="")), 1, None),
        "pyarrow.csv": (list(row.values()) for batch in batches for row in batch.to_pylist()),
    }


def _calamine(path: Path) -> Iterator[list[str]]:
    """A sheet at a time: 1.5 GB for a million rows, which is as many as a sheet can have."""
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(path)
    for at in range(len(book.sheet_names)):
        for row in itertools.islice(book.get_sheet_by_index(at).iter_rows(), 1, None):
            yield [str(int(v)) if isinstance(v, float) else str(v) for v in row]


def check(db: Database, kind: str, folder: Path) -> str:
    """Export, open with every library, compare row by row with the list; who agreed.

    Raises:
        SystemExit: a row differs, or there are more or fewer.
    """
    from storeops.plain import plain
    from storeops.reading.export_rows import NUMBERS, flat
    from storeops.spreadsheet import csv_cell

    made = export(db, kind, folder)
    shown = {"csv": csv_cell, "xlsx": plain, "parquet": str}.get(kind, str)
    said = []
    for library, rows in opened(folder / f"all.{kind}", made).items():
        seen = 0
        for item, row in itertools.zip_longest(listed(db), rows):
            wanted: Any = item
            if kind != "ndjson" and item is not None:
                wanted = [
                    str(value) if name in NUMBERS else shown(value)
                    for name, value in flat(item).items()
                ]
            if wanted != row:
                sys.exit(f"{kind} by {library}, row {seen + 1}: {row!r} is not {wanted!r}")
            seen += 1
        if seen != made:
            sys.exit(f"{kind} by {library}: {seen:,} rows, {made:,} were written")
        said.append(f"{library} {seen:,}")
    return ", ".join(said)


# -- measuring -----------------------------------------------------------------------------------


def _cpu() -> float:
    """Processor seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run_one(data: Path, name: str) -> None:
    """Do one thing and print rows, wall and processor seconds, peak memory as JSON."""
    db = open_database(data, migrations(DATA_ROOMS))
    work = WORK.get(name)
    with tempfile.TemporaryDirectory(dir=os.environ.get("STOREOPS_BENCH_TMP")) as folder:
        start, began = time.perf_counter(), _cpu()
        if work:
            rows = work(db)
        else:
            kind, _, masked = name.partition(" ")
            rows = export(db, kind, Path(folder), reveal=not masked)
        seconds, cpu = time.perf_counter() - start, _cpu() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    db.close()
    print(json.dumps([rows, seconds, cpu, peak]))


def apart(data: Path, name: str) -> tuple[int, float, float, int]:
    """`run_one` in a process of its own."""
    words = [sys.executable, __file__, "--data", str(data), "--one", name]
    answer = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    rows, seconds, cpu, peak = json.loads(answer)
    return rows, seconds, cpu, peak


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--formats", default="csv,csv masked,ndjson,parquet,xlsx")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--one", default="")
    arguments = parser.parse_args()
    if not arguments.data.exists():
        sys.exit(f"{arguments.data} is not there: run `make bench-data` first")
    if arguments.one:
        run_one(arguments.data, arguments.one)
        return
    formats = arguments.formats.split(",")
    if arguments.check:
        db = open_database(arguments.data, migrations(DATA_ROOMS))
        for kind in dict.fromkeys(name.partition(" ")[0] for name in formats):
            with tempfile.TemporaryDirectory(dir=os.environ.get("STOREOPS_BENCH_TMP")) as folder:
                print(f"{kind:8} {check(db, kind, Path(folder))}", flush=True)
        db.close()
        return
    print(
        f"| {'what':14} |      rows | CPU s | bare CPU s | × CPU | wall s | bare wall s | × wall |"
        " peak MB | peak MB (rows) |"
    )
    print("|" + "-" * 16 + "|----------:|" + "------:|-----------:|------:|-------:|------------:|"
          "-------:|--------:|---------------:|")  # fmt: skip
    small = arguments.data.with_name(SMALL.name)
    for name in formats:
        pairs = []
        for _each in range(arguments.rounds):
            floor = apart(arguments.data, "bare query")
            pairs.append((floor, apart(arguments.data, name)))
        pairs.sort(key=lambda pair: pair[1][2] / pair[0][2])
        (_rows, wall0, cpu0, _peak), (rows, wall, cpu, peak) = pairs[len(pairs) // 2]
        little = ""
        if small.exists():
            few, _wall, _cpu, least = apart(small, name)
            little = f"{least / 1e6:.0f} ({few:,})"
        print(
            f"| {name:14} | {rows:9,} | {cpu:5.1f} | {cpu0:10.1f} | {cpu / cpu0:5.2f} |"
            f" {wall:6.1f} | {wall0:11.1f} | {wall / wall0:6.2f} | {peak / 1e6:7.0f} |"
            f" {little:>14} |",
            flush=True,
        )
    for name in ("mark everybody", "clear the mark"):
        rows, wall, cpu, peak = apart(arguments.data, name)
        print(
            f"| {name:14} | {rows:9,} | {cpu:5.1f} | {'':10} | {'':5} | {wall:6.1f} | {'':11} |"
            f" {'':6} | {peak / 1e6:7.0f} | {'':14} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
