"""Thirty kinds of damage, each found and named as damage, and none of them ever backed up."""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from storeops.database.backup import backup, restore
from storeops.database.check import check
from storeops.database.database import open_database
from storeops.database.migrations import statements
from storeops.database.trouble import Trouble
from storeops.errors import ConfigError, NotFoundError, StoreOpsError

PAGE = 4096
SCHEMA = [
    statements(
        "room",
        "m001_things",
        "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL, size INTEGER);\n"
        "CREATE INDEX thing_by_name ON thing (name);\n"
        "CREATE TABLE part (id INTEGER PRIMARY KEY, thing INTEGER REFERENCES thing (id))",
    ),
    statements("other", "m001_more", "CREATE TABLE more (id INTEGER PRIMARY KEY, text TEXT)"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "data.db"
    db = open_database(file, SCHEMA)
    with db.atomic():
        db.executemany(
            "INSERT INTO thing (name, size) VALUES (?, ?)", [(f"name {n}", n) for n in range(800)]
        )
        db.executemany("INSERT INTO part (thing) VALUES (?)", [(n,) for n in range(1, 200)])
        db.execute("INSERT INTO more (text) VALUES (?)", ("long" * 10_000,))
        db.executemany("INSERT INTO more (text) VALUES (?)", [("x" * 3000,)] * 20)
    with db.atomic():
        db.execute("DELETE FROM more WHERE id > 5")  # a list of free pages
    db.close()
    return file


def edit(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def read(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)


def sql(path: Path, *statements_: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        for each in statements_:
            connection.execute(each)
    connection.close()


def root(path: Path, name: str) -> int:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,))
        page: int = found.fetchone()[0]
    connection.close()
    return page


def at(page: int) -> int:
    return (page - 1) * PAGE


def child(path: Path, name: str) -> int:
    """The first page below the root of a table or index."""
    top = at(root(path, name))
    (cell,) = struct.unpack(">H", read(path, top + 12, 2))
    (page,) = struct.unpack(">I", read(path, top + cell, 4))
    return int(page)


def overflow(path: Path) -> int:
    """Where the pointer to the long text's second page lies."""
    leaf = at(root(path, "more"))
    (kind,) = read(path, leaf, 1)
    if kind == 5:
        leaf = at(child(path, "more"))
    (cell,) = struct.unpack(">H", read(path, leaf + 8, 2))
    size = 40_000 + 6  # what stays on the leaf: SQLite's file format, 1.6
    usable, least = PAGE, (PAGE - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    local = local if local <= usable - 35 else least
    return leaf + cell + 3 + 1 + local


def truncate(path: Path, size: int) -> None:
    os.truncate(path, size)


def swap(path: Path) -> None:
    one, two = at(child(path, "thing")), at(child(path, "thing_by_name"))
    first, second = read(path, one, PAGE), read(path, two, PAGE)
    edit(path, one, second)
    edit(path, two, first)


def index_key(path: Path) -> None:
    page = at(child(path, "thing_by_name"))
    content = read(path, page, PAGE)
    edit(path, page + content.rindex(b"name "), b"NAME ")


def no_utf8_master(path: Path) -> None:
    page = read(path, 0, PAGE)
    edit(path, page.index(b"CREATE TABLE thing"), b"CREATE XXXXX thing")


def wal(path: Path) -> None:
    path.with_name("data.db-wal").write_bytes(os.urandom(8192))


D, N, MISSING = Trouble.DAMAGED, Trouble.NO_DATABASE, Trouble.INCOMPLETE
KINDS: dict[str, tuple[Trouble, Callable[[Path], None]]] = {
    "magic": (N, lambda p: edit(p, 0, b"SQLite format 4\0")),
    "head of zeros": (N, lambda p: edit(p, 0, bytes(100))),
    "first page of zeros": (N, lambda p: edit(p, 0, bytes(PAGE))),
    "page size": (N, lambda p: edit(p, 16, b"\x12\x34")),
    "a text file": (N, lambda p: p.write_bytes(b"id,name\n" * 900) and None),
    "random bytes": (N, lambda p: p.write_bytes(os.urandom(40_000)) and None),
    "empty": (N, lambda p: truncate(p, 0)),
    "half of it": (D, lambda p: truncate(p, p.stat().st_size // 2 // PAGE * PAGE)),
    "one page of it": (D, lambda p: truncate(p, PAGE)),
    "cut inside a page": (D, lambda p: truncate(p, p.stat().st_size - PAGE - 1000)),
    "a leaf of zeros": (D, lambda p: edit(p, at(child(p, "thing")), bytes(PAGE))),
    "a random root": (D, lambda p: edit(p, at(root(p, "thing")), os.urandom(PAGE))),
    "another type of page": (D, lambda p: edit(p, at(root(p, "thing")), b"\x0d")),
    "too many cells": (D, lambda p: edit(p, at(child(p, "thing")) + 3, b"\xff\xff")),
    "a cell outside": (D, lambda p: edit(p, at(child(p, "thing")) + 8, b"\xff\xf0")),
    "a cell too large": (
        D, lambda p: edit(p, at(child(p, "thing")) + PAGE - 20, b"\xff" * 20),
    ),
    "pages swapped": (D, swap),
    "an index of zeros": (D, lambda p: edit(p, at(child(p, "thing_by_name")), bytes(PAGE))),
    "an index with another key": (D, index_key),
    "free pages in a circle": (
        D, lambda p: edit(p, at(struct.unpack(">I", read(p, 32, 4))[0]), read(p, 32, 4)),
    ),
    "free pages miscounted": (D, lambda p: edit(p, 36, struct.pack(">I", 1))),
    "a long text that leads out": (D, lambda p: edit(p, overflow(p), struct.pack(">I", 9999))),
    "a long text in another's page": (D, lambda p: edit(p, overflow(p), struct.pack(">I", 2))),
    "a statement that is none": (D, no_utf8_master),
    "a root beyond the end": (
        D, lambda p: sql(p, "UPDATE sqlite_master SET rootpage = 9999 WHERE name = 'thing'"),
    ),
    "one root for two": (
        D,
        lambda p: sql(
            p, f"UPDATE sqlite_master SET rootpage = {root(p, 'more')} WHERE name = 'part'"
        ),
    ),
    "nothing where something must be": (
        D,
        lambda p: sql(
            p,
            "UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE name = 'thing'",
        ) or sql(
            p,
            "UPDATE thing SET name = NULL WHERE id = 3",
            "UPDATE sqlite_master SET sql = replace(sql, 'name TEXT', 'name TEXT NOT NULL')"
            " WHERE name = 'thing'",
        ),
    ),
    "two of what is one": (
        D,
        lambda p: sql(
            p,
            "UPDATE thing SET name = 'twice' WHERE id IN (1, 2)",
            "UPDATE sqlite_master SET sql = replace(sql, 'INDEX', 'UNIQUE INDEX')"
            " WHERE name = 'thing_by_name'",
        ),
    ),
    "a reference to nothing": (D, lambda p: sql(p, "DELETE FROM thing WHERE id = 7")),
    "a foreign log": (D, wal),
    "a table is missing": (MISSING, lambda p: sql(p, "DROP TABLE more")),
    "a column is missing": (MISSING, lambda p: sql(p, "ALTER TABLE thing DROP COLUMN size")),
    "no tables at all": (
        MISSING, lambda p: p.unlink() or sql(p, "CREATE TABLE other (id INTEGER)"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_damage_is_named_and_never_backed_up(path: Path, tmp_path: Path, name: str) -> None:
    kind, damage = KINDS[name]
    assert check(path, SCHEMA, thorough=True).whole
    damage(path)
    before = path.read_bytes()
    found = check(path, SCHEMA, thorough=True)
    assert (found.whole, found.kind) == (False, kind), found.problems
    assert all(found.problems)
    copy = tmp_path / "copy.db"
    with pytest.raises(ConfigError) as caught:
        backup(path, copy, SCHEMA)
    assert "damaged" in caught.value.message or "not a database" in caught.value.message
    names = {each.name for each in tmp_path.iterdir()}
    assert names <= {"data.db", "data.db.lock", "data.db-wal", "data.db-shm"}
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", [name for name in KINDS if name != "a foreign log"])
def test_a_damaged_backup_is_never_restored(path: Path, tmp_path: Path, name: str) -> None:
    good = tmp_path / "live.db"
    open_database(good, SCHEMA).close()
    before = good.read_bytes()
    KINDS[name][1](path)
    with pytest.raises(StoreOpsError, match="cannot be used"):
        restore(good, path, tmp_path / "kept.db", SCHEMA, lambda _copy: 0)
    assert good.read_bytes() == before
    assert not (tmp_path / "kept.db").exists()


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_kept_aside_when_a_backup_takes_its_place(
    path: Path, tmp_path: Path, name: str
) -> None:
    copy = tmp_path / "copy.db"
    backup(path, copy, SCHEMA)
    KINDS[name][1](path)
    damaged = path.read_bytes()
    done = restore(path, copy, tmp_path / "kept.db", SCHEMA, lambda each: each.path)
    assert check(path, SCHEMA, thorough=True).whole
    if damaged:
        assert done.kept == tmp_path / "kept.db"
        assert done.kept.read_bytes() == damaged
    assert done.marked != path, "prepared before it took its place"


def test_a_missing_database_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        check(tmp_path / "none.db", SCHEMA)
