"""The address WeCom calls: a small HTTP server around a `Receiver`.

It listens on this machine only unless told otherwise, for a web server with TLS stands in front.
Whoever does not say all of a request in time is hung up on, and at once when others need the
place: WeCom itself gives up after 5 s and sends again. Heads and bodies are bounded. Nothing of a
request is logged but its method and its status.
"""

from __future__ import annotations

import io
import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from storeops.errors import StoreOpsError, UsageError
from storeops.events.inbox import FULL, NOT_STORED, SLOW
from storeops.events.receiver import MAX_BODY, Receiver, Refused
from storeops.i18n import _

EXCHANGE_S = 5.0  # from the first byte of a request to the last of its answer (doc 90930)
IDLE_S = 15.0  # a connection that asks for nothing more for so long is closed
AT_ONCE = 64  # connections served side by side; one more takes the place of the slowest
MAX_HEAD = 64 * 1024  # bytes of the request line and all headers
REST_S = 0.1  # before the next try when the process can open nothing more
_log = logging.getLogger(__name__)


class CallbackServer:
    """A running server. Use as a context manager, or call `close`.

    Args:
        receiver: takes what comes.
        host: the address to listen on.
        port: the port; 0 picks a free one.
        path: the path of the callback URL.

    Raises:
        UsageError: the address cannot be listened on.
    """

    def __init__(self, receiver: Receiver, host: str, port: int, path: str) -> None:
        try:
            self._server = _Server((host, port), receiver, path)
        except (OSError, OverflowError) as error:
            raise UsageError(
                _("{host}:{port} cannot be listened on: {text}.").format(
                    host=host, port=port, text=getattr(error, "strerror", None) or error
                ),
                hint=_("Choose another --host or --port."),
            ) from None
        self._receiver = receiver
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="callbacks"
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it answers, as this machine reaches it."""
        host, port = self._server.server_address[:2]
        name = f"[{host!s}]" if ":" in str(host) else str(host)
        return f"http://{name}:{port}{self._server.path}"

    def close(self) -> None:
        """Take no more, finish what is being answered, write down what was refused."""
        self._server.shutdown()
        self._server.finish()
        self._server.server_close()
        self._thread.join()
        with suppress(StoreOpsError):  # a count; the disk may be full
            self._receiver.flush()

    def __enter__(self) -> CallbackServer:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a silent connection must not keep the process
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], receiver: Receiver, path: str) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.receiver, self.path = receiver, path
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._busy = 0
        self._idle = threading.Condition()
        self._waiting: dict[socket.socket, float] = {}  # who says nothing yet, since when
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection.

        Raises:
            OSError: the caller has gone, or nothing more can be opened.
        """
        try:
            return super().get_request()
        except OSError as error:
            if not isinstance(error, ConnectionError):  # no descriptors or no memory
                self.receiver.refuse_connection(FULL)
                time.sleep(REST_S)  # the caller still stands at the door: do not spin
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        self.waits(request)
        if not self._places.acquire(blocking=False):
            self._cut_off_the_slowest()
            if not self._places.acquire(timeout=1.0):
                self.receiver.refuse_connection(FULL)  # all are being answered; WeCom tries again
                self.shutdown_request(request)
                return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            self.receiver.refuse_connection(FULL)  # no thread could be begun
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.receiver.close_thread()
            self._places.release()

    def shutdown_request(self, request: Any) -> None:
        with self._idle:
            self._waiting.pop(request, None)
        super().shutdown_request(request)

    def _cut_off_the_slowest(self) -> None:
        with self._idle:
            slowest = min(self._waiting, key=self._waiting.__getitem__, default=None)
            if slowest is None:
                return
            del self._waiting[slowest]
            with suppress(OSError):
                slowest.shutdown(socket.SHUT_RDWR)  # its thread finds nothing more to read
        self.receiver.refuse_connection(SLOW)

    def waits(self, request: socket.socket) -> None:
        """A connection has nothing to be answered yet."""
        with self._idle:
            self._waiting[request] = time.monotonic()

    def begin(self, request: socket.socket) -> None:
        """A request is being answered."""
        with self._idle:
            self._waiting.pop(request, None)
            self._busy += 1

    def end(self, request: socket.socket) -> None:
        """It is answered."""
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()
        self.waits(request)

    def finish(self) -> None:
        """Wait for what is being answered; WeCom waits 5 s, so nobody waits longer."""
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, timeout=EXCHANGE_S)

    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.info("a connection broke off", exc_info=True)


class _Wire(io.RawIOBase):
    """What a connection sends, until the exchange has lasted too long or is too large."""

    def __init__(self, connection: socket.socket, too_slow: Callable[[], None]) -> None:
        self._connection, self._too_slow = connection, too_slow
        self.next()

    def next(self) -> None:
        """Wait for the first byte of the next request, which may take longer."""
        self._until = time.monotonic() + IDLE_S
        self._begun = False
        self._room = MAX_HEAD

    def expect(self, size: int) -> None:
        """A body of so many bytes follows."""
        self._room = size + io.DEFAULT_BUFFER_SIZE  # what was read ahead counts once more

    def begin(self) -> None:
        """The exchange has begun: its deadline counts from here."""
        if not self._begun:
            self._begun = True
            self._until = time.monotonic() + EXCHANGE_S

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Some bytes; 0 at the end.

        Raises:
            TimeoutError: the deadline has passed.
            HTTPException: the head of the request is too large.
        """
        if self._room <= 0:
            raise HTTPException("a head without end")
        try:
            self._connection.settimeout(max(0.001, self._until - time.monotonic()))
            count = self._connection.recv_into(buffer)
        except TimeoutError:
            if self._begun:
                self._too_slow()
            raise
        self.begin()
        self._room -= count
        self._connection.settimeout(max(0.001, self._until - time.monotonic()))  # for the answer
        return count


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "storeops"
    sys_version = ""
    disable_nagle_algorithm = True  # 40 ms an answer on a kept connection
    wbufsize = 65_536  # head and body in one packet

    def setup(self) -> None:
        super().setup()
        self._wire = _Wire(self.connection, lambda: self.server.receiver.refuse_connection(SLOW))
        self.rfile = self._read = io.BufferedReader(self._wire)

    def handle_one_request(self) -> None:
        """One exchange on the connection."""
        self._wire.next()
        try:
            if self._read.peek(1):  # waited for, or sent together with the one before
                self._wire.begin()
        except TimeoutError:
            self.close_connection = True
            return
        super().handle_one_request()

    def do_GET(self) -> None:
        """The check of the address: the plaintext, bare, within a second."""
        self._answer(self._verify)

    def do_POST(self) -> None:
        """An event: stored, then answered, within five seconds."""
        self._answer(self._receive)

    def _answer(self, work: Any) -> None:
        try:
            parts = urlsplit(self.path)
            if parts.path.rstrip("/") != self.server.path.rstrip("/"):
                self._send(404, b"")
                return
            # "+" stays "+": WeCom percent-encodes, and base64 knows no blanks
            pairs = parse_qsl(
                parts.query.replace("+", "%2B"), keep_blank_values=True, max_num_fields=32
            )
            body = self._body()
        except Refused as refused:
            self._send(refused.status, b"")
            return
        except ValueError:
            self._send(400, b"")
            return
        self.server.begin(self.connection)
        try:
            try:
                self._send(200, work(dict(pairs), body))
            except Refused as refused:
                self._send(refused.status, b"")
            except Exception as error:  # not stored: an error makes WeCom send it again
                known = isinstance(error, StoreOpsError)
                _log.error("an event could not be stored: %s", error, exc_info=not known)
                self.server.receiver.refuse_connection(NOT_STORED)
                self._send(500, b"")
            self.wfile.flush()
        finally:
            self.server.end(self.connection)

    def _verify(self, query: dict[str, str], _body: bytes) -> bytes:
        return self.server.receiver.verify(query)

    def _receive(self, query: dict[str, str], body: bytes) -> bytes:
        return self.server.receiver.receive(query, body)

    def _body(self) -> bytes:
        """The body of the request.

        Raises:
            Refused: it is too large.
            ValueError: it does not say how long it is, or says it twice, or was broken off.
        """
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.get("Transfer-Encoding") or len(lengths) > 1:
            raise ValueError("a body without its length")
        if not lengths and self.command == "GET":
            return b""
        length = lengths[0].strip() if lengths else ""
        if not (length.isascii() and length.isdecimal()):
            raise ValueError("a body without its length")
        if len(length) > 9 or int(length) > MAX_BODY:
            raise self.server.receiver.refuse_large()
        self._wire.expect(int(length))
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ValueError("a body that was broken off")
        return body

    def _send(self, status: int, body: bytes) -> None:
        if status != 200:
            self.close_connection = True  # an unread body must not become the next request
        self.send_response_only(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        _log.debug("%s %s", self.command, status)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library itself refuses (a bad request line), without its page."""
        self.close_connection = True
        self.requestline, self.request_version = "", "HTTP/1.1"
        self._send(int(code), b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: paths carry signatures, and strangers fill logs."""
