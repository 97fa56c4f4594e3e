"""The control side: JSON over /_sandbox/…, for whoever has this sandbox's key."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from storeops.sandbox import acts, export, snapshot
from storeops.sandbox.callback.delivery import Unverified
from storeops.sandbox.clock import Clock
from storeops.sandbox.corp import CUSTOMER_APP
from storeops.sandbox.faults import KINDS
from storeops.sandbox.handover import control as handover
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.seed import build

if TYPE_CHECKING:
    from storeops.sandbox.world import World

KEY_HEADER = b"x-sandbox-key"
_BODY_BYTES = 1_000_000  # of a control request
_STATE_BYTES = 1_000_000_000  # of a saved state
_STATE_PART = 1 << 20
_CHUNK = 500  # export rows between two looks at other callers
Read = Callable[[int], Awaitable[bytes | None]]  # the body, None when it is larger than that


class Problem(Exception):
    """The control call ends with this HTTP status and a code scripts can read."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code = status, code
        super().__init__(message)


class Control:
    """Routes of the control side; every answer is JSON but for the NDJSON exports."""

    def __init__(self, world: World, key: str) -> None:
        self.world = world
        self._key = key.encode()
        self.stop: Callable[[], None] = lambda: None

    async def __call__(self, scope: dict[str, Any], read: Read, send: Any) -> None:
        """Answer one control request; who may not ask is refused before the body is read."""
        status, answer = 200, None
        try:
            self._admit(scope["headers"])
            path = scope["path"].removeprefix("/_sandbox/").strip("/")
            if path == "state":
                await self._state(scope["method"], read, send)
                return
            raw = await read(_BODY_BYTES)
            self.world.catch_up()
            query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            if path.startswith("export/"):
                await self._export(path.removeprefix("export/"), send)
                return
            if path == "callback" and scope["method"] != "GET":
                answer = await self._callback(scope["method"], _fields(raw))
            else:
                answer = self._route(scope["method"], path, query, _fields(raw))
        except Problem as problem:
            status = problem.status
            answer = {"error": {"code": problem.code, "message": str(problem)}}
        await _json(send, status, answer)

    def _admit(self, headers: list[tuple[bytes, bytes]]) -> None:
        """No web page may drive the sandbox, and no other user of the machine.

        A foreign Host (a name that was made to lead here) or any Origin is refused; then the key
        is wanted, which only the process that started the sandbox was told.
        """
        given = b""
        for name, value in headers:
            if name == b"origin" or (name == b"host" and not _local_host(value.decode("latin-1"))):
                raise Problem(403, "not_local", "only programs on this machine may control it")
            if name == KEY_HEADER:
                given = value
        if not hmac.compare_digest(given, self._key):
            raise Problem(403, "no_key", "the control side wants its key in X-Sandbox-Key")

    async def _state(self, method: str, read: Read, send: Any) -> None:
        """GET: the saved state as bytes. PUT: such bytes take the place. No file is touched."""
        if method == "GET":
            self.world.catch_up()
            saved = memoryview(snapshot.saved(self.world.corp))
            await _start(send, 200, b"application/zip")
            for at in range(0, len(saved), _STATE_PART):
                part = bytes(saved[at : at + _STATE_PART])
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        if method != "PUT":
            raise Problem(404, "no_such_control", f"no {method} /_sandbox/state")
        raw = await read(_STATE_BYTES)
        if raw is None:
            raise Problem(400, "bad_request", f"a state has at most {_STATE_BYTES} bytes")
        try:
            corp = snapshot.restored(raw)
        except ValueError as error:
            raise Problem(400, "bad_request", str(error)) from None
        self.world.move_in(corp)
        await _json(send, 200, self._get_status("", {}, {}))

    def _route(self, method: str, path: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        head, _, tail = path.partition("/")
        handler = getattr(self, f"_{method.lower()}_{head}", None)
        if handler is None or not head.isidentifier():
            raise Problem(404, "no_such_control", f"no {method} /_sandbox/{path}")
        try:
            return handler(tail, query, data)
        except ValueError as error:
            raise Problem(400, "bad_request", str(error)) from None

    # -- reading

    def _get_status(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        world, corp = self.world, self.world.corp
        members = corp.organisation.members
        holding = corp.follows.held
        return {
            "corp_id": corp.corp_id,
            "name": corp.name,
            "agent_id": CUSTOMER_APP,
            "pid": os.getpid(),
            "now": world.clock.now(),
            "shape": corp.shape,
            "counts": {
                "departments": len(corp.organisation.departments),
                "staff": sum(m.left_at == 0 for m in members),
                "leavers": sum(m.left_at > 0 for m in members),
                "customers": len(corp.customers),
                "follows": sum(len(holding[m.number]) for m in members if not m.left_at),
                "unassigned": sum(len(holding[m.number]) for m in members if m.left_at),
                "tags": corp.tags.count(),
                "groups": sum(not g.dissolved for g in corp.groups.values()),
                "events": len(corp.events),
            },
            "apps": [
                {
                    "agent_id": a.agent_id,
                    "name": a.name,
                    "secret": a.secret,
                    "customers": a.customers,
                    "contact_sync": a.contact_sync,
                    "scope_departments": a.scope_departments,
                    "disabled": a.disabled,
                }
                for a in corp.apps.values()
            ],
            "bans": world.throttle.bans(world.clock.now()),
            "faults": len(world.faults.rules),
            "max_rss_mb": _max_rss_mb(),
        }

    def _get_clock(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        return {"now": self.world.clock.now(), "offset_s": round(self.world.clock.offset)}

    def _post_clock(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        seconds = data.get("advance_s")
        if not isinstance(seconds, int | float) or isinstance(seconds, bool):
            raise ValueError("advance_s must be a number of seconds")
        self.world.clock.advance(seconds)
        return self._get_clock(tail, query, data)

    def _get_calls(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        return self.world.counters.as_json()

    def _post_calls(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        if tail != "reset":
            raise Problem(404, "no_such_control", f"no POST /_sandbox/calls/{tail}")
        self.world.counters.reset()
        return self.world.counters.as_json()

    def _get_events(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        after, limit = int(query.get("after", "0")), int(query.get("limit", "1000"))
        events = self.world.corp.events[max(0, after) : max(0, after) + max(0, limit)]
        with_delivery = [self.world.callbacks.with_delivery(row) for row in events]
        return {"events": with_delivery, "total": len(self.world.corp.events)}

    # -- messages

    def _get_inbox(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        after = int(query.get("after", "0"))
        rows = self.world.mail.inbox
        found = rows[max(0, after) :]
        return {"items": [each.as_json() for each in found], "total": len(rows)}

    def _delete_inbox(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        gone = len(self.world.mail.inbox)
        self.world.mail.inbox.clear()
        return {"cleared": gone}

    def _post_robots(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        name = data.get("name")
        if not isinstance(name, str) or not name:
            raise ValueError("a robot needs the name of its group")
        robot = self.world.mail.robot(name)
        for word in ("stopped", "removed"):
            if isinstance(data.get(word), bool):
                setattr(robot, word, data[word])
        return {"name": robot.name, "key": robot.key, "stopped": robot.stopped,
                "removed": robot.removed}  # fmt: skip

    # -- calling back

    def _get_callback(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        return self.world.callbacks.as_json()

    async def _callback(self, method: str, data: dict[str, Any]) -> Any:
        callbacks = self.world.callbacks
        if method == "DELETE":
            return {"cleared": await callbacks.clear()}
        words = [data.get(name) for name in ("url", "token", "encoding_aes_key")]
        after = data.get("after", 0)
        if method != "POST" or not isinstance(after, int):
            raise Problem(400, "bad_request", "POST url, token, encoding_aes_key, after")
        url, token, key = (each if isinstance(each, str) else "" for each in words)
        try:
            await callbacks.save(self.world, url, token, key, after)
        except ValueError as error:
            raise Problem(400, "bad_request", str(error)) from None
        except Unverified as error:
            raise Problem(409, "callback_refused", str(error)) from None
        return callbacks.as_json()

    async def _export(self, table: str, send: Any) -> None:
        if table not in export.TABLES:
            raise Problem(404, "no_such_table", f"export one of {', '.join(export.TABLES)}")
        await _start(send, 200, b"application/x-ndjson; charset=UTF-8")
        rows: Iterator[bytes] = export.lines(self.world.corp, table)
        while chunk := b"".join(islice(rows, _CHUNK)):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})

    # -- faults, settings, tokens

    def _get_faults(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        if tail == "kinds":
            return KINDS
        return {"faults": [f.as_json() for f in self.world.faults.rules]}

    def _post_faults(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        return self.world.faults.add(data).as_json()

    def _delete_faults(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        if tail and not tail.isdecimal():
            raise ValueError("a fault has a number")
        cleared = self.world.faults.clear(int(tail) if tail else None)
        if tail and not cleared:
            raise Problem(404, "no_such_fault", f"no fault {tail}")
        return {"cleared": cleared}

    def _get_settings(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        if tail == "meanings":
            return self.world.settings.meanings()
        return self.world.settings.as_json()

    def _patch_settings(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        self.world.settings = self.world.settings.changed(data)
        return self.world.settings.as_json()

    def _post_token(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        if tail == "expire":
            return {"expired": self.world.tokens.expire(self.world.clock.now())}
        if tail == "kill":
            return {"killed": self.world.tokens.kill()}
        raise Problem(404, "no_such_control", f"no POST /_sandbox/token/{tail}")

    def _post_limits(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        self.world.throttle.clear()
        return {"cleared": True}

    # -- handovers

    def _get_handover(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        return handover.summary(self.world)

    def _post_handover(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        return handover.change(self.world, tail, data)

    # -- the chain itself

    def _get_act(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        return {"acts": acts.described()}

    def _post_act(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        return acts.perform(self.world.corp, self.world.settings, self.world.mail, data)

    def _post_reset(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        shape = dict(self.world.corp.shape)
        for name, value in data.items():
            if name not in ("seed", "stores", "staff", "follows", "start_at"):
                raise ValueError(f"reset knows no {name}")
            if not isinstance(value, int) or isinstance(value, bool):
                raise ValueError(f"{name} must be a whole number")
            shape[name] = value
        clock = Clock(shape.pop("start_at", None))
        self.world.move_in(build(clock=clock, **shape))
        return self._get_status(tail, query, data)

    def _post_stop(self, tail: str, query: dict[str, str], data: dict[str, Any]) -> Any:
        self.stop()
        return {"stopping": True}


def _local_host(text: str) -> bool:
    """Whether a Host header names this machine by address or as localhost."""
    host = text if text.endswith("]") else text.rsplit(":", 1)[0]
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


if sys.platform == "win32":

    def _max_rss_mb() -> int:
        return 0
else:
    import resource

    def _max_rss_mb() -> int:
        """The most memory this process has held."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _fields(raw: bytes | None) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        value = json.loads(raw)
    except ValueError:
        raise Problem(400, "bad_json", "the body is no JSON") from None
    if not isinstance(value, dict):
        raise Problem(400, "bad_json", "the body must be a JSON object")
    return value


async def _json(send: Any, status: int, answer: Any) -> None:
    await _start(send, status, b"application/json; charset=UTF-8")
    await send({"type": "http.response.body", "body": dumps(answer)})


async def _start(send: Any, status: int, kind: bytes) -> None:
    headers = [(b"Content-Type", kind), (b"Server", b"sandbox"), (b"Cache-Control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
