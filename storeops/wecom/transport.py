"""The wire: httpx, with time-outs everywhere, no redirects, and nothing secret in what it says.

httpx puts the whole URL, with the token in its query, into exceptions and into its log. Neither
leaves this file: troubles are re-made without their cause, and the log loses its queries.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from storeops.spared_imports import spared
from storeops.wecom.address import check_base_url, is_loopback
from storeops.wecom.proxy import Proxy, proxy_for

if TYPE_CHECKING:
    import httpx

JSON = "application/json; charset=utf-8"
MOST_BYTES = 32 * 1024 * 1024  # unpacked; 1,000,000 ids are 35 % of it
PROBE_CONNECT_S = 2.0  # for a connection, where nobody answered the last call


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait: for a connection, for the next bytes, and for the whole exchange."""

    connect_s: float = 5.0
    read_s: float = 20.0
    whole_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: HTTP status, `Date` and `Location` (without query; "" when absent), body.

    `attached` says that the body is a file (`Content-Disposition`) and no answer in JSON.
    """

    status: int
    date: str
    location: str
    body: bytes
    attached: bool = False


class NoReplyError(Exception):
    """No answer came. Internal: the client turns it into NetworkError or UncertainError.

    Attributes:
        reason: connect | timeout (no bytes for `read_s`) | late (more than `whole_s` in all) | cut
            | tls | protocol | packed (in a way nobody asked for) | large (more than `MOST_BYTES`)
            | proxy STATUS: what went wrong, for the message.
        sent: whether WeCom may have seen the request.
        final: asking again would bring the same, or wait as long.
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.final = reason in ("late", "packed", "large")


class _NoQueries(logging.Filter):
    """Takes every query (and with it the token) out of the log lines of httpx and httpcore."""

    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        if "?" in line:
            record.msg, record.args = _QUERY.sub("", line), ()
        return True


_QUERY = re.compile(r"\?[^\s'\"]*")
_no_queries = _NoQueries()


class PackingError(Exception):
    """A body that is not unpacked; its text is the reason."""


def unpacked(chunks: Iterable[bytes], encoding: str, most: int = MOST_BYTES) -> bytes:
    """The body behind `Content-Encoding`: plain or gzip, once, and never more than `most` bytes.

    Raises:
        PackingError: "packed", "large", or "protocol" when the end is missing.
    """
    kind = encoding.strip().lower()
    if kind not in ("", "identity", "gzip", "x-gzip"):
        raise PackingError("packed")
    packer = zlib.decompressobj(31) if "gzip" in kind else None
    body = bytearray()
    try:
        for chunk in chunks:
            body += packer.decompress(chunk, most + 1 - len(body)) if packer else chunk
            if len(body) > most or (packer and packer.unconsumed_tail):
                raise PackingError("large")
    except zlib.error:
        raise PackingError("protocol") from None
    if packer and not packer.eof and body:
        raise PackingError("protocol")
    return bytes(body)


class Transport:
    """One HTTP/1.1 connection pool to one base URL; made when first used. Thread-safe.

    Args:
        base_url: https, or http on loopback.
        timeouts: seconds to wait, per stage.
        pool: connections at most (4 to 8).

    Attributes:
        proxy: the proxy in use; None before the first call, or when there is none.

    Raises:
        ConfigError: the base URL is not allowed.
    """

    def __init__(self, base_url: str, timeouts: Timeouts, pool: int) -> None:
        self.base_url = check_base_url(base_url)
        self.host = urlsplit(self.base_url).netloc
        self.local = is_loopback(urlsplit(self.base_url).hostname or "")
        self.read_s = timeouts.read_s
        self._timeouts = timeouts
        self._pool = pool
        self.proxy: Proxy | None = None
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._http is None:
                with spared("httpx._main"):
                    import httpx  # 66 ms: only when something is really sent

                from storeops.wecom.deadline import Backend

                self.proxy = proxy_for(self.base_url)
                for name in ("httpx", "httpcore.http11", "httpcore.proxy"):
                    logging.getLogger(name).addFilter(_no_queries)
                wire = httpx.HTTPTransport(
                    verify=self.base_url.startswith("https:"),  # loading CAs costs 30 ms
                    proxy=self.proxy.url if self.proxy else None,
                    limits=httpx.Limits(
                        max_connections=self._pool,
                        max_keepalive_connections=self._pool,
                        # shorter than servers keep idle connections (uvicorn: 5 s), so that a
                        # write is not lost on one that is just being closed
                        keepalive_expiry=3.0,
                    ),
                )
                # httpx has no argument for it; a test with a trickling peer guards this line
                wire._pool._network_backend = Backend(wire._pool._network_backend)
                self._http = httpx.Client(
                    transport=wire,
                    follow_redirects=False,
                    trust_env=False,  # the proxy was chosen above
                    timeout=self._limits(False),
                    headers={
                        "User-Agent": "storeops",
                        "Accept": "application/json",
                        "Accept-Encoding": "gzip",
                    },
                )
            return self._http

    def _limits(self, probing: bool) -> httpx.Timeout:
        import httpx

        connect_s = self._timeouts.connect_s
        return httpx.Timeout(
            self._timeouts.read_s,
            connect=min(connect_s, PROBE_CONNECT_S) if probing else connect_s,
            pool=self._timeouts.whole_s,
        )

    def send(
        self,
        verb: str,
        path: str,
        query: Mapping[str, Any],
        content: bytes | None,
        *,
        content_type: str = JSON,
        probing: bool = False,
    ) -> Reply:
        """Send one request and read the whole answer; no retries here.

        Args:
            verb: "GET" or "POST".
            path: as `address.api_path` writes it.
            query: parameters, the token among them.
            content: the body, or None.
            content_type: what it is.
            probing: nobody answered lately, so wait less for a connection.

        Raises:
            NoReplyError: no answer, or only part of one; never carries the URL.
            ConfigError: the environment names a proxy that cannot be used.
        """
        http = self._client()
        import httpx

        from storeops.wecom import deadline

        headers = {} if content is None else {"Content-Type": content_type}
        trouble = ""
        sent = True
        began = time.monotonic()
        try:
            with (
                deadline.within(self._timeouts.whole_s),
                http.stream(
                    verb,
                    f"{self.base_url}/cgi-bin/{path}",
                    params=dict(query),
                    content=content,
                    headers=headers,
                    timeout=self._limits(probing),
                ) as response,
            ):
                try:
                    return Reply(
                        response.status_code,
                        response.headers.get("date", ""),
                        response.headers.get("location", "").partition("?")[0],
                        unpacked(response.iter_raw(), response.headers.get("content-encoding", "")),
                        "content-disposition" in response.headers,
                    )
                except PackingError as error:
                    trouble = str(error)
        except httpx.ProxyError as error:
            status = str(error).partition(" ")[0]
            trouble, sent = f"proxy {status}" if status.isdecimal() else "connect", False
        except httpx.ConnectError as error:
            trouble = "tls" if "SSL" in str(error) or "CERT" in str(error).upper() else "connect"
            sent = False
        except (httpx.ConnectTimeout, httpx.PoolTimeout):
            trouble, sent = "connect", False
        except httpx.TimeoutException:
            trouble = "late" if time.monotonic() - began >= self._timeouts.whole_s else "timeout"
        except httpx.NetworkError:
            trouble = "cut"
        except httpx.HTTPError:
            trouble = trouble or "protocol"
        # outside the except block: the exception must not hang on as __context__
        raise NoReplyError(trouble, sent=sent)

    def close(self) -> None:
        """Close the pool; the next call opens a new one."""
        with self._lock:
            http, self._http = self._http, None
        if http is not None:
            http.close()
