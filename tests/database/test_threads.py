"""Connections belong to threads and go with them; a database nobody closed is heard of."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storeops.database.database import Database, open_database
from storeops.database.migrations import statements

THINGS = statements("room", "m001_things", "CREATE TABLE thing (id INTEGER PRIMARY KEY)")

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc"
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    found = open_database(tmp_path / "data.db", [THINGS])
    found.execute("SELECT * FROM thing").fetchall()
    yield found
    found.close()


def open_files(path: Path) -> int:
    """Descriptors of this process on a database and its log."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        try:
            found += str(each.readlink()).startswith(str(path))
        except OSError:  # closed since it was listed
            continue
    return found


def look(db: Database) -> int:
    count: int = db.execute("SELECT count(*) FROM thing").fetchone()[0]
    return count


def in_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def in_a_pool(work: Callable[[], object]) -> None:
    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(work) for _ in range(6)]:
            future.result()


@pytest.mark.parametrize("run", [in_a_thread, in_a_pool])
def test_threads_that_ended_leave_no_descriptor(
    db: Database, run: Callable[[Callable[[], object]], None]
) -> None:
    """SQLite keeps a closed descriptor for the next one to open the file: as many as at once."""
    before = open_files(db.path)
    for _ in range(20):
        run(lambda: look(db))
    assert open_files(db.path) <= before + 3


def test_a_thread_that_ended_leaves_no_lock(db: Database) -> None:
    in_a_thread(lambda: db.execute("BEGIN IMMEDIATE"))
    with db.atomic():
        db.execute("INSERT INTO thing DEFAULT VALUES")


def test_close_reaches_threads_that_still_run(db: Database) -> None:
    ready, leave = threading.Event(), threading.Event()

    def stay() -> None:
        look(db)
        ready.set()
        leave.wait(10)

    thread = threading.Thread(target=stay)
    thread.start()
    assert ready.wait(10)
    db.close()
    assert open_files(db.path) == 0
    leave.set()
    thread.join()


def test_a_database_that_nobody_closed_is_heard_of(tmp_path: Path) -> None:
    with pytest.warns(ResourceWarning, match=r"left\.db"):
        look(open_database(tmp_path / "left.db", [THINGS]))
    gc.collect()
    assert open_files(tmp_path / "left.db") == 0
