"""Plans and jobs measured: planning, overhead per job, claims beside a million finished jobs.

    python benchmarks/changes.py [--rows 10000] [--finished 1000000]

WeCom is played by a function that answers at once, so that what is left is our own cost. Prints a
table; exits 1 when a bar of docs/changes.md is missed.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from storeops.app import DATA_ROOMS, migrations
from storeops.changes import apply, plans
from storeops.changes.follow_requests import FollowRequest, select_follows
from storeops.changes.job_records import LedgerRecords
from storeops.changes.jobs import lease, queue
from storeops.changes.jobs.worker import Worker
from storeops.changes.ledger import open_ledger
from storeops.changes.policy import Policy
from storeops.changes.verify import verify
from storeops.clock import SystemClock
from storeops.database.database import Database, open_database
from storeops.domains.tags.tag_plan import plan_tags
from storeops.domains.tags.tagging import TagAction
from storeops.reading.customers import Selection


class Silent:
    """A WeCom that takes everything at once."""

    def post(self, *_words: Any, **_how: Any) -> None:
        """Done."""


def fill(db: Database, rows: int, seed: int = 1) -> None:
    """A mirror of `rows` follows: 75 shops, 5 members each, three tags a follow."""
    dice = random.Random(seed)
    with db.atomic() as connection:
        for shop in range(2, 77):
            connection.execute(
                "INSERT INTO department (id, name, parentid, first_seen_at, updated_at)"
                " VALUES (?, ?, 1, 0, 0)",
                (shop, f"店{shop}"),
            )
        connection.execute("INSERT INTO tag_group (id, group_id, name) VALUES (1, 'etG', '等级')")
        connection.executemany(
            "INSERT INTO tag (id, tag_id, group_id, name) VALUES (?, ?, 1, ?)",
            [(number, f"et{number:030}", f"标签{number}") for number in range(1, 31)],
        )
        connection.executemany(
            "INSERT INTO staff (id, userid, name, main_department, first_seen_at, updated_at)"
            " VALUES (?, ?, ?, ?, 0, 0)",
            [(n, f"guide{n:04}", f"导购{n}", 2 + n % 75) for n in range(1, 376)],
        )
        connection.executemany(
            "INSERT INTO customer (id, external_userid, name, createtime, first_seen_at,"
            " updated_at) VALUES (?, ?, ?, ?, 0, 0)",
            [(n, f"wm{n:030}", f"客户{n}", 1_700_000_000 + n) for n in range(1, rows + 1)],
        )
        connection.executemany(
            "INSERT INTO follow (id, staff_id, customer_id, store_id, createtime, first_seen_at,"
            " updated_at) VALUES (?, ?, ?, ?, ?, 0, 0)",
            [
                (n, 1 + n % 375, n, 2 + (1 + n % 375) % 75, 1_700_000_000 + n)
                for n in range(1, rows + 1)
            ],
        )
        connection.executemany(
            "INSERT INTO follow_tag (follow_id, tag_id, createtime, customer_id)"
            " VALUES (?, ?, 0, ?)",
            [
                (follow, tag, follow)
                for follow in range(1, rows + 1)
                for tag in dice.sample(range(2, 31), 3)
            ],
        )


def claims(db: Database, finished: int, count: int = 1000) -> list[float]:
    """Seconds of single claims (each its own commit) beside `finished` finished jobs."""
    with db.atomic() as connection:
        connection.execute(
            "INSERT INTO plan (name, kind, status, profile, created_at) VALUES"
            " (?, 'tag', 'applied', 't', 0)",
            (f"old-{finished}",),
        )
        old = connection.execute("SELECT max(id) FROM plan").fetchone()[0]
        first = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM job").fetchone()[0]
        connection.executemany(
            "INSERT INTO job (id, plan_id, action, size, status, created_at, finished_at)"
            " VALUES (?, ?, 'tag', 1, 'succeeded', 0, 0)",
            ((first + n, old) for n in range(finished)),
        )
        connection.executemany(
            "INSERT INTO job_row (job_id, row) VALUES (?, ?)",
            ((first + n, n + 1) for n in range(finished)),
        )
        queue.put(
            connection, old, "tag",
            [([finished + n], [f"customer:{n}"]) for n in range(count)], now=0.0,
        )  # fmt: skip
        worker = lease.register(connection)
    times = []
    for _each in range(count):
        started = time.perf_counter()
        with db.atomic() as connection:
            (job,) = queue.claim(connection, worker, time.time(), 1)
        times.append(time.perf_counter() - started)
        with db.atomic() as connection:
            queue.end(connection, [(job.id, "succeeded", 0, "")], 0.0)
    return times


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--finished", type=int, default=1_000_000)
    arguments = parser.parse_args()
    lines: list[tuple[str, float, float, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        db = open_database(root / "data.db", migrations(DATA_ROOMS), cache_mb=64)
        fill(db, arguments.rows)
        actions = {"tag": TagAction()}
        clock = SystemClock()
        ledger = open_ledger(
            db, root, actions, clock, "t", who="bench",
            policy=Policy(max_rows_per_plan=None, max_rows_per_day=None),
        )  # fmt: skip

        started = time.perf_counter()
        selected = select_follows(
            db, FollowRequest(Selection(where="status:active"), follows="all"), clock.now()
        )
        plan = plan_tags(ledger, selected, add=["标签1"], remove=["标签2"])
        seconds = time.perf_counter() - started
        lines.append((f"plan of {plan.ready:,} rows from the mirror, s", seconds, 2.0, ""))

        started = time.perf_counter()
        apply.apply(ledger, plan.name)
        lines.append(("apply: verify, check, queue, s", time.perf_counter() - started, 5.0, ""))

        cpu, started = time.process_time(), time.perf_counter()
        Worker(db, LedgerRecords(ledger), actions, lambda stop: Silent(), clock).run()
        used, wall = time.process_time() - cpu, time.perf_counter() - started
        done = plans.row_counts(db, plan.id)
        assert done == {"done": plan.ready}, done
        lines.append(("worker, CPU per job, ms", used / plan.ready * 1000, 1.0, f"{wall:.1f} s"))

        started = time.perf_counter()
        proof = verify(db, ledger.journal)
        assert proof.whole
        per_second = proof.lines / (time.perf_counter() - started)
        lines.append((f"verify {proof.lines:,} lines, lines/s", per_second, 0.0, ""))

        few = claims(db, 0, 500)
        many = claims(db, arguments.finished)
        for name, times in (("none", few), (f"{arguments.finished:,}", many)):
            p95 = statistics.quantiles(times, n=20)[18] * 1000
            note = f"p50 {statistics.median(times) * 1000:.2f}"
            lines.append((f"claim beside {name} finished jobs, p95 ms", p95, 2.0, note))
        db.close()
    missed = 0
    print(f"{'what':52} {'measured':>10} {'bar':>8}")
    for name, value, bar, note in lines:
        bad = bar and value > bar
        missed += bool(bad)
        print(f"{name:52} {value:10.3f} {bar or '-':>8} {'MISSED' if bad else ''} {note}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
