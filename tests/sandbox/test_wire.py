"""Every row of the wire format, over a real socket."""

import json
import re
import socket

import pytest

SUFFIX = re.compile(
    r", hint: \[(\d{21,25})\], from ip: 127\.0\.0\.1, "
    r"more info at https://open\.work\.weixin\.qq\.com/devtool/query\?e=(-?\d+)$"
)


def test_base_is_cgi_bin_and_json_is_raw_utf8(api):
    answer = api.get("department/list")
    assert answer["errcode"] == 0
    name = answer["department"][0]["name"]
    assert not name.isascii()
    assert name.encode() in api.raw


def test_failures_are_http_200(api):
    assert api.send("user/get")["errcode"] == 41001
    assert api.status == 200


@pytest.mark.parametrize("path", ["externalcontact/nothing", "user", "gettoken/", "user/get/x"])
def test_unknown_path_is_an_empty_404_even_with_a_bad_token(api, path):
    assert api.send(path, access_token="bad") is None
    assert (api.status, api.raw) == (404, b"")
    assert "content-type" not in {k.lower() for k, _ in api.headers}


@pytest.mark.parametrize("good", [True, False])
def test_response_headers_on_success_and_failure(api, good):
    answer = api.get("department/list") if good else api.get("department/list", id="999999")
    assert api.header("Content-Type") == "application/json; charset=UTF-8"
    assert api.header("Error-Code") == str(answer["errcode"])
    assert api.header("Error-Msg") == answer["errmsg"]
    assert int(api.header("X-W-No")) < 100
    assert api.header("Server") == "nginx"
    assert api.header("Date").endswith(" GMT")
    assert int(api.header("Content-Length")) == len(api.raw)


def test_date_header_follows_the_sandbox_clock(api):
    from email.utils import parsedate_to_datetime

    api.get("department/list")
    before = parsedate_to_datetime(api.header("Date")).timestamp()
    api.control.advance(40 * 86_400)
    api.get("department/list")
    moved = parsedate_to_datetime(api.header("Date")).timestamp() - before
    assert 40 * 86_400 <= moved < 40 * 86_400 + 60


def test_key_order(api):
    api.get("department/simplelist")
    assert api.raw.startswith(b'{"errcode":0,"errmsg":"ok",')
    for path in ("get_api_domain_ip", "getcallbackip"):
        assert api.get(path)["ip_list"]
        assert api.raw.startswith(b'{"ip_list":[')
        api.send(path)
        assert api.raw.startswith(b'{"ip_list":[],"errcode":41001,')


def test_token_counts_only_in_the_query(api):
    token = api.token
    bearer = {"Authorization": f"Bearer {token}"}
    path = "externalcontact/get_corp_tag_list"
    assert api.send(path, method="POST", body={}, headers=bearer)["errcode"] == 41001
    assert api.send(path, method="POST", body={"access_token": token})["errcode"] == 41001
    assert api.send(path, method="POST", body={}, access_token=token)["errcode"] == 0


def test_order_of_checks(api):
    """path, token there, token valid, address, permission, throttle, parameters."""
    path = "externalcontact/mark_tag"
    assert api.send(path, method="POST", body={})["errcode"] == 41001
    assert api.send(path, method="POST", body={}, access_token="bad")["errcode"] == 40014
    plain = api.app(1000004)
    assert plain.post(path)["errcode"] == 48002
    api.control.settings(trusted_ips=["203.0.113.9"])
    assert plain.post(path)["errcode"] == 60020
    assert api.post(path)["errcode"] == 60020
    api.control.settings(trusted_ips=[], minute_limit=1)
    assert api.post(path)["errcode"] == 41009  # the one call of this minute
    assert api.post(path)["errcode"] == 45009
    assert plain.post(path)["errcode"] == 48002
    plain.close()


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/json"]
)
def test_request_content_type_is_not_enforced(api, kind):
    headers = {"Content-Type": kind} if kind else {}
    body = {"cursor": "", "limit": 0, "userid_list": [api.follows()[0]["userid"]]}
    answer = api.send(
        "externalcontact/batch/get_by_user",
        method="POST",
        body=body,
        headers=headers,
        access_token=api.token,
    )
    assert answer["errcode"] == 0
    assert answer["external_contact_list"]


def test_unicode_escapes_are_a_setting(api):
    body = json.dumps({"tag_id": [], "note": "中"}).encode()
    assert b"\\u" in body
    path = "externalcontact/get_corp_tag_list"
    assert api.post(path, body)["errcode"] == 0
    api.control.settings(reject_unicode_escapes=True)
    assert api.post(path, body)["errcode"] == 40033


def test_large_body_is_40206(api):
    api.control.settings(max_body_bytes=2000)
    body = {"tag_id": ["x" * 3000]}
    assert api.post("externalcontact/get_corp_tag_list", body)["errcode"] == 40206
    assert api.post("externalcontact/get_corp_tag_list", {})["errcode"] == 0


def test_redundant_fields_are_ignored(api):
    answer = api.ext("groupchat/list", {"limit": 10, "owner_filter": {"partyid_list": [1]}, "x": 1})
    assert answer["errcode"] == 0
    assert answer["errmsg"] == "ok"
    assert answer["group_chat_list"]


def test_debug_is_capped_and_adds_nothing_to_a_bad_token(api):
    for _ in range(5):
        assert api.get("department/list", debug="1")["errcode"] == 0
    assert api.get("department/list", debug="1")["errcode"] == 45009
    bare = api.send("department/list", access_token="bad", debug="1")
    assert bare["errmsg"] == "invalid access_token"


def test_times_are_seconds_and_flags_are_numbers(api):
    now = api.control.now()
    seconds = {"day_begin_time": now - 86_400, "owner_filter": {"userid_list": ["g00001"]}}
    assert api.ext("groupchat/statistic", seconds)["errcode"] == 0
    millis = {**seconds, "day_begin_time": (now - 86_400) * 1000}
    answer = api.ext("groupchat/statistic", millis)
    assert answer["errcode"] == 600018
    assert answer["errmsg"].startswith("invalid start endtime, hint: ")


# -- 1.1 errmsg


@pytest.mark.parametrize(
    ("path", "query", "code", "text"),
    [
        ("gettoken", {}, 41004, "corpsecret missing"),
        ("gettoken", {"corpid": "ww0000000000000000", "corpsecret": "x"}, 40013, "invalid corpid"),
        ("department/list", {}, 41001, "access_token missing"),
        ("user/get", {"access_token": "", "userid": "x"}, 41001, "access_token missing"),
    ],
)
def test_errmsg_carries_hint_address_and_link(api, path, query, code, text):
    answer = api.send(path, **query)
    assert answer["errcode"] == code
    assert answer["errmsg"].startswith(text)
    hint, linked = SUFFIX.search(answer["errmsg"][len(text) :]).groups()
    assert int(linked) == code
    assert abs(int(hint[:10]) - api.control.now()) < 5


def test_hints_never_repeat(api):
    hints = {SUFFIX.search(api.send("user/get")["errmsg"])[1] for _ in range(20)}
    assert len(hints) == 20


def test_40014_is_bare_but_for_the_ip_calls(api):
    answer = api.send("externalcontact/list", access_token="bad", userid="x")
    assert answer["errmsg"] == "invalid access_token"
    assert answer["external_userid"] == []
    long = api.send("getcallbackip", access_token="bad")
    assert long["errcode"] == 40014
    assert SUFFIX.search(long["errmsg"])


def test_60011_keeps_its_trailing_blank(api):
    far = api.app(1000003)
    answer = far.get("user/get", userid="u_boss")
    assert answer["errcode"] == 60011
    assert answer["errmsg"].startswith(
        "no privilege to access/modify contact/party/agent , hint: ["
    )
    far.close()


# -- 1.2 empty lists on failure

FAILURE_LISTS = {
    ("GET", "user/get"): ["department", "order", "is_leader_in_dept", "direct_leader"],
    ("GET", "user/list"): ["userlist"],
    ("GET", "user/simplelist"): ["userlist"],
    ("POST", "user/list_id"): ["dept_user"],
    ("GET", "department/list"): ["department"],
    ("GET", "department/simplelist"): ["department_id"],
    ("GET", "get_api_domain_ip"): ["ip_list"],
    ("GET", "getcallbackip"): ["ip_list"],
    ("GET", "externalcontact/get_follow_user_list"): ["follow_user"],
    ("GET", "externalcontact/list"): ["external_userid"],
    ("GET", "externalcontact/get"): ["follow_user"],
    ("POST", "externalcontact/batch/get_by_user"): ["external_contact_list"],
    ("POST", "externalcontact/get_new_external_userid"): ["items"],
    ("POST", "externalcontact/get_user_behavior_data"): ["behavior_data"],
    ("POST", "externalcontact/groupchat/statistic_group_by_day"): ["items"],
    ("POST", "externalcontact/groupchat/list"): ["group_chat_list"],
    ("POST", "externalcontact/get_unassigned_list"): ["info"],
    ("POST", "externalcontact/groupchat/get"): [],
    ("POST", "externalcontact/remark"): [],
    ("POST", "externalcontact/mark_tag"): [],
    ("POST", "externalcontact/del_corp_tag"): [],
    ("POST", "externalcontact/transfer_customer"): [],
    ("GET", "department/get"): [],
}


@pytest.mark.parametrize(("method", "path"), list(FAILURE_LISTS))
def test_failure_bodies_keep_empty_lists(api, method, path):
    body = b"{}" if method == "POST" else None
    answer = api.send(path, method=method, body=body, access_token="bad")
    assert answer["errcode"] == 40014
    lists = {k: v for k, v in answer.items() if k not in ("errcode", "errmsg")}
    assert lists == {name: [] for name in FAILURE_LISTS[(method, path)]}


# -- 1.3 lenient JSON


def test_broken_json_is_read_as_far_as_it_goes(api):
    follow = api.follows()[0]
    body = b'{"userid_list":["%b"],"limit":3,"cursor":"' % follow["userid"].encode()
    answer = api.post("externalcontact/batch/get_by_user", body)
    assert answer["errcode"] == 0
    assert answer["errmsg"] == "ok. Warning: wrong json format. "
    assert api.header("Error-Msg").startswith("ok. Warning: wrong json format.")
    assert len(answer["external_contact_list"]) == 3


def test_what_was_lost_in_a_broken_body_is_missing(api):
    answer = api.post("externalcontact/mark_tag", b'{"userid":"g00001","external_userid" "wm"}')
    assert answer["errcode"] == 41035
    assert answer["errmsg"].startswith("Warning: wrong json format. missing external userid, hint:")


@pytest.mark.parametrize(
    "body",
    [
        b"userid=g00001",
        b"[1,2]",
        b'"x"',
        b'{"userid":"g00001","external_userid":{}}',
        b"\xff\xfe{}",
        b"[" * 5000,
        b'{"a":' * 5000,
    ],
    ids=["form", "list", "text", "object", "no-utf8", "deep-lists", "deep-objects"],
)
def test_no_body_can_break_the_parser(api, body):
    answer = api.post("externalcontact/mark_tag", body)
    assert answer["errcode"] in (41009, 41035)
    assert answer["errmsg"].startswith("Warning: wrong json format. ")


def test_what_cannot_be_converted_is_lost(api):
    body = {"userid_list": [api.follows()[0]["userid"]], "limit": "many", "cursor": ""}
    answer = api.post("externalcontact/batch/get_by_user", body)
    assert (answer["errcode"], answer["errmsg"]) == (0, "ok. Warning: wrong json format. ")


def test_department_create_with_a_broken_body(sync):
    answer = sync.post("department/create", {"name": "新店", "parentid": "one"})
    assert (answer["errcode"], answer["errmsg"][:27]) == (60004, "Warning: wrong json format.")
    answer = sync.post("department/create", b'{"name":"\xe6\x96\xb0","parentid":1,"order":}')
    assert (answer["errcode"], answer["errmsg"]) == (0, "created. Warning: wrong json format. ")


# -- 1.4 wrong method


def test_a_wrong_method_is_not_rejected_but_the_body_is_not_seen(api):
    chat = api.export("groups")[0]["chat_id"]
    path = "externalcontact/groupchat/get"
    body = {"chat_id": chat}
    assert api.send(path, method="GET", body=body, access_token=api.token)["errcode"] == 40050
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = api.send(path, method="POST", body=b"chat_id=x", headers=form, access_token=api.token)
    assert answer["errcode"] == 40058
    answer = api.send("externalcontact/mark_tag", method="GET", access_token=api.token)
    assert answer["errcode"] == 41009
    assert (
        api.send("externalcontact/list", method="POST", body=b"", access_token=api.token)["errcode"]
        == 41009
    )
    query = {"corpid": api.sandbox.corp_id, "corpsecret": api.secret}
    assert api.send("gettoken", method="POST", body=b"", **query)["errcode"] == 0


# -- 1.5 validation, 1.6 identifiers, 1.7 SDK habits


def test_required_and_over_long_values(api):
    follow = api.follows()[0]
    pair = {"userid": follow["userid"], "external_userid": follow["external_userid"]}
    assert api.ext("remark", {**pair, "userid": ""})["errcode"] == 41009
    assert api.ext("remark", {**pair, "external_userid": ""})["errcode"] == 41035
    long = api.ext("remark", {**pair, "remark": "字" * 21})
    assert long["errcode"] == 40058
    assert "remark" in long["errmsg"].split("invalid Request Parameter")[0]
    many = api.ext("batch/get_by_user", {"userid_list": ["x"] * 101})
    assert many["errcode"] == 40058
    assert "userid_list" in many["errmsg"]
    empty_name = api.ext("add_corp_tag", {"group_name": "g", "tag": [{"name": ""}]})
    assert empty_name["errcode"] == 40058
    assert "exceed min utf8 words 1" in empty_name["errmsg"]


def test_invalid_customer_id_is_named_in_backquotes(api):
    answer = api.get("externalcontact/get", external_userid="wmNobody`\r\n中")
    assert answer["errcode"] == 40096
    assert "`wmNobody`\r\n中`" in answer["errmsg"]
    assert "\n" not in api.header("Error-Msg")


def test_shapes_of_identifiers(api):
    status = api.control.status()
    assert re.fullmatch(r"ww[0-9a-f]{16}", status["corp_id"])
    kinds = {1: "wm", 2: "wo"}
    rows = api.export("customers")
    assert {r["type"] for r in rows} == {1, 2}
    for row in rows:
        assert len(row["external_userid"]) == 32
        assert row["external_userid"].startswith(kinds[row["type"]])
        assert bool(row["unionid"]) <= (row["type"] == 1)
        assert re.fullmatch(r"o.{27}|", row["unionid"])
    assert len({r["external_userid"] for r in rows}) == len(rows)
    for tag in api.export("tags"):
        assert re.fullmatch(r"et.{30}", tag["tag_id"])
        assert re.fullmatch(r"et.{30}", tag["group_id"])
    assert all(re.fullmatch(r"wr.{30}", g["chat_id"]) for g in api.export("groups"))
    assert len(api.token) > 100


def test_userids_ignore_case(api):
    follow = api.follows()[0]
    upper = api.get("externalcontact/list", userid=follow["userid"].upper())
    assert follow["external_userid"] in upper["external_userid"]


def test_sdk_habits(api):
    """Zero values, empty cursors, page_id 0 beside a cursor, empty bodies."""
    owner = api.follows()[0]["userid"]
    body = {"userid_list": [owner], "cursor": "", "limit": 0}
    assert api.ext("batch/get_by_user", body)["errcode"] == 0
    assert api.ext("get_unassigned_list", {"page_id": 0, "cursor": "", "page_size": 0})["info"]
    for empty in (b"", b"{}", b"  "):
        answer = api.post("externalcontact/get_corp_tag_list", empty)
        assert answer["errcode"] == 0
        assert answer["errmsg"] == "ok"
        assert answer["tag_group"]


def test_types_that_strict_decoders_need(api):
    user = api.get("user/get", userid="g00001")
    assert isinstance(user["main_department"], int)
    row = api.ext("batch/get_by_user", {"userid_list": ["g00001"]})["external_contact_list"][0]
    assert isinstance(row["external_contact"]["gender"], int)
    assert isinstance(row["follow_info"]["createtime"], int)
    assert isinstance(row["follow_info"]["tag_id"], list)
    chat = api.export("groups")[0]["chat_id"]
    group = api.ext("groupchat/get", {"chat_id": chat})["group_chat"]
    assert isinstance(group["member_version"], str)
    assert isinstance(group["admin_list"], list)
    info = api.ext("get_unassigned_list")["info"][0]
    assert isinstance(info["dimission_time"], int)


def test_pipelined_garbage_does_not_stop_the_server(api):
    with socket.create_connection((api.host, api.port), timeout=10) as wire:
        wire.sendall(b"NONSENSE\r\n\r\n")
        assert wire.recv(100).startswith(b"HTTP/1.1 400")
    assert api.get("department/list")["errcode"] == 0
