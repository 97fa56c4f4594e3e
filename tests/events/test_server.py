"""The address that WeCom calls: over a real socket, with everything that is not WeCom."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from storeops.database.database import Database
from storeops.errors import UsageError
from storeops.events.listing import events, standing
from storeops.events.receiver import MAX_BODY, Receiver
from storeops.events.server import CallbackServer
from tests.events.sealing import event as xml
from tests.events.sealing import request, seal, sign

ADD = {
    "Event": "change_external_contact",
    "ChangeType": "add_external_contact",
    "UserID": "clerk_01",
    "ExternalUserID": "wmSandboxCust0001",
}


@pytest.fixture
def server(receiver: Receiver) -> Iterator[CallbackServer]:
    with CallbackServer(receiver, "127.0.0.1", 0, "/callback") as running:
        yield running


def call(
    server: CallbackServer, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, bytes]:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def push(server: CallbackServer, message: bytes, **how: Any) -> tuple[int, bytes]:
    query, body = request(message, **how)
    return call(server, "POST", f"/callback?{urlencode(query)}", body)


def test_an_event_and_the_check_of_the_address(server: CallbackServer, inbox_db: Database) -> None:
    assert push(server, xml(1, **ADD)) == (200, b"success")
    assert len(events(inbox_db)) == 1
    sealed = seal(b"7300218845512048123")
    query = {"msg_signature": sign("1", "2", sealed), "timestamp": "1", "nonce": "2"}
    path = f"/callback?{urlencode({**query, 'echostr': sealed})}"
    assert call(server, "GET", path) == (200, b"7300218845512048123")
    # a client that leaves + as it is
    raw = f"/callback?{urlencode(query)}&echostr={sealed}"
    assert call(server, "GET", raw) == (200, b"7300218845512048123")


def test_everything_else_is_refused(server: CallbackServer, inbox_db: Database) -> None:
    query, body = request(xml(1, **ADD))
    good = f"/callback?{urlencode(query)}"
    bad = f"/callback?{urlencode({**query, 'msg_signature': '0' * 40})}"
    assert call(server, "POST", bad, body)[0] == 403
    assert call(server, "POST", "/callback", body)[0] == 400
    assert call(server, "POST", "/elsewhere?" + urlencode(query), body)[0] == 404
    assert call(server, "POST", good, b"")[0] == 400
    assert call(server, "POST", good, None, **{"Content-Length": "-1"})[0] == 400
    assert call(server, "POST", good, None, **{"Content-Length": "9" * 30})[0] in (400, 413)
    assert call(server, "POST", good, None, **{"Content-Length": str(MAX_BODY + 1)})[0] == 413
    assert call(server, "PUT", good, body)[0] == 501
    assert call(server, "GET", "/callback?" + "&".join("a=1" for _ in range(99)))[0] == 400
    assert events(inbox_db) == []
    assert call(server, "POST", good, body) == (200, b"success"), "and goes on serving"


def test_noise_on_the_line_does_not_end_it(server: CallbackServer) -> None:
    parts = urlsplit(server.url)
    for noise in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"\r\n\r\n",
                  b"POST /callback HTTP/1.1\r\nContent-Length: 50\r\n\r\nshort",
                  b"GET /callback?" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n"):  # fmt: skip
        with socket.create_connection((parts.hostname, parts.port), timeout=5) as raw:
            raw.sendall(noise)
            with suppress(OSError):  # it may have answered and gone already
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(4096):
                    pass
    assert push(server, xml(1, **ADD))[0] == 200


def test_one_connection_carries_many_events(server: CallbackServer, inbox_db: Database) -> None:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    for number in range(20):
        query, body = request(xml(number, **ADD), nonce=str(number))
        connection.request("POST", f"/callback?{urlencode(query)}", body)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"success")
    connection.close()
    assert len(events(inbox_db)) == 20


def test_many_senders_at_once_lose_nothing(server: CallbackServer, inbox_db: Database) -> None:
    failed: list[Any] = []

    def send(first: int) -> None:
        for number in range(first, first + 10):
            got = push(server, xml(number, **ADD), nonce=str(number))
            if got != (200, b"success"):
                failed.append(got)

    senders = [threading.Thread(target=send, args=(first * 10,)) for first in range(8)]
    for each in senders:
        each.start()
    for each in senders:
        each.join()
    assert not failed
    found = events(inbox_db, limit=1000)
    assert sorted(each.create_time for each in found) == list(range(80))


def test_a_silent_connection_does_not_hold_up_the_end(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an endless patience for the connection, only a hang would end this test (time-out)."""
    monkeypatch.setattr("storeops.events.server.IDLE_S", 3600)
    monkeypatch.setattr("storeops.events.server.EXCHANGE_S", 3600)
    server = CallbackServer(receiver, "127.0.0.1", 0, "/callback")
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port)) as silent:
        silent.sendall(b"POST /callback HTTP/1.1\r\n")
        server.close()
        assert not server._thread.is_alive()


def test_one_caller_too_many_takes_the_place_of_the_slowest(
    receiver: Receiver, inbox_db: Database
) -> None:
    from storeops.events.server import AT_ONCE

    with CallbackServer(receiver, "127.0.0.1", 0, "/callback") as server:
        parts = urlsplit(server.url)
        silent = [
            socket.create_connection((parts.hostname, parts.port), timeout=10)
            for _ in range(AT_ONCE)
        ]
        assert push(server, xml(1, **ADD)) == (200, b"success")
        assert silent[0].recv(1) == b""
        for each in silent:
            each.close()
    assert len(events(inbox_db)) == 1


def test_refusals_are_written_down_when_it_ends(receiver: Receiver, inbox_db: Database) -> None:
    with CallbackServer(receiver, "127.0.0.1", 0, "/callback") as server:
        query, body = request(xml(1, **ADD))
        for _ in range(3):
            path = f"/callback?{urlencode({**query, 'nonce': 'other'})}"
            assert call(server, "POST", path, body)[0] == 403
        assert standing(inbox_db).refused == {}
    assert standing(inbox_db).refused == {"signature": 3}


def test_what_cannot_be_stored_is_not_answered_with_200(
    server: CallbackServer, inbox_db: Database
) -> None:
    inbox_db.execute("DROP TABLE delivery")
    assert push(server, xml(1, **ADD))[0] == 500


def test_a_taken_port_is_said(server: CallbackServer, receiver: Receiver) -> None:
    port = urlsplit(server.url).port or 0
    with pytest.raises(UsageError, match="cannot be listened on"):
        CallbackServer(receiver, "127.0.0.1", port, "/callback")
    with pytest.raises(UsageError, match="cannot be listened on"):
        CallbackServer(receiver, "no.such.host.invalid", 1, "/callback")
