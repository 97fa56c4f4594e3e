"""Departments, staff, tags, groups and unassigned: each scope's own rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from storeops.mirror import timeline
from tests.chaos.truth import compare
from tests.chaos.world import World, scope

MakeWorld = Callable[..., World]


def calls(here: World, path: str) -> int:
    return int(here.sandbox.control.calls()["paths"].get(path, {}).get("calls", 0))


def test_a_tree_too_large_for_one_answer_is_read_in_parts(world: MakeWorld) -> None:
    here = world(stores=40, staff=300, follows=600)
    here.sandbox.control.settings(max_answer_bytes=30_000)
    result = here.sync(scopes=["departments", "staff", "tags"])
    assert result.outcome == "complete"
    assert scope(result, "staff").seen == 300
    assert calls(here, "user/list") > 5
    here.sandbox.control.settings(max_answer_bytes=20_000_000)
    here.sync()
    assert not compare(here.data, here.sandbox.control)


def test_a_department_that_fails_hides_nobody(world: MakeWorld) -> None:
    here = world(stores=40, staff=300)
    here.sync()
    here.sandbox.control.settings(max_answer_bytes=30_000)
    here.sandbox.control.fault("errcode", "user/list", errcode=60011, nth=4)
    result = here.sync(scopes=["departments", "staff"])
    assert scope(result, "staff").outcome == "partial"
    assert scope(result, "staff").failures[0].subject.startswith("department ")
    assert here.data.execute("SELECT count(*) FROM staff WHERE status = 'active'").fetchone() == (
        300,
    )


def test_members_out_of_sight_keep_their_customers(world: MakeWorld) -> None:
    here = world()
    here.sync()
    (userid, count) = here.data.execute(
        "SELECT s.userid, count(*) FROM staff AS s JOIN follow AS f ON f.staff_id = s.id"
        " WHERE s.is_follow_user = 1 GROUP BY s.id ORDER BY 2 DESC LIMIT 1"
    ).fetchone()
    here.sandbox.control.act("scope_hide", userid=userid)
    assert here.sync().outcome == "complete"
    found = here.data.execute(
        "SELECT s.status, f.status, count(*) FROM staff AS s JOIN follow AS f"
        " ON f.staff_id = s.id WHERE s.userid = ? GROUP BY 1, 2",
        (userid,),
    ).fetchall()
    assert [row[1:] for row in found] == [("out_of_scope", count)]
    assert found[0][0] in ("out_of_scope", "left")
    here.sandbox.control.act("scope_show", userid=userid)
    assert here.sync().outcome == "complete"
    assert not compare(here.data, here.sandbox.control)


def test_2500_unassigned_rows_come_in_three_pages(world: MakeWorld) -> None:
    here = world(stores=2, staff=6, follows=3000)
    here.sync()
    listed = len(list(here.sandbox.control.export("unassigned")))
    for (userid,) in here.data.execute(
        "SELECT userid FROM staff WHERE is_follow_user = 1"
    ).fetchall():
        if listed > 2500:
            break
        here.sandbox.control.act("staff_leave", userid=userid)
        listed = len(list(here.sandbox.control.export("unassigned")))
    assert listed > 2000
    result = here.sync()
    assert result.outcome == "complete"
    assert scope(result, "unassigned").seen == listed
    assert scope(result, "unassigned").calls == -(-listed // 1000)
    assert not compare(here.data, here.sandbox.control)
    assert Counter(
        row[0]
        for row in here.data.execute(
            "SELECT f.status FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
            " WHERE s.status = 'left'"
        )
    ) == {"unassigned": listed}


def test_a_failing_page_of_the_unassigned_list_judges_nobody(world: MakeWorld) -> None:
    here = world(stores=2, staff=6, follows=3000)
    here.sync()
    (userid,) = here.data.execute(
        "SELECT s.userid FROM staff AS s JOIN follow AS f ON f.staff_id = s.id"
        " WHERE s.is_follow_user = 1 GROUP BY s.id ORDER BY count(*) DESC LIMIT 1"
    ).fetchone()
    here.sandbox.control.act("staff_leave", userid=userid)
    here.sync()
    before = here.data.execute("SELECT * FROM unassigned ORDER BY 1, 2").fetchall()
    here.sandbox.control.fault("errcode", "externalcontact/get_unassigned_list", errcode=48002)
    result = here.sync()
    assert scope(result, "unassigned").outcome == "failed"
    assert here.data.execute("SELECT * FROM unassigned ORDER BY 1, 2").fetchall() == before


def test_a_stale_cursor_of_the_unassigned_list_begins_it_anew(world: MakeWorld) -> None:
    here = world(stores=2, staff=6, follows=3000)
    here.sync()
    for (userid,) in here.data.execute(
        "SELECT userid FROM staff WHERE is_follow_user = 1 ORDER BY id LIMIT 3"
    ).fetchall():
        here.sandbox.control.act("staff_leave", userid=userid)
    here.sandbox.control.fault(
        "errcode", "externalcontact/get_unassigned_list", errcode=50100, nth=2
    )
    assert here.sync().outcome == "complete"
    assert not compare(here.data, here.sandbox.control)


def test_tags_go_only_when_wecom_says_deleted(world: MakeWorld) -> None:
    here = world()
    here.sync()
    (tag_id, name) = here.data.execute("SELECT tag_id, name FROM tag ORDER BY id").fetchone()
    here.sandbox.control.act("tag_delete", id=tag_id)
    result = here.sync()
    assert scope(result, "tags").lost == 1
    entry = timeline.of_ref(here.data, "sync", str(result.run_id))[0]
    assert (entry.field, entry.before["name"], entry.after) == ("tag_name", name, None)
    assert here.sync().outcome == "complete"
    assert not compare(here.data, here.sandbox.control)


def test_groups_are_dissolved_by_their_own_answer(world: MakeWorld) -> None:
    here = world(stores=20, staff=120)
    here.sync()
    chats = [
        row[0] for row in here.data.execute("SELECT chat_id FROM group_chat ORDER BY id").fetchall()
    ]
    assert len(chats) > 3
    here.sandbox.control.act("group_dissolve", chat_id=chats[0])
    here.sandbox.control.act("group_rename", chat_id=chats[1], name="新名字")
    here.sandbox.control.fault(
        "errcode", "externalcontact/groupchat/get", errcode=60011, match=chats[2]
    )
    result = here.sync()
    groups = scope(result, "groups")
    assert [each.subject for each in groups.failures] == [chats[2]]
    assert (groups.lost, groups.changed) == (1, 1)
    assert dict(
        here.data.execute(
            "SELECT chat_id, status FROM group_chat WHERE chat_id IN (?, ?, ?)", chats[:3]
        ).fetchall()
    ) == {chats[0]: "dissolved", chats[1]: "active", chats[2]: "active"}
    here.sandbox.control.clear_faults()
    here.sync()
    assert not compare(here.data, here.sandbox.control)


def test_an_owner_whose_groups_fail_holds_nobody_up(world: MakeWorld) -> None:
    here = world(stores=20, staff=120)
    here.sync()
    (owner,) = here.data.execute("SELECT owner_userid FROM group_chat LIMIT 1").fetchone()
    here.sandbox.control.fault(
        "errcode", "externalcontact/groupchat/list", errcode=60011, match=f'"{owner}"'
    )
    before = here.data.execute("SELECT * FROM group_chat ORDER BY id").fetchall()
    result = here.sync(scopes=["groups"])
    assert result.outcome == "partial"
    assert [each.subject for each in scope(result, "groups").failures] == [owner]
    assert here.data.execute("SELECT * FROM group_chat ORDER BY id").fetchall() == before
