"""The schedule: what run-due costs with nothing due, and lists of many tasks.

    python benchmarks/schedule.py [--runs 15] [--tasks 1000] [--past 10000]

Whole processes are interleaved, medians beside a bare one-command Typer app (run-due at most 2 ×);
the list of 1,000 tasks with 10,000 past runs is an operation (at most 100 ms), and as a process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.startup import BARE, run


def fill(tasks: int, past: int) -> None:
    """That many tasks, none due for a day, and past runs."""
    from storeops import config
    from storeops.app import App
    from storeops.domains.schedule import tasks as kept
    from storeops.domains.schedule.tasks import Task

    config.save_profile(config.Profile("shop", "ww0123456789abcdef"))
    app = App.open("shop")
    tomorrow = time.gmtime(time.time() + 20 * 3600)
    hours = f"{tomorrow.tm_min} {(tomorrow.tm_hour + 8) % 24} * * *"
    now = app.clock.now()
    with app.data.atomic() as connection:
        for number in range(tasks):
            task = Task(name=f"task{number}", cron=hours, words=("version",), last_run_at=now - 60,
                        last_exit_code=0, last_duration_s=1.5, last_status="ended")  # fmt: skip
            kept.keep(connection, task.reckoned(now))
        connection.executemany(
            "INSERT INTO schedule_run (task, due_at, started_at, finished_at, exit_code,"
            " duration_s, status, attempt, missed) VALUES (?, ?, ?, ?, 0, 1.5, 'ended', 1, 0)",
            [(f"task{n % tasks}", now - n, now - n, now - n + 1.5) for n in range(past)],
        )
    app.close()


def listing(runs: int) -> list[float]:
    """Milliseconds of the operation behind `schedule list`."""
    from storeops.app import App
    from storeops.domains.schedule import tasks as kept

    app = App.open("shop")
    taken = []
    for _ in range(runs):
        begun = time.perf_counter()
        now = app.clock.now()
        json.dumps([task.as_dict(now) for task in kept.every(app.data)])
        taken.append((time.perf_counter() - begun) * 1000)
    app.close()
    return taken


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--past", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        os.environ |= {"STOREOPS_HOME": folder + "/home", "STOREOPS_LANG": "en"}
        fill(given.tasks, given.past)
        storeops = [sys.executable, "-m", "storeops"]
        cases = {
            "bare Typer app --help": [sys.executable, str(bare), "--help"],
            "storeops --help": [*storeops, "--help"],
            "run-due, nothing due": [*storeops, "schedule", "run-due", "--quiet"],
            "schedule list --json": [*storeops, "schedule", "list", "--all", "--json"],
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(given.runs):
            for name, words in cases.items():
                times[name].append(run(words, dict(os.environ)))
        times[f"operation: {given.tasks} tasks, {given.past} runs"] = listing(given.runs)
    floor = statistics.median(times["bare Typer app --help"])
    print(f"{'':<36} {'median ms':>10} {'min ms':>8} {'× bare':>7}")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:<36} {median:>10.1f} {min(taken):>8.1f} {median / floor:>7.2f}")


if __name__ == "__main__":
    main()
