"""One deadline for a whole exchange: connecting, sending, every byte of headers and body.

httpx counts each read anew, so that a peer who sends a byte now and then would hold a call for
ever. Underneath, its streams ask here how much time is left.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

_mine = threading.local()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Everything that this thread reads and writes inside the block ends in time."""
    _mine.ends = time.monotonic() + seconds
    try:
        yield
    finally:
        _mine.ends = None


def _left(timeout: float | None) -> float | None:
    """`timeout`, or what is left when that is less; seconds."""
    ends: float | None = getattr(_mine, "ends", None)
    if ends is None:
        return timeout
    left = ends - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """Opens connections whose reads and writes keep to the deadline of their thread."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """As httpcore's own, within what is left of the thread's time."""
        return _Stream(
            self._inner.connect_tcp(host, port, _left(timeout), local_address, socket_options)
        )

    def sleep(self, seconds: float) -> None:
        """As httpcore's own."""
        self._inner.sleep(seconds)
