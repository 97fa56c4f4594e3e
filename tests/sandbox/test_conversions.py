"""Scalars of another JSON type are converted, with the warning (doc 90313); live texts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storeops.sandbox.body import Body

WARNED = "Warning: wrong json format. "
NEW = {"userid": "fresh", "name": "新", "mobile": "13000000001", "department": [1]}


def _follow(api):
    row = next(r for r in api.follows() if r["listed"])
    return {"userid": row["userid"], "external_userid": row["external_userid"]}


# -- as SDKs send it, over the wire


def test_a_member_with_a_numeric_gender_and_mobile(api, sync):
    body = (
        b'{"userid":"fresh","name":"\xe6\x96\xb0","mobile":13755550003,"gender":1,"department":1}'
    )
    answer = sync.post("user/create", body)
    assert (answer["errcode"], answer["errmsg"]) == (0, "created. " + WARNED)
    row = sync.get("user/get", userid="fresh")
    assert (row["mobile"], row["gender"], row["department"]) == ("13755550003", "1", [1])


def test_tags_of_members_by_a_textual_id(sync):
    answer = sync.post("tag/create", {"tagname": "讲师", "tagid": "4"})
    assert (answer["errcode"], answer["tagid"]) == (0, 4)
    for path in ("addtagusers", "deltagusers"):
        answer = sync.post(f"tag/{path}", {"tagid": "4", "userlist": ["g00001"]})
        assert (answer["errcode"], answer["errmsg"]) == (0, "ok. " + WARNED)
    assert sync.post("tag/update", {"tagid": "4", "tagname": "x"})["errcode"] == 0


@pytest.mark.parametrize("path", ["batch/get_by_user", "groupchat/list", "contact_list"])
def test_a_limit_as_text(api, path):
    body = {"limit": "2", "cursor": ""}
    if path.startswith("batch"):
        body["userid_list"] = [_follow(api)["userid"]]
    if path.startswith("groupchat"):
        body["limit"] = "1"
    answer = api.ext(path, body)
    assert (answer["errcode"], answer["errmsg"]) == (0, "ok. " + WARNED)
    rows = next(value for value in answer.values() if isinstance(value, list))
    assert len(rows) == int(body["limit"])
    assert answer["next_cursor"]


def test_departments_by_textual_numbers(api, sync):
    body = {"name": "新店", "parentid": "1", "order": "7", "id": "900"}
    answer = sync.post("department/create", body)
    assert (answer["errcode"], answer["errmsg"], answer["id"]) == (0, "created. " + WARNED, 900)
    shown = api.get("department/get", id=900)["department"]
    assert (shown["parentid"], shown["order"]) == (1, 7)
    assert sync.post("department/update", {"id": "900", "order": "8"})["errcode"] == 0
    assert api.get("department/get", id=900)["department"]["order"] == 8


def test_numbers_where_texts_are_wanted(api):
    pair = _follow(api)
    answer = api.ext("remark", {**pair, "remark": 20260501, "remark_mobiles": [13755550003]})
    assert (answer["errcode"], answer["errmsg"]) == (0, "ok. " + WARNED)
    row = api.follows(**pair)[0]
    assert (row["remark"], row["remark_mobiles"]) == ("20260501", ["13755550003"])


def test_a_value_inside_an_object_warns_too(api):
    answer = api.ext("add_corp_tag", {"group_name": 2026, "tag": [{"name": 5, "order": "3"}]})
    assert answer["errmsg"] == "ok. " + WARNED
    made = answer["tag_group"]
    assert (made["group_name"], made["tag"][0]["name"], made["tag"][0]["order"]) == ("2026", "5", 3)


def test_flags_as_texts_and_numbers(api, sync):
    assert sync.post("user/create", {**NEW, "enable": "0", "to_invite": "x"})["errcode"] == 0
    assert api.get("user/get", userid="fresh")["status"] == 2
    assert sync.post("user/update", {"userid": "fresh", "enable": "1"})["errcode"] == 0
    assert api.get("user/get", userid="fresh")["status"] == 1


@pytest.mark.parametrize("value", ["[1, 2]", {"id": 1}, [], [{}], [[1]], ["x"]])
def test_a_lost_department_is_refused(sync, value):
    answer = sync.post("user/create", {**NEW, "department": value})
    assert answer["errcode"] == 40066
    assert answer["errmsg"].startswith(WARNED) == (value != [])


@pytest.mark.parametrize("value", [{}, [], {"a": 1}])
@pytest.mark.parametrize("field", ["name", "position", "gender", "mobile", "extattr", "enable"])
def test_what_is_lost_counts_as_absent(api, sync, field, value):
    if field == "extattr" and isinstance(value, dict):
        pytest.skip("an object is right there")
    before = api.export("staff")
    answer = sync.post("user/update", {"userid": "g00001", field: value})
    assert (answer["errcode"], answer["errmsg"]) == (0, "updated. " + WARNED)
    assert api.export("staff") == before


def test_which_lists_may_come_as_one_scalar(api, sync):
    assert sync.post("user/create", {**NEW, "department": "1"})["errcode"] == 0
    one = {"userid_list": _follow(api)["userid"]}
    assert api.ext("batch/get_by_user", one)["errcode"] == 40058
    api.control.settings(scalar_lists="*")
    answer = api.ext("batch/get_by_user", one)
    assert (answer["errcode"], answer["errmsg"]) == (0, "ok. " + WARNED)


def test_right_types_do_not_warn(sync):
    assert sync.post("user/create", {**NEW, "gender": "1", "enable": 1, "order": [3]})[
        "errmsg"
    ] == "created"  # fmt: skip


# -- the readers


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(ANY)
def test_no_value_breaks_a_reader(value):
    for name, kind in (("text", str), ("number", int), ("flag", bool)):
        body = Body({"x": value})
        assert type(getattr(body, name)("x")) is kind
        right = isinstance(value, kind) or value is None
        if right and not (kind is int and isinstance(value, bool)):
            assert not body.warned
            assert value is None or getattr(body, name)("x") == value
    for name, kind in (("texts", str), ("numbers", int)):
        body = Body({"x": value}, scalar_lists="*")
        assert all(type(each) is kind for each in getattr(body, name)("x"))
    Body({"x": value}).object("x").objects("y")


@given(st.integers(-(10**17), 10**17))
def test_numbers_and_their_texts_are_one(number):
    assert Body({"x": str(number)}).number("x") == number
    assert Body({"x": number}).text("x") == str(number)


@pytest.mark.parametrize("text", ["", " 1", "1.5", "1e3", "٣", "0x10", "+1", "9" * 5000, "--1"])
def test_texts_that_are_no_number(text):
    body = Body({"x": text})
    assert (body.number("x", 7), body.warned) == (7, True)


@pytest.mark.parametrize("raw", [b'{"limit":NaN}', b'{"limit":Infinity}', b'{"limit":1e999}'])
def test_constants_that_are_no_json(raw):
    body = Body.read(raw)
    assert (body.number("limit", 7), body.warned) == (7, True)


def test_a_warning_reaches_the_whole_request():
    body = Body.read(b'{"a":{"b":[{"c":5}]}}')
    assert not body.warned
    assert body.object("a").objects("b")[0].text("c") == "5"
    assert body.warned


# -- members as they are answered


OLD = {"mobile", "email", "biz_mail", "gender", "avatar", "thumb_avatar", "qr_code", "address"}


def test_members_are_seen_as_enabled(api, sync):
    row = api.get("user/get", userid="g00001")
    assert (row["enable"], row["isleader"], row["hide_mobile"]) == (1, 1, 0)
    assert row["external_profile"] == {"external_corp_name": "", "external_attr": []}
    listed = api.get("user/list", department_id=1, fetch_child=1)["userlist"]
    assert all(type(m[k]) is int for m in listed for k in ("enable", "isleader", "hide_mobile"))
    assert {m["isleader"] for m in listed} == {0, 1}
    sync.post("user/update", {"userid": "g00001", "enable": 0, "hide_mobile": 1})
    row = api.get("user/get", userid="g00001")
    assert (row["enable"], row["status"], row["hide_mobile"]) == (0, 2, 1)


def test_who_sees_personal_fields(api, sync):
    assert OLD.isdisjoint(api.get("user/get", userid="g00001"))
    assert set(sync.get("user/get", userid="g00001")) >= OLD
    listed = sync.get("user/list", department_id=1, fetch_child=1)["userlist"]
    assert all(set(m) >= OLD for m in listed)
    api.control.settings(contact_sync_new_ip=True)
    assert sync.get("user/get", userid="g00001")["errcode"] == 48009
    api.control.settings(legacy_app_fields=True)
    assert set(api.get("user/get", userid="g00001")) >= OLD


def test_the_external_profile_is_kept(api, sync):
    profile = {
        "external_corp_name": "样例零售",
        "wechat_channels": {"nickname": "视频号", "status": 1},
        "external_attr": [
            {"type": 0, "name": "称号", "text": {"value": "金牌"}},
            {"type": 1, "name": "网页", "web": {"url": "https://a.example", "title": "t"}},
            {
                "type": 2,
                "name": "小程序",
                "miniprogram": {"appid": "wx0", "pagepath": "/p", "title": "t"},
            },
        ],
    }
    attrs = [{"type": 0, "name": "工号", "text": {"value": "7"}}]
    body = {**NEW, "external_profile": profile, "extattr": {"attrs": attrs}}
    assert sync.post("user/create", body)["errcode"] == 0
    row = api.get("user/get", userid="fresh")
    assert (row["external_profile"], row["extattr"]["attrs"]) == (profile, attrs)
    sync.post("user/update", {"userid": "fresh", "position": "x"})
    assert api.get("user/get", userid="fresh")["external_profile"] == profile
    bad = {"external_attr": [{"type": 9, "name": "x"}]}
    answer = sync.post("user/update", {"userid": "fresh", "external_profile": bad})
    assert answer["errcode"] == 40058


# -- texts that programs parse


def test_live_texts(api, sync):
    taken = next(m for m in api.export("staff") if m["userid"] == "g00002")["mobile"]
    answer = sync.post("user/create", {**NEW, "mobile": taken})
    assert (answer["errcode"], answer["errmsg"]) == (60104, "mobile existed:g00002")
    pair = _follow(api)
    tags = [t["tag_id"] for t in api.export("tags")][:1]
    answer = api.ext("mark_tag", {**pair, "add_tag": [*tags, "etBad"]})
    assert re.fullmatch(
        r"invalid tagid: etBad, hint: \[\d{25}\], from ip: 127\.0\.0\.1, more info at "
        r"https://open\.work\.weixin\.qq\.com/devtool/query\?e=40068",
        answer["errmsg"],
    )
    answer = api.ext("mark_tag", {**pair, "remove_tag": ["etBad"]})
    assert answer["errmsg"].startswith("invalid tagid: etBad, hint: ")
    group = api.ext("get_corp_tag_list")["tag_group"][0]
    twice = {"group_id": group["group_id"], "tag": [{"name": group["tag"][0]["name"]}]}
    texts = [
        (api.ext("add_corp_tag", twice), "UserTag Name Already Exist"),
        (sync.post("user/create", {**NEW, "mobile": ""}), "missing mobile or email"),
        (sync.post("user/create", {**NEW, "userid": ""}), "missing userid"),
        (api.get("user/get"), "missing userid"),
        (
            sync.post("department/create", {"name": "x", "parentid": 1, "id": 2}),
            "department existed",
        ),
        (sync.post("user/create", {**NEW, "department": [777]}), "invalid party id"),
    ]
    for answer, text in texts:
        assert answer["errmsg"].startswith(text + ", hint: ["), answer


def test_what_an_opened_department_tells(api):
    done = api.control.act("department_create", department=1, name="新店")
    event = api.control.events()[-1]
    assert (event["name"], event["order"], event["parentid"]) == ("新店", 1000, 1)
    from storeops.sandbox.callback.event_xml import event_xml

    xml = event_xml(event, "ww0").decode()
    assert "<Name><![CDATA[新店]]></Name>" in xml
    assert "<Order>1000</Order>" in xml
    assert f"<Id>{done['id']}</Id>" in xml


def test_a_caller_can_learn_an_opengid(api):
    group = api.export("groups")[0]
    answer = api.ext("opengid_to_chatid", {"opengid": group["opengid"]})
    assert answer["chat_id"] == group["chat_id"]
