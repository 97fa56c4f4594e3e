"""Refusals, limits, stopping and raw calls, against answers written by hand."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from storeops.clock import SystemClock
from storeops.errors import (
    ExitCode,
    LimitError,
    UsageError,
)
from storeops.limits.memory import MemoryLimiter
from storeops.wecom import customers, tags
from storeops.wecom.errors import (
    ResponseError,
    StoppedError,
    UncertainError,
    WeComConflictError,
    WeComError,
    WeComLimitError,
    WeComNotFoundError,
    WeComRequestError,
    WeComServerError,
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


# -- codes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "exit_code"),
    [
        (48002, WeComError, ExitCode.ACCESS),
        (60011, WeComError, ExitCode.ACCESS),
        (84061, WeComNotFoundError, ExitCode.NOT_FOUND),
        (60111, WeComNotFoundError, ExitCode.NOT_FOUND),
        (40099, WeComLimitError, ExitCode.LIMIT),
        (40129, WeComConflictError, ExitCode.CONFLICT),
        (40058, WeComRequestError, ExitCode.USAGE),
        (999999, WeComRequestError, ExitCode.USAGE),
    ],
)
def test_a_refusal_is_told_once_with_meaning_and_exit_code(server, client, code, kind, exit_code):
    server.on(FOLLOWERS, err(code, follow_user=[]))
    with pytest.raises(kind) as caught:
        customers.list_follow_users(client)
    error = caught.value
    assert error.exit_code == exit_code
    assert error.errcode == code
    assert str(code) in error.message
    assert error.meaning in error.message
    assert error.hint
    assert error.details["errmsg"] == "some words"
    assert error.details["wecom_hint"] == "1760000000123456789012"
    assert not error.retryable
    assert len(server.calls(FOLLOWERS)) == 1


def test_60020_names_the_ip_and_the_page(server, client):
    server.on(FOLLOWERS, err(60020, "not allow to access from your ip", follow_user=[]))
    with pytest.raises(WeComError) as caught:
        customers.list_follow_users(client)
    assert "203.0.113.9" in caught.value.message
    assert "企业可信IP" in caught.value.hint
    assert caught.value.next_steps[0].startswith("https://work.weixin.qq.com/")


def test_48002_names_the_list_in_the_console(server, client):
    server.on(FOLLOWERS, err(48002, "api forbidden", follow_user=[]))
    with pytest.raises(WeComError, match="may not call") as caught:
        customers.list_follow_users(client)
    assert "可调用接口的应用" in caught.value.hint


def test_errmsg_is_cleaned(server, client):
    hurt = "bad \x1b[31m value `13812345678` \u202e x" + "y" * 500
    server.on(FOLLOWERS, err(40058, hurt, follow_user=[]))
    with pytest.raises(WeComRequestError) as caught:
        customers.list_follow_users(client)
    said = caught.value.details["errmsg"]
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "138****5678" in said
    assert len(said) <= 300


@pytest.mark.parametrize("code", [45033, 45035])
def test_crowding_steps_aside_and_goes_on(server, make_client, clock, code):
    reported = []

    class WatchResult(MemoryLimiter):
        def report(self, path, errcode):
            reported.append((path, errcode))

    client = make_client(limiter=WatchResult(clock))
    server.on(MARK, err(code), err(code), OK)
    tags.mark(client, "u_lin", "wm1", add=["et1"])
    assert reported == [(MARK, code)] * 2
    assert all(0.2 <= each <= 2.0 for each in clock.slept)
    server.on(MARK, err(code))
    with pytest.raises(WeComLimitError):
        tags.mark(client, "u_lin", "wm1", add=["et1"])


def test_45009_waits_out_the_pause(server, client, clock):
    server.on(FOLLOWERS, err(45009), GOOD)
    assert customers.list_follow_users(client) == ("u_lin", "u_mei")
    assert clock.moved == pytest.approx(60, abs=1)


def test_45009_refuses_those_who_do_not_wait(server, make_client, clock):
    client = make_client(wait=False)
    server.on(FOLLOWERS, err(45009))
    for _each in range(2):
        with pytest.raises(LimitError) as caught:
            customers.list_follow_users(client)
        assert caught.value.retry_after_s == pytest.approx(60, abs=1)
        assert caught.value.exit_code == ExitCode.LIMIT
    assert len(server.calls(FOLLOWERS)) == 1  # the second did not even ask
    assert clock.slept == []


def test_45009_for_ever_ends(server, client, clock):
    server.on(FOLLOWERS, err(45009))
    with pytest.raises(WeComLimitError):
        customers.list_follow_users(client)
    assert len(server.calls(FOLLOWERS)) == 3
    assert clock.moved == pytest.approx(60 + 3600, abs=2)


def test_urgent_and_wait_reach_the_limiter(server, make_client, clock):
    seen = []

    class WatchResult(MemoryLimiter):
        def acquire(self, path, **how):
            seen.append((path, how["urgent"], how["wait"]))
            return super().acquire(path, **how)

    server.on(FOLLOWERS, GOOD)
    customers.list_follow_users(make_client(limiter=WatchResult(clock), urgent=True, wait=False))
    customers.list_follow_users(make_client(limiter=WatchResult(clock)))
    assert [each for each in seen if each[0] == FOLLOWERS] == [
        (FOLLOWERS, True, False),
        (FOLLOWERS, False, True),
    ]


def test_busy_for_ever_is_told_as_wecoms_trouble(server, client):
    server.on(FOLLOWERS, BUSY)
    with pytest.raises(WeComServerError) as caught:
        customers.list_follow_users(client)
    assert caught.value.retryable
    assert caught.value.retry_after_s


# -- stop, clock, raw -----------------------------------------------------------------------------


def test_stop_ends_a_wait_at_once_and_sends_nothing_more(server, make_client):
    stop = threading.Event()
    clock = SystemClock()
    client = make_client(clock=clock, limiter=MemoryLimiter(clock), stop=stop)
    server.on(FOLLOWERS, err(45009))
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(StoppedError) as caught:
        customers.list_follow_users(client)
    assert caught.value.exit_code == ExitCode.INTERRUPTED
    assert len(server.calls(FOLLOWERS)) == 1
    with pytest.raises(StoppedError):
        customers.list_follow_users(client)
    assert len(server.calls(FOLLOWERS)) == 1


def test_stop_ends_a_back_off(server, make_client):
    stop = threading.Event()
    clock = SystemClock()
    client = make_client(clock=clock, limiter=MemoryLimiter(clock), stop=stop)
    server.on(FOLLOWERS, BUSY)
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(StoppedError):
        customers.list_follow_users(client)
    assert len(server.calls(FOLLOWERS)) == 1


def dated(server, moment):
    stamp = format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)
    return server.http(GOOD, headers=f"Date: {stamp}\r\n")


def test_the_clock_learns_from_the_date_header(server, client, clock):
    server.on(FOLLOWERS, dated(server, clock.now() + 86_400))
    customers.list_follow_users(client)
    assert clock.learnt == [clock.now() + 86_400]


@pytest.mark.parametrize("date", ["yesterday", "", "Thu, 99 Foo 2026 99:99:99 GMT"])
def test_a_bad_date_is_ignored(server, client, clock, date):
    server.on(FOLLOWERS, server.http(GOOD, headers=f"Date: {date}\r\n"))
    customers.list_follow_users(client)
    assert clock.learnt == []


def test_a_slow_answer_does_not_move_the_clock(server, make_client):
    clock = SystemClock()
    client = make_client(clock=clock, limiter=MemoryLimiter(clock))
    server.on(FOLLOWERS, dated(server, time.time()))
    customers.list_follow_users(client)
    assert clock.offset == 0.0


def test_raw_answers_as_it_came(server, client):
    server.on("x/y", {**OK, "anything": [1, {"a": None}]})
    assert client.raw("get", "/cgi-bin/x/y", {"id": 7}) == {**OK, "anything": [1, {"a": None}]}
    assert client.raw("POST", "x/y", None, {"b": "王"})["errcode"] == 0
    get, post = server.calls("x/y")
    assert get.query == {"id": "7", "access_token": "tk-demo-1"}
    assert (get.verb, get.body) == ("GET", b"")
    assert post.headers["content-type"].startswith("application/json")
    assert json.loads(post.body) == {"b": "王"}


@pytest.mark.parametrize(
    "how",
    [
        ("delete", "x/y", None),
        ("get", "https://elsewhere.example/x", None),
        ("get", "x/y?access_token=1", None),
        ("get", "../x", None),
        ("get", "", None),
        ("get", "x/y", {"access_token": "mine"}),
        ("get", "x/y", {"corpsecret": "mine"}),
    ],
)
def test_raw_refuses_what_is_no_api(server, client, how):
    method, path, params = how
    with pytest.raises(UsageError):
        client.raw(method, path, params)
    assert server.asked == []


def test_a_raw_post_is_a_write_unless_told(server, client):
    server.on("x/y", cut, OK)
    with pytest.raises(UncertainError):
        client.raw("post", "x/y")
    server.on("x/y", cut, OK)
    assert client.raw("post", "x/y", write=False) == OK


def test_a_list_that_names_the_same_cursor_again_ends(server, client):
    page = {**OK, "external_contact_list": [], "next_cursor": "c1"}
    server.on(GET_BY_USER, page)
    with pytest.raises(ResponseError, match="cursor"):
        list(customers.iter_by_user(client, ["u_lin"]))
    assert len(server.calls(GET_BY_USER)) == 2


def test_too_many_for_one_call_is_a_bug_of_ours(server, client):
    with pytest.raises(ValueError, match="100"):
        customers.get_by_user(client, [f"u{n}" for n in range(101)])
    with pytest.raises(ValueError, match="100"):
        customers.get_by_user(client, "u_lin")
    assert server.asked == []
