"""The wire: httpx, with time-outs everywhere, no redirects, and nothing secret in what it says.

httpx puts the whole URL, with the token in its query, into exceptions and into its log. Neither
leaves this file: troubles are re-made without their cause, and the log loses its queries.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from storeops.clock import Clock
from storeops.wecom.address import check_base_url, is_loopback

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 256 * 1024 * 1024
KNOCK_S = 2.0  # for a connection, where nobody answered the last call


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait: for a connection, for the next bytes, and for a whole answer."""

    connect_s: float = 5.0
    read_s: float = 20.0
    whole_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: HTTP status, `Date` and `Location` (without query; "" when absent), body."""

    status: int
    date: str
    location: str
    body: bytes


class NoReplyError(Exception):
    """No answer came. Internal: the client turns it into NetworkError or UncertainError.

    Attributes:
        reason: connect | timeout (no bytes for `read_s`) | late (more than `whole_s` in all) | cut
            | tls | protocol: what went wrong, for the message.
        sent: whether WeCom may have seen the request.
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class _NoQueries(logging.Filter):
    """Takes every query (and with it the token) out of the log lines of httpx and httpcore."""

    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        if "?" in line:
            record.msg, record.args = _QUERY.sub("", line), ()
        return True


_QUERY = re.compile(r"\?[^\s'\"]*")
_no_queries = _NoQueries()


class Transport:
    """One HTTP/1.1 connection pool to one base URL; made when first used. Thread-safe.

    Args:
        base_url: https, or http on loopback.
        timeouts: seconds to wait, per stage.
        pool: connections at most (4 to 8: PERFORMANCE §1).
        clock: for the limit on a whole answer.

    Raises:
        ConfigError: the base URL is not allowed.
    """

    def __init__(self, base_url: str, timeouts: Timeouts, pool: int, clock: Clock) -> None:
        self.base_url = check_base_url(base_url)
        self.host = urlsplit(self.base_url).netloc
        self.local = is_loopback(urlsplit(self.base_url).hostname or "")
        self.read_s = timeouts.read_s
        self._timeouts = timeouts
        self._pool = pool
        self._clock = clock
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._http is None:
                import httpx  # 117 ms: only when something is really sent

                for name in ("httpx", "httpcore.http11", "httpcore.proxy"):
                    logging.getLogger(name).addFilter(_no_queries)
                self._http = httpx.Client(
                    http2=False,
                    follow_redirects=False,
                    trust_env=not self.local,  # a proxy of the environment is for the outside
                    verify=self.base_url.startswith("https:"),  # loading CAs costs 30 ms
                    timeout=self._limits(False),
                    limits=httpx.Limits(
                        max_connections=self._pool,
                        max_keepalive_connections=self._pool,
                        # shorter than servers keep idle connections (uvicorn: 5 s), so that a
                        # write is not lost on one that is just being closed
                        keepalive_expiry=3.0,
                    ),
                    headers={"User-Agent": "storeops", "Accept": "application/json"},
                )
            return self._http

    def _limits(self, knock: bool) -> httpx.Timeout:
        import httpx

        connect_s = self._timeouts.connect_s
        return httpx.Timeout(
            self._timeouts.read_s,
            connect=min(connect_s, KNOCK_S) if knock else connect_s,
            pool=self._timeouts.whole_s,
        )

    def send(
        self,
        verb: str,
        path: str,
        query: Mapping[str, Any],
        content: bytes | None,
        *,
        knock: bool = False,
    ) -> Reply:
        """Send one request and read the whole answer; no retries here.

        Args:
            verb: "GET" or "POST".
            path: as `address.api_path` writes it.
            query: parameters, the token among them.
            content: JSON as UTF-8 bytes, or None.
            knock: nobody answered lately, so wait less for a connection.

        Raises:
            NoReplyError: no answer, or only part of one; never carries the URL.
        """
        http = self._client()
        import httpx

        headers = {} if content is None else {"Content-Type": "application/json; charset=utf-8"}
        started = self._clock.monotonic()
        trouble = ""
        sent = True
        try:
            with http.stream(
                verb,
                f"{self.base_url}/cgi-bin/{path}",
                params=dict(query),
                content=content,
                headers=headers,
                timeout=self._limits(knock),
            ) as response:
                chunks = []
                size = 0
                for chunk in response.iter_bytes():
                    chunks.append(chunk)
                    size += len(chunk)
                    if self._clock.monotonic() - started > self._timeouts.whole_s:
                        trouble = "late"
                        break
                    if size > MOST_BYTES:
                        trouble = "protocol"
                        break
                if not trouble:
                    return Reply(
                        response.status_code,
                        response.headers.get("date", ""),
                        response.headers.get("location", "").partition("?")[0],
                        b"".join(chunks),
                    )
        except (httpx.ConnectError, httpx.ProxyError) as error:
            trouble = "tls" if "SSL" in str(error) or "CERT" in str(error).upper() else "connect"
            sent = False
        except (httpx.ConnectTimeout, httpx.PoolTimeout):
            trouble, sent = "connect", False
        except httpx.TimeoutException:
            trouble = "timeout"
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
