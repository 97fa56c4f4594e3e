"""Departments, members and tags of members: reads and writes."""

import pytest

# -- reads


def test_department_list_is_the_tree(api):
    rows = api.get("department/list")["department"]
    assert rows == api.export("departments")
    assert rows[0]["id"] == 1
    assert rows[0]["parentid"] == 0
    seen = {0}
    for row in rows:
        assert set(row) == {"id", "name", "name_en", "department_leader", "parentid", "order"}
        assert row["parentid"] in seen
        seen.add(row["id"])
    simple = api.get("department/simplelist")["department_id"]
    assert simple == [{k: r[k] for k in ("id", "parentid", "order")} for r in rows]
    assert api.get("department/get", id=rows[3]["id"])["department"] == rows[3]


def test_department_list_below_one_node(api):
    rows = api.get("department/list")["department"]
    region = next(r for r in rows if "大区" in r["name"])
    below = api.get("department/list", id=region["id"])["department"]
    assert below[0] == region
    assert {r["parentid"] for r in below[1:]} == {region["id"]}


@pytest.mark.parametrize(("query", "code"), [({"id": "77777"}, 60123), ({"id": "x"}, 60123)])
def test_unknown_department(api, query, code):
    for path in ("department/list", "department/simplelist", "department/get"):
        assert api.get(path, **query)["errcode"] == code


def test_department_get_without_id(api):
    assert api.get("department/get")["errcode"] == 40063


def test_a_narrow_scope_sees_its_region_only(api):
    far = api.app(1000003)
    rows = far.get("department/list")["department"]
    assert 1 not in {r["id"] for r in rows}
    assert {r["id"] for r in rows} < {r["id"] for r in api.export("departments")}
    assert far.get("department/get", id=1)["errcode"] == 60011
    assert far.get("department/list", id=1)["errcode"] == 60011
    people = far.get("user/list", department_id=rows[0]["id"], fetch_child=1)["userlist"]
    assert 0 < len(people) < 14
    outside = next(
        m["userid"]
        for m in api.export("staff")
        if not m["left_at"] and m["userid"] not in {p["userid"] for p in people}
    )
    assert far.get("user/get", userid=outside)["errcode"] == 60011
    assert outside not in far.get("externalcontact/get_follow_user_list")["follow_user"]
    far.close()


def test_user_get_list_and_simplelist_agree(api):
    full = api.get("user/list", department_id=1, fetch_child=1)["userlist"]
    assert len(full) == 14
    for row in full:
        one = api.get("user/get", userid=row["userid"])
        assert {k: v for k, v in one.items() if k not in ("errcode", "errmsg")} == row
        assert len(row["department"]) == len(row["order"]) == len(row["is_leader_in_dept"])
        assert "gender" not in row
        assert "mobile" not in row
        assert "avatar" not in row
    simple = api.get("user/simplelist", department_id=1, fetch_child=1)["userlist"]
    assert simple == [{k: r[k] for k in ("userid", "name", "department")} for r in full]
    direct = api.get("user/list", department_id=1)["userlist"]
    assert [r["userid"] for r in direct] == ["u_boss"]


def test_old_apps_still_see_personal_fields(api):
    api.control.settings(legacy_app_fields=True)
    row = api.get("user/get", userid="g00001")
    assert row["mobile"].startswith("1")
    assert row["gender"] in ("1", "2")
    assert row["avatar"].startswith("https://avatar.example.test/")
    api.control.settings(legacy_app_fields=False)
    assert "mobile" not in api.get("user/list", department_id=1)["userlist"][0]


@pytest.mark.parametrize(
    ("query", "code"),
    [({}, 41009), ({"userid": "*"}, 40003), ({"userid": "nobody"}, 60111)],
)
def test_user_get_refusals(api, query, code):
    answer = api.get("user/get", **query)
    assert answer["errcode"] == code
    assert answer["department"] == []


def test_leavers_are_not_found(api):
    gone = next(m["userid"] for m in api.export("staff") if m["left_at"])
    assert api.get("user/get", userid=gone)["errcode"] == 60111
    listed = api.get("user/list", department_id=1, fetch_child=1)["userlist"]
    assert gone not in {r["userid"] for r in listed}


def test_user_list_refusals_and_size(api):
    assert api.get("user/list")["errcode"] == 40063
    assert api.get("user/list", department_id=999)["errcode"] == 60123
    api.control.settings(max_answer_bytes=500)
    assert api.get("user/list", department_id=1, fetch_child=1)["errcode"] == 45029


def test_list_id_is_for_the_contact_sync_secret(api, sync):
    assert api.post("user/list_id")["errcode"] == 48002
    rows = sync.rows("user/list_id", "dept_user", {"limit": 4})
    wanted = [
        (m["userid"], d) for m in api.export("staff") if not m["left_at"] for d in m["department"]
    ]
    assert sorted((r["userid"], r["department"]) for r in rows) == sorted(wanted)
    assert sync.post("user/list_id", {"limit": 10001})["errcode"] == 40058
    assert sync.post("user/list_id", {"cursor": "x"})["errcode"] == 50100


def test_contact_sync_from_a_new_address(api, sync):
    api.control.settings(contact_sync_new_ip=True)
    for path in ("user/get", "user/simplelist", "user/list", "department/list", "department/get"):
        assert sync.get(path)["errcode"] == 48009
    assert sync.get("department/simplelist")["errcode"] == 0
    assert sync.post("user/list_id")["errcode"] == 0


# -- departments, writes


def test_only_the_contact_sync_secret_writes(api):
    for path in ("department/create", "department/update", "user/create", "user/update"):
        assert api.post(path, {"name": "x", "parentid": 1})["errcode"] == 48002
    assert api.get("department/delete", id=5)["errcode"] == 48002
    assert api.get("user/delete", userid="g00001")["errcode"] == 48002
    assert api.post("user/batchdelete", {"useridlist": ["g00001"]})["errcode"] == 48002


def test_a_department_is_born_renamed_moved_and_gone(api, sync):
    made = sync.post("department/create", {"name": "新店", "parentid": 2, "order": 5, "id": 900})
    assert (made["errcode"], made["errmsg"], made["id"]) == (0, "created", 900)
    assert sync.post("department/create", {"name": "下层", "parentid": 900})["id"] == 901
    changed = sync.post("department/update", {"id": 900, "name": "旗舰店", "parentid": 1})
    assert (changed["errcode"], changed["errmsg"]) == (0, "updated")
    row = api.get("department/get", id=900)["department"]
    assert (row["name"], row["parentid"], row["order"]) == ("旗舰店", 1, 5)
    assert sync.get("department/delete", id=900)["errcode"] == 60006
    assert sync.get("department/delete", id=901)["errmsg"] == "deleted"
    assert sync.get("department/delete", id=900)["errcode"] == 0
    assert api.get("department/get", id=900)["errcode"] == 60123


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"parentid": 1}, 60001),
        ({"name": "n" * 65, "parentid": 1}, 60001),
        ({"name": "a?b", "parentid": 1}, 60009),
        ({"name": "x", "parentid": 555}, 60004),
        ({"name": "x"}, 60004),
        ({"name": "总部", "parentid": 1}, 60008),
        ({"name": "x", "parentid": 1, "id": 2}, 60008),
        ({"name": "x", "parentid": 1, "id": 1}, 60123),
        ({"name": "x", "parentid": 1, "order": -1}, 40058),
    ],
)
def test_department_create_refusals(api, sync, body, code):
    before = api.export("departments")
    assert sync.post("department/create", body)["errcode"] == code
    assert api.export("departments") == before


def test_department_limits(api, sync):
    api.control.settings(department_depth=3)
    stores = [r for r in api.export("departments") if "店" in r["name"]]
    deep = {"name": "四层", "parentid": stores[0]["id"]}
    assert sync.post("department/create", deep)["errcode"] == 81002
    region = stores[0]["parentid"]
    assert sync.post("department/update", {"id": region, "parentid": 2})["errcode"] == 81002
    assert sync.post("department/update", {"id": 1, "parentid": 2})["errcode"] == 60004
    move = {"id": region, "parentid": stores[0]["id"]}
    assert sync.post("department/update", move)["errcode"] == 60010
    assert sync.post("department/update", {"id": 4444, "name": "x"})["errcode"] == 60123
    api.control.settings(department_cap=3)
    assert sync.post("department/create", {"name": "多", "parentid": 1})["errcode"] == 81001


def test_department_delete_refusals(sync):
    assert sync.get("department/delete")["errcode"] == 40063
    assert sync.get("department/delete", id=1)["errcode"] == 60007
    assert sync.get("department/delete", id=2)["errcode"] == 60005
    assert sync.get("department/delete", id=4444)["errcode"] == 60123


# -- members, writes


def test_a_member_is_hired_changed_and_dismissed(api, sync):
    store = next(r["id"] for r in api.export("departments") if "店" in r["name"])
    new = {
        "userid": "New.One",
        "name": "新人",
        "mobile": "13000000001",
        "department": [store],
        "order": [3],
        "position": "导购",
        "gender": "2",
    }
    assert sync.post("user/create", new)["errmsg"] == "created"
    row = api.get("user/get", userid="new.one")
    assert (row["userid"], row["status"], row["order"]) == ("New.One", 4, [3])
    assert sync.post("user/update", {"userid": "new.one", "name": "改名"})["errmsg"] == "updated"
    assert api.get("user/get", userid="New.One")["name"] == "改名"
    renamed = {"userid": "new.one", "new_userid": "newer"}
    assert sync.post("user/update", renamed)["errcode"] == 0
    assert api.get("user/get", userid="new.one")["errcode"] == 60111
    assert sync.get("user/delete", userid="newer")["errmsg"] == "deleted"
    assert api.get("user/get", userid="newer")["errcode"] == 60111
    assert sync.post("user/create", {**new, "userid": "newer"})["errcode"] == 0


BASE = {"userid": "fresh", "name": "新", "mobile": "13000000001", "department": [1]}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"userid": ""}, 41009),
        ({"userid": "-bad"}, 40003),
        ({"userid": "G00001"}, 60102),
        ({"name": ""}, 60112),
        ({"name": "n" * 65}, 60112),
        ({"mobile": ""}, 60129),
        ({"mobile": "abc"}, 60103),
        ({"email": "abc"}, 60105),
        ({"department": [777]}, 60123),
        ({"department": list(range(1, 102))}, 60123),
        ({"department": []}, 40066),
        ({"order": [1, 2]}, 60132),
        ({"is_leader_in_dept": []}, 60132),
        ({"direct_leader": ["g00001", "g00002"]}, 60257),
        ({"direct_leader": ["nobody"]}, 60111),
        ({"position": "p" * 129}, 40058),
        ({"main_department": 2}, 40058),
        ({"gender": "9"}, 40058),
    ],
)
def test_user_create_refusals_change_nothing(api, sync, change, code):
    before = api.export("staff"), api.export("departments")
    assert sync.post("user/create", {**BASE, **change})["errcode"] == code
    assert (api.export("staff"), api.export("departments")) == before


def test_mobile_and_email_are_unique(api, sync):
    taken = next(m for m in api.export("staff") if m["userid"] == "g00001")
    assert sync.post("user/create", {**BASE, "mobile": taken["mobile"]})["errcode"] == 60104
    assert sync.post("user/create", {**BASE, "email": taken["email"]})["errcode"] == 60106
    own = {"userid": "g00001", "mobile": taken["mobile"]}
    assert sync.post("user/update", own)["errcode"] == 0


def test_without_a_department_a_member_waits(api, sync):
    body = {k: v for k, v in BASE.items() if k != "department"}
    assert sync.post("user/create", body)["errcode"] == 0
    place = api.get("user/get", userid="fresh")["department"][0]
    assert api.get("department/get", id=place)["department"]["name"] == "待设置部门"


def test_missing_departments_may_be_made(api, sync):
    api.control.settings(create_missing_departments=True)
    answer = sync.post("user/create", {**BASE, "department": [1, 880]})
    assert answer["created_department_list"]["department_info"][0]["id"] == 880
    assert api.get("department/get", id=880)["errcode"] == 0


def test_a_failed_update_changes_nothing(api, sync):
    before = api.export("staff")
    bad = {"userid": "g00001", "name": "改", "position": "x", "mobile": "abc"}
    assert sync.post("user/update", bad)["errcode"] == 60103
    assert (
        sync.post("user/update", {"userid": "g00001", "new_userid": "g00002"})["errcode"] == 60102
    )
    assert sync.post("user/update", {"userid": "nobody"})["errcode"] == 60111
    assert api.export("staff") == before


def test_dismissal_leaves_customers_unassigned(api, sync):
    owner = api.follows()[0]["userid"]
    mine = {r["external_userid"] for r in api.follows(userid=owner)}
    assert sync.get("user/delete", userid="u_boss")["errcode"] == 301005
    assert sync.post("user/batchdelete", {"useridlist": [owner, "nobody"]})["errcode"] == 60111
    assert api.get("user/get", userid=owner)["errcode"] == 0
    assert sync.post("user/batchdelete", {"useridlist": [owner]})["errmsg"] == "deleted"
    waiting = api.rows("externalcontact/get_unassigned_list", "info", {})
    assert {r["external_userid"] for r in waiting if r["handover_userid"] == owner} == mine
    assert waiting[0]["handover_userid"] == owner
    assert sync.post("user/batchdelete", {"useridlist": []})["errcode"] == 40058
    assert api.control.events() == []  # API writes call nobody back


def test_head_count_cap(api, sync):
    api.control.settings(head_count_cap=14)
    assert sync.post("user/create", BASE)["errcode"] == 45024


# -- tags of members


def test_contact_tags_are_per_app(api, sync):
    own = api.get("tag/list")["taglist"]
    assert {t["tagname"] for t in own} == {"培训师", "店长群"}
    assert len(sync.get("tag/list")["taglist"]) == 3
    tag = api.get("tag/get", tagid=1)
    assert (tag["tagname"], tag["partylist"]) == ("培训师", [2])
    assert [u["userid"] for u in tag["userlist"]] == ["u_office"]
    assert api.get("tag/get", tagid=3)["errcode"] == 81011
    assert api.get("tag/get", tagid=99)["errcode"] == 40068
    assert api.get("tag/get")["errcode"] == 41017


def test_a_contact_tag_lives_and_dies(api):
    made = api.post("tag/create", {"tagname": "夜班"})
    assert made["errmsg"] == "created"
    tag = made["tagid"]
    assert api.post("tag/create", {"tagname": "夜班"})["errcode"] == 40071
    assert api.post("tag/create", {"tagname": "x" * 33})["errcode"] == 40072
    assert api.post("tag/create", {})["errcode"] == 41018
    body = {"tagid": tag, "userlist": ["g00001", "nobody"], "partylist": [2, 777]}
    added = api.post("tag/addtagusers", body)
    assert (added["errcode"], added["invalidlist"], added["invalidparty"]) == (0, "nobody", [777])
    assert [u["userid"] for u in api.get("tag/get", tagid=tag)["userlist"]] == ["g00001"]
    assert api.post("tag/addtagusers", {"tagid": tag, "userlist": ["nobody"]})["errcode"] == 40070
    assert api.post("tag/addtagusers", {"tagid": tag})["errcode"] == 40058
    assert api.post("tag/deltagusers", {"tagid": tag, "userlist": ["g00001"]})["errcode"] == 0
    assert api.get("tag/get", tagid=tag)["userlist"] == []
    assert api.post("tag/update", {"tagid": tag, "tagname": "早班"})["errmsg"] == "updated"
    assert api.post("tag/update", {"tagid": 3, "tagname": "x"})["errcode"] == 81011
    assert api.get("tag/delete", tagid=tag)["errmsg"] == "deleted"
    assert api.get("tag/get", tagid=tag)["errcode"] == 40068
