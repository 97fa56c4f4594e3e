"""Slow peers, bombs and odd proxies: bounded, and told in one sentence."""

from __future__ import annotations

import gzip
import json
import socket
import time

import pytest

from storeops.clock import SystemClock
from storeops.errors import ConfigError, NetworkError
from storeops.wecom import customers, tags, transport
from storeops.wecom.errors import UncertainError
from storeops.wecom.transport import PackingError, Timeouts, unpacked

OK = {"errcode": 0, "errmsg": "ok"}
FOLLOWERS = "externalcontact/get_follow_user_list"
GOOD = json.dumps({**OK, "follow_user": ["u_lin"]}).encode()
REAL = "https://qyapi.example.test"


def trickle(before: bytes, drop: bytes):
    def reply(connection):
        connection.sendall(before)
        while True:
            time.sleep(0.02)
            connection.sendall(drop)

    return reply


@pytest.mark.parametrize(
    ("before", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["status", "header", "headers", "continue", "body", "chunks"],
)
def test_one_deadline_for_the_whole_exchange(server, make_client, before, drop):
    client = make_client(clock=SystemClock(), timeouts=Timeouts(read_s=5.0, whole_s=0.15))
    server.on(FOLLOWERS, trickle(before, drop))
    with pytest.raises(NetworkError):
        customers.list_follow_users(client)
    assert len(server.calls(FOLLOWERS)) == 1  # the next try would be as slow
    server.on("externalcontact/mark_tag", trickle(before, drop))
    with pytest.raises(UncertainError):
        tags.mark(client, "u_lin", "wm1", add=["et1"])
    server.on(FOLLOWERS, {**OK, "follow_user": ["u_lin"]})
    assert customers.list_follow_users(client) == ("u_lin",)


def test_gzip_is_unpacked_once(server, client):
    server.on(FOLLOWERS, server.http(gzip.compress(GOOD), headers="Content-Encoding: gzip\r\n"))
    assert customers.list_follow_users(client) == ("u_lin",)
    (asked,) = server.calls(FOLLOWERS)
    assert asked.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "encoding", "word"),
    [
        (gzip.compress(gzip.compress(GOOD)), "gzip, gzip", "packed"),
        (GOOD, "br", "packed"),
        (gzip.compress(b" " * 200_000), "gzip", "larger"),
        (b" " * 200_000, "identity", "larger"),
        (gzip.compress(GOOD)[:-12], "gzip", "broken off"),
        (b"no gzip", "gzip", "broken off"),
    ],
    ids=["twice", "brotli", "bomb", "long", "cut", "not packed"],
)
def test_what_is_unpacked_is_bounded(server, client, monkeypatch, body, encoding, word):
    monkeypatch.setattr(
        transport, "unpacked", lambda chunks, kind: unpacked(chunks, kind, most=100_000)
    )
    server.on(FOLLOWERS, server.http(body, headers=f"Content-Encoding: {encoding}\r\n"))
    with pytest.raises(NetworkError, match=word):
        customers.list_follow_users(client)


def test_a_bomb_is_cut_before_it_grows():
    packed = gzip.compress(b"0" * 50_000_000)
    with pytest.raises(PackingError, match="large"):
        unpacked([packed], "gzip", most=1000)


PROXIES = {
    "socks5://user:pa55word@127.0.0.1:1080": "socksio",
    "http://user:pa55word@127.0.0.1:notaport": "port",
    "http://user:pa55word@127.0.0.1:99999": "port",
    "ftp://user:pa55word@127.0.0.1:21": "http, https or socks5",
    "http://user:pa55word@": "address",
    "http://[::1": "address",
}


@pytest.fixture
def environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize("url", PROXIES)
def test_an_odd_proxy_is_named_without_its_password(make_client, environment, name, url):
    environment.setenv(name, url)
    with pytest.raises(ConfigError, match=PROXIES[url]) as caught:
        customers.list_follow_users(make_client(base_url=REAL))
    told = repr(caught.value.as_dict() if hasattr(caught.value, "as_dict") else caught.value.args)
    assert "pa55word" not in told + caught.value.message + caught.value.hint
    environment.setenv("NO_PROXY", "qyapi.example.test")
    with pytest.raises(NetworkError):
        customers.list_follow_users(make_client(base_url=REAL))


def test_a_dead_proxy_is_named(make_client, environment):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    environment.setenv("HTTPS_PROXY", f"http://user:pa55word@127.0.0.1:{port}")
    with pytest.raises(NetworkError, match=rf"http://127\.0\.0\.1:{port}") as caught:
        customers.list_follow_users(make_client(base_url=REAL))
    assert "pa55word" not in caught.value.message


def test_a_proxy_that_refuses_is_named_with_its_status(server, make_client, environment):
    environment.setenv("HTTPS_PROXY", server.url.replace("http://", "http://user:pa55word@"))
    with pytest.raises(NetworkError, match=r"refuses \(404\)") as caught:
        customers.list_follow_users(make_client(base_url=REAL))
    assert server.url in caught.value.message
