"""Unassigned customers (doc 92124), group chats (doc 92120), statistics (doc 92132, 92133)."""

import pytest

from tests.sandbox.conftest import DAY


def _today(api):
    return (api.control.now() + 28_800) // DAY * DAY - 28_800


# -- unassigned


def test_unassigned_by_cursor_is_the_truth_newest_leaver_first(api):
    truth = api.export("unassigned")
    rows = api.rows("externalcontact/get_unassigned_list", "info", {"page_size": 2})
    assert rows == truth
    times = [r["dimission_time"] for r in rows]
    assert times == sorted(times, reverse=True)
    whole = api.ext("get_unassigned_list")
    assert (whole["info"], whole["is_last"], whole["next_cursor"]) == (truth, True, "")
    first = api.ext("get_unassigned_list", {"page_size": 2})
    assert first["is_last"] is False


def test_unassigned_by_page_id(api):
    truth = api.export("unassigned")
    got = []
    for page in range(1, 99):
        answer = api.ext("get_unassigned_list", {"page_size": 2, "page_id": page})
        assert "next_cursor" not in answer
        got += answer["info"]
        if answer["is_last"]:
            break
    assert got == truth[2:]
    assert api.ext("get_unassigned_list", {"page_size": 1000, "page_id": 50})["errcode"] == 40058
    beyond = api.ext("get_unassigned_list", {"page_size": 1000, "page_id": 40})
    assert (beyond["info"], beyond["is_last"]) == ([], True)
    cursor = api.ext("get_unassigned_list", {"page_size": 2})["next_cursor"]
    both = api.ext("get_unassigned_list", {"page_size": 2, "cursor": cursor, "page_id": 7})
    assert both["info"] == truth[2:4]


def test_unassigned_parameters_and_scope(api):
    assert api.ext("get_unassigned_list", {"page_size": 1001})["errcode"] == 40058
    assert api.ext("get_unassigned_list", {"cursor": "x"})["errcode"] == 50100
    far = api.app(1000003)
    assert far.ext("get_unassigned_list")["info"]
    api.control.settings(unassigned_narrow_scope="none")
    assert far.ext("get_unassigned_list")["info"] == []
    far.close()


def test_leavers_without_customers_are_not_listed(api):
    listed = {r["handover_userid"] for r in api.export("unassigned")}
    gone = {m["userid"] for m in api.export("staff") if m["left_at"]}
    assert listed <= gone


# -- group chats


def _chats(api, **body):
    return api.rows("externalcontact/groupchat/list", "group_chat_list", {"limit": 2, **body})


def test_group_list_without_and_with_owners(api):
    truth = api.export("groups")
    present = {m["userid"] for m in api.export("staff") if not m["left_at"]}
    visible = [g for g in truth if g["owner"] in present]
    assert _chats(api) == [{"chat_id": g["chat_id"], "status": g["status"]} for g in visible]
    owner = visible[0]["owner"]
    mine = [g["chat_id"] for g in visible if g["owner"] == owner]
    only = _chats(api, owner_filter={"userid_list": [owner]})
    assert [c["chat_id"] for c in only] == mine


def test_groups_of_a_leaver_need_the_leaver_named(api):
    left = [g for g in api.export("groups") if g["status"] == 1]
    assert left
    assert not {g["chat_id"] for g in left} & {c["chat_id"] for c in _chats(api)}
    owners = sorted({g["owner"] for g in left})
    named = _chats(api, owner_filter={"userid_list": owners}, status_filter=1)
    assert {c["chat_id"] for c in named} == {g["chat_id"] for g in left}
    assert {c["status"] for c in named} == {1}
    assert _chats(api, owner_filter={"userid_list": owners}, status_filter=2) == []


def test_whether_waiting_groups_show_without_owners_is_a_setting(api):
    left = {g["chat_id"] for g in api.export("groups") if g["status"] == 1}
    assert {c["chat_id"] for c in _chats(api, status_filter=1)} == left
    api.control.settings(leaver_groups_unfiltered=False)
    assert _chats(api, status_filter=1) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 40058),
        ({"limit": 0}, 40058),
        ({"limit": 1001}, 40058),
        ({"limit": 5, "status_filter": 9}, 40058),
        ({"limit": 5, "owner_filter": {"userid_list": ["x"] * 101}}, 40058),
        ({"limit": 5, "cursor": "x"}, 50100),
        ({"limit": 1000, "offset": 49_500}, 40058),
    ],
)
def test_group_list_refusals(api, body, code):
    answer = api.ext("groupchat/list", body)
    assert (answer["errcode"], answer["group_chat_list"]) == (code, [])


def test_group_list_by_offset_and_caps(api):
    every = _chats(api)
    page = api.ext("groupchat/list", {"limit": 2, "offset": 1})
    assert page["group_chat_list"] == every[1:3]
    assert "next_cursor" not in page
    api.control.settings(group_owner_filter_cap=5, group_owners_errcode=81017)
    assert api.ext("groupchat/list", {"limit": 5})["errcode"] == 81017
    many = {"limit": 5, "owner_filter": {"userid_list": ["x"] * 101}}
    assert api.ext("groupchat/list", many)["errcode"] == 81017


def test_a_group_with_its_members(api):
    staff = {m["userid"]: m["name"] for m in api.export("staff")}
    people = {c["external_userid"]: c for c in api.export("customers")}
    for true in api.export("groups"):
        body = {"chat_id": true["chat_id"], "need_name": 1}
        group = api.ext("groupchat/get", body)["group_chat"]
        assert [m["userid"] for m in group["member_list"]] == [m["userid"] for m in true["members"]]
        assert (group["name"], group["owner"]) == (true["name"], true["owner"])
        assert ("notice" in group) == bool(true["notice"])
        assert [a["userid"] for a in group["admin_list"]] == true["admins"]
        for member in group["member_list"]:
            if member["type"] == 1:
                assert member["name"] == staff[member["userid"]]
                assert "unionid" not in member
            elif member["userid"] in people:
                assert member["name"] == people[member["userid"]]["name"]
                assert member.get("unionid", "") == people[member["userid"]]["unionid"]
            assert member["join_scene"] in (1, 2, 3)
            assert ("invitor" in member) == (member["join_scene"] == 1)
        bare = api.ext("groupchat/get", {"chat_id": true["chat_id"]})["group_chat"]
        assert all("name" not in m for m in bare["member_list"])


def test_group_get_refusals(api):
    chat = next(g["chat_id"] for g in api.export("groups") if g["status"] == 0)
    assert api.ext("groupchat/get", {"chat_id": "wrNothing"})["errcode"] == 40050
    assert api.ext("groupchat/get", {"need_name": 1})["errcode"] == 40058
    answer = api.ext("groupchat/get", {"chat_id": "wrNothing"})
    assert set(answer) == {"errcode", "errmsg"}
    owner = next(g["owner"] for g in api.export("groups") if g["chat_id"] == chat)
    api.control.act("scope_hide", userid=owner)
    assert api.ext("groupchat/get", {"chat_id": chat})["errcode"] == 60011
    api.control.act("scope_show", userid=owner)
    api.control.act("group_dissolve", chat_id=chat)
    assert api.ext("groupchat/get", {"chat_id": chat})["errcode"] == 49008
    assert chat not in {c["chat_id"] for c in _chats(api)}
    api.control.settings(group_notice="empty")
    quiet = next(g for g in api.export("groups") if not g["notice"])
    got = api.ext("groupchat/get", {"chat_id": quiet["chat_id"]})["group_chat"]
    assert got["notice"] == ""


def test_member_version_changes_with_membership(api):
    chat = next(g["chat_id"] for g in api.export("groups") if g["status"] == 0)

    def version():
        return api.ext("groupchat/get", {"chat_id": chat})["group_chat"]["member_version"]

    before = version()
    api.control.act("group_rename", chat_id=chat, name="新名")
    assert version() == before
    api.control.act("group_leave", chat_id=chat)
    assert version() != before


def test_opengid(api):
    from storeops.sandbox.api.groups import opengid

    chat = next(g["chat_id"] for g in api.export("groups") if g["status"] == 0)
    gid = opengid(7, chat)
    assert api.ext("opengid_to_chatid", {"opengid": gid}) == {
        "errcode": 0,
        "errmsg": "ok",
        "chat_id": chat,
    }
    assert api.ext("opengid_to_chatid", {"opengid": "oGx"})["errcode"] == 90511
    assert api.ext("opengid_to_chatid", {})["errcode"] == 40058


# -- statistics


def _owners(api):
    return sorted({g["owner"] for g in api.export("groups") if g["status"] == 0})


def test_statistic_counts_what_the_groups_hold(api):
    day = _today(api) - DAY
    owners = _owners(api)
    body = {"day_begin_time": day, "owner_filter": {"userid_list": owners}}
    answer = api.ext("groupchat/statistic", body)
    assert (answer["total"], answer["next_offset"]) == (len(owners), len(owners))
    truth = {o: [g for g in api.export("groups") if g["owner"] == o] for o in owners}
    for row in answer["items"]:
        groups = [g for g in truth[row["owner"]] if g["create_time"] < day + DAY]
        assert row["data"]["chat_total"] == len(groups)
        members = [m for g in groups for m in g["members"] if m["join_time"] < day + DAY]
        assert row["data"]["member_total"] == len(members)
        assert len(row["data"]) == 8
        assert all(isinstance(v, int) for v in row["data"].values())
    assert api.ext("groupchat/statistic", body) == answer


def test_statistic_orders_and_pages(api):
    owners = _owners(api)
    body = {
        "day_begin_time": _today(api) - 20 * DAY,
        "day_end_time": _today(api) - DAY,
        "owner_filter": {"userid_list": owners},
        "order_by": 4,
    }
    rows = api.ext("groupchat/statistic", body)["items"]
    totals = [r["data"]["member_total"] for r in rows]
    assert totals == sorted(totals, reverse=True)
    rising = api.ext("groupchat/statistic", {**body, "order_asc": 1})["items"]
    assert [r["data"]["member_total"] for r in rising] == sorted(totals)
    paged, offset = [], 0
    while True:
        page = api.ext("groupchat/statistic", {**body, "offset": offset, "limit": 1})
        paged += page["items"]
        offset = page["next_offset"]
        if offset == page["total"]:
            break
    assert paged == rows


def test_owners_without_groups(api):
    empty = next(
        m["userid"]
        for m in api.export("staff")
        if m["customer_contact"] and not m["left_at"] and m["userid"] not in _owners(api)
    )
    body = {"day_begin_time": _today(api) - DAY, "owner_filter": {"userid_list": [empty]}}
    assert api.ext("groupchat/statistic", body)["items"][0]["data"]["chat_total"] == 0
    api.control.settings(stats_zero_rows=False)
    assert api.ext("groupchat/statistic", body)["items"] == []


def test_statistic_by_day_sums_all_owners(api):
    first, owners = _today(api) - 3 * DAY, _owners(api)
    body = {
        "day_begin_time": first + 5000,
        "day_end_time": first + 2 * DAY,
        "owner_filter": {"userid_list": owners},
    }
    rows = api.ext("groupchat/statistic_group_by_day", body)["items"]
    assert [r["stat_time"] for r in rows] == [first, first + DAY, first + 2 * DAY]
    one_day = {**body, "day_begin_time": first, "day_end_time": first}
    per_owner = api.ext("groupchat/statistic", one_day)["items"]
    for field in ("chat_total", "member_total", "msg_total", "new_member_cnt"):
        assert rows[0]["data"][field] == sum(r["data"][field] for r in per_owner)


@pytest.mark.parametrize(
    ("begin", "end"),
    [(0, 0), (-1, -31), (-1, -2), (-200, -199), (-31, -1), (-99, 0)],
    ids=["today", "ms", "reversed", "too-old", "31-days", "to-today"],
)
def test_ranges_that_no_statistic_answers(api, begin, end):
    today = _today(api)
    first, last = today + begin * DAY, today + end * DAY
    if end == -31:
        first, last = (today - DAY) * 1000, (today - DAY) * 1000
    body = {
        "day_begin_time": first,
        "day_end_time": last,
        "owner_filter": {"userid_list": _owners(api)},
    }
    for path in ("groupchat/statistic", "groupchat/statistic_group_by_day"):
        assert api.ext(path, body)["errcode"] == 600018


def test_today_is_a_setting(api):
    body = {"day_begin_time": _today(api), "owner_filter": {"userid_list": _owners(api)}}
    api.control.settings(stats_today=True)
    assert api.ext("groupchat/statistic", body)["errcode"] == 0
    behavior = {"userid": ["g00001"], "start_time": _today(api), "end_time": _today(api)}
    assert api.ext("get_user_behavior_data", behavior)["errcode"] == 0
    api.control.settings(behavior_today=False)
    assert api.ext("get_user_behavior_data", behavior)["errcode"] == 600018


def test_statistic_parameters(api):
    day = _today(api) - DAY
    assert api.ext("groupchat/statistic", {"day_begin_time": day})["errcode"] == 40058
    unknown = {"day_begin_time": day, "owner_filter": {"userid_list": ["nobody"]}}
    assert api.ext("groupchat/statistic", unknown)["errcode"] == 60111
    good = {"day_begin_time": day, "owner_filter": {"userid_list": _owners(api)}}
    assert api.ext("groupchat/statistic", {**good, "order_by": 9})["errcode"] == 40058
    assert api.ext("groupchat/statistic", {**good, "limit": 0})["errcode"] == 40058
    api.control.act("scope_hide", userid=_owners(api)[0])
    assert api.ext("groupchat/statistic", good)["errcode"] == 60011


def test_behavior_counts_new_customers_and_losses(api):
    owner = api.follows()[0]["userid"]
    api.control.act("customer_new", userid=owner)
    lost = api.control.act("deleted_by_customer", userid=owner)
    api.control.advance(DAY)
    api.forget_token()
    day = _today(api) - DAY
    body = {"userid": [owner], "start_time": day, "end_time": day}
    rows = api.ext("get_user_behavior_data", body)["behavior_data"]
    assert len(rows) == 1
    assert rows[0]["stat_time"] == day
    assert rows[0]["negative_feedback_cnt"] >= 1
    truth = [r for r in api.follows(userid=owner) if day <= r["createtime"] < day + DAY]
    assert rows[0]["new_contact_cnt"] == len(truth) >= 1
    assert lost["deleted_by_customer_at"] >= day
    assert api.ext("get_user_behavior_data", body)["behavior_data"] == rows


def test_behavior_of_several_is_summed_per_day(api):
    users = sorted({r["userid"] for r in api.follows()})[:4]
    span = {"start_time": _today(api) - 10 * DAY, "end_time": _today(api) - DAY}
    together = api.ext("get_user_behavior_data", {"userid": users, **span})["behavior_data"]
    alone = [
        api.ext("get_user_behavior_data", {"userid": [u], **span})["behavior_data"] for u in users
    ]
    assert len(together) == 10
    for at, row in enumerate(together):
        for field in ("chat_cnt", "message_cnt", "new_apply_cnt", "new_contact_cnt"):
            assert row[field] == sum(rows[at][field] for rows in alone)
        assert ("reply_percentage" in row) == ("avg_reply_time" in row)
        assert 0 <= row.get("reply_percentage", 0) <= 100
    quiet = [r for rows in alone for r in rows if "reply_percentage" not in r]
    assert quiet


def test_behavior_of_departments(api):
    span = {"start_time": _today(api) - 2 * DAY, "end_time": _today(api) - DAY}
    region = next(d["id"] for d in api.export("departments") if "大区" in d["name"])
    whole = api.ext("get_user_behavior_data", {"partyid": [region], **span})["behavior_data"]
    assert sum(r["chat_cnt"] for r in whole) > 0
    api.control.settings(behavior_subdepartments=False)
    bare = api.ext("get_user_behavior_data", {"partyid": [region], **span})["behavior_data"]
    assert sum(r["chat_cnt"] for r in bare) == 0
    assert api.ext("get_user_behavior_data", {"partyid": [999], **span})["errcode"] == 60123
    assert api.ext("get_user_behavior_data", span)["errcode"] == 40058
    assert api.ext("get_user_behavior_data", {"userid": ["x"] * 101, **span})["errcode"] == 40058
    assert api.ext("get_user_behavior_data", {"userid": ["nobody"], **span})["errcode"] == 60111
