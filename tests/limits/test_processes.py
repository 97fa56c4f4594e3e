"""The limits and the token with real processes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from storeops.clock import SystemClock
from storeops.database.database import open_database
from storeops.limits.governor import Governor
from storeops.limits.schema import MIGRATIONS
from storeops.sandbox.local import start

WORKER = Path(__file__).with_name("worker.py")
PATH = "externalcontact/batch/get_by_user"


def spawn(
    folder: Path, task: str, *, seconds: float = 3, per_minute: int = 10_000, threads: int = 3
):
    return subprocess.Popen(
        [
            sys.executable,
            str(WORKER),
            str(folder / "run.db"),
            str(folder / "log"),
            str(seconds),
            str(per_minute),
            str(threads),
            task,
        ]
    )


def finish(processes: list[subprocess.Popen[bytes]]) -> None:
    for each in processes:
        assert each.wait(60) == 0


def lines(folder: Path, word: str) -> list[list[str]]:
    rows = (folder / "log").read_text(encoding="ascii").splitlines()
    return [row.split()[1:] for row in rows if row.startswith(word)]


def most_at_once(calls: list[tuple[float, float]]) -> int:
    edges = sorted([(end, -1) for _begin, end in calls] + [(begin, 1) for begin, _end in calls])
    level = most = 0
    for _at, step in edges:
        level += step
        most = max(most, level)
    return most


def test_four_processes_keep_places_and_share_them(tmp_path):
    finish([spawn(tmp_path, "call") for _ in range(4)])
    calls = [(float(begin), float(end)) for begin, end in lines(tmp_path, "call")]
    assert len(calls) > 200  # they did work
    assert most_at_once(calls) <= 4


def test_four_processes_keep_the_minute_window(tmp_path):
    finish([spawn(tmp_path, "call", per_minute=300, seconds=2) for _ in range(4)])
    calls = lines(tmp_path, "call")
    # the run is far shorter than the window: all calls together must fit, less the urgent share
    assert 250 <= len(calls) <= 300 - 6


def test_every_process_gets_its_turn_when_the_pool_is_narrow(tmp_path):
    db = open_database(tmp_path / "run.db", MIGRATIONS)
    Governor(db, "ww1", clock=SystemClock()).report(PATH, 45033)
    time.sleep(1.05)  # complaints within a second count once
    Governor(db, "ww1", clock=SystemClock()).report(PATH, 45033)
    db.close()
    folders = []
    processes = []
    for name in "abc":
        folder = tmp_path / name
        folder.mkdir()
        (folder / "run.db").symlink_to(tmp_path / "run.db")
        folders.append(folder)
        processes.append(spawn(folder, "call", seconds=4))
    finish(processes)
    calls = [
        (float(begin), float(end)) for folder in folders for begin, end in lines(folder, "call")
    ]
    assert most_at_once(calls) == 1
    for folder in folders:
        assert len(lines(folder, "call")) >= 10


def test_a_killed_holder_frees_its_place(tmp_path):
    owners = [spawn(tmp_path, "hold") for _ in range(4)]
    deadline = time.monotonic() + 20
    while not (tmp_path / "log").exists() or len(lines(tmp_path, "held")) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    db = open_database(tmp_path / "run.db", MIGRATIONS)
    governor = Governor(db, "ww1", clock=SystemClock())
    assert governor.snapshot()[0].in_flight == 4
    owners[0].kill()
    owners[0].wait()
    with governor.acquire(PATH):  # does not return before the dead one's place is free
        assert governor.snapshot()[0].in_flight == 4
    for each in owners[1:]:
        each.kill()
        each.wait()
    db.close()


def test_one_token_for_all_processes(tmp_path):
    finish([spawn(tmp_path, "token") for _ in range(4)])
    fetched = lines(tmp_path, "fetch")
    # once for the token, once for its replacement: never by two processes
    assert len(fetched) == 2
    assert len({token for (token,) in lines(tmp_path, "got")}) == 1
    assert len({token for (token,) in lines(tmp_path, "new")}) == 1


def test_four_clients_never_provoke_wecom(tmp_path):
    sandbox = start(stores=2, staff=6, follows=50, minute_limit=250, latency_ms=5)
    try:
        where = "|".join((sandbox.base_url, sandbox.corp_id, str(sandbox.agent_id), sandbox.secret))
        crew = [spawn(tmp_path, where, per_minute=250, seconds=6, threads=4) for _ in range(4)]
        finish(crew)
        calls = sandbox.control.calls()
    finally:
        sandbox.stop()
    rows = {path.rpartition("/")[2]: row for path, row in calls.get("paths", calls).items()}
    asked = rows["get_follow_user_list"]
    assert 200 <= asked["calls"] <= 250
    assert asked["max_in_flight"] <= 4
    assert set(asked["errcodes"]) == {"0"}  # no 45009, no 45033, no 40014
    assert rows["gettoken"]["calls"] == 1


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_the_file_is_private(tmp_path, suffix):
    db = open_database(tmp_path / "run.db", MIGRATIONS)
    db.execute("INSERT INTO clock_offset (one, offset_s) VALUES (1, 0)")
    mode = (tmp_path / f"run.db{suffix}").stat().st_mode & 0o777
    db.close()
    assert mode == 0o600
