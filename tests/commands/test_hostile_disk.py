"""Homes that cannot be read or written: a sentence that says where, exit 3, help all the same."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from storeops import paths

NOBODY = 65534
READS = (
    ("customer", "list", "-n", "1"), ("customer", "search", "a"), ("status",), ("sync", "status"),
    ("sync", "history"), ("plan", "list"), ("audit", "list"), ("audit", "verify"), ("job", "list"),
    ("staff", "list"), ("tag", "list"), ("stats", "--by", "owner"), ("view", "list"),
    ("events", "list"), ("events", "status"), ("leaver", "list"), ("db", "check"),
    ("db", "path", "--all"), ("config", "list"), ("profile", "list"),
)  # fmt: skip
WRITES = (
    ("view", "save", "x", "--where", "status:active"), ("sync", "run", "-q"), ("job", "run"),
    ("config", "set", "language", "en"), ("db", "backup"), ("db", "vacuum"),
)  # fmt: skip


@contextmanager
def no_file_larger(size: int) -> Iterator[None]:
    """No file may grow any more, as on a full disk: SQLite gets no shared memory."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    compiled, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # they would be cut off
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = compiled


@contextmanager
def unprivileged() -> Iterator[None]:
    """Modes mean nothing to root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def older(synced: Any) -> None:
    """data.db as a storeops before the last migration left it."""
    data = paths.data_db("shop")
    with contextlib.closing(sqlite3.connect(data)) as connection:
        connection.execute("ALTER TABLE job DROP COLUMN halt")
        connection.execute(
            "DELETE FROM _sqlite_migrations WHERE migration_set = 'storeops.jobs'"
            " AND name = 'm003_halt'"
        )
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture
def locked(cli: Any, synced: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same home, owned by whom `unprivileged` makes us, who may read and not write."""
    base = Path(tempfile.mkdtemp())
    home = base / "home"
    shutil.copytree(paths.config_dir().parent, home)
    monkeypatch.setenv("STOREOPS_HOME", str(home))
    base.chmod(0o755)
    for each in (home, *home.rglob("*")):
        each.chmod(0o500 if each.is_dir() else 0o400)
        if os.geteuid() == 0:
            os.chown(each, NOBODY, NOBODY)
    yield home
    for each in (home, *(each for each in home.rglob("*") if each.is_dir())):
        each.chmod(0o700)
    shutil.rmtree(base)


def refused(answer: Any, reason: str) -> None:
    assert answer.code == 3, answer
    assert "Traceback" not in answer.err
    assert "bug" not in answer.err
    assert answer.error.get("reason") == reason, answer.err


def test_where_no_file_may_grow_everything_is_read_and_writes_say_why(
    cli: Any, synced: Any
) -> None:
    with no_file_larger(1000):
        for words in READS:
            answer = cli(*words, "--json")
            assert answer.code == 0, (words, answer.err)
        told = cli("customer", "list", "-n", "1")
        assert "data.db" in told.err
        assert "It is read" in told.err
        for words in WRITES:
            if words[0] != "config":
                refused(cli(*words, "--json"), "limit")
    assert cli("db", "check", "--json").json["whole"] is True
    assert cli("sync", "run", "-q").code == 0


def test_where_nobody_may_write_everything_is_read_and_writes_say_why(
    cli: Any, locked: Path
) -> None:
    with unprivileged():
        for words in READS:
            answer = cli(*words, "--json")
            assert answer.code == 0, (words, answer.err)
        for words in WRITES:
            refused(cli(*words, "--json"), "mode")
    assert not list(locked.rglob("*.part"))


def test_doctor_tries_whether_anything_can_be_written(cli: Any, synced: Any) -> None:
    assert cli("doctor", "--offline").code == 0
    with no_file_larger(300_000):  # SQLite opens what is there, and nothing can grow
        answer = cli("doctor", "--offline", "--json")
        assert answer.code == 3
        assert "disk" in failed(answer)
        assert "in order" not in cli("doctor", "--offline").out
    assert not list(paths.profile_dir("shop").glob("*.part"))


def test_doctor_says_that_a_home_is_read_only(cli: Any, locked: Path) -> None:
    with unprivileged():
        answer = cli("doctor", "--offline", "--json")
    assert answer.code == 3
    assert {"database", "disk"} <= failed(answer)


def failed(answer: Any) -> set[str]:
    found = json.loads(answer.out)["findings"]
    return {each["check"] for each in found if each["status"] == "failed"}


def test_what_an_earlier_version_left_is_read_where_nothing_may_be_written(
    cli: Any, older: None, locked: Path
) -> None:
    before = paths.data_db("shop").read_bytes()
    with unprivileged():
        for words in READS:
            answer = cli(*words, "--json")
            assert answer.code == 0, (words, answer.err)
        assert "It is of an earlier version" in cli("customer", "list", "-n", "1").err
        for words in WRITES:
            refused(cli(*words, "--json"), "mode")
    assert paths.data_db("shop").read_bytes() == before


def test_what_an_earlier_version_left_is_read_on_a_full_disk_and_migrated_later(
    cli: Any, older: None
) -> None:
    with no_file_larger(1000):
        answer = cli("customer", "list", "--json", "--all")
        assert (answer.code, bool(answer.json["items"])) == (0, True)
        refused(cli("job", "run", "--json"), "limit")
    assert cli("job", "run", "-q").code == 0
    assert cli("db", "check", "--json").json["pending"] == []


def test_what_is_too_large_to_be_read_so_says_so(
    cli: Any, older: None, locked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storeops.database import database

    monkeypatch.setattr(database, "MOST_IN_MEMORY", 4096)
    with unprivileged():
        answer = cli("customer", "list", "--json")
    refused(answer, "mode")
    assert "an earlier version" in answer.error["message"]
    assert "can be read" not in answer.err


def test_a_file_that_nobody_may_read_is_no_damage(cli: Any, locked: Path) -> None:
    data = paths.data_db("shop")
    data.chmod(0)
    with unprivileged():
        for words in (("db", "check"), ("customer", "list"), ("db", "backup", "/tmp/x.db")):
            answer = cli(*words, "--json")
            refused(answer, "mode")
            assert str(data) in answer.error["message"]
            assert "restore" not in answer.err


def test_a_log_that_cannot_be_read_along_is_told(cli: Any, locked: Path) -> None:
    data = paths.data_db("shop")
    data.parent.chmod(0o700)
    data.chmod(0o600)
    code = (
        "import os, sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\n"
        "c.execute(\"INSERT INTO mirror_meta VALUES ('late', '1')\")\nc.commit()\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(data)], check=True)
    data.with_name("data.db-shm").unlink()
    for each in (data.with_name("data.db-wal"), data):
        each.chmod(0o400)
        if os.geteuid() == 0:
            os.chown(each, NOBODY, NOBODY)
    data.parent.chmod(0o500)
    with unprivileged():
        answer = cli("view", "list")
        assert answer.code == 0
        assert "data.db-wal holds cannot be read along" in answer.err
        assert cli("db", "backup", "/tmp/storeops-never.db").code == 3
    assert not Path("/tmp/storeops-never.db").exists()


@pytest.mark.parametrize("mode", [0, 0o500], ids=["unreadable", "unwritable"])
def test_a_home_that_is_somebody_elses(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """Help and completion need no home; what needs one names it."""
    base = Path(tempfile.mkdtemp())
    base.chmod(mode)
    if os.geteuid() == 0:
        os.chown(base, NOBODY, NOBODY)
    monkeypatch.setenv("STOREOPS_HOME", str(base / "home"))
    monkeypatch.delenv("STOREOPS_LANG")  # else nobody looks into the settings for help
    try:
        with unprivileged():
            for words in (("--help",), ("customer", "--help"), ("completion", "bash")):
                assert cli(*words).code == 0, words
            for words in (("demo",), ("sandbox", "up", "--detach"), ("config", "set", "language",
                          "en")):  # fmt: skip
                answer = cli(*words, "--json")
                refused(answer, "mode")
                assert str(base) in answer.error["message"]
    finally:
        base.chmod(0o700)
        shutil.rmtree(base)


@pytest.mark.parametrize("where", ["home", "config", "data", "log", "profile"])
def test_a_file_where_a_folder_should_be(cli: Any, home: Path, shop: Any, where: str) -> None:
    place = {
        "home": home, "config": home / "config", "data": home / "data", "log": home / "log",
        "profile": home / "data" / "shop",
    }[where]  # fmt: skip
    if place.exists():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("no folder")
    for words in (("--help",), ("customer", "--help"), ("version",), ("completion", "bash")):
        assert cli(*words).code == 0, words
    if where == "log":
        assert cli("sync", "run", "-q").code == 0
        return
    for words in (("sync", "run"), ("status",), ("db", "check"), ("profile", "list")):
        answer = cli(*words, "--json")
        if words[0] == "profile" and where in ("data", "profile"):
            continue
        refused(answer, "no_folder")
        assert str(place) in answer.error["message"]


@pytest.mark.parametrize("what", ["config.toml", "secrets.toml", "data.db", "run.db"])
def test_a_folder_where_a_file_should_be(cli: Any, synced: Any, what: str) -> None:
    folder = paths.config_dir() if what.endswith("toml") else paths.profile_dir("shop")
    (folder / what).unlink()
    (folder / what).mkdir(mode=0o700)
    words = ("customer", "list") if what in ("config.toml", "data.db") else ("sync", "run")
    answer = cli(*words, "--json")
    assert (answer.code, answer.error["reason"]) == (3, "folder"), answer.err
    assert what in answer.error["message"]


def test_a_config_that_nests_too_deep_or_begins_with_a_mark(cli: Any, shop: Any) -> None:
    file = paths.config_file()
    text = file.read_bytes()
    file.write_bytes(b"\xef\xbb\xbf" + text)
    assert cli("profile", "list").code == 0
    file.write_bytes(b"a = " + b"[" * 5000 + b"]" * 5000)
    assert (cli("profile", "list").code, cli("--help").code) == (3, 0)


def test_a_home_of_somebody_unknown(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREOPS_HOME", "~nobody-of-that-name/x")
    assert cli("--help").code == 0
    answer = cli("profile", "list")
    assert answer.code == 3
    assert "~nobody-of-that-name/x" in answer.err


def closing(*handles: int) -> Callable[[], None]:
    return lambda: [os.close(each) for each in handles] and None  # type: ignore[return-value]


@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2)])
def test_closed_streams_lead_nowhere(home: Path, closed: tuple[int, ...]) -> None:
    for words, code in ((["version"], 0), (["--help"], 0), (["customer", "list"], 3)):
        done = subprocess.run(
            [sys.executable, "-m", "storeops", *words],
            capture_output=True, preexec_fn=closing(*closed), timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, (words, done)
        assert b"Traceback" not in done.stderr + done.stdout
        assert bool(done.stdout) == (1 not in closed and code == 0)


@pytest.mark.parametrize("lost", ["missing", "empty"])
@pytest.mark.parametrize("trace", ["mark", "seal", "backups"])
def test_a_lost_database_is_not_quietly_new(
    cli: Any, synced: Any, tmp_path: Path, lost: str, trace: str
) -> None:
    folder = paths.profile_dir("shop")
    copy = tmp_path / "copy.db"
    assert cli("db", "backup", str(copy)).code == 0
    if trace == "seal":
        (folder / "journal.seal").write_text("{}")
    elif trace == "backups":
        shutil.copy(copy, paths.backups_dir("shop") / "data-1.db")
    if trace != "mark":
        (folder / "data.db.made").unlink()
    for each in ("data.db", "data.db-wal", "data.db-shm"):
        (folder / each).unlink(missing_ok=True)
    if lost == "empty":
        (folder / "data.db").touch()
    for words in (("customer", "list"), ("sync", "run"), ("db", "check"), ("db", "backup")):
        answer = cli(*words, "--json")
        refused(answer, "lost")
        assert "storeops db new" in answer.error["next_steps"]
    assert not (folder / "data.db").exists() or (folder / "data.db").stat().st_size == 0
    if trace == "seal":
        assert cli("db", "new", "--yes").code == 0
        assert cli("customer", "list", "--json").json["items"] == []
        kinds = {each["kind"] for each in cli("audit", "list", "--json").json["items"]}
        assert "db.begun" in kinds
    else:
        assert cli("db", "restore", str(copy), "--yes").code == 0
        assert cli("customer", "list", "--json").json["items"]
    assert cli("db", "new", "--yes").code == 9, "it is not lost any more"


def test_an_inbox_that_is_lost_is_told_too(cli: Any, synced: Any) -> None:
    assert cli("events", "list").code == 0
    paths.inbox_db("shop").unlink()
    refused(cli("events", "list", "--json"), "lost")
    assert cli("db", "new", "--yes").code == 0
    assert cli("events", "list").code == 0


def test_a_database_without_a_table_says_which(cli: Any, synced: Any) -> None:
    with sqlite3.connect(paths.data_db("shop")) as connection:
        connection.execute("DROP TABLE note")
    connection.close()
    answer = cli("db", "check", "--json")
    refused(answer, "incomplete")
    assert "note" in answer.error["message"]
    assert json.loads(answer.err)["next_steps"][0].startswith("storeops db restore")
