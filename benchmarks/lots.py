"""A bad tank among a million events of 1,500 shops: taking in, recall, back from a carton.

.venv/bin/python benchmarks/lots.py [--runs 13000]     # about 77 events a run
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import file_size, open_database
from storeops.domains.lots import gs1, importing, recall, trace
from tests.lots.dairy import MILK, Dairy

NOW = 1_900_000_000.0


def peak() -> float:
    """MiB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=13_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dairy = Dairy(runs=asked.runs, shops=1_500, each=10, seed=7)
        events = dairy.write(folder / "events.json")
        size = (folder / "events.json").stat().st_size
        print(f"{events:,} events, {asked.runs:,} runs, 1,500 shops, {size / 1e6:,.0f} MB of JSON")
        db = open_database(folder / "data.db", migrations(DATA_ROOMS))
        start = peak()  # what the simulator remembers is in it
        marks: list[tuple[int, float]] = []
        wall, cpu = time.perf_counter(), time.process_time()
        done = importing.import_file(
            db, str(folder / "events.json"), NOW,
            on_progress=lambda _stage, count: marks.append((count, peak())),
        )  # fmt: skip
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        tenth = next((held for count, held in marks if count >= events // 10), peak())
        print(f"import: {done.added:,} added, {len(done.problems)} problems, {wall:.0f} s,"
              f" {cpu:.0f} s of CPU, {events / cpu:,.0f} events a second of CPU")  # fmt: skip
        print(f"memory: {start:.0f} MiB before, {tenth:.0f} after a tenth, {peak():.0f} at the end;"
              f" data.db {file_size(folder / 'data.db') / 1e6:,.0f} MB")  # fmt: skip
        wrong = 0
        slowest: dict[str, float] = {"recall": 0.0, "back": 0.0}
        for run in range(0, asked.runs, max(1, asked.runs // 20)):
            began = time.process_time()
            found = recall.plan(db, (MILK, dairy.tank(run)), "bench", "bench", NOW)
            slowest["recall"] = max(slowest["recall"], time.process_time() - began)
            told = {each["place"]: (each["to_block"], each["sold"]) for each in found["items"]}
            truth = {
                place: (each["on_shelf"] + each["on_the_way"], each["sold"])
                for (lot, place), each in dairy.truth.items()
                if lot == dairy.lot(run)
            }
            wrong += told != truth
            pallet = next(key for key, lot in dairy.pallets.items() if lot == dairy.lot(run))
            began = time.process_time()
            items = trace.back(db, gs1.asked(pallet))
            slowest["back"] = max(slowest["back"], time.process_time() - began)
            wrong += not any(each["lot"] == dairy.tank(run) for each in items)
        for name, longest in slowest.items():
            print(f"{name}: slowest of 20 took {longest * 1000:.0f} ms of CPU")
        print(f"{wrong} answers differ from the truth")
        db.close()


if __name__ == "__main__":
    main()
