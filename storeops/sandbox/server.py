"""The wire: a raw ASGI application on uvicorn, loopback only."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import mimetypes
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

import storeops.sandbox.api  # noqa: F401 - fills the table of endpoints
from storeops.sandbox import gate, not_offered, odd
from storeops.sandbox.body import Body
from storeops.sandbox.control import Control
from storeops.sandbox.endpoints import Answer, Endpoint
from storeops.sandbox.faults import Fault
from storeops.sandbox.gate import Reply
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.refusals import Refusal

if TYPE_CHECKING:
    from storeops.sandbox.world import World

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_TYPE = (b"Content-Type", b"application/json; charset=UTF-8")
_SERVER = (b"Server", b"nginx")
_ROWS = ("duplicate", "reorder")


class Wire(HttpToolsProtocol):
    """uvicorn's protocol, which also lets the application cut a connection."""

    def on_message_begin(self) -> None:
        """A request begins: remember the connection it came over."""
        super().on_message_begin()
        self.scope["sandbox.transport"] = self.transport  # type: ignore[typeddict-unknown-key]


class Cut(Exception):
    """The connection ends here; the word says how for the counters."""


class Answered(Exception):
    """A fault has answered already; the word says how for the counters."""


class Application:
    """ASGI: the API under /cgi-bin, the control side under /_sandbox."""

    def __init__(self, world: World, control_key: str) -> None:
        self.world = world
        self.control = Control(world, control_key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path.startswith("/_sandbox/"):
            await self.control(scope, functools.partial(_read, receive), send)
            return
        spot = gate.find(path)
        most = spot.most_bytes if spot is not None else 0
        raw = await _read(receive, most or self.world.settings.max_body_bytes)
        if spot is None:
            await self._elsewhere(path, send)
            return
        count = self.world.counters.begin(spot.path)
        outcome, size = "dropped", 0
        try:
            outcome, size = await self._api(spot, scope, raw, receive, send)
        except Answered as done:
            outcome = str(done)
        except Cut as cut:
            outcome = str(cut)
            transport = scope.get("sandbox.transport")
            if transport is not None:
                transport.abort()
                await asyncio.sleep(0)  # let uvicorn see that nobody is there any more
        finally:
            self.world.counters.finish(count, outcome, size)

    async def _elsewhere(self, path: str, send: Send) -> None:
        """A path without a rule: an empty 404, or word that the sandbox has not what WeCom has."""
        name = not_offered.find(path)
        if not name:
            await self._send(send, 404, b"", [])
            return
        count = self.world.counters.begin(name)
        errmsg = f"the sandbox does not offer {name}"
        body = dumps({"errcode": not_offered.ERRCODE, "errmsg": errmsg})
        code = [
            (b"Error-Code", b"%d" % not_offered.ERRCODE),
            (b"Error-Msg", errmsg.encode()),
        ]
        await self._send(send, 200, body, [_TYPE, *code])
        self.world.counters.finish(count, not_offered.OUTCOME, len(body))

    async def _api(
        self, spot: Endpoint, scope: Scope, raw: bytes | None, receive: Receive, send: Send
    ) -> tuple[str, int]:
        world = self.world
        ip = scope["client"][0] if scope.get("client") else "127.0.0.1"
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        body = Body({})
        customer = ""
        entered = False
        fault: Fault | None = None
        try:
            now = world.clock.now()
            try:
                app = gate.admit(world, spot, query, ip, now)
                seen = raw if spot.body and scope["method"] != "GET" else b""
                if seen is None:
                    raise Refusal(40206)
                if world.settings.reject_unicode_escapes and b"\\u" in seen:
                    raise Refusal(40033)
                body = Body.read(seen, world.settings.scalar_lists)
                if spot.one_customer:
                    customer = body.text("external_userid")
                world.throttle.enter(spot.path, customer, world.settings)
                entered = True
                fault = world.faults.pick(spot.path, scope["query_string"] + b"\n" + (raw or b""))
                if world.settings.latency_ms:
                    await asyncio.sleep(world.settings.latency_ms / 1000)
                if fault is not None:
                    await self._before(fault, receive, send)
                short = fault is not None and fault.kind == "short"
                now = world.clock.now()
                kind = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
                answer = gate.carry_out(
                    world, spot, app, query, body, ip, now, short, raw or b"", kind
                )
                if fault is not None:
                    self._rows(fault, answer)
                reply = gate.success(answer, spot, body.warned)
            except Refusal as refusal:
                reply = gate.failure(world, refusal, spot, ip, world.clock.now(), body.warned)
            if fault is not None and fault.kind == "lost":
                raise Cut("lost")
            if fault is not None and fault.carried_out:
                await self._instead(fault, receive, send)
        finally:
            if entered:
                world.throttle.leave(spot.path, customer)
        cursor = query.get("cursor") or body.fields.get("cursor")
        if fault is not None and fault.kind == "trickle":
            await self._trickle(reply.body, fault.seconds, scope, receive)
        return await self._reply(reply, fault, cursor if isinstance(cursor, str) else "", send)

    async def _before(self, fault: Fault, receive: Receive, send: Send) -> None:
        """What a fault does before the rule runs."""
        kind = fault.kind
        if kind == "slow":
            if await _hang(receive, fault.seconds):
                raise Cut(kind)
        elif kind == "cut":
            raise Cut(kind)
        elif kind == "errcode":
            raise Refusal(fault.errcode)
        elif kind == "token":
            self.world.tokens.kill()
            raise Refusal(40014)
        elif kind == "token_expired":
            self.world.tokens.expire(self.world.clock.now())
            raise Refusal(42001)
        elif not fault.carried_out:
            await self._instead(fault, receive, send)

    async def _instead(self, fault: Fault, receive: Receive, send: Send) -> None:
        """Let somebody else answer, or nobody, if the fault is of that kind."""
        if fault.kind == "timeout":
            await _hang(receive, fault.seconds)
            raise Cut(fault.kind)
        if fault.kind == "status":
            page = b"<html><head><title>%d</title></head></html>" % fault.status
            await self._send(send, fault.status, page, [(b"Content-Type", b"text/html")])
            raise Answered(f"http {fault.status}")
        if fault.kind in odd.INSTEAD:
            content_type, body = odd.INSTEAD[fault.kind]
            await self._send(send, 200, body, [(b"Content-Type", content_type)])
            raise Answered(fault.kind)

    async def _trickle(self, body: bytes, seconds: float, scope: Scope, receive: Receive) -> None:
        """Send the answer byte by byte past uvicorn, then end the connection."""
        transport = scope["sandbox.transport"]
        head = b"HTTP/1.1 200 OK\r\n%b: %b\r\nContent-Length: %d\r\n\r\n" % (*_TYPE, len(body))
        for byte in head + body:
            transport.write(bytes((byte,)))
            if await _hang(receive, seconds):
                raise Cut("trickle")
        transport.close()
        await _hang(receive, 10)  # until uvicorn has seen the end, so that it adds nothing
        raise Answered("trickle")

    def _rows(self, fault: Fault, answer: Answer) -> None:
        """What a fault does to the rows of a list."""
        if fault.kind not in _ROWS:
            return
        for name, value in answer.fields.items():
            if isinstance(value, list) and value:
                if fault.kind == "duplicate":
                    at = self.world.pick(len(value))
                    answer.fields[name] = [*value[: at + 1], *value[at:]]
                else:
                    answer.fields[name] = self.world.shuffled(value)
                return

    async def _reply(
        self, reply: Reply, fault: Fault | None, cursor: str, send: Send
    ) -> tuple[str, int]:
        body = reply.body
        kind = fault.kind if fault is not None else ""
        if kind == "truncated_json":
            body = body[: len(body) // 2]
        elif kind == "invalid":
            body = b"<!DOCTYPE html>" + body[1:]
        elif fault is not None and kind in odd.MEANINGS:
            body = odd.spoil(
                kind, body, field=fault.field, every=fault.every, cursor=cursor, dice=fault.dice
            )
        errmsg = "".join(c if c.isprintable() else "?" for c in reply.errmsg)
        code = [
            (b"Error-Code", b"%d" % reply.errcode),
            (b"Error-Msg", errmsg.encode("utf-8", "replace")),
        ]
        headers = [
            *([_TYPE] if reply.filename is None else _file_headers(reply.filename)),
            *(code if kind != "no_errcode" else []),
            (b"X-W-No", b"%d" % (1 + len(body) % 9)),
        ]
        if kind == "truncate":
            await self._start(send, 200, len(body), headers)
            await send(
                {"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True}
            )
            raise Cut(kind)
        await self._send(send, 200, body, headers)
        # a fault that chose the errcode is counted under it, as WeCom's own refusals are
        told = kind not in ("", "errcode", "token", "token_expired") and (
            kind not in odd.MEANINGS or body != reply.body
        )
        return (kind if told else str(reply.errcode)), len(body)

    async def _start(
        self, send: Send, status: int, length: int, headers: list[tuple[bytes, bytes]]
    ) -> None:
        headers = [
            _SERVER,
            (b"Date", self.world.clock.http_date()),
            *headers,
            (b"Content-Length", b"%d" % length),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})

    async def _send(
        self, send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]
    ) -> None:
        await self._start(send, status, len(body), headers)
        await send({"type": "http.response.body", "body": body})


def _file_headers(filename: str) -> list[tuple[bytes, bytes]]:
    """What says that the body is a file (doc 90254)."""
    name = quote(filename, safe="")
    kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    return [
        (b"Content-Type", kind.encode()),
        (b"Content-disposition", f'attachment; filename="{name}"'.encode()),
    ]


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The request body; None when it is larger than the limit (the rest is read and dropped)."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        part = message.get("body", b"")
        size += len(part)
        if size <= limit:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if size <= limit else None


async def _hang(receive: Receive, seconds: float) -> bool:
    """Wait; True when the caller gave up first."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


def loopback(host: str) -> str:
    """The address to listen on; ValueError for anything that is not this machine."""
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        fine = ipaddress.ip_address(host).is_loopback
    except ValueError:
        fine = False
    if not fine:
        raise ValueError(f"the sandbox listens on this machine only, not on {host}")
    return host


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on loopback; port 0 picks a free one. OSError when taken."""
    host = loopback(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's delay (40 ms a call) off only for sockets that name their protocol
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":  # there SO_REUSEADDR lets another program take the port over
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(512)
    except OSError:
        sock.close()
        raise
    return sock


def base_url(sock: socket.socket) -> str:
    """The URL clients use for this socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_server(world: World, control_key: str) -> uvicorn.Server:
    """A uvicorn server of this world; run it with `run(sockets=[…])`."""
    application = Application(world, control_key)
    config = uvicorn.Config(
        application,
        http=Wire,
        ws="none",
        lifespan="off",
        loop="asyncio",
        server_header=False,
        date_header=False,
        access_log=False,
        log_config=None,
        log_level="error",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    application.control.stop = lambda: setattr(server, "should_exit", True)
    return server
