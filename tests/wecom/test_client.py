"""The client against answers written by hand, over a real socket."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time

import pytest

from storeops.clock import SystemClock
from storeops.errors import (
    ConfigError,
    ExitCode,
    NetworkError,
    NotFoundError,
    UsageError,
)
from storeops.wecom import contacts, customers, tags
from storeops.wecom.errors import (
    ResponseError,
    UncertainError,
    WeComConflictError,
    WeComNotFoundError,
)

OK = {"errcode": 0, "errmsg": "ok"}
FOLLOWERS = "externalcontact/get_follow_user_list"
GET_BY_USER = "externalcontact/batch/get_by_user"
MARK = "externalcontact/mark_tag"
GOOD = {**OK, "follow_user": ["u_lin", "u_mei"]}
BUSY = {"errcode": -1, "errmsg": "system busy"}


def err(code, text="some words", **more):
    tail = (
        f", hint: [1760000000123456789012], from ip: 203.0.113.9, more info at https://e/?e={code}"
    )
    return {"errcode": code, "errmsg": text + tail, **more}


def cut(connection):
    """Hang up with a reset, without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silence(_connection):
    """Do not answer until the client has given up."""
    time.sleep(1.0)


def half(connection):
    """Break off in the middle of the body."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"errcode":0,"errm')


# -- envelope -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        {"follow_user": ["u_lin", "u_mei"], **OK},  # key order does not matter
        {**GOOD, "errcode": "0"},  # a number as a string
        {**GOOD, "errmsg": None},
        {**GOOD, "new_field": {"deep": [1, 2]}},  # WeCom adds fields
    ],
)
def test_an_answer_is_read_whatever_its_dress(server, client, body):
    server.on(FOLLOWERS, body)
    assert customers.list_follow_users(client) == ("u_lin", "u_mei")


@pytest.mark.parametrize("code", [84061, "84061"])
def test_errcode_comes_before_lists(server, client, code):
    server.on("externalcontact/list", {**err(84061), "errcode": code, "external_userid": []})
    with pytest.raises(WeComNotFoundError) as caught:
        customers.list_external_userids(client, "u_lin")
    assert caught.value.errcode == 84061


def test_a_missing_field_is_explained_in_words(server, client):
    row = {"external_contact": {"name": "Ana"}, "follow_info": {"userid": "u_lin"}}
    server.on(GET_BY_USER, {**OK, "external_contact_list": [row], "next_cursor": ""})
    with pytest.raises(ResponseError) as caught:
        customers.get_by_user(client, ["u_lin"])
    assert "external_userid" in caught.value.message
    assert "external_userid of external_contact of external_contact_list 1" in caught.value.message
    assert len(server.calls(GET_BY_USER)) == 1  # asking again would bring the same


def test_a_type_trap_is_explained(server, client):
    server.on("department/simplelist", {**OK, "department_id": [{"id": "seven"}]})
    with pytest.raises(ResponseError, match="no usable id of department_id 1"):
        contacts.list_department_nodes(client)


def test_the_json_warning_is_logged_as_our_bug(server, client, caplog):
    server.on(MARK, {"errcode": 0, "errmsg": "ok. Warning: wrong json format. "})
    tags.mark(client, "u_lin", "wm1", add=["et1"])
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert "our bug" in record.getMessage()
    assert MARK in record.getMessage()


def test_text_goes_out_as_raw_utf8(server, client):
    server.on("externalcontact/remark", OK)
    customers.remark(client, "u_lin", "wm1", remark="王女士😀", remark_mobiles=[])
    (asked,) = server.calls("externalcontact/remark")
    assert "王女士😀".encode() in asked.body
    assert json.loads(asked.body)["remark_mobiles"] == [""]
    assert "description" not in json.loads(asked.body)  # a field left out is unchanged


def test_half_a_character_is_refused_before_anything_is_sent(server, client):
    with pytest.raises(UsageError):
        customers.remark(client, "u_lin", "wm1", remark="\ud83d")
    assert server.asked == []


# -- HTTP -----------------------------------------------------------------------------------------


def test_an_unknown_path_is_an_empty_404(server, client):
    with pytest.raises(NotFoundError) as caught:
        client.raw("get", "no/such_api")
    assert caught.value.exit_code == ExitCode.NOT_FOUND
    assert len(server.calls("no/such_api")) == 1


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
def test_no_redirect_is_followed(server, client, status):
    target = "Location: https://elsewhere.example/cgi-bin/x?access_token=tk-demo-1\r\n"
    server.on(MARK, server.http(b"", status=status, headers=target))
    with pytest.raises(ConfigError) as caught:
        tags.mark(client, "u_lin", "wm1", add=["et1"])
    assert "https://elsewhere.example/cgi-bin/x" in caught.value.hint
    assert "tk-demo" not in caught.value.hint
    assert len(server.calls(MARK)) == 1


def test_another_status_below_500_is_told_and_not_repeated(server, client):
    server.on(FOLLOWERS, server.http(b"<html>", status="407 Proxy Authentication Required"))
    with pytest.raises(NetworkError, match="407") as caught:
        customers.list_follow_users(client)
    assert not caught.value.retryable
    assert len(server.calls(FOLLOWERS)) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        BUSY,
        err(6000),
        err(81026),
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\noops",
        b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{"err',
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe",
        b"this is not HTTP\r\n\r\n",
        cut,
        half,
        silence,
    ],
)
def test_a_read_is_tried_three_times(server, client, clock, trouble):
    server.on(FOLLOWERS, trouble, trouble, GOOD)
    assert customers.list_follow_users(client) == ("u_lin", "u_mei")
    first, second = clock.slept
    assert 0.5 <= first <= 1.0
    assert 1.0 <= second <= 2.0
    server.on(FOLLOWERS, trouble)
    server.asked.clear()
    with pytest.raises((NetworkError, WeComConflictError)) as caught:
        customers.list_follow_users(client)
    assert len(server.calls(FOLLOWERS)) == 3
    assert caught.value.hint


@pytest.mark.parametrize(
    "trouble",
    [
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\noops",
        b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{"err',
        cut,
        half,
        silence,
    ],
)
def test_a_write_that_was_sent_is_never_sent_again(server, client, clock, trouble):
    server.on(MARK, trouble, OK)
    with pytest.raises(UncertainError) as caught:
        tags.mark(client, "u_lin", "wm1", add=["et1"])
    assert len(server.calls(MARK)) == 1
    assert clock.slept == []
    assert caught.value.exit_code == ExitCode.NETWORK
    assert not caught.value.retryable
    assert caught.value.details["uncertain"] is True


def test_a_write_that_never_left_is_tried_again(make_client, clock):
    with socket.socket() as circuit_open:
        circuit_open.bind(("127.0.0.1", 0))  # nobody listens: the connection is refused
        client = make_client(base_url=f"http://127.0.0.1:{circuit_open.getsockname()[1]}")
        client._tokens.get(lambda: ("tk-demo-1", 7200))
        with pytest.raises(NetworkError) as caught:
            tags.mark(client, "u_lin", "wm1", add=["et1"])
    assert not isinstance(caught.value, UncertainError)
    assert len(clock.slept) == 2
    assert "sandbox" in caught.value.hint  # on loopback somebody forgot to start it


def test_a_write_answered_yes_in_an_unknown_shape_is_uncertain(server, client):
    server.on("externalcontact/add_corp_tag", {**OK, "tag_group": []})  # a list: not what is agreed
    with pytest.raises(UncertainError, match="tag_group"):
        tags.add_corp_tag(client, [tags.NewTag("Gold")], group_name="Level")


def test_a_write_that_wecom_was_too_busy_for_is_tried_again(server, client):
    server.on(MARK, BUSY, OK)
    tags.mark(client, "u_lin", "wm1", add=["et1"])
    assert len(server.calls(MARK)) == 2


def test_an_answer_that_drips_is_given_up(server, make_client, clock):
    class Hurried(SystemClock):
        def sleep(self, seconds):
            pass

    from storeops.retrying import ONCE
    from storeops.wecom.transport import Timeouts

    def drip(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _each in range(50):
            time.sleep(0.02)
            connection.sendall(b" ")

    real = Hurried()
    client = make_client(clock=real, retries=ONCE, timeouts=Timeouts(read_s=2.0, whole_s=0.2))
    server.on(FOLLOWERS, drip)
    began = time.monotonic()
    with pytest.raises(NetworkError):
        customers.list_follow_users(client)
    assert time.monotonic() - began < 0.9


# -- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://qyapi.weixin.qq.com",
        "ftp://qyapi.weixin.qq.com",
        "https://",
        "qyapi.weixin.qq.com",
        "https://user:pass@qyapi.weixin.qq.com",
        "https://qyapi.weixin.qq.com/?access_token=x",
        "http://127.0.0.1.evil.example",
        "http://[::1",
        "https://qyapi.weixin.qq.com:port",
    ],
)
def test_only_https_or_loopback(make_client, url):
    with pytest.raises(ConfigError) as caught:
        make_client(base_url=url)
    assert "pass@" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://qyapi.weixin.qq.com/cgi-bin/", "https://qyapi.weixin.qq.com"),
        (" https://proxy.example/wecom/ ", "https://proxy.example/wecom"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("http://127.1.2.3:1", "http://127.1.2.3:1"),
    ],
)
def test_base_urls_are_spelled_one_way(make_client, url, plain):
    assert make_client(base_url=url).base_url == plain


def test_a_certificate_that_cannot_be_trusted_is_named(make_client, clock):
    ear = socket.create_server(("127.0.0.1", 0))

    def speak_plainly():
        for _each in range(3):
            connection, _peer = ear.accept()
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

    threading.Thread(target=speak_plainly, daemon=True).start()
    client = make_client(base_url=f"https://127.0.0.1:{ear.getsockname()[1]}")
    with pytest.raises(NetworkError, match="certificate"):
        customers.list_follow_users(client)
    ear.close()


def test_a_proxy_of_the_environment_is_not_for_loopback(server, make_client, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.on(FOLLOWERS, GOOD)
    assert customers.list_follow_users(make_client()) == ("u_lin", "u_mei")
