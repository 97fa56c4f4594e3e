"""Peers that hang: none of them keeps the receiver from those who say what they want."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlencode, urlsplit

import pytest

from storeops.database.database import Database
from storeops.events.listing import events, standing
from storeops.events.receiver import Receiver
from storeops.events.server import AT_ONCE, MAX_HEAD, CallbackServer
from tests.events.sealing import event as xml
from tests.events.sealing import request
from tests.events.test_server import ADD, push


def signed(number: int, **headers: str) -> bytes:
    query, body = request(xml(number, **ADD), nonce=str(number))
    head = {"Host": "x", "Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
    return f"POST /callback?{urlencode(query)} HTTP/1.1\r\n{lines}\r\n".encode() + body


HEAD = b"POST /callback HTTP/1.1\r\nHost: x\r\n"
# (what is said at first, what is dripped without end)
HANGS = {
    "a silent one": (b"", b""),
    "a slow request line": (b"POST /call", b"b"),
    "slow headers": (HEAD, b"X-A: 1\r\n"),
    "one slow header": (HEAD + b"X-A: ", b"a"),
    "a slow body": (HEAD + b"Content-Length: 100000\r\n\r\n", b"<"),
    "slow headers after a whole request": (
        signed(99) + HEAD,
        b"X-A: 1\r\n",
    ),
}  # fmt: skip


def short(patch: pytest.MonkeyPatch, exchange_s: float, idle_s: float) -> None:
    patch.setattr("storeops.events.server.EXCHANGE_S", exchange_s)
    patch.setattr("storeops.events.server.IDLE_S", idle_s)


@pytest.fixture
def server(receiver: Receiver) -> Iterator[CallbackServer]:
    with CallbackServer(receiver, "127.0.0.1", 0, "/callback") as running:
        yield running


def dial(server: CallbackServer, said: bytes = b"") -> socket.socket:
    parts = urlsplit(server.url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
    connection.sendall(said)
    return connection


def until_hung_up(connection: socket.socket, drip: bytes = b"") -> bytes:
    """What was answered until the other side closed; the socket's own time-out is a failure."""
    answered = b""
    connection.settimeout(0.05 if drip else 10)
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        try:
            if drip:
                connection.sendall(drip)
            got = connection.recv(4096)
        except TimeoutError:
            assert drip, "neither answered nor closed"
            continue
        except OSError:
            return answered
        if not got:
            return answered
        answered += got
    raise AssertionError("it was never hung up on")


@pytest.mark.parametrize("how", HANGS)
def test_one_deadline_for_a_whole_exchange(
    server: CallbackServer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """However often it says a little more."""
    said, drip = HANGS[how]
    with monkeypatch.context() as patch:
        short(patch, 0.3, 0.4)  # before: a connection keeps the deadline that it began with
        with dial(server, said) as slow:
            assert until_hung_up(slow, drip).count(b" 200 ") == said.count(b"CDATA[wwsand")
    assert push(server, xml(1, **ADD)) == (200, b"success")


@pytest.mark.parametrize("how", HANGS)
def test_signed_events_are_taken_while_others_hang(
    server: CallbackServer, receiver: Receiver, inbox_db: Database, how: str
) -> None:
    """Every place is taken by somebody who hangs, and the deadline is far away."""
    said, _drip = HANGS[how]
    with ExitStack() as stack:
        for _ in range(AT_ONCE + 8):
            with suppress(OSError):
                stack.enter_context(dial(server, said))
        for number in range(16):
            assert push(server, xml(number, **ADD), nonce=str(number)) == (200, b"success")
    found = {each.create_time for each in events(inbox_db, limit=1000)}
    assert found >= set(range(16))
    receiver.flush()
    assert standing(inbox_db).refused["slow"] >= 8


def test_a_request_that_is_being_answered_is_not_hung_up_on(
    server: CallbackServer, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on = threading.Event(), threading.Event()
    keep = receiver.receive

    def slowly(*given):
        inside.set()
        assert go_on.wait(20)
        return keep(*given)

    monkeypatch.setattr(receiver, "receive", slowly)
    with ExitStack() as stack:
        whole = stack.enter_context(dial(server, signed(1, Connection="close")))
        assert inside.wait(10)
        for _ in range(AT_ONCE + 8):
            stack.enter_context(dial(server))
        go_on.set()
        assert until_hung_up(whole).endswith(b"success")


NEVER = {
    "chunks without end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\naaaaa\r\n"),
    "headers without end": (HEAD, b"X-A: 1\r\n" * 2000),
    "one header without end": (HEAD + b"X-A: ", b"a" * 10_000),
    "a path without end": (b"POST /callback?", b"a" * 10_000),
    "more than it said": (HEAD + b"Content-Length: 5\r\n\r\n", b"a" * 10_000),
}


@pytest.mark.parametrize("how", NEVER)
def test_what_never_ends_is_refused_while_it_is_said(server: CallbackServer, how: str) -> None:
    said, more = NEVER[how]
    sent = 0
    with dial(server, said) as endless, suppress(OSError):
        while sent < 100 * MAX_HEAD:
            endless.sendall(more)
            sent += len(more)
    assert sent < 100 * MAX_HEAD, "it would have read on for ever"
    assert push(server, xml(1, **ADD)) == (200, b"success")


def test_two_lengths_or_none_are_refused(server: CallbackServer, inbox_db: Database) -> None:
    for head in (b"Content-Length: 3\r\nContent-Length: 4\r\n", b"", b"Content-Length: +3\r\n",
                 b"Content-Length: \xc2\xb3\r\n", b"Transfer-Encoding: gzip\r\n",
                 b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"):  # fmt: skip
        with dial(server, HEAD + head + b"\r\nabc") as connection:
            assert until_hung_up(connection).split()[1] == b"400"
    assert events(inbox_db) == []


def test_requests_sent_together_are_answered_one_after_the_other(
    server: CallbackServer, inbox_db: Database
) -> None:
    together = signed(1) + signed(2) + signed(3, Connection="close")
    with dial(server, together) as connection:
        assert until_hung_up(connection).count(b"success") == 3
    assert [each.create_time for each in events(inbox_db)] == [3, 2, 1]


@pytest.mark.parametrize("pieces", [1, 7])
def test_who_says_all_and_only_listens_is_answered(
    server: CallbackServer, inbox_db: Database, pieces: int
) -> None:
    """A socket half closed, at once or after many small pieces."""
    whole = signed(1)
    with dial(server) as connection:
        for at in range(0, len(whole), len(whole) // pieces + 1):
            connection.sendall(whole[at : at + len(whole) // pieces + 1])
        connection.shutdown(socket.SHUT_WR)
        assert until_hung_up(connection).endswith(b"success")
    assert len(events(inbox_db)) == 1


def test_who_closes_in_the_middle_leaves_nothing(
    server: CallbackServer, inbox_db: Database
) -> None:
    whole = signed(1)
    for cut in (10, len(whole) // 2, len(whole) - 1):
        dial(server, whole[:cut]).close()
        with dial(server, whole[:cut]) as connection:
            connection.shutdown(socket.SHUT_WR)
            assert b" 200 " not in until_hung_up(connection)
    assert events(inbox_db) == []


def test_a_kept_connection_may_rest_between_two_events(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    short(monkeypatch, 0.3, 60.0)
    rested = threading.Event()
    with CallbackServer(receiver, "127.0.0.1", 0, "/callback") as server, dial(server) as kept:
        for number in (1, 2):
            kept.sendall(signed(number))
            assert kept.recv(4096).endswith(b"success")
            rested.wait(0.5)  # longer than a whole exchange may last


def fails(error: BaseException) -> Callable[..., None]:
    def call(*_args: object, **_names: object) -> None:
        raise error

    return call


def test_a_process_that_can_open_nothing_more_says_so(
    receiver: Receiver, inbox_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No descriptor for a connection, none for the database, no thread: counted, and it goes on."""
    import errno

    with CallbackServer(receiver, "127.0.0.1", 0, "/callback") as server:
        with monkeypatch.context() as patch:
            patch.setattr(receiver, "receive", fails(OSError(errno.EMFILE, "too many open files")))
            assert push(server, xml(1, **ADD))[0] == 500
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", fails(RuntimeError("no thread")))
            with pytest.raises(OSError):  # noqa: PT011 - closed or reset
                push(server, xml(1, **ADD))
        accept = server._server.socket.accept
        tries = iter([OSError(errno.EMFILE, "too many"), OSError(errno.EMFILE, "too many")])

        class Listening:
            def __getattr__(self, name):
                return getattr(listening, name)

            def accept(self):
                for error in tries:
                    raise error
                return accept()

        listening = server._server.socket
        server._server.socket = Listening()
        assert push(server, xml(2, **ADD)) == (200, b"success")
        server._server.socket = listening
    assert standing(inbox_db).refused == {"full": 3, "not_stored": 1}
