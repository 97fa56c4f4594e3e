"""The access token: refreshed once, never in a loop, never shown."""

from __future__ import annotations

import logging
import socket
import struct
import threading
import traceback

import pytest

from storeops.errors import AccessError, ExitCode, NetworkError, StoreOpsError
from storeops.wecom import customers, tags
from storeops.wecom.errors import WeComAccessError, WeComLimitError

OK = {"errcode": 0, "errmsg": "ok"}
FOLLOWERS = "externalcontact/get_follow_user_list"
MARK = "externalcontact/mark_tag"
GOOD = {**OK, "follow_user": ["u_lin"]}
SECRET = "s3cret-of-the-app"
DEAD = {"errcode": 40014, "errmsg": "invalid access_token", "follow_user": []}
EXPIRED = {"errcode": 42001, "errmsg": "access_token expired, hint: [1]", "follow_user": []}


def cut(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("dead", [DEAD, EXPIRED])
def test_a_dead_token_is_replaced_and_the_call_replayed(server, client, dead):
    server.on(FOLLOWERS, dead, GOOD)
    assert customers.list_follow_users(client) == ("u_lin",)
    first, second = server.calls(FOLLOWERS)
    assert first.query["access_token"] == "tk-demo-1"
    assert second.query["access_token"] == "tk-demo-2"
    customers.list_follow_users(client)
    assert server.tokens == 2


def test_a_write_is_replayed_too_for_it_was_refused_before(server, client):
    server.on(MARK, DEAD, OK)
    tags.mark(client, "u_lin", "wm1", add=["et1"])
    assert len(server.calls(MARK)) == 2


def test_40014_on_every_call_is_one_refresh_and_exit_4(server, client):
    server.on(FOLLOWERS, DEAD)
    with pytest.raises(AccessError) as caught:
        customers.list_follow_users(client)
    assert caught.value.exit_code == ExitCode.ACCESS
    assert len(server.calls(FOLLOWERS)) == 2
    assert server.tokens == 2
    assert caught.value.next_steps == ("storeops doctor",)


def test_a_storm_of_dead_tokens_dies_down(server, client, clock):
    server.on(FOLLOWERS, DEAD)

    def work():
        for _each in range(25):
            with pytest.raises(AccessError):
                customers.list_follow_users(client)

    crew = [threading.Thread(target=work) for _ in range(4)]
    for each in crew:
        each.start()
    for each in crew:
        each.join()
    assert len(server.calls("gettoken")) <= 8  # not 100: it keeps quiet for a while
    server.on(FOLLOWERS, GOOD)
    clock.sleep(31)
    assert customers.list_follow_users(client) == ("u_lin",)


def test_single_dead_tokens_in_between_are_no_storm(server, client):
    server.on(FOLLOWERS, *([DEAD, GOOD] * 10))
    for _each in range(10):
        assert customers.list_follow_users(client) == ("u_lin",)


def test_wecom_may_give_the_same_token_again(server, client):
    server.same_token = True
    server.on(FOLLOWERS, DEAD, GOOD)
    assert customers.list_follow_users(client) == ("u_lin",)
    assert {each.query["access_token"] for each in server.calls(FOLLOWERS)} == {"tk-demo-1"}


@pytest.mark.parametrize(
    ("code", "words"),
    [(40001, "secret"), (40013, "corp id"), (50003, "disabled"), (60020, "203.0.113.9")],
)
def test_a_refused_gettoken_is_asked_once(server, client, code, words):
    text = "no, hint: [1], from ip: 203.0.113.9, more info at https://e/"
    server.on("gettoken", {"errcode": code, "errmsg": text})
    with pytest.raises(WeComAccessError, match=words):
        customers.list_follow_users(client)
    assert len(server.calls("gettoken")) == 1
    assert server.calls(FOLLOWERS) == []


def test_a_busy_gettoken_is_tried_again(server, client, clock):
    busy = {"errcode": -1, "errmsg": "system busy"}
    token = {**OK, "access_token": "tk-x", "expires_in": 7200}
    server.on("gettoken", busy, cut, token)
    server.on(FOLLOWERS, GOOD)
    assert customers.list_follow_users(client) == ("u_lin",)
    assert len(clock.slept) == 2


def test_a_limit_on_gettoken_is_told_at_once(server, client, clock):
    server.on("gettoken", {"errcode": 45009, "errmsg": "api freq out of limit"})
    with pytest.raises(WeComLimitError) as caught:
        customers.list_follow_users(client)
    assert caught.value.retry_after_s == 60
    assert len(server.calls("gettoken")) == 1
    assert clock.slept == []


@pytest.mark.parametrize("token", [OK, {**OK, "access_token": ""}, {**OK, "access_token": None}])
def test_a_gettoken_without_a_token_is_explained(server, client, token):
    server.on("gettoken", token)
    with pytest.raises(NetworkError, match="access_token"):
        customers.list_follow_users(client)


def test_gettoken_carries_corp_and_secret_and_nothing_else_does(server, client):
    server.on(FOLLOWERS, GOOD)
    customers.list_follow_users(client)
    (asked,) = server.calls("gettoken")
    assert asked.query == {"corpid": "ww0123456789abcdef", "corpsecret": SECRET}
    (other,) = server.calls(FOLLOWERS)
    assert list(other.query) == ["access_token"]
    assert "authorization" not in other.headers


def everything_said(error):
    """Text, repr, details, and the traceback with every chained error and every local."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [each for each in shown.stack if each.filename != __file__]  # the test itself knows all
    assert len(ours) > 2
    parts = ["".join(traceback.StackSummary.from_list(ours).format())]
    parts += ["".join(shown.format_exception_only()), repr(error), str(error.as_dict())]
    assert shown.__cause__ is None
    assert shown.__context__ is None
    seen = error
    while seen is not None:
        parts.append(repr(seen.args))
        seen = seen.__cause__ or seen.__context__
    return "\n".join(parts)


def call(client, path):
    if path == MARK:
        tags.mark(client, "u_lin", "wm1", add=["et1"])
    else:
        customers.list_follow_users(client)


def redirect(server):
    return server.http(
        b"", status="301 Moved", headers="Location: https://e.example/?access_token=tk-demo-1\r\n"
    )


@pytest.mark.parametrize("what", ["cut", "dead", "redirect", "404", "502", "refused", "garbage"])
def test_nothing_secret_in_errors_tracebacks_and_logs(server, make_client, caplog, what):
    caplog.set_level(logging.DEBUG)  # httpx's own lines too
    replies = {
        "cut": cut,
        "dead": DEAD,
        "redirect": redirect(server),
        "404": server.http(b"", status="404 Not Found"),
        "502": server.http(b"", status="502 Bad Gateway"),
        "refused": {"errcode": 48002, "errmsg": "api forbidden"},
        "garbage": server.http(b"<html>tk-demo-1</html>"),
    }
    client = make_client()
    for path in (FOLLOWERS, "gettoken", MARK):
        server.replies.pop("gettoken", None)
        server.on(path, replies[what])
        asking = client if path != "gettoken" else make_client()
        with pytest.raises(StoreOpsError) as caught:
            call(asking, path)
        said = everything_said(caught.value)
        for word in ("tk-demo", SECRET, "access_token=", "corpsecret="):
            assert word not in said
    assert any("HTTP" in each.getMessage() for each in caplog.records)  # something was logged
    for record in caplog.records:
        line = record.getMessage() + str(record.args)
        for word in ("tk-demo", SECRET, "access_token=", "corpsecret="):
            assert word not in line


def test_the_client_shows_nothing_secret(server, client):
    server.on(FOLLOWERS, GOOD)
    customers.list_follow_users(client)
    shown = repr(client) + repr(client._tokens)
    assert "tk-demo" not in shown
    assert SECRET not in shown
