"""The columnar copy says what the rows say: after any change, in every process."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from storeops.database.database import Database, open_database
from storeops.errors import StoreOpsError
from storeops.mirror import column_store, forget, indexes, schema, search, statuses
from storeops.mirror.facts import Batch, apply_facts, follow_tags_changed
from storeops.mirror.timeline import Recorder
from storeops.notebook import schema as notebook
from storeops.wecom.contacts import User
from storeops.wecom.customers import ExternalContact, FollowInfo, FollowRow

ROOMS = (*schema.MIGRATIONS, *search.MIGRATIONS, *notebook.MIGRATIONS)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(column_store, "PART", 8)
    monkeypatch.setattr(column_store, "RENEW", 12)
    return tmp_path / "data.db"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    mirror = open_database(path, ROOMS)
    yield mirror
    mirror.close()


def rows(db: Database) -> tuple[Any, ...]:
    """What the tables say."""
    follows = {
        key: (*numbers, status, state, [m != "[]", r != "", d != "", gone is not None])
        for key, *numbers, status, state, m, r, d, gone in db.execute(
            "SELECT id, customer_id, staff_id, store_id, createtime, add_way, status, state,"
            " mobiles, remark, description, deleted_by_customer_at FROM follow"
        )
    }
    customers = {
        key: (kind, gender, unionid != "")
        for key, kind, gender, unionid in db.execute(
            "SELECT id, type, gender, unionid FROM customer"
        )
    }
    return follows, customers, set(db.execute("SELECT follow_id, tag_id FROM follow_tag"))


def columns(found: column_store.ColumnSnapshot) -> tuple[Any, ...]:
    """The same from the columns."""
    words = {code: text for text, code in found.words.items()}
    follow = {name: column.tolist() for name, column in found.follow.items()}
    follows = {
        key: (
            customer, follow["staff"][key], follow["store"][key], follow["createtime"][key],
            follow["way"][key], words[follow["status"][key]], words[follow["state"][key]],
            [bool(follow["flags"][key] & bit) for bit in (1, 2, 4, 8)],
        )
        for key, customer in enumerate(follow["customer"])
        if customer
    }  # fmt: skip
    customer = {name: column.tolist() for name, column in found.tables["customer"].items()}
    customers = {
        key: (customer["type"][key], customer["gender"][key], bool(flags & column_store.UNIONID))
        for key, flags in enumerate(customer["flags"])
        if flags
    }
    return follows, customers, set(zip(*(each.tolist() for each in found.tags), strict=True))


class Life:
    """Random changes through every writer of facts."""

    def __init__(self, db: Database, seed: int) -> None:
        self.db = db
        self.rng = random.Random(seed)

    def row(self) -> FollowRow:
        pick = self.rng.choice
        return FollowRow(
            ExternalContact(
                f"wm{self.rng.randrange(40):030d}", pick("王李"), type=pick((1, 2)),
                gender=pick((0, 1, 2)), unionid=pick(("", "o1")),
            ),
            FollowInfo(
                f"u{self.rng.randrange(6)}", remark=pick(("", "VIP")),
                createtime=pick((1, 90, 5**20)),
                tag_id=tuple(self.rng.sample(("et1", "et2", "et3"), self.rng.randrange(3))),
                remark_mobiles=pick(((), ("13900000001",))), add_way=pick((0, 1, 202)),
                description=pick(("", "x")), state=pick(("", "店1", "expo")),
            ),
        )  # fmt: skip

    def step(self, now: int) -> None:
        db, rng = self.db, self.rng
        kind = rng.choice(
            ("sync", "sync", "sync", "store", "gone", "rename", "status", "tags", "undo")
        )
        if kind == "sync":
            apply_facts(db, "sync", Batch(follows=[self.row() for _ in range(3)]), now, "1")
        elif kind == "store":
            shop = rng.choice((7, 8))
            member = User(
                f"u{rng.randrange(6)}", "李", department=(shop,), main_department=shop, status=1
            )
            apply_facts(db, "sync", Batch(staff=[member]), now, "1")
        elif kind == "gone":
            apply_facts(db, "sync", Batch(gone=[(f"u{rng.randrange(6)}", "left")]), now, "1")
        elif kind == "rename":
            renamed = (f"u{rng.randrange(6)}", f"u{rng.randrange(6)}")
            if renamed[0] != renamed[1]:
                apply_facts(db, "sync", Batch(renamed=[renamed]), now, "1")
        elif kind == "tags":
            for userid, external in db.execute(
                "SELECT s.userid, c.external_userid FROM follow f JOIN staff s ON s.id = f.staff_id"
                " JOIN customer c ON c.id = f.customer_id ORDER BY f.id LIMIT 2"
            ).fetchall():
                follow_tags_changed(
                    db,
                    userid,
                    external,
                    add=["et3"],
                    remove=["et1"],
                    source="job",
                    ref="2",
                    now=now,
                )
        else:
            with db.atomic() as connection:
                record = Recorder("sync", "1", now)
                keys = [
                    row[0] for row in connection.execute("SELECT id FROM follow WHERE id % 3 = 0")
                ]
                statuses.set_status(connection, keys, rng.choice(("lost", "missing")), record)
                if kind == "undo":
                    column_store.snapshot(db)  # sees what is rolled back, and must not remember it
                    connection.execute("ROLLBACK")
                    connection.execute("BEGIN")


@pytest.mark.parametrize("seed", range(4))
def test_every_writer_is_followed_in_every_process(path: Path, db: Database, seed: int) -> None:
    life = Life(db, seed)
    other = open_database(path, ROOMS)
    for now in range(1, 31):
        life.step(now)
        said = rows(db)
        assert columns(column_store.snapshot(db)) == said
        if life.rng.random() < 0.4:  # one that reads seldom
            assert columns(column_store.snapshot(other)) == said
        with_new_eyes = open_database(path, ROOMS, readonly=life.rng.random() < 0.5)
        assert columns(column_store.snapshot(with_new_eyes)) == said
        with_new_eyes.close()
    assert db.execute("SELECT count(*) FROM column_part").fetchone()[0] > 2
    assert db.execute("SELECT count(*) FROM column_change").fetchone()[0] < 180  # cut as it grows
    other.close()


def test_nothing_of_a_person_who_is_erased_stays(path: Path, db: Database) -> None:
    life = Life(db, 9)
    for now in range(1, 9):
        life.step(now)
    other = open_database(path, ROOMS)
    column_store.snapshot(db), column_store.snapshot(other)
    (gone,) = db.execute("SELECT external_userid FROM customer ORDER BY id LIMIT 1").fetchone()
    with db.atomic() as connection:
        forget.forget_customer(connection, gone)
    assert not db.execute("SELECT 1 FROM column_part").fetchone()
    assert db.execute("SELECT key FROM column_change").fetchall() == [(0,)]
    assert not db.execute("SELECT 1 FROM sqlite_master WHERE type = 'trigger'").fetchone()
    for each in (other, db):  # made anew, and never mistaken for the one before
        assert columns(column_store.snapshot(each)) == rows(db)
    other.close()


@pytest.mark.parametrize("begun_again", [False, True])
def test_a_copy_dropped_while_it_is_written_leaves_no_part(
    path: Path, db: Database, begun_again: bool
) -> None:
    """An erasure between two parts: what was not noted since is not counted as it was."""
    life = Life(db, 12)
    for now in range(1, 9):
        life.step(now)
    other = open_database(path, ROOMS)
    (gone,) = db.execute("SELECT external_userid FROM customer ORDER BY id LIMIT 1").fetchone()
    begun = 0

    @contextmanager
    def writing() -> Iterator[sqlite3.Connection]:
        nonlocal begun
        begun += 1
        if begun == 3:
            with other.atomic() as connection:
                forget.forget_customer(connection, gone)
            if begun_again:
                column_store.snapshot(other)
        with db.atomic() as connection:
            yield connection

    column_store.refresh(db, writing)
    assert begun == 3
    assert bool(other.execute("SELECT 1 FROM column_part").fetchone()) is begun_again
    for now in range(9, 15):
        life.step(now)
    for each in (db, other, open_database(path, ROOMS)):
        assert columns(column_store.snapshot(each)) == rows(db)
        each.close()


def test_parts_of_an_earlier_copy_are_not_taken_for_present(path: Path, db: Database) -> None:
    """Files of before hold such parts."""
    life = Life(db, 13)
    for now in range(1, 9):
        life.step(now)
    column_store.snapshot(db)
    left = db.execute("SELECT kind, part, data FROM column_part").fetchall()
    with db.atomic() as connection:
        column_store.drop(connection)
        connection.executemany("INSERT INTO column_part VALUES (?, ?, ?)", left)
    for now in range(9, 20):
        life.step(now)
    other = open_database(path, ROOMS)
    assert columns(column_store.snapshot(other)) == rows(db)
    other.close()


def test_without_leave_to_write_it_is_read_from_the_rows(path: Path, db: Database) -> None:
    life = Life(db, 3)
    life.step(1)
    reader = open_database(path, ROOMS, readonly=True)
    assert columns(column_store.snapshot(reader)) == rows(db)
    apply_facts(db, "sync", Batch(follows=[life.row()]), 2, "1")
    assert columns(column_store.snapshot(reader)) == rows(db)
    assert not db.execute("SELECT 1 FROM column_part").fetchone()
    with db.atomic():  # another one that may write finds the file taken
        third = open_database(path, ROOMS)
        assert columns(column_store.snapshot(third)) == rows(db)
        third.close()
    assert not db.execute("SELECT 1 FROM column_part").fetchone()
    reader.close()


def test_what_a_full_disk_keeps_out_of_the_copy_is_read_from_the_rows(
    path: Path, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(db, 4)
    life.step(1)
    column_store.snapshot(db)
    while db.execute("SELECT count(*) FROM column_change").fetchone()[0] <= 130:  # far behind
        life.step(2)

    def full() -> None:
        raise OSError("no space left")

    db.connection.create_function("no_space", 0, full)
    db.execute(
        "CREATE TRIGGER disk_is_full BEFORE INSERT ON column_part BEGIN SELECT no_space(); END"
    )
    column_store.snapshot(db)
    reader = open_database(path, ROOMS, readonly=True)
    assert columns(column_store.snapshot(reader)) == rows(db)
    monkeypatch.setattr(column_store, "SMALL", 0)
    with pytest.raises(StoreOpsError):
        indexes.build(db)
    db.execute("DROP TRIGGER disk_is_full")
    assert columns(column_store.snapshot(reader)) == rows(db)
    reader.close()

    indexes.build(db)  # there is room again
    assert db.execute("SELECT key FROM column_change").fetchall() == [(0,)]
    assert columns(column_store.snapshot(db)) == rows(db)


def test_a_sync_leaves_a_large_mirror_with_a_copy(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(db, 5)
    for now in range(1, 9):
        life.step(now)
    indexes.build(db)
    assert not db.execute("SELECT 1 FROM column_part").fetchone()
    monkeypatch.setattr(column_store, "SMALL", 2)
    indexes.build(db)
    assert db.execute("SELECT 1 FROM column_part").fetchone()
    for now in range(9, 20):
        life.step(now)
    indexes.build(db)  # nobody has counted, and what was noted does not grow
    (noted,) = db.execute("SELECT count(*) FROM column_change").fetchone()
    assert noted <= column_store.RENEW + 1
    assert columns(column_store.snapshot(db)) == rows(db)


def test_parts_name_their_words(db: Database) -> None:
    """So that two processes need not agree on their numbers."""
    apply_facts(db, "sync", Batch(follows=[Life(db, 1).row() for _ in range(9)]), 1, "1")
    data = column_store._packed(db.connection, "follow", 0)
    words = {"other": 1}
    state = column_store._unpacked(data, words)["state"].tolist()
    texts = {code: text for text, code in words.items()}
    stored = dict(db.execute("SELECT id, state FROM follow"))
    assert [texts.get(each) for each in state] == [stored.get(key) for key in range(8)]
