"""The corp tag library (doc 92117), marking (doc 92118), strategy tags (doc 94882)."""

import pytest

CONSOLE_GROUP = "品类偏好"


def _library(api):
    return api.ext("get_corp_tag_list")["tag_group"]


def _group(api, name):
    return next(g for g in _library(api) if g["group_name"] == name)


def _make(api, group="自建", names=("甲", "乙")):
    body = {"group_name": group, "tag": [{"name": n} for n in names]}
    answer = api.ext("add_corp_tag", body)
    assert answer["errcode"] == 0, answer
    return answer["tag_group"]


# -- reading


def test_the_whole_library_has_no_deleted_key(api):
    groups = _library(api)
    assert [g["order"] for g in groups] == sorted((g["order"] for g in groups), reverse=True)
    for group in groups:
        assert set(group) == {"group_id", "group_name", "create_time", "order", "tag"}
        assert group["tag"]
        for tag in group["tag"]:
            assert set(tag) == {"id", "name", "create_time", "order"}
    flat = {t["id"] for g in groups for t in g["tag"]}
    assert flat == {t["tag_id"] for t in api.export("tags")}


def test_by_tag_and_by_group(api):
    first, second = _library(api)[:2]
    picked = [first["tag"][0]["id"], second["tag"][1]["id"]]
    by_tag = api.ext("get_corp_tag_list", {"tag_id": picked})["tag_group"]
    assert [[t["id"] for t in g["tag"]] for g in by_tag] == [[p] for p in picked]
    assert by_tag[0]["deleted"] is False
    assert by_tag[0]["tag"][0]["deleted"] is False
    both = {"tag_id": picked, "group_id": [second["group_id"]]}
    by_group = api.ext("get_corp_tag_list", both)["tag_group"]
    assert [g["group_id"] for g in by_group] == [second["group_id"]]
    assert len(by_group[0]["tag"]) == len(second["tag"])


def test_unknown_ids_of_the_list(api):
    body = {"tag_id": ["etNothing"]}
    assert api.ext("get_corp_tag_list", body)["errcode"] == 40068
    api.control.settings(tag_list_unknown_errcode=0)
    assert api.ext("get_corp_tag_list", body)["tag_group"] == []


def test_a_deleted_id_stays_resolvable(api):
    group = _make(api)
    ids = [t["id"] for t in group["tag"]]
    assert api.ext("del_corp_tag", {"tag_id": ids})["errcode"] == 0
    assert group["group_id"] not in {g["group_id"] for g in _library(api)}
    gone = api.ext("get_corp_tag_list", {"tag_id": ids})["tag_group"][0]
    assert gone["deleted"] is True
    assert all(t["deleted"] for t in gone["tag"])
    again = _make(api)
    assert not {t["id"] for t in again["tag"]} & set(ids)


# -- making


def test_add_answers_one_object_with_the_new_tags(api):
    body = {
        "group_name": "渠道",
        "order": 4,
        "tag": [{"name": "直播", "order": 1}, {"name": "直播"}, {"name": "x" * 30}],
    }
    made = api.ext("add_corp_tag", body)["tag_group"]
    assert isinstance(made, dict)
    assert (made["group_name"], made["order"], len(made["tag"])) == ("渠道", 4, 2)
    assert made["tag"][0]["order"] == 1
    more = api.ext("add_corp_tag", {"group_name": "渠道", "tag": [{"name": "抖音"}]})["tag_group"]
    assert more["group_id"] == made["group_id"]
    assert [t["name"] for t in more["tag"]] == ["抖音"]
    assert len(_group(api, "渠道")["tag"]) == 3
    into = {"group_id": made["group_id"], "group_name": "别名", "tag": [{"name": "小红书"}]}
    assert api.ext("add_corp_tag", into)["tag_group"]["group_name"] == "渠道"
    assert api.control.events() == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"tag": [{"name": "a"}]}, 40058),
        ({"group_name": "g"}, 40058),
        ({"group_name": "g", "tag": []}, 40058),
        ({"group_name": "g", "tag": [{}]}, 41018),
        ({"group_name": "g", "tag": [{"name": ""}]}, 40058),
        ({"group_name": "g", "tag": [{"name": "n" * 31}]}, 40072),
        ({"group_name": "n" * 31, "tag": [{"name": "a"}]}, 40072),
        ({"group_id": "etNothing", "tag": [{"name": "a"}]}, 40068),
        ({"group_name": "客户等级", "tag": [{"name": "新"}, {"name": "金卡"}]}, 40071),
        ({"group_name": "g", "tag": [{"name": "a", "order": -1}]}, 40058),
        ({"group_name": "g", "tag": [{"name": "禁词"}]}, 85002),
    ],
)
def test_add_refusals_change_nothing(api, body, code):
    api.control.settings(forbidden_words=["禁"])
    before = api.export("tags")
    assert api.ext("add_corp_tag", body)["errcode"] == code
    assert api.export("tags") == before


def test_the_same_name_may_live_in_two_groups(api):
    _make(api, "一", ["甲"])
    assert len(_make(api, "二", ["甲"])["tag"]) == 1


def test_the_cap(api):
    api.control.settings(tag_cap=30)
    assert len(_make(api, "满", ["a", "b"])["tag"]) == 2  # 28 were there
    answer = api.ext("add_corp_tag", {"group_name": "满", "tag": [{"name": "c"}]})
    assert answer["errcode"] == 40126


def test_foreign_groups_are_a_setting(api):
    group = _group(api, CONSOLE_GROUP)
    body = {"group_id": group["group_id"], "tag": [{"name": "新品类"}]}
    api.control.settings(tag_foreign_group_errcode=81011)
    assert api.ext("add_corp_tag", body)["errcode"] == 81011
    api.control.settings(tag_foreign_group_errcode=0)
    assert api.ext("add_corp_tag", body)["errcode"] == 0


# -- editing and deleting


def test_edit_names_and_orders(api):
    group = _make(api)
    first, second = group["tag"]
    assert api.ext("edit_corp_tag", {"id": first["id"], "order": 9})["errcode"] == 0
    assert api.ext("edit_corp_tag", {"id": second["id"], "name": "丙"})["errcode"] == 0
    assert api.ext("edit_corp_tag", {"id": group["group_id"], "name": "改组"})["errcode"] == 0
    now = _group(api, "改组")
    assert [(t["name"], t["order"]) for t in now["tag"]] == [("甲", 9), ("丙", 0)]
    assert api.ext("edit_corp_tag", {"id": first["id"], "name": "甲"})["errcode"] == 0
    assert api.ext("edit_corp_tag", {"id": first["id"], "name": "丙"})["errcode"] == 40071
    taken = {"id": group["group_id"], "name": "客户等级"}
    assert api.ext("edit_corp_tag", taken)["errcode"] == 40071
    assert api.ext("edit_corp_tag", {"id": ""})["errcode"] == 41017
    assert api.ext("edit_corp_tag", {"id": "etNothing"})["errcode"] == 40068
    assert api.ext("edit_corp_tag", {"id": first["id"], "name": "n" * 31})["errcode"] == 40072


@pytest.mark.parametrize("code", [81011, 40068, 301002])
def test_what_people_made_cannot_be_touched(api, code):
    api.control.settings(tag_not_owned_errcode=code)
    group = _group(api, CONSOLE_GROUP)
    tag = group["tag"][0]["id"]
    assert api.ext("edit_corp_tag", {"id": tag, "name": "x"})["errcode"] == code
    assert api.ext("del_corp_tag", {"tag_id": [tag]})["errcode"] == code
    assert api.ext("del_corp_tag", {"group_id": [group["group_id"]]})["errcode"] == code
    other = api.app(1000003)
    own = _make(other, "别的应用")["tag"][0]["id"]
    assert api.ext("del_corp_tag", {"tag_id": [own]})["errcode"] == code
    assert other.ext("del_corp_tag", {"tag_id": [own]})["errcode"] == 0
    other.close()


def test_delete_takes_tags_off_customers_and_empty_groups_away(api):
    level = _group(api, "客户等级")
    tag = level["tag"][0]["id"]
    had = [r for r in api.follows() if tag in r["tag_id"]]
    assert had
    assert api.ext("del_corp_tag", {"tag_id": [tag]})["errcode"] == 0
    row = had[0]
    shown = api.get("externalcontact/get", external_userid=row["external_userid"])
    assert tag not in str(shown)
    assert not any(tag in r["tag_id"] for r in api.follows())
    rest = [t["id"] for t in level["tag"][1:]]
    assert api.ext("del_corp_tag", {"tag_id": rest})["errcode"] == 0
    assert "客户等级" not in {g["group_name"] for g in _library(api)}
    source = _group(api, "来源")
    assert api.ext("del_corp_tag", {"group_id": [source["group_id"]]})["errcode"] == 0
    flat = {t["id"] for g in _library(api) for t in g["tag"]}
    assert not flat & {t["id"] for t in source["tag"]}


def test_one_bad_id_fails_the_whole_delete(api):
    tag = _make(api)["tag"][0]["id"]
    before = api.export("tags")
    for bad in ("", "etNothing", _library(api)[0]["group_id"]):
        answer = api.ext("del_corp_tag", {"tag_id": [tag, bad]})
        assert answer["errcode"] == 40068
        assert answer["errmsg"].startswith("invalid tagid/groupid, ")
    assert api.ext("del_corp_tag", {})["errcode"] == 40058
    assert api.ext("del_corp_tag", {"tag_id": ["x"] * 501})["errcode"] == 40058
    assert api.export("tags") == before


# -- marking


def _pair(row, **more):
    return {"userid": row["userid"], "external_userid": row["external_userid"], **more}


def _true(api, row):
    rows = api.follows(userid=row["userid"], external_userid=row["external_userid"])
    return set(rows[0]["tag_id"])


def test_marking_is_per_relation(api):
    seen = {}
    for row in api.follows():
        seen.setdefault(row["external_userid"], []).append(row)
    one, other = next(rows for rows in seen.values() if len(rows) > 1)[:2]
    tag = _make(api)["tag"][0]["id"]
    before = _true(api, one), _true(api, other)
    assert api.ext("mark_tag", _pair(one, add_tag=[tag])) == {"errcode": 0, "errmsg": "ok"}
    assert (_true(api, one), _true(api, other)) == (before[0] | {tag}, before[1])
    assert api.ext("mark_tag", _pair(one, add_tag=[tag]))["errcode"] == 0  # silent
    assert api.ext("mark_tag", _pair(other, remove_tag=[tag]))["errcode"] == 0
    swap = _pair(one, add_tag=[_library(api)[0]["tag"][0]["id"]], remove_tag=[tag])
    assert api.ext("mark_tag", swap)["errcode"] == 0
    assert tag not in _true(api, one)
    assert api.control.events() == []


def test_marking_works_with_tags_of_others(api):
    row = api.follows()[0]
    tag = _group(api, CONSOLE_GROUP)["tag"][0]["id"]
    assert api.ext("mark_tag", _pair(row, add_tag=[tag]))["errcode"] == 0


def test_marking_refusals_change_nothing(api):
    row = api.follows()[0]
    other = next(
        r
        for r in api.follows()
        if not api.follows(userid=row["userid"], external_userid=r["external_userid"])
    )
    tag, dead = (t["id"] for t in _make(api)["tag"])
    api.ext("del_corp_tag", {"tag_id": [dead]})
    group = _library(api)[0]["group_id"]
    before = api.export("follows")
    for body, code in (
        (_pair(row), 40058),
        (_pair(row, add_tag=[], remove_tag=[]), 40058),
        ({**_pair(row, add_tag=[tag]), "userid": ""}, 41009),
        ({**_pair(row, add_tag=[tag]), "userid": "nobody"}, 60111),
        ({**_pair(row, add_tag=[tag]), "external_userid": ""}, 41035),
        ({**_pair(row, add_tag=[tag]), "external_userid": "wmX"}, 40096),
        ({**_pair(other, add_tag=[tag]), "userid": row["userid"]}, 84061),
        (_pair(row, add_tag=[tag, dead]), 40068),
        (_pair(row, add_tag=[tag, ""]), 40068),
        (_pair(row, add_tag=[tag, group]), 40068),
    ):
        answer = api.ext("mark_tag", body)
        assert answer["errcode"] == code, body
        assert set(answer) == {"errcode", "errmsg"}
    assert "group id not allowed" in answer["errmsg"]
    assert api.export("follows") == before


def test_marking_settings(api):
    row = api.follows()[0]
    tag = _make(api)["tag"][0]["id"]
    both = _pair(row, add_tag=[tag], remove_tag=[tag])
    assert api.ext("mark_tag", both)["errcode"] == 0
    assert tag not in _true(api, row)
    api.control.settings(tag_both_lists="add")
    assert api.ext("mark_tag", both)["errcode"] == 0
    assert tag in _true(api, row)
    api.control.settings(tag_both_lists="refuse", tag_repeat_errcode=40068)
    assert api.ext("mark_tag", both)["errcode"] == 40068
    assert api.ext("mark_tag", _pair(row, add_tag=[tag]))["errcode"] == 40068
    api.control.settings(tags_per_follow=1, tag_repeat_errcode=0)
    many = [t["id"] for t in _library(api)[0]["tag"]]
    assert api.ext("mark_tag", _pair(row, add_tag=many))["errcode"] == 40058


# -- strategies and their tags


def _strategy(api, **more):
    body = {
        "parent_id": 0,
        "strategy_name": "华东",
        "admin_list": ["g00001"],
        "privilege": {"share_customer": False, "join_room": False},
        "range": [{"type": 1, "userid": "g00001"}, {"type": 2, "partyid": 3}],
        **more,
    }
    return api.ext("customer_strategy/create", body)


def test_a_strategy_lives_and_dies(api):
    number = _strategy(api)["strategy_id"]
    assert api.ext("customer_strategy/list")["strategy"] == [{"strategy_id": number}]
    got = api.ext("customer_strategy/get", {"strategy_id": number})["strategy"]
    assert (got["strategy_name"], got["parent_id"]) == ("华东", 0)
    assert len(got["privilege"]) == 21
    assert got["privilege"]["share_customer"] is False
    assert got["privilege"]["join_room"] is True  # always
    parts = api.ext("customer_strategy/get_range", {"strategy_id": number, "limit": 1})
    assert parts["range"] == [{"type": 1, "userid": "g00001"}]
    rest = api.ext(
        "customer_strategy/get_range",
        {"strategy_id": number, "limit": 1, "cursor": parts["next_cursor"]},
    )
    assert rest["range"] == [{"type": 2, "partyid": 3}]
    assert "next_cursor" not in rest
    edit = {
        "strategy_id": number,
        "strategy_name": "新名",
        "range_del": [{"type": 2, "partyid": 3}],
    }
    assert api.ext("customer_strategy/edit", edit)["errcode"] == 0
    ranges = api.ext("customer_strategy/get_range", {"strategy_id": number})["range"]
    assert ranges == [{"type": 1, "userid": "g00001"}]
    assert api.ext("customer_strategy/del", {"strategy_id": number})["errcode"] == 0
    assert api.ext("customer_strategy/get", {"strategy_id": number})["errcode"] == 40058
    assert api.ext("customer_strategy/list")["strategy"] == []


def test_strategy_rules(api):
    parent = _strategy(api)["strategy_id"]
    outside = next(m["userid"] for m in api.export("staff") if m["userid"] == "u_office")
    child = {"parent_id": parent, "range": [{"type": 1, "userid": outside}]}
    assert _strategy(api, **child)["errcode"] == 40058
    inside = _strategy(api, parent_id=parent, range=[{"type": 1, "userid": "g00001"}])
    assert inside["errcode"] == 0
    assert api.ext("customer_strategy/del", {"strategy_id": parent})["errcode"] == 40058
    deep = inside["strategy_id"]
    for _ in range(3):
        deep = _strategy(api, parent_id=deep, range=[{"type": 1, "userid": "g00001"}])[
            "strategy_id"
        ]
    sixth = _strategy(api, parent_id=deep, range=[{"type": 1, "userid": "g00001"}])
    assert sixth["errcode"] == 40058
    for bad in (
        {"admin_list": []},
        {"range": []},
        {"range": [{"type": 3}]},
        {"range": [{"type": 2, "partyid": 999}]},
        {"strategy_name": ""},
        {"parent_id": 999},
    ):
        assert _strategy(api, **bad)["errcode"] in (40058, 60123)
    other = api.app(1000003)
    assert other.ext("customer_strategy/get", {"strategy_id": parent})["errcode"] == 40058
    assert other.ext("customer_strategy/list")["strategy"] == []
    other.close()
    api.control.settings(strategy_delete_children="delete")
    assert api.ext("customer_strategy/del", {"strategy_id": parent})["errcode"] == 0
    assert api.ext("customer_strategy/list")["strategy"] == []
    api.control.settings(strategy_callers="none")
    assert api.ext("customer_strategy/list")["errcode"] == 48002


def test_strategy_tags(api):
    number = _strategy(api)["strategy_id"]
    made = api.ext(
        "add_strategy_tag", {"strategy_id": number, "group_name": "等级", "tag": [{"name": "A"}]}
    )["tag_group"]
    assert made["strategy_id"] == number
    assert made["group_id"].startswith("st")
    listed = api.ext("get_strategy_tag_list", {"strategy_id": number})["tag_group"]
    assert [g["group_name"] for g in listed] == ["等级"]
    assert made["group_id"] not in {g["group_id"] for g in _library(api)}
    tag = made["tag"][0]["id"]
    inside = api.follows(userid="g00001")[0]
    assert api.ext("mark_tag", _pair(inside, add_tag=[tag]))["errcode"] == 0
    shown = api.get("externalcontact/get", external_userid=inside["external_userid"])
    mine = next(f for f in shown["follow_user"] if f["userid"] == "g00001")
    assert {t["type"] for t in mine["tags"] if t.get("tag_id") == tag} == {3}
    api.ext(
        "customer_strategy/edit",
        {"strategy_id": number, "range_del": [{"type": 2, "partyid": 3}]},
    )
    outside = next(r for r in api.follows() if r["userid"] != "g00001")
    assert api.ext("mark_tag", _pair(outside, add_tag=[tag]))["errcode"] == 40068
    assert api.ext("edit_strategy_tag", {"id": tag, "name": "B"})["errcode"] == 0
    assert api.ext("edit_corp_tag", {"id": tag, "name": "C"})["errcode"] == 40068
    assert api.ext("del_corp_tag", {"tag_id": [tag]})["errcode"] == 40068
    assert api.ext("del_strategy_tag", {"tag_id": [tag]})["errcode"] == 0
    assert api.ext("get_strategy_tag_list", {})["tag_group"] == []
