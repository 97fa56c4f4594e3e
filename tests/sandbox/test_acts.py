"""What people do in the client and the console, and the events that follow."""

import pytest

from storeops.sandbox.acts import ACTS
from storeops.sandbox.local import ControlError

NEEDY = ("scope_set", "scope_show", "staff_edit", "department_delete", "contact_on")


def _pair(row, **more):
    return {"userid": row["userid"], "external_userid": row["external_userid"], **more}


def _last(api):
    return api.control.events()[-1]


def _one(api, pair):
    return next(
        (
            r
            for r in api.export("follows")
            if all(r[k] == pair[k] for k in ("userid", "external_userid"))
        ),
        None,
    )


def test_a_new_customer(api):
    done = api.control.act(
        "follow_add", userid="g00001", name="新客", add_way=16, state="poster", remark="备注"
    )
    row = _one(api, done)
    assert (row["name"], row["add_way"], row["state"], row["remark"]) == (
        "新客",
        16,
        "poster",
        "备注",
    )
    assert (
        done["external_userid"]
        in api.get("externalcontact/list", userid="g00001")["external_userid"]
    )
    event = _last(api)
    assert (event["event"], event["change_type"], event["state"]) == (
        "change_external_contact",
        "add_external_contact",
        "poster",
    )
    again = {**_pair(done), "act": "follow_add"}
    with pytest.raises(ControlError, match="already"):
        api.control.call("POST", "act", again)
    api.control.act("follow_add", userid="g00003", external_userid=done["external_userid"])
    shown = api.get("externalcontact/get", external_userid=done["external_userid"])
    assert {f["userid"] for f in shown["follow_user"]} == {"g00001", "g00003"}


def test_a_member_deletes_and_adds_again(api):
    row = api.follows()[0]
    api.control.act("follow_delete", **_pair(row))
    assert _last(api)["change_type"] == "del_external_contact"
    assert _one(api, row) is None
    api.control.act("follow_add", **_pair(row))
    fresh = _one(api, row)
    assert (fresh["remark"], fresh["tag_id"]) == ("", [])
    assert fresh["createtime"] > row["createtime"]


def test_a_customer_deletes_a_member_one_sidedly(api):
    row = api.follows()[0]
    done = api.control.act("deleted_by_customer", **_pair(row))
    assert _last(api)["change_type"] == "del_follow_user"
    after = _one(api, row)
    assert after["deleted_by_customer_at"] == done["deleted_by_customer_at"]
    assert after["listed"]
    listed = api.get("externalcontact/list", userid=row["userid"])["external_userid"]
    assert row["external_userid"] in listed
    back = api.control.act("follow_add", **_pair(row))
    assert _last(api)["change_type"] == "add_external_contact"
    again = _one(api, row)
    assert (again["deleted_by_customer_at"], again["remark"]) == (0, row["remark"])
    assert again["createtime"] == back["createtime"] > row["createtime"]


def test_client_side_edits_show_at_once_and_call_back(api):
    row = api.follows()[0]
    tag = api.export("tags")[0]["tag_id"]
    api.control.act("remark_edit", **_pair(row), remark="改", description="d", remark_mobiles=["1"])
    api.control.act("tag_mark", **_pair(row), add=[tag])
    api.control.act("personal_tag", **_pair(row), add=["大方"])
    after = _one(api, row)
    assert (after["remark"], after["description"], after["remark_mobiles"]) == ("改", "d", ["1"])
    assert tag in after["tag_id"]
    assert "大方" in after["personal_tags"]
    assert [e["change_type"] for e in api.control.events()] == ["edit_external_contact"] * 3
    api.control.act("tag_mark", **_pair(row), remove=[tag])
    api.control.act("personal_tag", **_pair(row), remove=after["personal_tags"])
    after = _one(api, row)
    assert tag not in after["tag_id"]
    assert after["personal_tags"] == []


def test_a_member_leaves(api):
    owner = next(g["owner"] for g in api.export("groups") if g["status"] == 0)
    mine = [r["external_userid"] for r in api.follows(userid=owner)]
    done = api.control.act("staff_leave", userid=owner)
    assert done["unassigned"] == len(mine)
    rows = [r for r in api.export("unassigned") if r["handover_userid"] == owner]
    assert [r["external_userid"] for r in rows] == mine
    assert {r["dimission_time"] for r in rows} == {done["left_at"]}
    status = {g["chat_id"]: g["status"] for g in api.export("groups")}
    assert done["group_chats"]
    assert {status[c] for c in done["group_chats"]} == {1}
    kept = [r for r in api.export("follows") if r["userid"] == owner]
    assert {r["status"] for r in kept} == {"unassigned"}
    assert _last(api)["change_type"] == "delete_user"
    assert api.get("externalcontact/list", userid=owner)["errcode"] == 60111
    follow_users = api.get("externalcontact/get_follow_user_list")["follow_user"]
    assert owner not in follow_users


def test_a_member_moves(api):
    stores = [d["id"] for d in api.export("departments") if "店" in d["name"]]
    api.control.act("staff_move", userid="g00001", department=stores[-1])
    assert api.get("user/get", userid="g00001")["department"] == [stores[-1]]
    assert "g00001" not in str([d["department_leader"] for d in api.export("departments")])
    api.control.act("staff_edit", userid="g00001", name="新名", capacity=5)
    assert api.get("user/get", userid="g00001")["name"] == "新名"


def test_tags_change_in_the_console(api):
    tag = api.export("tags")[0]
    api.control.act("tag_rename", id=tag["tag_id"], name="新名")
    holder = next(r for r in api.follows() if tag["tag_id"] in r["tag_id"])
    shown = api.get("externalcontact/get", external_userid=holder["external_userid"])
    assert "新名" in str(shown)
    api.control.act("tag_delete", id=tag["tag_id"])
    assert not any(tag["tag_id"] in r["tag_id"] for r in api.follows())
    made = api.control.act("tag_create", group="后台", name="人工")
    assert api.ext("edit_corp_tag", {"id": made["tag_id"], "name": "x"})["errcode"] == 81011
    api.control.act("tag_delete", id=made["group_id"])
    kinds = [(e["change_type"], e["tag_type"]) for e in api.control.events()]
    assert kinds == [
        ("update", "tag"),
        ("delete", "tag"),
        ("create", "tag"),
        ("delete", "tag_group"),
    ]


def test_departments_open_and_close(api):
    made = api.control.act("department_create", department=1, name="快闪店")
    assert api.get("department/get", id=made["id"])["department"]["name"] == "快闪店"
    api.control.act("department_rename", department=made["id"], name="常设店")
    assert api.get("department/get", id=made["id"])["department"]["name"] == "常设店"
    api.control.act("department_delete", department=made["id"])
    assert api.get("department/get", id=made["id"])["errcode"] == 60123
    with pytest.raises(ControlError):
        api.control.act("department_delete", department=2)


def test_group_life(api):
    made = api.control.act("group_create", size=3)
    chat = made["chat_id"]
    api.control.act("group_owner", chat_id=chat, userid="g00002")
    assert next(g for g in api.export("groups") if g["chat_id"] == chat)["owner"] == "g00002"
    inside = {
        m["userid"] for g in api.export("groups") if g["chat_id"] == chat for m in g["members"]
    }
    outside = next(r for r in api.follows() if r["external_userid"] not in inside)
    api.control.act("group_join", chat_id=chat, **_pair(outside))
    with pytest.raises(ControlError):
        api.control.act("group_join", chat_id=chat, **_pair(outside))
    api.control.act("group_leave", chat_id=chat, external_userid=outside["external_userid"])
    api.control.act("group_dissolve", chat_id=chat)
    details = [e.get("update_detail", e["change_type"]) for e in api.control.events()]
    assert details == ["create", "change_owner", "add_member", "del_member", "dismiss"]


def test_scopes_change(api):
    region = next(d["id"] for d in api.export("departments") if "大区" in d["name"])
    api.control.act("scope_set", departments=[region])
    assert api.get("department/list")["department"][0]["id"] == region
    api.control.act("scope_set", departments=[1])
    with pytest.raises(ControlError):
        api.control.act("scope_set", departments=[999])


def test_random_acts_are_seeded_and_keep_the_state_whole(api):
    shape = {"stores": 3, "staff": 14, "follows": 240, "seed": 7, "start_at": 1_800_000_000}
    runs = []
    for _ in range(2):
        api.control.reset(**shape)
        done = api.control.act("random", count=150, seed=5)
        assert done["count"] == 150
        rows = api.export("follows")
        runs.append([(r["userid"], r["external_userid"], r["remark"]) for r in rows])
        kinds = {d["act"] for d in done["done"]}
        assert len(kinds) >= 8
    assert runs[0] == runs[1]
    api.forget_token()
    users = api.get("externalcontact/get_follow_user_list")["follow_user"]
    rows = api.rows(
        "externalcontact/batch/get_by_user", "external_contact_list", {"userid_list": users}
    )
    pairs = {(r["follow_info"]["userid"], r["external_contact"]["external_userid"]) for r in rows}
    assert pairs == {(r["userid"], r["external_userid"]) for r in api.follows()}


@pytest.mark.parametrize("name", sorted(ACTS))
def test_every_act_works_without_particulars_or_says_what_it_needs(api, name):
    if name in NEEDY:
        with pytest.raises(ControlError) as error:
            api.control.act(name)
        assert error.value.code == "bad_request"
    else:
        assert api.control.act(name)["act"] == name


@pytest.mark.parametrize(
    "act",
    [
        {"act": "nothing"},
        {},
        {"act": "follow_add", "userid": "nobody"},
        {"act": "follow_add", "userid": ["g00001"]},
        {"act": "follow_add", "userid": "u_boss"},
        {"act": "follow_add", "add_way": 999},
        {"act": "follow_delete", "external_userid": "wmX"},
        {"act": "tag_mark", "add": ["etX"]},
        {"act": "staff_leave", "userid": "u_boss"},
        {"act": "staff_join", "userid": "g00001"},
        {"act": "staff_move", "userid": "g00001", "department": 999},
        {"act": "staff_move", "userid": "g00001", "department": "x"},
        {"act": "group_dissolve", "chat_id": "wrX"},
        {"act": "random", "count": -1},
    ],
)
def test_bad_acts_change_nothing(api, act):
    before = api.export("follows"), api.export("staff"), api.control.events()
    with pytest.raises(ControlError) as error:
        api.control.call("POST", "act", act)
    assert error.value.code == "bad_request"
    assert (api.export("follows"), api.export("staff"), api.control.events()) == before


def test_acts_are_listed_with_their_meaning(api):
    listed = api.control.call("GET", "act")["acts"]
    assert {row["act"] for row in listed} == {*ACTS, "random"}
    assert all(row["meaning"] for row in listed)
