"""`storeops db` looks after every file of a profile: data.db, and the events in inbox.db."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from storeops import paths
from storeops.app import INBOX_ROOMS, migrations
from storeops.database.database import open_database


def keep_event(number: int) -> None:
    """A refused delivery stands for an event: one row of inbox.db."""
    inbox = open_database(paths.inbox_db("shop"), migrations(INBOX_ROOMS), synchronous="FULL")
    with inbox.atomic() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (at INTEGER)")
        connection.execute("INSERT INTO kept VALUES (?)", (number,))
    inbox.close()


def events() -> list[int]:
    inbox = open_database(paths.inbox_db("shop"), migrations(INBOX_ROOMS))
    try:
        return [row[0] for row in inbox.execute("SELECT at FROM kept ORDER BY at")]
    finally:
        inbox.close()


def test_check_reads_every_file(cli: Any, synced: Any) -> None:
    files = cli("db", "check", "--json").json["files"]
    assert [each["name"] for each in files] == ["data", "run"]
    keep_event(1)
    answer = cli("db", "check", "--json")
    assert answer.json["whole"] is True
    assert [each["name"] for each in answer.json["files"]] == ["data", "inbox", "run"]
    assert cli("db", "check").out.count("is whole") == 3


def test_damaged_events_are_named(cli: Any, synced: Any) -> None:
    keep_event(1)
    damaged = os.urandom(8192)
    paths.inbox_db("shop").write_bytes(damaged)
    answer = cli("db", "check")
    assert answer.code == 3
    assert "inbox.db" in answer.err
    assert "db restore" in answer.err
    assert paths.inbox_db("shop").read_bytes() == damaged


def test_a_damaged_run_db_is_no_reason_to_restore(cli: Any, synced: Any) -> None:
    paths.run_db("shop").write_bytes(os.urandom(8192))
    answer = cli("db", "check")
    assert answer.code == 0
    assert "run.db is damaged" in answer.err
    assert answer.out.count("is whole") == 1


def test_events_of_a_newer_storeops_are_refused(cli: Any, synced: Any) -> None:
    keep_event(1)
    inbox = open_database(paths.inbox_db("shop"), migrations(INBOX_ROOMS))
    inbox.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('storeops.events', 'm999_future', '2030-01-01')"
    )
    inbox.close()
    answer = cli("db", "check", "--json")
    assert answer.code == 3
    assert "events" in json.loads(answer.err)["message"]


def test_backup_takes_the_events_along(cli: Any, synced: Any, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    assert cli("db", "backup", str(file), "--json").json["inbox"] is None
    file.unlink()
    keep_event(1)
    made = cli("db", "backup", str(file), "--json").json
    beside = tmp_path / "copy.inbox.db"
    assert made["inbox"] == {"path": str(beside), "bytes": beside.stat().st_size}
    assert stat.S_IMODE(beside.stat().st_mode) == 0o600
    file.unlink()
    assert cli("db", "backup", str(file)).code == 3  # the events' copy is in the way
    assert not file.exists()


def test_restore_on_another_machine_brings_the_events(
    cli: Any, synced: Any, tmp_path: Path
) -> None:
    keep_event(1)
    assert cli("db", "backup", str(tmp_path / "copy.db")).code == 0
    for each in paths.profile_dir("shop").glob("*.db*"):
        each.unlink()
    done = cli("db", "restore", str(tmp_path / "copy.db"), "--yes", "--json")
    assert done.code == 0
    assert done.json["inbox"] == str(paths.inbox_db("shop"))
    assert events() == [1]


def test_restore_keeps_events_that_came_since(cli: Any, synced: Any, tmp_path: Path) -> None:
    keep_event(1)
    assert cli("db", "backup", str(tmp_path / "copy.db")).code == 0
    keep_event(2)
    done = cli("db", "restore", str(tmp_path / "copy.db"), "--yes", "--json")
    assert done.json["inbox"] is None
    assert events() == [1, 2]


def test_restore_over_damaged_events_keeps_the_damaged_file(
    cli: Any, synced: Any, tmp_path: Path
) -> None:
    keep_event(1)
    assert cli("db", "backup", str(tmp_path / "copy.db")).code == 0
    damaged = os.urandom(8192)
    paths.inbox_db("shop").write_bytes(damaged)
    done = cli("db", "restore", str(tmp_path / "copy.db"), "--yes", "--json")
    assert done.code == 0
    assert events() == [1]
    kept = Path(done.json["kept"])
    assert kept.with_name(kept.stem + ".inbox.db").read_bytes() == damaged


def test_a_damaged_copy_of_the_events_stops_before_anything_changes(
    cli: Any, synced: Any, tmp_path: Path
) -> None:
    keep_event(1)
    assert cli("db", "backup", str(tmp_path / "copy.db")).code == 0
    (tmp_path / "copy.inbox.db").write_bytes(os.urandom(8192))
    paths.inbox_db("shop").unlink()
    assert cli("sync", "run", "-q").code == 0
    assert cli("db", "restore", str(tmp_path / "copy.db"), "--yes").code == 3
    assert len(cli("sync", "history", "--json").json["items"]) == 2


def test_vacuum_shrinks_the_events_too(cli: Any, synced: Any) -> None:
    alone = cli("db", "vacuum", "--json").json["bytes_after"]
    keep_event(1)
    assert cli("db", "vacuum", "--json").json["bytes_after"] > alone


def test_nothing_is_restored_under_a_sync(cli: Any, synced: Any, tmp_path: Path) -> None:
    """A running sync knows customers by the row numbers of the file as it was."""
    from storeops.sync.lease import lease_of_file

    assert cli("db", "backup", str(tmp_path / "copy.db")).code == 0
    assert cli("sync", "run", "-q").code == 0
    with lease_of_file(paths.data_db("shop")) as ours:
        assert ours
        answer = cli("db", "restore", str(tmp_path / "copy.db"), "--yes")
    assert answer.code == 9
    assert "sync runs now" in answer.err
    assert len(cli("sync", "history", "--json").json["items"]) == 2
    assert cli("db", "restore", str(tmp_path / "copy.db"), "--yes").code == 0


def test_a_restore_says_who_is_in_its_way(cli: Any, synced: Any, tmp_path: Path) -> None:
    """The pid of each process that works with the profile, and what it is."""
    assert cli("db", "backup", str(tmp_path / "copy.db")).code == 0
    code = (
        "import sys\nfrom storeops.app import App\napp = App.open('shop')\nassert app.data\n"
        "print('there', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "storeops", "tui", "a private word"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "there\n"
        answer = cli("db", "restore", str(tmp_path / "copy.db"), "--yes")
        other.communicate("")
    assert answer.code == 9
    assert f"storeops tui (pid {other.pid})" in answer.err
    assert f"kill {other.pid}" in answer.err
    assert "private" not in answer.err
    assert cli("db", "restore", str(tmp_path / "copy.db"), "--yes").code == 0


def test_nothing_is_restored_under_a_watch_a_receiver_or_a_screen(
    cli: Any, synced: Any, tmp_path: Path
) -> None:
    """Whoever has the files open writes into the content that goes, or knows its row numbers."""
    from storeops.app import App

    assert cli("db", "backup", str(tmp_path / "copy.db")).code == 0
    assert cli("sync", "run", "-q").code == 0
    for name in ("data", "run", "inbox"):
        app = App.open("shop")
        assert getattr(app, name)
        answer = cli("db", "restore", str(tmp_path / "copy.db"), "--yes")
        app.close()
        assert answer.code == 9, name
        assert "Another storeops works" in answer.err
    assert len(cli("sync", "history", "--json").json["items"]) == 2
    assert cli("db", "restore", str(tmp_path / "copy.db"), "--yes").code == 0


def test_nothing_is_restored_under_a_worker(cli: Any, synced: Any, tmp_path: Path) -> None:
    from storeops.app import App
    from storeops.changes.jobs import lease

    assert cli("db", "backup", str(tmp_path / "copy.db")).code == 0
    app = App.open("shop")
    with app.data.atomic() as connection:
        worker = lease.register(connection)
    answer = cli("db", "restore", str(tmp_path / "copy.db"), "--yes")
    assert answer.code == 9
    assert "worker" in answer.err
    with app.data.atomic() as connection:
        lease.finish(connection, worker)
    app.close()
    assert cli("db", "restore", str(tmp_path / "copy.db"), "--yes").code == 0
