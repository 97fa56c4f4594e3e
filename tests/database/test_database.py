"""Open, migrate, check, back up, restore: one file, many processes, no surprise."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from storeops.database.backup import backup, restore, vacuum
from storeops.database.check import check, file_size
from storeops.database.database import Database, open_database
from storeops.database.disposable import open_disposable
from storeops.database.migrations import Migration, statements
from storeops.errors import ConfigError, ConflictError, NotFoundError

FIRST = statements("room", "m001_things", "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT)")
SECOND = statements("room", "m002_colour", "ALTER TABLE thing ADD COLUMN colour TEXT")
OTHER = statements("other", "m001_more", "CREATE TABLE more (id INTEGER PRIMARY KEY)")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.db"


def filled(path: Path, rows: int = 1000) -> Database:
    db = open_database(path, [FIRST])
    with db.atomic():
        db.executemany("INSERT INTO thing (name) VALUES (?)", ((f"n{n}",) for n in range(rows)))
    return db


def test_a_new_file_is_private_and_wal(path: Path) -> None:
    db = open_database(path, [FIRST])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA foreign_keys").fetchone() == (1,)
    db.close()


def test_migrations_are_applied_once_and_in_order(path: Path) -> None:
    open_database(path, [FIRST]).close()
    db = open_database(path, [FIRST, SECOND, OTHER])
    db.execute("INSERT INTO thing (name, colour) VALUES ('a', 'red')")
    db.close()
    again = open_database(path, [FIRST, SECOND, OTHER])
    assert again.rows("SELECT * FROM thing") == [{"id": 1, "name": "a", "colour": "red"}]
    again.close()


def test_a_room_may_grow_in_the_middle_of_the_list(path: Path) -> None:
    open_database(path, [FIRST, OTHER]).close()
    db = open_database(path, [FIRST, SECOND, OTHER])
    assert [row["name"] for row in db.rows("PRAGMA table_info(thing)")][-1] == "colour"
    db.close()


def test_a_failing_migration_changes_nothing(path: Path) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half (id INTEGER)")
        raise sqlite3.OperationalError("boom")

    open_database(path, [FIRST]).close()
    with pytest.raises(Exception, match="boom"):
        open_database(path, [FIRST, Migration("room", "m002_bad", fail)])
    db = open_database(path, [FIRST])
    assert not db.rows("SELECT 1 FROM sqlite_master WHERE name = 'half'")
    db.close()


def test_a_newer_file_is_refused_unchanged(path: Path) -> None:
    open_database(path, [FIRST, SECOND]).close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="newer"):
        open_database(path, [FIRST])
    assert path.read_bytes() == before


def test_a_newer_file_of_equal_count_is_refused(path: Path) -> None:
    open_database(path, [FIRST, OTHER]).close()
    assert not check(path, [FIRST, SECOND]).whole


def test_damage_is_recognised_and_left_alone(path: Path) -> None:
    filled(path).close()
    content = bytearray(path.read_bytes())
    content[4096:8192] = os.urandom(4096)
    path.write_bytes(content)
    found = check(path, [FIRST])
    assert found.problems
    assert path.read_bytes() == bytes(content)


def test_no_database_at_all_is_recognised(path: Path) -> None:
    path.write_bytes(b"this is a text file" * 100)
    with pytest.raises(ConfigError, match="is not a database"):
        open_database(path, [FIRST])


def test_a_path_that_cannot_be_opened_is_explained(tmp_path: Path) -> None:
    (tmp_path / "data.db").mkdir()
    with pytest.raises(ConfigError, match="is a folder"):
        open_database(tmp_path / "data.db", [FIRST])


def test_nested_transactions_are_savepoints(path: Path) -> None:
    db = filled(path, 0)
    with db.atomic():
        db.execute("INSERT INTO thing (name) VALUES ('outer')")
        with pytest.raises(ValueError), db.atomic():  # noqa: PT011, PT012
            db.execute("INSERT INTO thing (name) VALUES ('inner')")
            raise ValueError
    assert [row["name"] for row in db.rows("SELECT name FROM thing")] == ["outer"]
    with pytest.raises(ValueError), db.atomic():  # noqa: PT011, PT012
        db.execute("INSERT INTO thing (name) VALUES ('gone')")
        raise ValueError
    assert len(db.rows("SELECT 1 FROM thing")) == 1
    db.close()


def test_a_full_disk_rolls_back_and_says_so(path: Path) -> None:
    db = filled(path, 10)
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(ConfigError, match="full"), db.atomic():
        db.executemany("INSERT INTO thing (name) VALUES (?)", (("x" * 500,) for _ in range(1000)))
    assert db.execute("SELECT count(*) FROM thing").fetchone() == (10,)
    with db.atomic():
        db.execute("DELETE FROM thing WHERE id = 1")
    db.close()


def test_each_thread_has_its_own_connection(path: Path) -> None:
    db = filled(path, 3)
    seen: list[object] = []

    def read() -> None:
        seen.append(db.connection)
        assert db.execute("SELECT count(*) FROM thing").fetchone() == (3,)
        db.close_thread()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(each) for each in seen} | {id(db.connection)}) >= 2
    db.close()


def test_readonly_connections_refuse_to_write(path: Path) -> None:
    filled(path, 1).close()
    db = open_database(path, [FIRST], readonly=True)
    with pytest.raises(ConfigError), db.atomic():
        db.execute("DELETE FROM thing")
    db.close()


def test_four_processes_open_a_new_file_at_once(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from storeops.database.database import open_database\n"
        "from storeops.database.migrations import statements\n"
        "steps = [statements('room', f'm{n:03}', f'CREATE TABLE t{n} (id INTEGER)')"
        " for n in range(8)]\n"
        "db = open_database(Path(sys.argv[1]), steps)\n"
        "with db.atomic():\n    db.execute('INSERT INTO t7 VALUES (1)')\n"
    )
    for attempt in range(3):
        path = tmp_path / f"{attempt}.db"
        processes = [
            subprocess.Popen([sys.executable, "-c", code, str(path)], stderr=subprocess.PIPE)
            for _ in range(4)
        ]
        for process in processes:
            _out, err = process.communicate(timeout=60)
            assert process.returncode == 0, err.decode()
        with sqlite3.connect(path) as connection:
            assert connection.execute("SELECT count(*) FROM t7").fetchone() == (4,)
        connection.close()


def test_backup_is_of_one_moment_while_others_write(path: Path, tmp_path: Path) -> None:
    """Pairs are written in one transaction; a torn copy would show half a pair."""
    db = filled(path, 0)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with db.atomic():
                db.execute("INSERT INTO thing (name) VALUES (?)", ("a" * 2000,))
                db.execute("INSERT INTO thing (name) VALUES (?)", ("b" * 2000,))
        db.close_thread()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            target = tmp_path / f"copy{number}.db"
            assert backup(path, target) == target.stat().st_size
            assert check(target, [FIRST]).whole
            with sqlite3.connect(target) as copy:
                assert copy.execute("SELECT count(*) % 2 FROM thing").fetchone() == (0,)
            copy.close()
    finally:
        stop.set()
        thread.join()
        db.close()


def test_backup_never_overwrites_and_leaves_nothing_behind(path: Path, tmp_path: Path) -> None:
    filled(path).close()
    target = tmp_path / "copy.db"
    target.write_text("mine")
    with pytest.raises(ConfigError):
        backup(path, target)
    assert target.read_text() == "mine"
    with pytest.raises(NotFoundError):
        backup(tmp_path / "none.db", tmp_path / "x.db")
    with pytest.raises(ConfigError):
        backup(path, tmp_path / "no" / "folder.db")
    assert not list(tmp_path.glob(".*"))


def test_restore_brings_an_older_backup_up_to_date(path: Path, tmp_path: Path) -> None:
    filled(path, 5).close()
    old = tmp_path / "old.db"
    backup(path, old)
    db = open_database(path, [FIRST, SECOND])
    db.execute("UPDATE thing SET colour = 'blue'")
    db.close()
    marked: list[int] = []

    def after(database: Database) -> int:
        marked.append(database.execute("SELECT count(*) FROM thing").fetchone()[0])
        return 7

    done = restore(path, old, tmp_path / "kept.db", [FIRST, SECOND], after)
    assert (done.marked, done.kept) == (7, tmp_path / "kept.db")
    assert marked == [5]
    restored = open_database(path, [FIRST, SECOND])
    assert restored.rows("SELECT DISTINCT colour FROM thing") == [{"colour": None}]
    restored.close()
    kept = sqlite3.connect(tmp_path / "kept.db")
    assert kept.execute("SELECT DISTINCT colour FROM thing").fetchone() == ("blue",)
    kept.close()


def test_restore_is_seen_by_a_process_that_has_the_file_open(path: Path, tmp_path: Path) -> None:
    db = filled(path, 5)
    copy = tmp_path / "copy.db"
    backup(path, copy)
    db.execute("DELETE FROM thing")
    restore(path, copy, tmp_path / "kept.db", [FIRST], lambda database: 0)
    assert db.execute("SELECT count(*) FROM thing").fetchone() == (5,)
    db.close()


def test_restore_refuses_damage_and_newer_files(path: Path, tmp_path: Path) -> None:
    filled(path, 5).close()
    before = path.read_bytes()
    bad = tmp_path / "bad.db"
    bad.write_bytes(b"nonsense" * 1000)
    newer = tmp_path / "newer.db"
    open_database(newer, [FIRST, SECOND]).close()
    for source in (bad, newer):
        with pytest.raises(ConfigError, match="cannot be used"):
            restore(path, source, tmp_path / "kept.db", [FIRST], lambda database: 0)
    assert path.read_bytes() == before
    assert not (tmp_path / "kept.db").exists()


def test_vacuum_gives_pages_back(path: Path) -> None:
    db = filled(path, 20_000)
    db.execute("DELETE FROM thing")
    db.close()
    before, after = vacuum(path)
    assert after < before
    assert file_size(path) == after


def test_vacuum_under_a_writer_is_a_conflict(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = filled(path, 10)
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda p, **k: real(p, **{**k, "timeout": 0.05}))
    with db.atomic(), pytest.raises(ConflictError):
        vacuum(path)
    db.close()


def test_a_small_commit_gets_in_between_those_of_a_busy_writer(path: Path) -> None:
    busy, other = open_database(path, [FIRST]), open_database(path, [FIRST])
    stop = threading.Event()
    began = threading.Event()
    done = 0

    def work() -> None:
        nonlocal done
        while not stop.is_set():
            with busy.atomic() as connection:
                connection.execute("INSERT INTO thing (name) VALUES ('busy')")
                began.set()
                stop.wait(0.02)
            done += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert began.wait(10)
        passed = []
        for _ in range(20):
            before = done
            with other.atomic() as connection:
                connection.execute("INSERT INTO thing (name) VALUES ('other')")
            passed.append(done - before)
    finally:
        stop.set()
        thread.join(10)
    # SQLite's own waiting let ten and more transactions go first, again and again
    assert sorted(passed)[len(passed) // 2] <= 2
    assert max(passed) <= 10
    busy.close()
    other.close()


def test_who_waits_too_long_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storeops.database.database.BUSY_MS", 60)
    first, second = open_database(path, [FIRST]), open_database(path, [FIRST])
    with first.atomic(), pytest.raises(ConflictError), second.atomic():
        pass
    with second.atomic() as connection:
        connection.execute("INSERT INTO thing (name) VALUES ('now')")
    first.close()
    second.close()


def test_what_is_interrupted_at_leisure_is_undone_and_heard_of(path: Path) -> None:
    db = open_database(path, [FIRST])
    db.connection.create_function("stop", 0, db.connection.interrupt)
    count = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"

    def write() -> None:
        with db.at_leisure() as writing:
            assert writing is not None
            writing.execute("CREATE TABLE made (number INTEGER)")
            writing.execute(f"{count} SELECT count(stop()) FROM n").fetchone()

    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        write()
    assert not db.connection.in_transaction
    assert db.execute("SELECT 1 FROM sqlite_master WHERE name = 'made'").fetchone() is None
    db.close()


def test_a_small_commit_does_not_copy_the_log_of_others(path: Path) -> None:
    busy, other = open_database(path, [FIRST]), open_database(path, [FIRST])
    with busy.atomic() as connection:
        connection.executemany("INSERT INTO thing (name) VALUES (?)", [("x" * 3000,)] * 2000)
    size = path.stat().st_size
    with other.atomic() as connection:
        connection.execute("INSERT INTO thing (name) VALUES ('small')")
    assert path.stat().st_size == size
    busy.close()
    other.close()
    assert path.stat().st_size > size  # the last one to leave does


@pytest.mark.parametrize("damage", [0, 1])
def test_a_disposable_file_is_made_anew_and_the_damaged_one_kept(path: Path, damage: int) -> None:
    filled(path).close()
    content = bytearray(path.read_bytes())
    content[damage * 4096 :] = b"\xff" * (len(content) - damage * 4096)
    path.write_bytes(content)
    db = open_disposable(path, [FIRST])
    assert db.execute("SELECT count(*) FROM thing").fetchone() == (0,)
    db.close()
    assert path.with_name("data.db.damaged").read_bytes() == bytes(content)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_disposable_file_that_is_whole_stays(path: Path) -> None:
    filled(path, 10).close()
    db = open_disposable(path, [FIRST, SECOND])
    assert db.execute("SELECT count(colour IS NULL) FROM thing").fetchone() == (10,)
    db.close()
    assert not path.with_name("data.db.damaged").exists()
    with pytest.raises(ConfigError):
        open_disposable(path, [FIRST])  # from a newer version: no damage
