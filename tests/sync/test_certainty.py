"""Nobody is believed lost because a call failed; leavers keep everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from storeops.mirror import timeline
from storeops.wecom import customers
from storeops.wecom.errors import WeComError
from tests.chaos.truth import believed_gone, compare, facts
from tests.chaos.world import World, scope

MakeWorld = Callable[..., World]
GET_BY_USER = "externalcontact/batch/get_by_user"


def largest_member(here: World) -> str:
    row = here.data.execute(
        "SELECT s.userid FROM staff AS s JOIN follow AS f ON f.staff_id = s.id"
        " WHERE s.is_follow_user = 1 GROUP BY s.id ORDER BY count(*) DESC, s.id LIMIT 1"
    ).fetchone()
    return str(row[0])


def statuses(here: World, userid: str) -> Counter[str]:
    return Counter(
        row[0]
        for row in here.data.execute(
            "SELECT f.status FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
            " WHERE s.userid = ?",
            (userid,),
        )
    )


def fail_for(here: World, userid: str, errcode: int, **how: Any) -> None:
    here.sandbox.control.fault("errcode", GET_BY_USER, errcode=errcode, match=f'"{userid}"', **how)


def test_45009_once_only_costs_time(world: MakeWorld) -> None:
    here = world()
    here.sync()
    before = facts(here.data)
    here.sandbox.control.fault("errcode", GET_BY_USER, errcode=45009, first=1)
    assert here.sync().outcome == "complete"
    assert facts(here.data) == before


def test_60011_for_ever_is_one_members_business(world: MakeWorld) -> None:
    here = world()
    here.sync()
    userid = largest_member(here)
    before = statuses(here, userid)
    fail_for(here, userid, 60011)
    here.sandbox.control.act("random", count=40, seed=3)
    for _round in range(3):
        result = here.sync()
        assert result.outcome == "partial"
        failures = scope(result, "follows").failures
        assert [(each.subject, each.errcode) for each in failures] == [(userid, 60011)]
        assert statuses(here, userid)["active"] == before["active"]
    assert not believed_gone(here.data, here.sandbox.control)
    here.sandbox.control.clear_faults()
    here.sync()
    assert here.sync().outcome == "complete"
    assert not compare(here.data, here.sandbox.control)


def test_a_known_bad_member_is_asked_alone(world: MakeWorld) -> None:
    here = world()
    here.sync()
    fail_for(here, largest_member(here), 60011)
    searching = scope(here.sync(), "follows").calls
    knowing = scope(here.sync(), "follows").calls
    assert knowing < searching


@pytest.mark.parametrize("errcode", [84061, 60111])
def test_denied_once_changes_nothing(world: MakeWorld, errcode: int) -> None:
    here = world()
    here.sync()
    userid = largest_member(here)
    before = facts(here.data)
    fail_for(here, userid, errcode)
    result = here.sync()
    assert result.outcome == "partial"
    assert [each.subject for each in scope(result, "follows").failures] == [userid]
    assert facts(here.data) == before
    here.sandbox.control.clear_faults()
    assert here.sync().outcome == "complete"
    assert facts(here.data) == before
    fail_for(here, userid, errcode)  # the denial before was taken back: this is the first again
    assert here.sync().outcome == "partial"
    assert facts(here.data) == before


def test_no_customers_said_in_two_runs_is_believed_step_by_step(world: MakeWorld) -> None:
    here = world()
    here.sync()
    userid = largest_member(here)
    count = statuses(here, userid)["active"]
    fail_for(here, userid, 84061)
    assert here.sync().outcome == "partial"
    second = here.sync()
    assert second.outcome == "complete"
    assert scope(second, "follows").missing == count
    assert statuses(here, userid) == {"missing": count}
    third = here.sync()
    assert scope(third, "follows").lost == count
    assert statuses(here, userid) == {"lost": count}
    here.sandbox.control.clear_faults()
    assert here.sync().outcome == "complete"
    assert statuses(here, userid) == {"active": count}
    assert not compare(here.data, here.sandbox.control)


def test_unknown_member_said_in_two_runs_is_out_of_scope(world: MakeWorld) -> None:
    here = world()
    here.sync()
    userid = largest_member(here)
    count = statuses(here, userid)["active"]
    fail_for(here, userid, 60111)
    here.sync()
    here.sync()
    assert statuses(here, userid) == {"out_of_scope": count}
    here.sandbox.control.clear_faults()
    here.sync()
    assert statuses(here, userid) == {"active": count}


def test_a_whole_group_without_customers_is_asked_twice(world: MakeWorld) -> None:
    here = world(staff=10, follows=0)
    result = here.sync()
    assert result.outcome == "complete"
    assert scope(result, "follows").seen == 0
    assert not compare(here.data, here.sandbox.control)


def test_deleted_by_staff_goes_missing_then_lost(world: MakeWorld) -> None:
    here = world()
    here.sync()
    row = next(each for each in here.sandbox.control.export("follows") if each["listed"])
    pair = {"userid": row["userid"], "external_userid": row["external_userid"]}
    here.sandbox.control.act("follow_delete", **pair)
    first = here.sync()
    assert (scope(first, "follows").missing, scope(first, "follows").lost) == (1, 0)
    second = here.sync()
    assert (scope(second, "follows").missing, scope(second, "follows").lost) == (0, 1)
    third = here.sync()
    assert (scope(third, "follows").missing, scope(third, "follows").lost) == (0, 0)
    history = [
        (each.before, each.after)
        for each in timeline.of_customer(here.data, row["external_userid"])
        if each.field == "status" and each.userid == row["userid"]
    ]
    assert history == [("missing", "lost"), ("active", "missing")]


def test_a_leavers_customers_keep_remark_and_tags(world: MakeWorld) -> None:
    here = world()
    here.sync()
    userid = largest_member(here)
    sql = (
        "SELECT c.external_userid, f.remark, f.mobiles, f.createtime, group_concat(x.tag_id)"
        " FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " JOIN customer AS c ON c.id = f.customer_id"
        " LEFT JOIN follow_tag AS x ON x.follow_id = f.id"
        " WHERE s.userid = ? GROUP BY f.id ORDER BY 1"
    )
    before = here.data.execute(sql, (userid,)).fetchall()
    count = statuses(here, userid)["active"]
    here.sandbox.control.act("staff_leave", userid=userid)
    assert here.sync().outcome == "complete"
    assert statuses(here, userid) == {"unassigned": count}
    assert here.data.execute(sql, (userid,)).fetchall() == before
    assert here.data.execute("SELECT status FROM staff WHERE userid = ?", (userid,)).fetchone() == (
        "left",
    )
    entry = next(each for each in timeline.of_staff(here.data, userid) if each.field == "left")
    assert (entry.before, entry.after) == ("active", "left")
    assert not compare(here.data, here.sandbox.control)
    again = facts(here.data)
    here.sync()
    assert facts(here.data) == again


def test_losing_customer_contact_is_out_of_scope_and_comes_back(world: MakeWorld) -> None:
    here = world()
    here.sync()
    userid = largest_member(here)
    count = statuses(here, userid)["active"]
    here.sandbox.control.act("contact_off", userid=userid)
    assert here.sync().outcome == "complete"
    assert statuses(here, userid) == {"out_of_scope": count}
    here.sandbox.control.act("contact_on", userid=userid)
    assert here.sync().outcome == "complete"
    assert statuses(here, userid) == {"active": count}


def test_a_first_load_hears_about_leavers_from_the_list_alone(world: MakeWorld) -> None:
    here = world(stores=12, staff=120, follows=2000)
    here.sync()
    rows = here.data.execute(
        "SELECT f.status, f.tags_known FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " WHERE s.status = 'left'"
    ).fetchall()
    listed = list(here.sandbox.control.export("unassigned"))
    assert len(listed) > 0
    assert rows == [("unassigned", 0)] * len(listed)


def test_changes_reach_the_timeline_with_old_values(world: MakeWorld) -> None:
    here = world()
    here.sync()
    row = next(
        each
        for each in here.sandbox.control.export("follows")
        if each["listed"] and each["remark"] and each["tag_id"]
    )
    pair = {"userid": row["userid"], "external_userid": row["external_userid"]}
    here.sandbox.control.act("remark_edit", **pair, remark="新备注")
    result = here.sync()
    assert scope(result, "follows").changed == 1
    entry = timeline.of_customer(here.data, row["external_userid"])[0]
    assert (entry.source, entry.ref) == ("sync", str(result.run_id))
    assert (entry.field, entry.before, entry.after) == ("remark", row["remark"], "新备注")
    assert entry.userid == row["userid"]


def test_a_cursor_that_comes_again_ends(world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(staff=5, follows=300)
    real = customers.get_by_user

    def circling(client: Any, userids: Any, cursor: str = "", limit: int = 100) -> Any:
        page = real(client, userids, "", limit)
        return type(page)(
            errcode=0,
            external_contact_list=page.external_contact_list,
            next_cursor="always the same",
        )

    monkeypatch.setattr(customers, "get_by_user", circling)
    result = here.sync()
    assert scope(result, "follows").outcome == "failed"
    asked = here.data.execute("SELECT userid FROM staff WHERE is_follow_user = 1").fetchall()
    assert {(each.subject,) for each in scope(result, "follows").failures} == set(asked)
    monkeypatch.undo()
    assert here.sync().outcome == "complete"
    assert not compare(here.data, here.sandbox.control)


def test_a_stale_cursor_restarts_its_members_only(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world(staff=150, follows=3000)
    real = customers.get_by_user
    first: dict[str, int] = Counter()
    stale: list[str] = []

    def once_stale(client: Any, userids: Any, cursor: str = "", limit: int = 100) -> Any:
        if cursor and not stale:
            stale.append(userids[0])
            from storeops.wecom.errors import refused

            raise refused(GET_BY_USER, 50100, "invalid cursor")
        if not cursor:
            first[userids[0]] += 1
        return real(client, userids, cursor, limit)

    monkeypatch.setattr(customers, "get_by_user", once_stale)
    assert here.sync().outcome == "complete"
    assert first[stale[0]] == 2
    assert all(count == 1 for userid, count in first.items() if userid != stale[0])
    assert not compare(here.data, here.sandbox.control)


def test_a_wrong_secret_fails_every_scope_and_believes_nothing(world: MakeWorld) -> None:
    here = world()
    here.sync()
    before = facts(here.data)
    here.sandbox.control.fault("errcode", "*", errcode=48002)
    result = here.sync()
    assert result.outcome == "failed"
    assert {each.outcome for each in result.scopes} == {"failed"}
    assert scope(result, "follows").calls <= 8
    assert facts(here.data) == before


def test_short_duplicated_and_reordered_pages_are_harmless(world: MakeWorld) -> None:
    here = world(staff=40, follows=1500)
    for kind in ("short", "duplicate", "reorder"):
        here.sandbox.control.fault(kind, "*", rate=0.4, seed=9)
    assert here.sync().outcome == "complete"
    here.sandbox.control.clear_faults()
    assert not compare(here.data, here.sandbox.control)


def test_errors_are_the_clients_own(world: MakeWorld) -> None:
    here = world()
    here.sandbox.control.fault("errcode", "department/list", errcode=60011, first=1)
    result = here.sync(scopes=["departments"])
    failure = scope(result, "departments").failures[0]
    assert failure.errcode == 60011
    assert issubclass(WeComError, Exception)
    assert "60011" in failure.message
