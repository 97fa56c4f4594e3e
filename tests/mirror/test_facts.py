"""The writer against a slow, obvious model: any batches, in any cut, give the same mirror."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storeops.database.database import Database, open_database
from storeops.mirror import facts, indexes, meta, schema, search, timeline
from storeops.mirror.facts import Batch, Keys, apply_facts
from storeops.wecom.contacts import User
from storeops.wecom.customers import ExternalContact, FollowInfo, FollowRow
from storeops.wecom.handover import Unassigned
from storeops.wecom.tags import CorpTag, CorpTagGroup

NASTY = ["王小明", "李雷", "", "=1+1", "\x1b[31m红", "a\x00b", "👩\u200d👧", "𠮷野家", "\u202e右"]

texts = st.sampled_from(NASTY)
people = st.integers(0, 5)
rows_ = st.builds(
    lambda customer, staff, name, remark, created, tags, mobiles, state: FollowRow(
        ExternalContact(f"wm{customer:030d}", name, type=1),
        FollowInfo(
            f"u{staff}",
            remark=remark,
            createtime=created,
            tag_id=tuple(f"et{tag}" for tag in tags),
            remark_mobiles=tuple(mobiles),
            add_way=1,
            oper_userid=f"u{staff}",
            state=state,
        ),
    ),
    people,
    st.integers(0, 3),
    texts,
    texts,
    st.integers(1, 4),
    st.lists(st.integers(0, 4), max_size=3),
    st.lists(st.sampled_from(["13900000001", "13900000002"]), max_size=2),
    st.sampled_from(["", "store7"]),
)


def open_mirror(path: Path | str) -> Database:
    return open_database(Path(path), schema.MIGRATIONS + search.MIGRATIONS)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    mirror = open_mirror(tmp_path / "data.db")
    yield mirror
    mirror.close()


def row(customer: int = 1, userid: str = "u1", **fields: Any) -> FollowRow:
    name = fields.pop("name", "王小明")
    values = {"createtime": 100, "add_way": 1, **fields}
    return FollowRow(
        ExternalContact(f"wm{customer:030d}", name, type=1), FollowInfo(userid, **values)
    )


def sync(db: Database, *rows: FollowRow, now: int = 1000, ref: str = "1") -> facts.Applied:
    return apply_facts(db, "sync", Batch(follows=rows), now, ref)


def dump(db: Database) -> dict[tuple[str, str], tuple[Any, ...]]:
    """What the mirror says, by (userid, external_userid), from WeCom's ids alone."""
    tags: dict[int, set[str]] = {}
    for follow, tag, created in db.execute(
        "SELECT x.follow_id, t.tag_id, x.createtime FROM follow_tag AS x"
        " JOIN tag AS t ON t.id = x.tag_id"
    ):
        tags.setdefault(follow, set()).add(f"{tag}@{created}")
    return {
        (userid, external): (
            name,
            remark,
            created,
            json.loads(mobiles),
            state,
            tags.get(key, set()),
        )
        for key, userid, external, name, remark, created, mobiles, state in db.execute(
            "SELECT f.id, s.userid, c.external_userid, c.name, f.remark, f.createtime, f.mobiles,"
            " f.state FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
            " JOIN customer AS c ON c.id = f.customer_id WHERE f.status = 'active'"
        )
    }


def model(rows: list[FollowRow]) -> dict[tuple[str, str], tuple[Any, ...]]:
    """The same, the obvious way: the last row of a pair counts, the last name of a person."""
    names = {each.external_contact.external_userid: each.external_contact.name for each in rows}
    return {
        (info.userid, external): (
            names[external],
            info.remark,
            info.createtime,
            list(info.remark_mobiles),
            info.state,
            {f"{tag}@{info.createtime}" for tag in info.tag_id},
        )
        for each in rows
        for info, external in [(each.follow_info, each.external_contact.external_userid)]
    }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches=st.lists(st.lists(rows_, max_size=8), max_size=5), late=st.booleans())
def test_any_batches_give_what_the_last_rows_say(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[FollowRow]], late: bool
) -> None:
    db = open_mirror(tmp_path_factory.mktemp("mirror") / "data.db")
    try:
        if late:
            indexes.postpone(db)
        keys = Keys()
        everything = [each for batch in batches for each in batch]
        for batch in batches:
            applied = apply_facts(db, "sync", Batch(follows=batch), 1000, "1", keys)
            assert len(applied.follow_ids) == len(batch)
        indexes.build(db)
        assert dump(db) == model(everything)
        revision = meta.revision(db.connection)
        changes = db.connection.total_changes
        final = {
            (each.follow_info.userid, each.external_contact.external_userid): each
            for each in everything
        }
        names = {
            each.external_contact.external_userid: each.external_contact for each in everything
        }
        settled = [
            FollowRow(names[each.external_contact.external_userid], each.follow_info)
            for each in final.values()
        ]
        applied = apply_facts(db, "sync", Batch(follows=settled), 2000, "2")
        assert not applied.changed
        assert db.connection.total_changes == changes
        assert meta.revision(db.connection) == revision
        newest = {
            external: max(row[2] for pair, row in dump(db).items() if pair[1] == external)
            for _userid, external in dump(db)
        }
        # createtime of a customer: the newest ever seen of any follow
        for external, created in db.execute("SELECT external_userid, createtime FROM customer"):
            seen = [
                each.follow_info.createtime
                for each in everything
                if each.external_contact.external_userid == external
            ]
            assert newest[external] <= created <= max(seen)
        _search_is_true(db)
    finally:
        db.close()


def _search_is_true(db: Database) -> None:
    """Each customer is found by a name and by a remark they have now."""
    for external, name, remark in db.execute(
        "SELECT c.external_userid, c.name, f.remark FROM customer AS c"
        " JOIN follow AS f ON f.customer_id = c.id"
    ).fetchall():
        for text in (name, remark):
            if not text or "\x00" in text:
                continue
            word = search.SearchWord(db.connection, text)
            found = word.candidates(db.connection)
            key = db.execute(
                "SELECT id FROM customer WHERE external_userid = ?", (external,)
            ).fetchone()[0]
            assert key in found, text


def test_a_rolled_back_batch_leaves_nothing_behind(db: Database) -> None:
    sync(db, row(1, tag_id=("et1",)))
    keys = Keys()

    def half() -> None:
        with db.atomic():
            apply_facts(db, "sync", Batch(follows=[row(2, "u9", tag_id=("et9",))]), 1, "1", keys)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    keys.forget()
    assert set(dump(db)) == {("u1", f"wm{1:030d}")}
    apply_facts(db, "sync", Batch(follows=[row(2, "u9", tag_id=("et9",))]), 1, "1", keys)
    assert set(dump(db)) == {("u1", f"wm{1:030d}"), ("u9", f"wm{2:030d}")}


def test_userids_are_the_same_in_any_case(db: Database) -> None:
    sync(db, row(1, "Lin"))
    applied = sync(db, row(1, "lin"))
    assert not applied.changed
    assert db.execute("SELECT count(*) FROM staff").fetchone() == (1,)


def test_a_sighting_does_not_clear_a_deletion_only_a_new_adding_does(db: Database) -> None:
    sync(db, row(1, createtime=100))
    external = f"wm{1:030d}"
    told = {"source": "event", "ref": "e1", "now": 1100}
    assert facts.deleted_by_customer(db, "u1", external, at=1050, **told)
    assert not facts.deleted_by_customer(db, "u1", external, at=1060, **told)
    sync(db, row(1, createtime=100, remark="新"))
    assert db.execute("SELECT deleted_by_customer_at FROM follow").fetchone() == (1050,)
    sync(db, row(1, createtime=2000))
    assert db.execute("SELECT deleted_by_customer_at FROM follow").fetchone() == (None,)


def test_what_is_seen_is_active_again(db: Database) -> None:
    sync(db, row(1))
    for status in ("missing", "lost", "unassigned", "out_of_scope"):
        told = {"source": "event", "ref": "e", "now": 5}
        assert facts.follow_status_changed(db, "u1", f"wm{1:030d}", status, **told)
        assert sync(db, row(1)).changed
        assert db.execute("SELECT status FROM follow").fetchone() == ("active",)


def test_a_job_tells_tags_and_remarks_and_the_next_sync_agrees(db: Database) -> None:
    external = f"wm{1:030d}"
    sync(db, row(1, tag_id=("et1", "et2"), remark="旧", remark_mobiles=("13900000001",)))
    told = {"source": "job", "ref": "j7", "now": 1500}
    assert facts.follow_tags_changed(db, "u1", external, add=["et3"], remove=["et1"], **told)
    assert not facts.follow_tags_changed(db, "u1", external, add=["et3"], remove=[], **told)
    assert facts.remark_changed(db, "u1", external, remark="新", remark_mobiles=[], **told)
    assert not facts.remark_changed(db, "u1", external, remark="新", **told)
    assert not facts.remark_changed(db, "nobody", external, remark="新", **told)
    history = {(each.field, str(each.before), str(each.after), each.source, each.ref)
               for each in timeline.of_customer(db, external)}  # fmt: skip
    assert history == {
        ("tag", "['et1', 'et2']", "['et2', 'et3']", "job", "j7"),
        ("remark", "旧", "新", "job", "j7"),
        ("mobiles", "['13900000001']", "[]", "job", "j7"),
    }
    revision = meta.revision(db.connection)
    assert not sync(db, row(1, tag_id=("et2", "et3"), remark="新")).changed
    assert meta.revision(db.connection) == revision
    assert search.SearchWord(db.connection, "新").candidates(db.connection)


def test_a_done_handover_moves_the_owner(db: Database) -> None:
    external = f"wm{1:030d}"
    user = User("u2", "接手", department=(7,), main_department=7, status=1)
    apply_facts(db, "sync", Batch(staff=[user]), 1000, "1")
    sync(db, row(1, "u1"))
    told = {"source": "job", "ref": "j1", "now": 1500}
    assert facts.follow_transferred(db, "u1", "u2", external, createtime=1400, **told)
    assert not facts.follow_transferred(db, "u1", "u2", external, createtime=1400, **told)
    found = db.execute(
        "SELECT s.userid, f.status, f.add_way, f.tags_known, f.store_id FROM follow AS f"
        " JOIN staff AS s ON s.id = f.staff_id ORDER BY s.userid"
    ).fetchall()
    assert found == [("u1", "handed_over", 1, 1, 0), ("u2", "active", 202, 0, 7)]
    assert db.execute("SELECT createtime FROM customer").fetchone() == (1400,)
    owner = next(each for each in timeline.of_customer(db, external) if each.field == "owner")
    assert (owner.before, owner.after) == ("u1", "u2")
    sync(db, row(1, "u2", createtime=1400, add_way=202, tag_id=("et1",)))
    assert db.execute("SELECT tags_known FROM follow WHERE status = 'active'").fetchone() == (1,)


def test_who_moves_takes_the_customers_to_the_new_shop(db: Database) -> None:
    def staff(department: int) -> Batch:
        return Batch(
            staff=[
                User("u1", "小林", department=(department,), main_department=department, status=1)
            ]
        )

    apply_facts(db, "sync", staff(7), 1000, "1")
    keys = Keys()
    apply_facts(db, "sync", Batch(follows=[row(1)]), 1000, "1", keys)
    assert db.execute("SELECT store_id FROM follow").fetchone() == (7,)
    apply_facts(db, "sync", staff(8), 2000, "2", keys)
    assert db.execute("SELECT store_id FROM follow").fetchone() == (8,)
    entry = timeline.of_staff(db, "u1")[0]
    assert (entry.field, entry.before, entry.after, entry.at) == ("store", 7, 8, 2000)
    apply_facts(db, "sync", Batch(follows=[row(2)]), 2000, "2", keys)
    assert db.execute("SELECT DISTINCT store_id FROM follow").fetchall() == [(8,)]


def test_new_follows_of_a_known_member_are_news(db: Database) -> None:
    sync(db, row(1))
    assert timeline.of_customer(db, f"wm{1:030d}") == []  # a first reading is no news
    db.execute("INSERT INTO staff_coverage (staff_id, complete_at) VALUES (1, 1000)")
    sync(db, row(2), now=3000)
    entry = timeline.of_customer(db, f"wm{2:030d}")[0]
    assert (entry.field, entry.before) == ("follow", None)
    assert entry.after == {"createtime": 100, "add_way": 1}


def test_tags_are_renamed_and_deleted_by_name(db: Database) -> None:
    def library(name: str) -> Batch:
        return Batch(
            tag_groups=[CorpTagGroup("g1", "等级", 1, 0, tag=(CorpTag("et1", name, 1, 0),))]
        )

    apply_facts(db, "sync", library("金卡"), 1000, "1")
    assert not apply_facts(db, "sync", library("金卡"), 1000, "1").changed
    apply_facts(db, "sync", library("黑金"), 2000, "2")
    apply_facts(db, "sync", Batch(deleted_tags=["et1"]), 3000, "3")
    assert db.execute("SELECT name, deleted_at FROM tag").fetchone() == ("黑金", 3000)
    assert db.execute("SELECT deleted_at FROM tag_group").fetchone() == (3000,)
    history = timeline.of_ref(db, "sync", "2") + timeline.of_ref(db, "sync", "3")
    assert [(each.before["name"], each.after and each.after["name"]) for each in history] == [
        ("金卡", "黑金"),
        ("黑金", None),
    ]


def test_an_unassigned_row_makes_a_follow_whose_tags_are_unknown(db: Database) -> None:
    rows = [Unassigned("gone", f"wm{1:030d}", 900)]
    assert apply_facts(db, "sync", Batch(unassigned=rows), 1000, "1").changed
    assert not apply_facts(db, "sync", Batch(unassigned=rows), 1000, "1").changed
    assert db.execute(
        "SELECT f.status, f.tags_known, s.status, s.left_at FROM follow AS f"
        " JOIN staff AS s ON s.id = f.staff_id"
    ).fetchone() == ("unassigned", 0, "left", 900)
