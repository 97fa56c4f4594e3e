"""One request to the receiver, with a clock that runs over the whole of it."""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_MOST = 65_536  # bytes of an answer that are looked at


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back. `status` 0: nothing; `error` says why."""

    status: int
    body: bytes
    error: str
    ms: int


class Receiver:
    """Where events go: http, and on this machine only. ValueError for anything else."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "http" or not _loopback(host) or parts.username or parts.query:
            raise ValueError("url must be http:// on this machine, without a query")
        self.url = url
        self._host, self._port = host, parts.port or 80
        self._path = parts.path or "/"

    async def ask(self, method: str, query: str, body: bytes | None, seconds: float) -> Answered:
        """Send and wait for at most `seconds`; then the connection is dropped."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=seconds)
        began = time.monotonic()
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(None, self._send, connection, method, query, body)
        try:
            status, text = await asyncio.wait_for(asyncio.shield(work), seconds)
            error = ""
        except TimeoutError:
            status, text, error = 0, b"", "timeout"
            if connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
            with suppress(OSError, http.client.HTTPException, ValueError):
                await work  # the thread ends now that its socket is shut
        except (OSError, http.client.HTTPException) as failed:
            status, text, error = 0, b"", type(failed).__name__
        finally:
            connection.close()
        return Answered(status, text, error, round((time.monotonic() - began) * 1000))

    def _send(
        self, connection: http.client.HTTPConnection, method: str, query: str, body: bytes | None
    ) -> tuple[int, bytes]:
        headers = {"User-Agent": "Mozilla/4.0", "Accept": "*/*"}
        if body is not None:
            headers["Content-Type"] = "text/xml"
        connection.request(method, f"{self._path}?{query}", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
