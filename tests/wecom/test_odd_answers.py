"""What is not quite WeCom's answer: no answer at all, an odd value, a row that cannot be read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from storeops.errors import ExitCode, NetworkError
from storeops.wecom import contacts, customers, groups, handover, tags
from storeops.wecom.errors import ResponseError, UncertainError
from storeops.wecom.oddities import collecting_lost

OK = {"errcode": 0, "errmsg": "ok"}
BATCH = "externalcontact/batch/get_by_user"
NO_ANSWERS = {
    "empty": b"",
    "object": b"{}",
    "foreign": b'{"code":401,"error":"login required"}',
    "null": b"null",
    "list": b"[]",
    "number": b"0",
    "text": b'"ok"',
    "html": b"<html>login</html>",
    "cut": b'{"errcode":0,"errm',
    "errcode null": b'{"errcode":null,"errmsg":"ok"}',
    "errcode false": b'{"errcode":false}',
    "only rows": b'{"department":[],"follow_user":[],"external_contact_list":[],"tag_group":[]}',
}
WRITES = {
    "externalcontact/mark_tag": lambda c: tags.mark(c, "u_lin", "wm1", add=["et1"]),
    "externalcontact/remark": lambda c: customers.remark(c, "u_lin", "wm1", remark="x"),
    "externalcontact/transfer_customer": lambda c: handover.transfer(c, "a", "b", ["wm1"]),
    "externalcontact/add_corp_tag": lambda c: tags.add_corp_tag(
        c, [tags.NewTag("x")], group_name="y"
    ),
}
READS = {
    "department/list": contacts.list_departments,
    "externalcontact/get_follow_user_list": customers.list_follow_users,
    BATCH: lambda c: customers.get_by_user(c, ["u_lin"]),
    "externalcontact/get_corp_tag_list": tags.list_corp_tags,
    "externalcontact/groupchat/list": groups.list_chats,
    "externalcontact/get_unassigned_list": handover.list_unassigned,
    "department/get": lambda c: c.raw("get", "department/get"),
    "gettoken": customers.list_follow_users,
}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
@pytest.mark.parametrize("path", WRITES)
def test_a_write_without_errcode_is_uncertain_and_sent_once(server, client, path, body):
    server.on(path, server.http(body))
    with pytest.raises(UncertainError) as caught:
        WRITES[path](client)
    assert caught.value.exit_code == ExitCode.NETWORK
    assert len(server.calls(path)) == 1


@pytest.mark.parametrize("status", ["502 Bad Gateway", "403 Forbidden", "404 Not Found"])
def test_a_write_that_a_gateway_answers_is_uncertain(server, client, status):
    path = "externalcontact/remark"
    server.on(path, server.http(b"<html>no</html>", status=status))
    with pytest.raises(UncertainError, match=status[:3]):
        WRITES[path](client)


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_a_raw_write_without_errcode_is_uncertain(server, client, body):
    server.on("message/send", server.http(body))
    with pytest.raises(UncertainError):
        client.raw("post", "message/send", body={"touser": "u_lin"})


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
@pytest.mark.parametrize("path", READS)
def test_a_read_without_errcode_has_failed_and_did_answer(server, client, path, body):
    server.on(path, server.http(body))
    with pytest.raises(NetworkError) as caught:
        READS[path](client)
    assert "did not answer" not in caught.value.message
    assert "127.0.0.1" in caught.value.message


@pytest.mark.parametrize(
    ("path", "call", "absent"),
    [
        ("department/list", contacts.list_departments, "department"),
        ("user/list", lambda c: contacts.list_users(c, 1), "userlist"),
        ("externalcontact/get_follow_user_list", customers.list_follow_users, "follow_user"),
        (BATCH, lambda c: customers.get_by_user(c, ["u_lin"]), "next_cursor"),
        ("externalcontact/transfer_result", lambda c: handover.transfer_result(c, "a", "b"),
         "next_cursor"),
        ("externalcontact/groupchat/statistic",
         lambda c: groups.chat_statistics(c, ["u_lin"], 1), "next_offset"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("odd", [None, {"no": 1}, True])
def test_what_wecom_always_sends_is_not_made_up(server, client, path, call, absent, odd):
    whole: dict[str, Any] = {**OK, "department": [], "userlist": [], "follow_user": [],
                             "external_contact_list": [], "customer": [], "items": [],
                             "next_cursor": "", "total": 0, "next_offset": 0}  # fmt: skip
    server.on(path, whole)
    call(client)
    for body in ({**whole, absent: odd}, {k: v for k, v in whole.items() if k != absent}):
        if odd is True and absent == "next_offset":
            continue  # 1, for a careless server
        server.on(path, body)
        with pytest.raises(ResponseError, match=absent):
            call(client)


def row(**info: Any) -> dict[str, Any]:
    return {
        "external_contact": {"external_userid": "wm1", "name": "王女士", "type": 1},
        "follow_info": {
            "userid": "u_lin",
            "remark": "",
            "description": "",
            "createtime": 1_735_689_600,
            "tag_id": [],
            "remark_mobiles": [],
            "add_way": 1,
            **info,
        },
    }


def page(*rows: Any, **more: Any) -> bytes:
    return json.dumps(
        {**OK, "external_contact_list": rows, "next_cursor": "", **more}, ensure_ascii=False
    ).encode()


def read(server: Any, client: Any, body: bytes) -> Any:
    server.on(BATCH, server.http(body))
    with collecting_lost() as lost:
        rows = customers.get_by_user(client, ["u_lin"]).external_contact_list
    return rows, lost, client.odd.take()


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("王女士".encode()[:-1], "王女\ufffd"),
        ("王".encode() + b"\x01" + "士".encode(), "王\ufffd士"),
        (b"Ana \\ud83d", "Ana \ufffd"),
        (b"\xff\xfe", "\ufffd"),
    ],
)
def test_half_a_text_is_replaced(server, client, sent, name):
    body = page(row()).replace("王女士".encode(), sent)
    rows, lost, odd = read(server, client, body)
    assert rows[0].external_contact.name == name
    assert (lost, odd) == ([], {"name": 1})


@pytest.mark.parametrize(
    ("field", "sent", "found"),
    [
        ("createtime", "1735689600", 1735689600),
        ("createtime", 1735689600000, 1735689600),
        ("createtime", 1735689600000000, 1735689600),
        ("createtime", "1735689600000", 1735689600),
        ("createtime", 1735689600.0, 1735689600),
        ("createtime", None, 0),
        ("createtime", -5, 0),
        ("createtime", "yesterday", 0),
        ("createtime", {}, 0),
        ("add_way", True, 1),
        ("add_way", 2**70, 0),
        ("remark", 13800000000, "13800000000"),
        ("remark", None, ""),
        ("remark", ["x"], ""),
        ("remark_mobiles", None, ()),
        ("remark_mobiles", "13800000000", ("13800000000",)),
        ("remark_mobiles", [13800000000, None, {}], ("13800000000",)),
        ("tag_id", None, ()),
        ("tag_id", ["et1", None], ("et1",)),
        ("wechat_channels", [], None),
    ],
)  # fmt: skip
def test_one_odd_value_costs_one_value(server, client, field, sent, found):
    rows, lost, odd = read(server, client, page(row(**{field: sent}), row(createtime=7)))
    assert getattr(rows[0].follow_info, field) == found
    assert rows[1].follow_info.createtime == 7
    assert lost == []
    assert set(odd) == {field}


@pytest.mark.parametrize(
    ("odd_row", "ids"),
    [
        (row(userid=None), {"external_userid": "wm1"}),
        (row(userid="u\ud83d"), {"external_userid": "wm1"}),
        (row(userid=""), {"external_userid": "wm1"}),
        (row(tag_id=[5]), {"external_userid": "wm1", "userid": "u_lin"}),
        (row(tag_id={}), {"external_userid": "wm1", "userid": "u_lin"}),
        ({"follow_info": {"userid": "u_lin"}}, {"userid": "u_lin"}),
        (None, {}),
        ([], {}),
        ("wm1", {}),
    ],
)
def test_a_row_that_cannot_be_read_is_one_row_named_by_its_id(server, client, odd_row, ids):
    body = json.dumps(
        {**OK, "external_contact_list": [odd_row, row(createtime=7)], "next_cursor": ""}
    ).encode()
    rows, (lost,), _odd = read(server, client, body)
    assert [each.follow_info.createtime for each in rows] == [7]
    assert lost.ids == ids
    assert lost.number == 1
    with pytest.raises(ResponseError, match="external_contact_list 1"):
        customers.get_by_user(client, ["u_lin"])  # nobody asked for what is missing


def test_a_list_of_unassigned_without_a_cursor_goes_on_by_number(server, client):
    def part(*ids: str, last: bool = False) -> dict[str, Any]:
        rows = [{"handover_userid": "u", "external_userid": each} for each in ids]
        return {**OK, "info": rows, "is_last": last}

    path = "externalcontact/get_unassigned_list"
    server.on(path, part("wm1", "wm2"), part("wm3", "wm4"), part("wm5", last=True))
    found = [each.external_userid for each in handover.iter_unassigned(client)]
    assert found == ["wm1", "wm2", "wm3", "wm4", "wm5"]
    asked = [json.loads(each.body).get("page_id") for each in server.calls(path)]
    assert asked == [None, 1, 2]
    server.on(path, part("wm1"))  # never the last
    with pytest.raises(ResponseError, match="50000"):
        list(handover.iter_unassigned(client))
    server.on(path, part("wm1"), part())
    with pytest.raises(ResponseError, match="never end"):
        list(handover.iter_unassigned(client))
    for unsaid in ({}, {"is_last": None}, {"is_last": None, "next_cursor": ""}):
        server.on(path, {**OK, "info": part("wm1")["info"], **unsaid})
        assert not handover.list_unassigned(client).said
        rows = handover.iter_unassigned(client)
        assert next(rows).external_userid == "wm1"
        with pytest.raises(ResponseError, match="is_last"):
            next(rows)


@pytest.mark.parametrize(
    ("path", "read", "rows"),
    [
        ("externalcontact/groupchat/list", groups.list_chats, "group_chat_list"),
        (BATCH, lambda c: customers.get_by_user(c, ["u"]), "external_contact_list"),
        ("externalcontact/transfer_result", lambda c: handover.transfer_result(c, "a", "b"),
         "customer"),
    ],
)  # fmt: skip
def test_a_cursor_that_is_null_ends_no_list(server, client, path, read, rows):
    server.on(path, {**OK, rows: [], "next_cursor": None})
    with pytest.raises(ResponseError, match="next_cursor"):
        read(client)


@pytest.mark.parametrize(
    "failed",
    [
        {},
        {"failed_chat_list": None},
        {"failed_chat_list": {}},
        {"failed_chat_list": [{"chat_id": "wr2", "errcode": None}]},
        {"failed_chat_list": [{"errcode": 90500}]},
        {"failed_chat_list": [{"chat_id": "wr3", "errcode": 90500}]},
        {"failed_chat_list": [{"chat_id": "wr2", "errcode": 0}]},
    ],
)
def test_groups_that_nobody_names_are_not_done_by_guessing(server, client, failed):
    for path, transfer in (
        ("externalcontact/groupchat/onjob_transfer", handover.transfer_chats_on_job),
        ("externalcontact/groupchat/transfer", handover.transfer_chats_resigned),
    ):
        server.on(path, {**OK, **failed})
        with pytest.raises(UncertainError):
            transfer(client, ["wr1", "wr2"], "u")
        server.on(path, {**OK, "failed_chat_list": []})
        assert transfer(client, ["wr1", "wr2"], "u") == ()


def test_empty_pages_for_ever_end(server, client, monkeypatch):
    from storeops.wecom import paging

    monkeypatch.setattr(paging, "EMPTY_PAGES", 3)
    pages = [page(next_cursor=f"c{number}") for number in range(9)]
    server.on(BATCH, *(server.http(each) for each in pages))
    with pytest.raises(ResponseError, match="never end"):
        list(customers.iter_by_user(client, ["u_lin"]))
    assert len(server.calls(BATCH)) == 4
