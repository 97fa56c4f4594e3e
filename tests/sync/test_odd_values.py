"""One odd value costs one value, one unreadable row costs that row, whatever list it comes in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from storeops.mirror import meta
from storeops.wecom.contacts import Department, User
from storeops.wecom.customers import ExternalContact, FollowInfo
from storeops.wecom.tags import CorpTag, CorpTagGroup
from tests.chaos.truth import compare
from tests.chaos.world import World, scope

MakeWorld = Callable[..., World]

# every list reader of a sync: its path, its scope, a text, a number, a time, and its identity
READERS = [
    ("department/list", "departments", "name", "order", None, "id"),
    ("user/list", "staff", "name", "status", None, "userid"),
    ("externalcontact/get_follow_user_list", "staff", None, None, None, "follow_user[]"),
    ("externalcontact/get_corp_tag_list", "tags", "group_name", "order", "create_time", "id"),
    ("externalcontact/batch/get_by_user", "follows", "remark", "add_way", "createtime",
     "external_userid"),
    ("externalcontact/get_unassigned_list", "unassigned", None, None, "dimission_time",
     "external_userid"),
    ("externalcontact/groupchat/list", "groups", None, "status", None, "chat_id"),
    ("externalcontact/groupchat/get", "groups", "group_nickname", "join_scene", "join_time",
     "userid"),
]  # fmt: skip
NAMES = [path for path, *_more in READERS]
VALUES = ("cut_text", "control_char", "half_surrogate", "null_field", "number_as_text",
          "text_as_number", "milliseconds")  # fmt: skip
COUNTS = {
    "follows": "SELECT status, count(*) FROM follow GROUP BY status",
    "staff": "SELECT status, is_follow_user, count(*) FROM staff GROUP BY 1, 2",
    "departments": "SELECT status, count(*) FROM department GROUP BY 1",
    "tags": "SELECT count(*) FROM tag WHERE deleted_at IS NULL",
    "groups": "SELECT status, count(*) FROM group_chat GROUP BY 1",
    "members": "SELECT group_id, count(*) FROM group_member GROUP BY 1",
    "unassigned": "SELECT count(*) FROM unassigned",
}
# what a reading tells of everything, and the fields that may be odd without costing their row
FACTS = {
    "department": "id, name, name_en, parentid, ord, leaders",
    "staff": "userid, name, position, main_department, departments, wecom_status, left_at",
    "customer": "external_userid, name, type, gender, unionid, avatar, position, corp_name,"
    " createtime",
    "follow": "id, store_id, createtime, remark, description, remark_corp_name, mobiles, add_way,"
    " oper_userid, state, status, tags_known",
    "follow_tag": "follow_id, tag_id",
    "tag_group": "group_id, name, ord, create_time",
    "tag": "tag_id, name, ord, create_time",
    "group_chat": "chat_id, name, owner_userid, create_time, notice, admins, member_version,"
    " member_count",
    "group_member": "group_id, member, type, name, group_nickname, join_time, join_scene, invitor,"
    " state",
    "unassigned": "handover_userid, external_userid, dimission_time",
    "timeline": "count(*)",
}
FIELDS = {
    "department/list": "name name_en department_leader parentid order",
    "user/list": "name position main_department status",
    "externalcontact/get_corp_tag_list": "group_name name create_time order",
    "externalcontact/batch/get_by_user": "name type gender unionid avatar position corp_name"
    " createtime remark description tag_id remark_corp_name remark_mobiles add_way oper_userid"
    " state",
    "externalcontact/get_unassigned_list": "dimission_time",
    "externalcontact/groupchat/get": "name create_time notice admin_list member_version type"
    " join_time join_scene group_nickname state",
}


def standing(world: World) -> dict[str, list[tuple[Any, ...]]]:
    return {name: world.data.execute(sql).fetchall() for name, sql in COUNTS.items()}


@pytest.mark.parametrize(("path", "name", "text", "number", "time", "identity"), READERS, ids=NAMES)
def test_odd_values_in_every_list(
    world: MakeWorld, path: str, name: str, text: str, number: str, time: str, identity: str
) -> None:
    here = world(stores=3, staff=8, follows=60)
    assert here.sync().outcome == "complete"
    before = standing(here)
    for kind in VALUES:
        fits = {"number_as_text": number, "milliseconds": time, "null_field": text or time}
        field = fits.get(kind, text)
        if not field:
            continue
        here.sandbox.control.fault(kind, path, field=field)
        result = here.sync()
        here.sandbox.control.clear_faults()
        assert result.outcome == "complete", (kind, field, scope(result, name))
        assert result.odd_values.get(field), (kind, field)
        assert standing(here) == before, (kind, field)
    assert here.sync().outcome == "complete"
    assert not compare(here.data, here.sandbox.control)


@pytest.mark.parametrize(("path", "name", "text", "number", "time", "identity"), READERS, ids=NAMES)
def test_an_unreadable_row_is_named_and_nothing_else_is_lost(
    world: MakeWorld, path: str, name: str, text: str, number: str, time: str, identity: str
) -> None:
    here = world(stores=3, staff=8, follows=60)
    assert here.sync().outcome == "complete"
    before = standing(here)
    for kind in ("null_field", "half_surrogate", "missing_field", "text_as_number"):
        if path.startswith("department") and kind != "null_field":
            continue  # an id that is a number
        if "[]" in identity and kind == "missing_field":
            continue  # a list that is shorter by one says nothing of it
        here.sandbox.control.fault(kind, path, field=identity)
        for _twice in (1, 2):
            result = here.sync()
            assert standing(here) == before, (kind, result)
        here.sandbox.control.clear_faults()
        failed = scope(result, name).failures
        assert all("did not answer" not in each.message for each in failed)
        if path != "user/list" and kind != "missing_field":  # a member is read alone, then
            assert result.outcome == "partial", kind
            assert failed, kind
    assert here.sync().outcome == "complete"
    assert not compare(here.data, here.sandbox.control)


def facts(world: World) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: world.data.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2").fetchall()
        if table != "timeline"
        else world.data.execute(f"SELECT {columns} FROM {table}").fetchall()
        for table, columns in FACTS.items()
    }


@pytest.mark.parametrize("path", FIELDS)
def test_what_cannot_be_read_stays_as_the_mirror_knows_it(world: MakeWorld, path: str) -> None:
    here = world(stores=3, staff=8, follows=60)
    assert here.sync().outcome == "complete"
    before, revision = facts(here), meta.revision(here.data)
    for field in FIELDS[path].split():
        here.sandbox.control.fault("null_field", path, field=field, every=True)
        result = here.sync()
        here.sandbox.control.clear_faults()
        if result.odd_values.get(field):
            assert result.outcome == "complete", field
        assert facts(here) == before, (field, result.odd_values)
    assert meta.revision(here.data) == revision
    assert here.sync().outcome == "complete"
    assert facts(here) == before


TOLD = {
    "department/list": Department.always_sent,
    "user/list": User.always_sent,
    "externalcontact/batch/get_by_user": (*ExternalContact.always_sent, *FollowInfo.always_sent),
    "externalcontact/get_corp_tag_list": (*CorpTag.always_sent, *CorpTagGroup.always_sent),
}


@pytest.mark.parametrize("path", TOLD)
def test_what_is_always_told_and_absent_stays_as_the_mirror_knows_it(
    world: MakeWorld, path: str
) -> None:
    here = world(stores=3, staff=8, follows=60)
    assert here.sync().outcome == "complete"
    before = facts(here)
    for field in dict.fromkeys(TOLD[path]):
        here.sandbox.control.fault("missing_field", path, field=field, every=True)
        result = here.sync()
        here.sandbox.control.clear_faults()
        assert result.odd_values.get(field), field
        assert facts(here) == before, field


@pytest.mark.parametrize("kind", ["null_field", "missing_field"])
def test_a_list_whose_end_is_not_said_is_partial(world: MakeWorld, kind: str) -> None:
    here = world(stores=3, staff=8, follows=60)
    path = "externalcontact/get_unassigned_list"
    assert here.sync().outcome == "complete"
    before = standing(here)
    assert before["unassigned"] != [(0,)]
    here.sandbox.control.fault(kind, path, field="is_last")
    for _twice in (1, 2):
        result = scope(here.sync(), "unassigned")
        assert result.outcome == "partial"
        assert [each.subject for each in result.failures] == ["unassigned"]
        assert "is_last" in result.failures[0].message
        assert result.seen == before["unassigned"][0][0], "its rows are read all the same"
    assert standing(here) == before


PLACES = {
    "department/list": ("departments", "id", r"department \d+ \(.+\)"),
    "user/list": ("staff", "userid", r"userlist \d+ \(.+\)"),
    "externalcontact/get_corp_tag_list": ("tags", "id", r"tag \d+ \(.+, .+\)"),
    "externalcontact/get_unassigned_list": ("unassigned", "external_userid",
                                            r"info \d+ \(left\d+\)"),
    "externalcontact/batch/get_by_user": ("follows", "userid", r"wm\S+"),
}  # fmt: skip


@pytest.mark.parametrize("path", PLACES)
def test_a_row_without_its_id_is_named_by_what_else_it_tells(world: MakeWorld, path: str) -> None:
    name, identity, shape = PLACES[path]
    here = world(stores=3, staff=8, follows=60)
    here.sandbox.control.fault("missing_field", path, field=identity, first=1)
    failures = scope(here.sync(scopes=[name]), name).failures
    assert [bool(re.fullmatch(shape, each.subject)) for each in failures] == [True], failures
    assert f"no usable {identity}" in failures[0].message


def test_a_follow_without_its_member_doubts_nobody_else(world: MakeWorld) -> None:
    here = world(stores=3, staff=8, follows=60)
    assert here.sync().outcome == "complete"
    before = standing(here)
    gone = next(each for each in here.sandbox.control.export("follows") if each["listed"])
    here.sandbox.control.act(
        "follow_delete", userid=gone["userid"], external_userid=gone["external_userid"]
    )
    here.sandbox.control.fault(
        "missing_field", "externalcontact/batch/get_by_user", field="userid", seed=2
    )
    result = scope(here.sync(), "follows")
    (failed,) = result.failures
    assert (result.outcome, result.missing, result.lost) == ("partial", 1, 0), result
    assert failed.subject.startswith("wm")
    assert failed.subject != gone["external_userid"]
    assert sum(count for _status, count in standing(here)["follows"]) == sum(
        count for _status, count in before["follows"]
    )


def test_a_group_that_cannot_be_read_is_told_of_in_words(world: MakeWorld) -> None:
    here = world(stores=3, staff=8, follows=60)
    here.sandbox.control.fault(
        "missing_field", "externalcontact/groupchat/get", field="owner", first=1
    )
    (failed,) = scope(here.sync(scopes=["groups"]), "groups").failures
    assert failed.subject.startswith("wr")
    assert "no usable owner of group_chat" in failed.message
    assert "$" not in failed.message
