"""Follow users, lists, single customers and batches (doc 92571, 92113, 92114, 92994)."""

import pytest

ROW = ("remark", "description", "createtime", "add_way", "tag_id", "remark_mobiles")


def test_follow_users_are_those_with_customer_contact(api):
    wanted = {
        m["userid"]
        for m in api.export("staff")
        if not m["left_at"] and m["customer_contact"] and m["visible"]
    }
    listed = api.get("externalcontact/get_follow_user_list")["follow_user"]
    assert set(listed) == wanted
    assert "u_boss" not in wanted
    api.control.act("scope_hide", userid="g00001")
    api.control.act("contact_off", userid="g00002")
    after = api.get("externalcontact/get_follow_user_list")["follow_user"]
    assert set(listed) - set(after) == {"g00001", "g00002"}
    api.control.act("scope_show", userid="g00001")
    api.control.act("contact_on", userid="g00002")
    assert api.get("externalcontact/get_follow_user_list")["follow_user"] == listed


def test_list_holds_every_customer_of_a_member(api):
    rows = api.follows()
    for userid in {r["userid"] for r in rows}:
        answer = api.get("externalcontact/list", userid=userid)
        assert answer["external_userid"] == [
            r["external_userid"] for r in rows if r["userid"] == userid
        ]


def _idle(api):
    busy = {r["userid"] for r in api.follows()}
    users = api.get("externalcontact/get_follow_user_list")["follow_user"]
    return next(u for u in users if u not in busy)


def test_a_member_without_customers_is_84061(api):
    idle = _idle(api)
    answer = api.get("externalcontact/list", userid=idle)
    assert answer["errcode"] == 84061
    assert answer["external_userid"] == []
    assert answer["errmsg"].startswith("not external contact, hint: [")
    api.control.settings(empty_member_errcode=0)
    assert api.get("externalcontact/list", userid=idle)["errcode"] == 0


def test_list_refusals(api):
    gone = next(m["userid"] for m in api.export("staff") if m["left_at"])
    for userid, code in (("", 41009), ("a b", 40003), ("nobody", 60111), (gone, 60111)):
        assert api.get("externalcontact/list", userid=userid)["errcode"] == code
    api.control.act("scope_hide", userid="g00001")
    assert api.get("externalcontact/list", userid="g00001")["errcode"] == 60111
    api.control.settings(invisible_member_errcode=60011)
    assert api.get("externalcontact/list", userid="g00001")["errcode"] == 60011
    assert api.get("externalcontact/list", userid="u_boss")["errcode"] == 84061
    api.control.settings(no_contact_errcode=84083)
    assert api.get("externalcontact/list", userid="u_boss")["errcode"] == 84083


def _shared(api):
    seen = {}
    for row in api.follows():
        seen.setdefault(row["external_userid"], []).append(row)
    return next(rows for rows in seen.values() if len(rows) > 1)


def test_get_shows_every_visible_follower(api):
    rows = _shared(api)
    answer = api.get("externalcontact/get", external_userid=rows[0]["external_userid"])
    assert [f["userid"] for f in answer["follow_user"]] == [r["userid"] for r in rows]
    assert "next_cursor" not in answer
    for shown, true in zip(answer["follow_user"], rows, strict=True):
        assert shown["remark"] == true["remark"]
        assert shown["description"] == true["description"]
        assert shown["createtime"] == true["createtime"]
        corp = [t["tag_id"] for t in shown["tags"] if t["type"] == 1]
        assert corp == true["tag_id"]
        personal = [t for t in shown["tags"] if t["type"] == 2]
        assert [t["tag_name"] for t in personal] == true["personal_tags"]
        assert all("tag_id" not in t for t in personal)
    api.control.act("scope_hide", userid=rows[0]["userid"])
    left = api.get("externalcontact/get", external_userid=rows[0]["external_userid"])
    assert [f["userid"] for f in left["follow_user"]] == [r["userid"] for r in rows[1:]]
    for row in rows[1:]:
        api.control.act("scope_hide", userid=row["userid"])
    hidden = api.get("externalcontact/get", external_userid=rows[0]["external_userid"])
    assert (hidden["errcode"], hidden["follow_user"]) == (40096, [])


def test_get_pages_followers_beyond_500(api):
    target = api.follows()[0]["external_userid"]
    for number in range(510):
        userid = f"crowd{number:04d}"
        api.control.act("staff_join", userid=userid, department=2)
        api.control.act("follow_add", userid=userid, external_userid=target)
    first = api.get("externalcontact/get", external_userid=target)
    assert len(first["follow_user"]) == 500
    rest = api.get("externalcontact/get", external_userid=target, cursor=first["next_cursor"])
    assert "next_cursor" not in rest
    users = [f["userid"] for f in first["follow_user"] + rest["follow_user"]]
    assert len(users) == len(set(users)) >= 511


def test_get_refusals(api):
    assert api.get("externalcontact/get")["errcode"] == 41035
    assert api.get("externalcontact/get", external_userid="wm" + "A" * 30)["errcode"] == 40096
    row = api.follows()[0]
    api.control.act("follow_delete", userid=row["userid"], external_userid=row["external_userid"])
    alone = [r for r in api.follows() if r["external_userid"] == row["external_userid"]]
    if not alone:
        gone = api.get("externalcontact/get", external_userid=row["external_userid"])
        assert (gone["errcode"], gone["follow_user"]) == (84061, [])


def test_optional_fields_are_present_only_when_set(api):
    rows = api.follows()
    shown = [
        api.get("externalcontact/get", external_userid=r["external_userid"]) for r in rows[:120]
    ]
    for answer, true in zip(shown, rows, strict=False):
        follow = next(f for f in answer["follow_user"] if f["userid"] == true["userid"])
        assert ("oper_userid" in follow) == (follow["add_way"] != 0)
        assert ("state" in follow) == bool(true["state"])
        assert ("remark_corp_name" in follow) == bool(true["remark_corp_name"])
        assert ("wechat_channels" in follow) == (follow["add_way"] == 10)
        assert follow["remark_mobiles"] == true["remark_mobiles"]
        contact = answer["external_contact"]
        assert ("corp_name" in contact) == (contact["type"] == 2)
        assert not (contact["type"] == 2 and "unionid" in contact)
    ways = {r["add_way"] for r in rows}
    assert {0, 1, 10} <= ways
    api.control.settings(unionid_bound=False)
    one = api.get("externalcontact/get", external_userid=rows[0]["external_userid"])
    assert "unionid" not in one["external_contact"]


# -- batches


def _batch(api, users, limit=100, **more):
    body = {"userid_list": users, "limit": limit, **more}
    return api.rows("externalcontact/batch/get_by_user", "external_contact_list", body)


@pytest.mark.parametrize("limit", [7, 50, 100])
def test_a_batch_is_the_truth_row_for_row(api, limit):
    users = api.get("externalcontact/get_follow_user_list")["follow_user"]
    rows = _batch(api, users, limit)
    truth = {(r["userid"], r["external_userid"]): r for r in api.follows()}
    assert len(rows) == len(truth) == 240
    for row in rows:
        info, contact = row["follow_info"], row["external_contact"]
        true = truth.pop((info["userid"], contact["external_userid"]))
        assert {k: info[k] for k in ROW} == {k: true[k] for k in ROW}
        assert contact["name"] == true["name"]
        assert info.get("state", "") == true["state"]
        assert info.get("oper_userid", "") == true["oper_userid"]
        assert info.get("remark_corp_name", "") == true["remark_corp_name"]
        assert "tags" not in info
    assert truth == {}


def test_limits_are_clamped_and_defaulted(api):
    owner = max({r["userid"] for r in api.follows()}, key=lambda u: len(api.follows(userid=u)))
    for number in range(120):
        api.control.act("customer_new", userid=owner, name=f"n{number}")

    def page(**body):
        answer = api.ext("batch/get_by_user", {"userid_list": [owner], **body})
        return len(answer["external_contact_list"]), answer["next_cursor"] != ""

    assert page() == (50, True)
    assert page(limit=0) == (50, True)
    assert page(limit=100) == (100, True)
    assert page(limit=5000) == (100, True)
    assert page(limit=1) == (1, True)


def test_the_last_page_has_an_empty_cursor(api):
    owner = api.follows()[0]["userid"]
    count = len(api.follows(userid=owner))
    answer = api.ext("batch/get_by_user", {"userid_list": [owner, _idle(api)], "limit": count})
    assert len(answer["external_contact_list"]) == count
    assert answer["next_cursor"] == ""
    assert answer["fail_info"] == {"unlicensed_userid_list": []}


def test_pages_stay_true_while_rows_come_and_go(api):
    owner = api.follows()[0]["userid"]
    before = [r["external_userid"] for r in api.follows(userid=owner)]
    body = {"userid_list": [owner], "limit": 5}
    first = api.ext("batch/get_by_user", body)
    got = [r["external_contact"]["external_userid"] for r in first["external_contact_list"]]
    api.control.act("follow_delete", userid=owner, external_userid=before[0])
    api.control.act("customer_new", userid=owner, name="中途")
    cursor = first["next_cursor"]
    while cursor:
        page = api.ext("batch/get_by_user", {**body, "cursor": cursor})
        got += [r["external_contact"]["external_userid"] for r in page["external_contact_list"]]
        cursor = page["next_cursor"]
    assert got[: len(before)] == before
    assert len(got) == len(before) + 1


def test_cursors_are_bound_and_short_lived(api):
    owner = api.follows()[0]["userid"]
    body = {"userid_list": [owner], "limit": 1}
    cursor = api.ext("batch/get_by_user", body)["next_cursor"]
    for other in (
        {**body, "userid_list": [owner, "g00003"], "cursor": cursor},
        {**body, "cursor": cursor[:-6] + "AAAA=="},
        {**body, "cursor": "中"},
        {**body, "cursor": "x"},
    ):
        answer = api.ext("batch/get_by_user", other)
        assert (answer["errcode"], answer["external_contact_list"]) == (50100, [])
    assert api.ext("contact_list", {"cursor": cursor})["errcode"] == 50100
    assert api.ext("batch/get_by_user", {**body, "cursor": cursor})["errcode"] == 0
    api.control.advance(1801)
    assert api.ext("batch/get_by_user", {**body, "cursor": cursor})["errcode"] == 50100


def test_bad_members_fail_the_batch_or_are_skipped(api):
    owner = api.follows()[0]["userid"]
    gone = next(m["userid"] for m in api.export("staff") if m["left_at"])
    body = {"userid_list": [owner, gone]}
    assert api.ext("batch/get_by_user", body)["errcode"] == 60111
    assert api.ext("batch/get_by_user", {"userid_list": [owner, "u_boss"]})["errcode"] == 0
    api.control.settings(batch_bad_member="skip")
    answer = api.ext("batch/get_by_user", body)
    assert {r["follow_info"]["userid"] for r in answer["external_contact_list"]} == {owner}


def test_nobody_has_customers(api):
    body = {"userid_list": [_idle(api)]}
    answer = api.ext("batch/get_by_user", body)
    assert (answer["errcode"], answer["external_contact_list"]) == (84061, [])
    api.control.settings(batch_empty_errcode=0)
    answer = api.ext("batch/get_by_user", body)
    assert (answer["errcode"], answer["next_cursor"]) == (0, "")


def test_batch_parameters(api):
    assert api.ext("batch/get_by_user", {"userid_list": []})["errcode"] == 40058
    assert api.ext("batch/get_by_user", {"userid_list": ["g00001"] * 101})["errcode"] == 40058
    assert (
        api.ext("batch/get_by_user", {"userid_list": ["g00001"], "limit": -1})["errcode"] == 40058
    )
    assert api.ext("batch/get_by_user", {"userid": "g00001"})["errcode"] == 0
    api.control.settings(batch_legacy_userid=False, batch_empty_list_errcode=41009)
    assert api.ext("batch/get_by_user", {"userid": "g00001"})["errcode"] == 41009


def test_short_pages_lose_nothing(api):
    api.control.settings(short_page_rate=0.5)
    users = api.get("externalcontact/get_follow_user_list")["follow_user"]
    rows = _batch(api, users, 20)
    pairs = {(r["follow_info"]["userid"], r["external_contact"]["external_userid"]) for r in rows}
    assert len(pairs) == len(rows) == 240
    assert api.control.calls()["paths"]["externalcontact/batch/get_by_user"]["calls"] > 13


def test_customer_calls_need_the_permission(api):
    plain = api.app(1000004)
    for path, method in (
        ("get_follow_user_list", "GET"),
        ("list", "GET"),
        ("get", "GET"),
        ("batch/get_by_user", "POST"),
        ("get_corp_tag_list", "POST"),
        ("groupchat/list", "POST"),
        ("get_unassigned_list", "POST"),
        ("mark_tag", "POST"),
        ("remark", "POST"),
    ):
        answer = plain.send(
            f"externalcontact/{path}",
            method=method,
            body=b"{}" if method == "POST" else None,
            access_token=plain.token,
        )
        assert answer["errcode"] == 48002
    plain.close()
