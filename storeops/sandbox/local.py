"""A sandbox in this process, on a free port: what tests start."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from storeops.sandbox.clock import Clock
from storeops.sandbox.corp import CUSTOMER_APP
from storeops.sandbox.seed import build
from storeops.sandbox.settings import Settings


class ControlError(Exception):
    """The control side refused; `code` is what scripts can read."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code = status, code
        super().__init__(message)


class Control:
    """A small client of /_sandbox/…, one connection per call; `key` is the sandbox's own."""

    def __init__(self, base_url: str, key: str, timeout_s: float = 120.0) -> None:
        self._headers = {"X-Sandbox-Key": key}
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._timeout = timeout_s

    def call(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        """One control call; its JSON, or ControlError."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            body = None if data is None else json.dumps(data).encode()
            return json.loads(self._ask(connection, method, path, body).read())
        finally:
            connection.close()

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None = None,
    ) -> http.client.HTTPResponse:
        connection.request(method, f"/_sandbox/{path}", body, self._headers)
        response = connection.getresponse()
        if response.status != 200:
            error = json.loads(response.read())["error"]
            raise ControlError(response.status, error["code"], error["message"])
        return response

    def status(self) -> dict[str, Any]:
        """Counts, apps with secrets, clock, bans."""
        value: dict[str, Any] = self.call("GET", "status")
        return value

    def advance(self, seconds: float) -> int:
        """Move the clock; the new now."""
        return int(self.call("POST", "clock", {"advance_s": seconds})["now"])

    def now(self) -> int:
        """Sandbox time in Unix seconds."""
        return int(self.call("GET", "clock")["now"])

    def fault(self, kind: str, path: str = "*", **how: Any) -> int:
        """Add a fault (rate, first, nth, match, errcode, status, seconds, seed); its id."""
        return int(self.call("POST", "faults", {"kind": kind, "path": path, **how})["id"])

    def clear_faults(self, fault_id: int | None = None) -> int:
        """Remove one fault or all; how many went."""
        tail = "" if fault_id is None else f"/{fault_id}"
        return int(self.call("DELETE", f"faults{tail}")["cleared"])

    def calls(self) -> dict[str, Any]:
        """Counts per path: calls, in_flight, max_in_flight, errcodes."""
        value: dict[str, Any] = self.call("GET", "calls")
        return value

    def reset_calls(self) -> None:
        """Count anew."""
        self.call("POST", "calls/reset")

    def settings(self, **values: Any) -> dict[str, Any]:
        """Change settings; all of them as they stand."""
        answer: dict[str, Any] = (
            self.call("PATCH", "settings", values) if values else self.call("GET", "settings")
        )
        return answer

    def act(self, act: str, **how: Any) -> dict[str, Any]:
        """Do what a person would do in the client or the console; what was done."""
        value: dict[str, Any] = self.call("POST", "act", {"act": act, **how})
        return value

    def expire_tokens(self) -> int:
        """42001 from now on; how many ended."""
        return int(self.call("POST", "token/expire")["expired"])

    def kill_tokens(self) -> int:
        """40014 from now on; how many went."""
        return int(self.call("POST", "token/kill")["killed"])

    def reset(self, **shape: int) -> dict[str, Any]:
        """A new chain (seed, stores, staff, follows, start_at)."""
        value: dict[str, Any] = self.call("POST", "reset", shape)
        return value

    def saved(self) -> bytes:
        """The state, for `load` and for `python -m storeops.sandbox --load`."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            return self._ask(connection, "GET", "state").read()
        finally:
            connection.close()

    def load(self, state: bytes) -> dict[str, Any]:
        """Take a saved state; its status."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            status: dict[str, Any] = json.loads(self._ask(connection, "PUT", "state", state).read())
            return status
        finally:
            connection.close()

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """The control log behind a sequence number, at most 1,000 at a time."""
        rows: list[dict[str, Any]] = self.call("GET", f"events?after={after}")["events"]
        return rows

    def export(self, table: str) -> Iterator[dict[str, Any]]:
        """True rows of follows, customers, staff, departments, tags, groups or unassigned."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            for line in self._ask(connection, "GET", f"export/{table}"):
                yield json.loads(line)
        finally:
            connection.close()


class SandboxHandle:
    """One running sandbox. Use as a context manager or call `stop()`."""

    def __init__(
        self,
        stores: int,
        staff: int,
        follows: int,
        seed: int,
        start_at: int | None,
        settings: Settings,
    ) -> None:
        from storeops.sandbox import server
        from storeops.sandbox.world import World

        corp = build(seed, stores, staff, follows, Clock(start_at))
        sock = server.listen("127.0.0.1", 0)
        self.control_key = secrets.token_urlsafe(32)
        self._server = server.make_server(World(corp, settings), self.control_key)
        self.base_url = server.base_url(sock)
        self.corp_id = corp.corp_id
        self.agent_id = CUSTOMER_APP
        self.secret = corp.apps[CUSTOMER_APP].secret
        self.control = Control(self.base_url, self.control_key)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [sock]}, name="sandbox", daemon=True
        )
        self._thread.start()

    @property
    def ready(self) -> dict[str, Any]:
        """What a sandbox of its own process says of itself in one line."""
        return {
            "base_url": self.base_url,
            "corp_id": self.corp_id,
            "agent_id": self.agent_id,
            "secret": self.secret,
            "pid": os.getpid(),
            "control_key": self.control_key,
        }

    def stop(self) -> None:
        """Stop answering and wait until the thread has ended."""
        self._server.should_exit = True
        self._thread.join(timeout=10)

    def __enter__(self) -> SandboxHandle:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()


def start(
    *,
    stores: int = 3,
    staff: int = 12,
    follows: int = 200,
    seed: int = 7,
    start_at: int | None = None,
    **settings: Any,
) -> SandboxHandle:
    """Start a sandbox in a thread of this process on a free port.

    `start_at` sets its clock (Unix seconds, default: real time); further keywords are Settings.
    The socket listens when this returns. ValueError for impossible shapes or settings.
    """
    return SandboxHandle(stores, staff, follows, seed, start_at, Settings().changed(settings))
