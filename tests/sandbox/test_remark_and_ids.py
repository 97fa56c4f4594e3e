"""remark (doc 92115), contact_list (doc 99434), conversions (doc 97108)."""

import pytest


def _pair(row, **more):
    return {"userid": row["userid"], "external_userid": row["external_userid"], **more}


def _true(api, row):
    return api.follows(userid=row["userid"], external_userid=row["external_userid"])[0]


def _wechat(api):
    people = {c["external_userid"] for c in api.export("customers") if c["type"] == 1}
    return next(r for r in api.follows() if r["external_userid"] in people)


def test_what_is_left_out_stays(api):
    row = _wechat(api)
    full = _pair(
        row,
        remark="字" * 20,
        description="d" * 150,
        remark_company="公司",
        remark_mobiles=["13000000001", "13000000002"],
    )
    assert api.ext("remark", full) == {"errcode": 0, "errmsg": "ok"}
    assert api.ext("remark", _pair(row, remark="新"))["errcode"] == 0
    now = _true(api, row)
    assert now["remark"] == "新"
    assert now["description"] == "d" * 150
    assert now["remark_corp_name"] == "公司"
    assert now["remark_mobiles"] == ["13000000001", "13000000002"]
    assert api.ext("remark", _pair(row, remark_mobiles=["13000000003"]))["errcode"] == 0
    assert _true(api, row)["remark_mobiles"] == ["13000000003"]
    assert api.ext("remark", _pair(row, remark_mobiles=[""]))["errcode"] == 0
    assert _true(api, row)["remark_mobiles"] == []
    assert api.ext("remark", _pair(row, remark="", description="x"))["errcode"] == 0
    assert _true(api, row)["remark"] == ""
    assert api.control.events() == []


def test_remark_touches_one_relation_only(api):
    row = api.follows()[0]
    before = {(r["userid"], r["external_userid"]): r for r in api.export("follows")}
    api.ext("remark", _pair(row, remark="只此一家"))
    after = {(r["userid"], r["external_userid"]): r for r in api.export("follows")}
    changed = [k for k in after if after[k] != before[k]]
    assert changed == [(row["userid"], row["external_userid"])]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 40058),
        ({"remark": "", "description": "", "remark_mobiles": []}, 40058),
        ({"remark": "字" * 21}, 40058),
        ({"description": "d" * 151}, 40058),
        ({"remark_company": "c" * 21}, 40058),
        ({"remark_mobiles": ["1" * 33]}, 40058),
        ({"remark_mobiles": ["1"] * 21}, 40058),
        ({"remark": "禁词"}, 85002),
        ({"remark": "ok", "remark_pic_mediaid": "none"}, 40007),
    ],
)
def test_remark_refusals_change_nothing(api, fields, code):
    api.control.settings(forbidden_words=["禁"])
    row = _wechat(api)
    before = api.export("follows")
    assert api.ext("remark", _pair(row, **fields))["errcode"] == code
    assert api.export("follows") == before


def test_remark_who(api):
    row, other = api.follows()[0], "wm" + "A" * 30
    assert api.ext("remark", {**_pair(row, remark="x"), "userid": "nobody"})["errcode"] == 60111
    assert (
        api.ext("remark", {**_pair(row, remark="x"), "external_userid": other})["errcode"] == 40096
    )
    api.control.act("follow_delete", **_pair(row))
    assert api.ext("remark", _pair(row, remark="x"))["errcode"] == 84061
    api.control.settings(remark_empty_errcode=40063)
    rest = api.follows()[0]
    assert api.ext("remark", _pair(rest))["errcode"] == 40063


def test_company_of_a_wecom_user(api):
    people = {c["external_userid"] for c in api.export("customers") if c["type"] == 2}
    row = next(r for r in api.follows() if r["external_userid"] in people)
    body = _pair(row, remark_company="公司")
    assert api.ext("remark", body)["errcode"] == 0
    assert _true(api, row)["remark_corp_name"] == ""
    assert api.ext("remark", _pair(row, remark_pic_mediaid="m"))["errcode"] == 40058
    api.control.settings(remark_company_type2="keep", remark_pic_type2_errcode=0)
    assert api.ext("remark", body)["errcode"] == 0
    assert _true(api, row)["remark_corp_name"] == "公司"
    assert api.ext("remark", _pair(row, remark_pic_mediaid="m"))["errcode"] == 0


# -- contact_list


def test_contact_list_holds_customers_and_strangers(api):
    rows = api.rows("externalcontact/contact_list", "info_list", {"limit": 37})
    served = [r for r in rows if r["is_customer"]]
    pairs = {(r["follow_userid"], r["external_userid"]) for r in served}
    assert pairs == {(r["userid"], r["external_userid"]) for r in api.follows()}
    assert len(served) == len(pairs)
    strangers = [r for r in rows if not r["is_customer"]]
    assert strangers
    for row in strangers:
        assert set(row) == {"is_customer", "tmp_openid", "name", "chat_id", "chat_name", "add_time"}
        assert row["name"].endswith("**")
    again = api.rows("externalcontact/contact_list", "info_list", {})
    assert again == rows


def test_tmp_openid_changes_after_four_hours(api):
    first = api.ext("contact_list", {"limit": 5})["info_list"]
    api.control.advance(14_401)
    api.forget_token()
    later = api.ext("contact_list", {"limit": 5})["info_list"]
    assert [r["external_userid"] for r in first] == [r["external_userid"] for r in later]
    assert not {r["tmp_openid"] for r in first} & {r["tmp_openid"] for r in later}


def test_contact_list_parameters(api):
    assert api.ext("contact_list", {"limit": -1})["errcode"] == 40058
    assert api.ext("contact_list", {"cursor": "x"})["errcode"] == 50100
    api.control.settings(contact_list_max=10)
    assert len(api.ext("contact_list", {"limit": 1000})["info_list"]) == 10


# -- conversions


def test_openid_and_unionid(api):
    people = api.export("customers")
    wechat = next(c for c in people if c["type"] == 1 and c["unionid"])
    wecom = next(c for c in people if c["type"] == 2)
    openid = api.ext("convert_to_openid", {"external_userid": wechat["external_userid"]})
    assert openid["openid"].startswith("o")
    assert (
        api.ext("convert_to_openid", {"external_userid": wecom["external_userid"]})["errcode"]
        == 41056
    )
    assert api.ext("convert_to_openid", {})["errcode"] == 41035
    body = {"unionid": wechat["unionid"], "openid": "o1"}
    assert (
        api.ext("unionid_to_external_userid", body)["external_userid"]
        == (wechat["external_userid"])
    )
    assert (
        api.post("idconvert/unionid_to_external_userid", body)["external_userid"]
        == (wechat["external_userid"])
    )
    assert api.ext("unionid_to_external_userid", {"unionid": "x"})["errcode"] == 610014
    stranger = {"unionid": "o" + "A" * 27, "openid": "o1"}
    assert api.ext("unionid_to_external_userid", stranger)["errcode"] == 84061
    pending = api.post("idconvert/unionid_to_external_userid", stranger)
    assert (pending["external_userid"], pending["pending_id"][0]) == ("", "p")
    assert (
        api.post("idconvert/unionid_to_external_userid", {**body, "openid": ""})["errcode"] == 40058
    )
    api.control.settings(unionid_bound=False)
    assert api.ext("unionid_to_external_userid", body)["errcode"] == 41057


def test_provider_ids_go_there_and_back(api):
    mine = api.follows()[0]["external_userid"]
    there = api.ext("to_service_external_userid", {"external_userid": mine})["external_userid"]
    assert there != mine
    assert api.get("externalcontact/get", external_userid=there)["errcode"] == 40096
    back = {"external_userid": there, "source_agentid": 1}
    assert api.ext("from_service_external_userid", back)["external_userid"] == mine
    assert (
        api.ext("from_service_external_userid", {**back, "external_userid": mine})["errcode"]
        == 40096
    )
    new = api.ext("get_new_external_userid", {"external_userid_list": [mine, "wmX"]})["items"]
    assert new == [{"external_userid": mine, "new_external_userid": there}]
    assert api.ext("get_new_external_userid", {"external_userid_list": []})["items"] == []
    chat = api.export("groups")[0]["chat_id"]
    body = {"chat_id": chat, "external_userid_list": [mine]}
    assert api.ext("groupchat/get_new_external_userid", body)["items"] == new
    assert (
        api.ext("groupchat/get_new_external_userid", {**body, "chat_id": "x"})["errcode"] == 40050
    )


@pytest.mark.parametrize("where", ["idconvert", "corpgroup"])
def test_pending_ids(api, where):
    mine = api.follows()[0]["external_userid"]
    path = f"{where}/batch/external_userid_to_pending_id"
    rows = api.post(path, {"external_userid": [mine, "wmX"]})["result"]
    assert [r["external_userid"] for r in rows] == [mine]
    assert rows == api.post(path, {"external_userid": [mine]})["result"]
    assert api.post(path, {"external_userid": ["x"] * 101})["errcode"] == 40058
    assert api.post(path, {"external_userid": [mine], "chat_id": "x"})["errcode"] == 40050


def test_idconvert_has_its_own_hour_limit(api):
    api.control.settings(idconvert_hour_limit=1)
    body = {"unionid": "o" + "A" * 27, "openid": "o1"}
    assert api.post("idconvert/unionid_to_external_userid", body)["errcode"] == 0
    assert api.post("idconvert/unionid_to_external_userid", body)["errcode"] == 45009
    assert api.ext("unionid_to_external_userid", body)["errcode"] == 84061
