"""A month of nights on a sandbox whose clock is moved (`make chaos`): CHAOS_NIGHTS nights (31).

Real processes: run-due every simulated ten minutes, killed now and then, its tasks too; calls that
go wrong; a host asleep for three days; the days off of May and their make-up day. Afterwards: every
moment had its run, none two; no task ran beside itself; each alarm was raised once.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import pytest

from storeops import config, paths, secrets, times
from storeops.app import RUN_ROOMS, migrations
from storeops.database.database import open_database
from storeops.domains.schedule import cron
from storeops.limits import offset
from storeops.sandbox import local

NIGHTS = int(os.environ.get("CHAOS_NIGHTS", "31"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
EVENING = 1_777_546_800  # 2026-04-30 19:00 in China
DAY = 86_400
TASKS = {
    "sync": ("10 2 * * *", "every", "sync run --quiet"),
    "watch": ("40 2 * * *", "every", "handover watch --quiet"),
    "events": ("*/30 2-7 * * *", "every", "events run --quiet"),
    "backup": ("30 4 * * SUN", "every", "db backup --quiet"),
    "alarms": ("0 3-7 * * *", "every", "alert check --quiet"),
    "report": ("40 7 * * *", "workdays", "stats --by store --json"),
    "weekend": ("50 7 * * *", "holidays", "stats --by owner --json"),
}


class Night:
    """A home, its sandbox, and who works there."""

    def __init__(self, home: Path, box: local.SandboxHandle) -> None:
        self.home, self.box = home, box
        self.dice = random.Random(SEED)
        self.codes: Counter[int | None] = Counter()
        self.problems: list[str] = []
        self.killed = 0
        os.environ["STOREOPS_HOME"] = str(home)
        config.save_profile(
            config.Profile(
                "shop", box.corp_id, agent_id=box.agent_id, base_url=box.base_url, sandbox=True
            )
        )
        secrets.save("shop", box.secret)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "storeops", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.home,
        )  # fmt: skip

    def run(self, *words: str, kill: str = "") -> str:
        """A command to its end; with `kill` somebody dies on the way: `keeper` or `task`."""
        process = self.start(*words)
        if kill:
            threading.Thread(target=self._kill, args=(kill, process.pid)).start()
        out, errors = process.communicate(timeout=600)
        self.codes[process.returncode] += 1
        if "Traceback" in errors or process.returncode == 1:
            self.problems.append(f"{' '.join(words)}: {errors[-500:]}")
        return out

    def _kill(self, whom: str, keeper: int) -> None:
        time.sleep(self.dice.uniform(0.3, 1.5))
        pid = keeper
        if whom == "task":
            found = self.rows("SELECT pid FROM schedule_run WHERE status = 'running'")
            if not found or not found[0][0]:
                return
            pid = found[0][0]
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
            self.killed += 1

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        db = sqlite3.connect(paths.data_file("shop"), timeout=30)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock, and let this home know, as an answer of it would."""
        self.box.control.advance(seconds)
        run = open_database(paths.run_db("shop"), migrations(RUN_ROOMS))
        offset.save(run, self.box.control.now() - time.time())
        run.close()

    def orphans(self) -> None:
        """Wait for tasks whose keeper was killed, as time would."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pids = [row[0] for row in self.rows(
                "SELECT pid FROM schedule_run WHERE status = 'running' AND pid IS NOT NULL"
            )]  # fmt: skip
            alive = [pid for pid in pids if _lives(pid)]
            if not alive:
                return
            time.sleep(0.1)


def _lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.timeout(7200)
def test_a_month_of_nights(tmp_path: Path) -> None:
    with local.start(stores=3, staff=12, follows=240, seed=SEED, start_at=EVENING) as box:
        night = Night(tmp_path / "home", box)
        night.run("sync", "run", "--quiet")
        for name, (hours, days, command) in TASKS.items():
            night.run("schedule", "add", name, "--cron", hours, "--calendar", days,
                      "--timeout", "5m", "--", *command.split())  # fmt: skip
        began = box.control.now()
        leaver = next(
            row[0] for row in night.rows(
                "SELECT s.userid FROM staff AS s JOIN follow AS f ON f.staff_id = s.id"
                " WHERE s.status = 'active' GROUP BY s.id ORDER BY count(*) DESC LIMIT 1 OFFSET 1"
            )
        )  # fmt: skip
        box.control.act("staff_leave", userid=leaver)
        asleep = range(12, 15) if NIGHTS > 15 else range(1, 2)
        calls = 0
        while (day := int((box.control.now() - began) // DAY)) < NIGHTS:
            hour = times.local(box.control.now()).hour
            if day in asleep or not 2 <= hour < 9:
                night.advance(600 if hour == 1 else 1800)
                continue
            trouble = night.dice.random()
            fault = None
            if trouble < 0.1:
                fault = box.control.fault("status", "*", status=502, rate=0.5)
            elif trouble < 0.15:
                fault = box.control.fault("errcode", "*", errcode=-1, rate=0.3)
            kill = night.dice.choices(["", "keeper", "task"], weights=[85, 8, 7])[0]
            beside = night.start("schedule", "run-due", "--quiet") if trouble > 0.9 else None
            night.run("schedule", "run-due", "--quiet", kill=kill)
            if beside is not None:
                beside.communicate(timeout=600)
            if fault is not None:
                box.control.clear_faults(fault)
            night.orphans()
            calls += 1
            night.advance(600)
        night.run("schedule", "run-due", "--quiet")
        night.orphans()
        night.run("schedule", "run-due", "--quiet")
        check(night, began, box.control.now(), asleep)
        alarms(night, leaver)
        total = night.rows("SELECT count(*) FROM schedule_run")[0][0]
        print(f"\n{NIGHTS} nights, {calls} calls, {total} runs, {night.killed} killed,"
              f" exit codes {dict(night.codes)}")  # fmt: skip
        assert night.problems == []


def check(night: Night, began: float, now: float, asleep: range) -> None:
    for name, (hours, days, _command) in TASKS.items():
        due = set(takewhile(lambda at: at <= now, (e.at for e in cron.moments(hours, days, began))))
        runs = night.rows(
            "SELECT due_at, started_at, finished_at, status, exit_code, attempt, missed"
            " FROM schedule_run WHERE task = ? ORDER BY id", name,
        )  # fmt: skip
        first = Counter(run[0] for run in runs if run[5] == 1)
        print(
            f"{name}: {len(due)} moments, {len(first)} begun, {len(runs) - len(first)} tries"
            f" more, {Counter(run[3] for run in runs)}, codes {Counter(run[4] for run in runs)}"
        )
        assert set(first) <= due, name
        assert set(first.values()) <= {1}, name  # no moment was begun twice
        assert sum(1 + run[6] for run in runs if run[5] == 1) == len(due), name  # none forgotten
        for moment in due - set(first):
            slept = int((moment - began) // DAY) in range(asleep[0] - 1, asleep[-1] + 2)
            assert slept or name in ("events", "alarms"), (name, times.minute(moment))
        spans = [(run[1], run[2]) for run in runs]
        for (_a, end), (start, _b) in pairwise(spans):
            assert end is not None, name
            assert end <= start + 1, name  # never beside itself
        assert all(run[5] <= 4 for run in runs), name
    assert night.rows("SELECT count(*) FROM schedule_run WHERE status = 'running'") == [(0,)]


def alarms(night: Night, leaver: str) -> None:
    """Each alarm once: what stands again stood down in between."""
    lives: dict[tuple[str, str], list[tuple[float, float | None]]] = {}
    for kind, key, raised, cleared in night.rows(
        "SELECT kind, key, raised_at, cleared_at FROM alert ORDER BY id"
    ):
        lives.setdefault((kind, key), []).append((raised, cleared))
    print({f"{kind} {key}".strip(): len(found) for (kind, key), found in lives.items()})
    for found in lives.values():
        for (_raised, cleared), (again, _end) in pairwise(found):
            assert cleared is not None
            assert cleared < again
    assert ("leaver_deadline", leaver.lower()) not in lives  # a year is long
    listed = json.loads(night.run("alert", "list", "--cleared", "--all", "--json"))["items"]
    assert all(each["text"] and each["next_step"] for each in listed)
