"""A hand-written server over a real socket: it answers with the bytes a test gives it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from storeops.limits.memory import MemoryLimiter, MemoryTokenStore
from storeops.wecom.client import WeComClient
from storeops.wecom.transport import Timeouts

SECRET = "s3cret-of-the-app"


class FakeClock:
    """Time that only `sleep` moves."""

    def __init__(self) -> None:
        self.moved = 0.0
        self.slept: list[float] = []
        self.learnt: list[float] = []

    def now(self) -> float:
        return 1_760_000_000.0 + self.moved

    def monotonic(self) -> float:
        return self.moved

    def sleep(self, seconds: float) -> None:
        self.moved += max(0.0, seconds)
        self.slept.append(seconds)

    def learn(self, server_time: float) -> None:
        self.learnt.append(server_time)


@dataclass
class Asked:
    """One request as it came over the wire."""

    verb: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


Reply = bytes | Callable[[socket.socket], None]


def answer(value: Any, *, status: str = "200 OK", headers: str = "") -> bytes:
    """An HTTP answer; bytes go as they are, anything else as JSON."""
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json; charset=UTF-8\r\n{headers}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class HandServer:
    """Answers each path from its list; the last answer of a list is repeated."""

    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    tokens: int = 0
    same_token: bool = False

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, path: str, *replies: Reply | dict[str, Any]) -> None:
        """Answer `path` with these, one after the other; dictionaries become whole answers."""
        self.replies[path] = [answer(each) if isinstance(each, dict) else each for each in replies]

    http = staticmethod(answer)

    def calls(self, path: str) -> list[Asked]:
        """What was asked of `path`."""
        return [each for each in self.asked if each.path == path]

    def _accept(self) -> None:
        while True:
            try:
                connection, _peer = self._socket.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        try:
            while line := reader.readline():
                verb, target, _version = line.decode().split()
                headers = {}
                while (line := reader.readline()) not in (b"\r\n", b""):
                    name, _colon, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = reader.read(int(headers.get("content-length", 0)))
                parts = urlsplit(target)
                query = {
                    name: values[0]
                    for name, values in parse_qs(parts.query, keep_blank_values=True).items()
                }
                path = parts.path.removeprefix("/cgi-bin/")
                with self._lock:
                    self.asked.append(Asked(verb, path, query, headers, body))
                    reply = self._choose(path)
                if callable(reply):
                    reply(connection)
                    return
                connection.sendall(reply)
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def _choose(self, path: str) -> Reply:
        replies = self.replies.get(path, [])
        if not replies and path == "gettoken":
            self.tokens += 0 if self.same_token and self.tokens else 1
            return answer(
                {
                    "errcode": 0,
                    "errmsg": "ok",
                    "access_token": f"tk-demo-{self.tokens}",
                    "expires_in": 7200,
                }
            )
        if not replies:
            return answer(b"", status="404 Not Found")
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def close(self) -> None:
        """Stop listening and hang up."""
        with suppress(OSError):  # wakes the thread that waits in accept; closing alone does not
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for each in self._open:
            each.close()


@pytest.fixture
def server():
    running = HandServer()
    yield running
    running.close()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def make_client(server, clock):
    made = []

    def make(**how: Any) -> WeComClient:
        settings: dict[str, Any] = {
            "base_url": server.url,
            "corp_id": "ww0123456789abcdef",
            "agent_id": 1000002,
            "secret": lambda: SECRET,
            "tokens": MemoryTokenStore(clock),
            "limiter": MemoryLimiter(clock),
            "clock": clock,
            "timeouts": Timeouts(connect_s=2.0, read_s=0.4, whole_s=5.0),
        }
        client = WeComClient(**(settings | how))
        made.append(client)
        return client

    yield make
    for each in made:
        each.close()


@pytest.fixture
def client(make_client):
    return make_client()
