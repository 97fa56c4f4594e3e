"""The address WeCom calls: a small HTTP server around a `Receiver`.

It listens on this machine only unless told otherwise, for a web server with TLS stands in front.
Bodies, header lines, waiting and parallel requests are bounded; nothing of a request is logged
but its method and its status.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from storeops.errors import StoreOpsError, UsageError
from storeops.events.receiver import MAX_BODY, Receiver, Refused
from storeops.i18n import _

IDLE_S = 15.0  # a connection that sends nothing for so long is closed
AT_ONCE = 64  # connections served side by side; more wait in the kernel's queue
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
            import socket

            self.address_family = socket.AF_INET6
        self.receiver, self.path = receiver, path
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._busy = 0
        self._idle = threading.Condition()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(timeout=1.0):
            self.shutdown_request(request)  # full; WeCom tries again
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.receiver.close_thread()
            self._room.release()

    def begin(self) -> None:
        """A request is being answered."""
        with self._idle:
            self._busy += 1

    def end(self) -> None:
        """It is answered."""
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()

    def finish(self) -> None:
        """Wait for what is being answered; WeCom waits 5 s, so nobody waits longer."""
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, timeout=5.0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.info("a connection broke off", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "storeops"
    sys_version = ""
    timeout = IDLE_S
    disable_nagle_algorithm = True  # 40 ms an answer on a kept connection
    wbufsize = 65_536  # head and body in one packet

    def do_GET(self) -> None:
        """The check of the address: the plaintext, bare, within a second."""
        self._answer(self._verify)

    def do_POST(self) -> None:
        """An event: stored, then answered, within five seconds."""
        self._answer(self._receive)

    def _answer(self, work: Any) -> None:
        self.server.begin()
        try:
            parts = urlsplit(self.path)
            if parts.path.rstrip("/") != self.server.path.rstrip("/"):
                self._send(404, b"")
                return
            # "+" stays "+": WeCom percent-encodes, and base64 knows no blanks
            pairs = parse_qsl(
                parts.query.replace("+", "%2B"), keep_blank_values=True, max_num_fields=32
            )
            self._send(200, work(dict(pairs)))
        except Refused as refused:
            self._send(refused.status, b"")
        except StoreOpsError as error:
            # not stored: an error makes WeCom send it again
            _log.error("an event could not be stored: %s", error.message)
            self._send(500, b"")
        except ValueError:
            self._send(400, b"")
        finally:
            self.server.end()

    def _verify(self, query: dict[str, str]) -> bytes:
        return self.server.receiver.verify(query)

    def _receive(self, query: dict[str, str]) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or self.headers.get("Transfer-Encoding"):
            raise ValueError("a body without its length")
        if len(length) > 9 or int(length) > MAX_BODY:
            self.close_connection = True
            raise self.server.receiver.refuse_large()
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            raise ValueError("a body that was broken off")
        return self.server.receiver.receive(query, body)

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
