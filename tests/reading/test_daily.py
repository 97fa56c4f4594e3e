"""Who came and who went by day, shop and guide, against a chain counted by hand."""

from __future__ import annotations

import json

import pytest

from storeops.database.database import Database
from storeops.reading import daily
from storeops.times import midnight

DAY = 86_400
NOW = 1_779_076_800.0  # 2026-05-18 12:00 in Beijing


@pytest.fixture
def db(tmp_path) -> Database:
    """Two shops: 3 (Ann, Bob) and 4 (Cid); who follows whom is said per test."""
    from storeops.app import DATA_ROOMS, migrations
    from storeops.database.database import open_database

    found = open_database(tmp_path / "data.db", migrations(DATA_ROOMS))
    with found.atomic() as connection:
        for key, name in ((3, "North"), (4, "South")):
            connection.execute(
                "INSERT INTO department (id, name, parentid, ord, digest, first_seen_at,"
                " updated_at) VALUES (?, ?, 1, 0, 0, 0, 0)", (key, name),
            )  # fmt: skip
        for key, userid, shop in ((1, "ann", 3), (2, "bob", 3), (3, "cid", 4)):
            connection.execute(
                "INSERT INTO staff (id, userid, name, main_department, is_follow_user, digest,"
                " first_seen_at, updated_at) VALUES (?, ?, ?, ?, 1, 0, 0, 0)",
                (key, userid, userid.title(), shop),
            )
    yield found
    found.close()


def follow(db, key, staff, shop, days_ago, *, status="active", way=1, deleted=None, ended=None):
    """A relation added so many days ago; `ended` days ago its status became what it is."""
    at = int(midnight(NOW).timestamp()) - days_ago * DAY + 3600
    with db.atomic() as connection:
        connection.execute(
            "INSERT INTO customer (id, external_userid, createtime, first_seen_at, updated_at)"
            " VALUES (?, ?, ?, 0, 0)", (key, f"wm{key:08d}", at),
        )  # fmt: skip
        connection.execute(
            "INSERT INTO follow (id, staff_id, customer_id, store_id, createtime, add_way, status,"
            " deleted_by_customer_at, first_seen_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?,"
            " 0, 0)", (key, staff, key, shop, at, way, status, deleted),
        )  # fmt: skip
        if ended is not None:
            moment = int(midnight(NOW).timestamp()) - ended * DAY + 7200
            name = "deleted_by_customer" if deleted else "status"
            connection.execute(
                "INSERT INTO timeline (at, source, customer_id, staff_id, field, after)"
                " VALUES (?, 'sync', ?, ?, ?, ?)",
                (moment, key, staff, name, json.dumps(status)),
            )


def test_days_and_shops(db):
    """New yesterday and in two weeks; lost by whom; handed over is not lost; assigned not new."""
    follow(db, 1, 1, 3, 1)
    follow(db, 2, 1, 3, 1, way=daily.ASSIGNED)
    follow(db, 3, 2, 3, 7)
    follow(db, 4, 3, 4, 8)
    follow(db, 5, 3, 4, 40, status="lost", ended=1)
    follow(db, 6, 3, 4, 40, status="handed_over", ended=2)
    follow(db, 7, 1, 3, 40, deleted=int(NOW) - 3 * DAY, ended=3)
    follow(db, 8, 2, 3, 40, status="unassigned")
    found = daily.read(db, NOW)
    north, south = (next(u for u in found.units if u.name == name) for name in ("North", "South"))
    assert (north.yesterday.new, north.week.new, north.week_before.new) == (1, 2, 0)
    assert (north.week.by_customer, north.week.by_member, north.waiting) == (1, 0, 1)
    assert (south.week.new, south.week_before.new) == (0, 1)
    assert (south.yesterday.by_member, south.week.lost, south.week.handed_over) == (1, 1, 1)
    assert found.total.untagged == 5
    assert sum(moves.new for _start, moves in found.days) == 3
    assert found.known_since is None
    guides = daily.read(db, NOW, 3)
    assert {u.name: u.week.new for u in guides.units} == {"Ann": 1, "Bob": 1}
    assert guides.by == "owner"


def test_who_fell_behind(db):
    """Less than half of a week that had something."""
    for key in range(5):
        follow(db, key + 1, 3, 4, 9)
    follow(db, 20, 3, 4, 2)
    found = {each.name: each for each in daily.read(db, NOW).units}
    assert found["South"].behind
    assert not found["North"].behind
