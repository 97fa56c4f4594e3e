"""A past day's figures, recomputed: random changes day by day against what was counted then."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import open_database
from storeops.errors import UsageError
from storeops.mirror.facts import Batch, apply_facts, follow_status_changed, follow_tags_changed
from storeops.reading import past
from storeops.wecom.contacts import Department, User
from storeops.wecom.customers import ExternalContact, FollowInfo, FollowRow

DAY = 86_400
START = 1_767_225_600 - 8 * 3600  # midnight in China

who = st.integers(0, 4)
guide = st.sampled_from(["u0", "u1", "u2"])
tag_ids = st.lists(st.sampled_from(["et1", "et2", "et3"]), max_size=3, unique=True)
change = st.one_of(
    st.tuples(st.just("read"), guide, who, tag_ids),
    st.tuples(st.just("mark"), guide, who, tag_ids),
    st.tuples(
        st.just("status"), guide, who, st.sampled_from(["active", "missing", "lost", "unassigned"])
    ),
    st.tuples(st.just("move"), guide, who, st.sampled_from([10, 11, 12])),
    st.tuples(st.just("gone"), guide, who, st.sampled_from(["left", "out_of_scope"])),
    st.tuples(st.just("again"), guide, who, tag_ids),
)


def apply(db, step, now, added):
    kind, userid, person, what = step
    external = f"wm{person:030d}"
    if kind in ("read", "again"):
        if kind == "again" or (userid, person) not in added:
            added[userid, person] = (now, 1 + now // 60 % 3)
        createtime, way = added[userid, person]
        relation = FollowInfo(
            userid,
            createtime=createtime,
            tag_id=tuple(what),
            add_way=way,
            state=f"s{len(what)}" if len(what) < 3 else "",
        )
        batch = Batch(follows=[FollowRow(ExternalContact(external, "王小明", type=1), relation)])
        apply_facts(db, "event", batch, now, "e")
    elif kind == "mark":
        follow_tags_changed(
            db, userid, external, add=what, remove=["et1", "et2"], source="job", ref="1", now=now
        )
    elif kind == "status":
        follow_status_changed(db, userid, external, what, source="sync", ref="1", now=now)
    elif kind == "move":
        batch = Batch(
            staff=[User(userid, userid, department=(what,), main_department=what, status=1)]
        )
        apply_facts(db, "sync", batch, now, "1")
    else:
        apply_facts(db, "sync", Batch(gone=[(userid, what)]), now, "1")


def counted(db, by):
    """The plain count of now, in the obvious SQL."""
    column = {
        "store": "s.main_department", "owner": "s.userid", "tag": "t.tag_id",
        "status": "f.status", "way": "f.add_way", "state": "nullif(f.state, '')",
        "month": "strftime('%Y-%m', f.createtime + 28800, 'unixepoch')",
    }[by]  # fmt: skip
    return dict(
        db.execute(
            f"SELECT {column}, count(DISTINCT f.customer_id) FROM follow f"
            " JOIN staff s ON s.id = f.staff_id LEFT JOIN follow_tag x ON x.follow_id = f.id"
            f" LEFT JOIN tag t ON t.id = x.tag_id WHERE {column} IS NOT NULL GROUP BY 1"
        ).fetchall()
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(days=st.lists(st.lists(change, max_size=8), min_size=1, max_size=6))
def test_every_past_day_comes_out_as_it_was_counted_then(tmp_path_factory, days):
    db = open_database(tmp_path_factory.mktemp("past") / "data.db", migrations(DATA_ROOMS))
    try:
        members = [
            User(f"u{at}", f"u{at}", department=(10,), main_department=10, status=1)
            for at in range(3)
        ]
        shops = [Department(each, f"S{each}", "", (), 1, 0) for each in (10, 11, 12)]
        apply_facts(db, "sync", Batch(departments=shops, staff=members), START - 1, "0")
        added: dict[tuple[str, int], tuple[int, int]] = {}
        then = []
        for number, steps in enumerate(days):
            for at, step in enumerate(steps):
                apply(db, step, START + number * DAY + 60 * at, added)
            people = db.execute("SELECT count(DISTINCT customer_id) FROM follow").fetchone()[0]
            then.append((people, {by: counted(db, by) for by in past.WAYS}))
        for number, (people, wanted) in enumerate(then):
            end = START + (number + 1) * DAY
            for by in past.WAYS:
                found = past.figures(db, by, end)
                assert {bar.value: bar.customers for bar in found.bars} == wanted[by], (by, number)
                assert found.total == people
                assert found.read_later == 0
            for shop, count in wanted["store"].items():
                narrow = past.figures(db, "store", end, stores=[f"{shop}"])
                assert [(bar.value, bar.customers) for bar in narrow.bars] == [(shop, count)]
            lost = past.figures(db, "status", end, statuses=["lost"])
            assert lost.total == wanted["status"].get("lost", 0)
    finally:
        db.close()


def test_what_was_read_later_is_told(tmp_path):
    db = open_database(tmp_path / "data.db", migrations(DATA_ROOMS))
    try:
        relation = FollowInfo("u1", createtime=START + 5, add_way=1)
        row = FollowRow(ExternalContact("wm1", "李雷", type=1), relation)
        apply_facts(db, "sync", Batch(follows=[row]), START + 9 * DAY, "1")
        before, after = (past.figures(db, "owner", START + day * DAY) for day in (0, 1))
        assert (before.total, before.read_later) == (0, 0)
        assert (after.total, after.read_later, after.known_since) == (1, 1, None)
    finally:
        db.close()


def test_the_day_of_a_date_is_chinas():
    now = START + 40 * DAY
    assert past.end_of("2026-01-01", now) == START + DAY
    assert past.end_of("yesterday", now) == now
    for wrong in ("tomorrow", "2026-13-01", "2027-01-01"):
        with pytest.raises(UsageError):
            past.end_of(wrong, now)


def test_stats_on_a_day(ask):
    today = ask("stats", "owner", "--all", "--json").json
    on = ask("stats", "owner", "--all", "--json", "--on", "today").json
    assert (on["items"], on["total"]) == (today["items"], today["total"])
    assert on["known_since"]
    early = ask("stats", "--on", "1999-01-01")
    assert early.code == 0
    assert "first complete reading" in early.err
    for by in past.WAYS:
        now = ask("stats", by, "--all", "--json").json["items"]
        assert ask("stats", by, "--all", "--json", "--on", "today").json["items"] == now
    assert ask("stats", "size", "--on", "today").code == 2
    refused = ask("stats", "--on", "today", "--tag", "金卡")
    assert refused.code == 2
    assert "--on" in refused.err
    assert ask("stats", "--on", "2999-01-01").code == 2
    assert ask("stats", "--on", "today", "--status", "deleted").code == 2
    mine = ask("stats", "owner", "--store", "S010", "--all", "--json").json
    then = ask("stats", "owner", "--store", "S010", "--all", "--json", "--on", "today").json
    assert (then["items"], then["total"]) == (mine["items"], mine["total"])
    assert ask("stats", "--on", "today", "--store", "all", "--json").code == 0
    assert ask("stats", "--on", "today", "--store", "S99").code == 2
