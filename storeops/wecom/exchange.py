"""One request and its answer, and what the retry policy makes of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storeops import retrying
from storeops.clock import Clock
from storeops.retrying import Waits
from storeops.wecom import failures
from storeops.wecom.envelope import WRONG_JSON, OpenedResponse, open_envelope, open_file
from storeops.wecom.errcodes import Retry
from storeops.wecom.errors import WeComError
from storeops.wecom.ports import Limiter
from storeops.wecom.transport import JSON, NoReplyError, Reply, Transport

log = logging.getLogger("storeops.wecom")


@dataclass(frozen=True, slots=True)
class ExchangeOutcome:
    """What came of one request.

    Attributes:
        opened: the answer; None when there was none that could be read.
        reason: why there was none, else "".
        sent: whether WeCom may have seen the request.
        final: asking again would bring the same.
    """

    opened: OpenedResponse | None
    reason: str = ""
    sent: bool = True
    final: bool = False


class Exchange:
    """Sends single requests under the limiter and waits through the clock.

    Args:
        transport: the wire.
        limiter: keeps the limits.
        clock: learns WeCom's time; all waits go through it.
        stop: ends waits when set; None when nobody may stop.

    Attributes:
        circuit_open: the last call was given up without any readable answer, and none came since.
    """

    def __init__(
        self,
        transport: Transport,
        limiter: Limiter,
        clock: Clock,
        stop: threading.Event | None,
    ) -> None:
        self.transport = transport
        self.limiter = limiter
        self.clock = clock
        self.stop = stop
        self.circuit_open = False

    def once(
        self,
        verb: str,
        path: str,
        query: Mapping[str, Any],
        content: bytes | None,
        shape: Any,
        *,
        urgent: bool,
        wait: bool,
        counted: str = "",
        content_type: str = JSON,
    ) -> ExchangeOutcome:
        """Send one request, read its answer as `shape`.

        `counted` is what the limiter counts it under, the path unless given.

        Raises:
            ConfigError: a redirect.
            NotFoundError: HTTP 404 without a body.
            LimitError: no place now, and `wait` is false.
            StoppedError: `stop` was set.
        """
        no_response: NoReplyError | None = None
        with self.limiter.acquire(counted or path, urgent=urgent, wait=wait, stop=self.stop):
            self.check_stop()
            before, began = self.clock.now(), self.clock.monotonic()
            try:
                reply = self.transport.send(
                    verb, path, query, content, content_type=content_type, probing=self.circuit_open
                )
            except NoReplyError as error:
                no_response = error
        if no_response is not None:
            return ExchangeOutcome(None, no_response.reason, no_response.sent, no_response.final)
        took = self.clock.monotonic() - began
        log.debug("%s %s: HTTP %d, %d B, %.3f s", verb, path, reply.status, len(reply.body), took)
        self.learn(reply.date, before, took)
        host = self.transport.host
        if 300 <= reply.status < 400:
            raise failures.redirected(host, path, reply.location)
        if reply.status == 404 and not reply.body:
            raise failures.unknown_path(host, path)
        if reply.status >= 400:
            busy = reply.status >= 500 or reply.status == 429
            return ExchangeOutcome(None, f"HTTP {reply.status}", final=not busy)
        opened = self._open(path, reply, shape)
        if opened.no_response:
            return ExchangeOutcome(None, opened.no_response)
        self.circuit_open = False
        return ExchangeOutcome(opened)

    def learn(self, date: str, before: float, took: float) -> None:
        """Correct the clock by a `Date`; asked at `before`, answered `took` seconds later."""
        if not date:
            return
        from email.utils import parsedate_to_datetime

        try:
            server_time = parsedate_to_datetime(date).timestamp()
        except (ValueError, TypeError, OverflowError):
            return
        # the header was written somewhere between sending and receiving, in whole seconds
        if not before - 2.0 <= server_time <= before + took + 2.0:
            self.clock.learn(server_time)

    def _open(self, path: str, reply: Reply, shape: Any) -> OpenedResponse:
        if shape is bytes:
            return open_file(reply.body, attached=reply.attached)
        opened = open_envelope(reply.body, shape)
        if not opened.no_response and opened.errcode == 0 and WRONG_JSON in opened.errmsg:
            log.error("our bug: WeCom could not read the whole request of %s, yet took it", path)
        return opened

    def check_stop(self) -> None:
        """Raise StoppedError when somebody asked to stop."""
        if self.stop is not None and self.stop.is_set():
            raise failures.stopped()

    def pause(self, seconds: float) -> None:
        """Wait through the clock; in slices when somebody may say stop."""
        if self.stop is None:
            self.clock.sleep(seconds)
            return
        while seconds > 0:
            self.check_stop()
            self.clock.sleep(min(seconds, 0.1))
            seconds -= 0.1
        self.check_stop()


class Attempts:
    """Counts the tries of one call; each method waits before the next try, or raises.

    Args:
        exchange: waits and reports.
        retries: the waits of one call; None: `retrying.CALL`.
        path: the API.
        write: whether silence leaves it uncertain what happened.
        waits: whether the caller waits for limits.
        once: trouble is not tried again here, save that of limits.
        counted: what the limiter counts the call under, the path unless given.
    """

    def __init__(
        self,
        exchange: Exchange,
        retries: Waits | None,
        path: str,
        *,
        write: bool,
        waits: bool,
        once: bool = False,
        counted: str = "",
    ) -> None:
        self._counted = counted or path
        self._exchange = exchange
        self._retries = retries or retrying.CALL
        self._once = once
        self._path = path
        self._write = write
        self._waits = waits
        self._failures = 0
        self._crowded = 0
        self._banned = 0

    def no_response(self, outcome: ExchangeOutcome) -> None:
        """No answer that can be read: a read is sent again, a write only if it never left.

        After a call that nobody answered, reads are sent once until somebody does.

        Raises:
            UncertainError: a write was sent.
            NetworkError: the tries are used up.
        """
        transport = self._exchange.transport
        if self._write and outcome.sent:
            raise failures.uncertain(self._path, outcome.reason, read_s=transport.read_s)
        if outcome.final and outcome.reason.startswith("HTTP"):
            raise failures.odd_status(transport.host, self._path, outcome.reason)
        self._failures += 1
        once = self._once or outcome.final or (self._exchange.circuit_open and not self._write)
        if once or self._retries.over(self._failures):
            self._exchange.circuit_open = True
            raise failures.no_answer(
                transport.host,
                self._path,
                outcome.reason,
                proxy=transport.proxy.shown if transport.proxy else "",
                local=transport.local,
                read_s=transport.read_s,
            )
        self._exchange.pause(self._retries.after(self._failures))

    def refused(self, error: WeComError) -> None:
        """An errcode: wait as its retry class says.

        Raises:
            WeComError: `error` itself, when the same call would fail again or tries are used up.
        """
        if error.retry is Retry.BACK_OFF:
            self._failures += 1
            if not self._once and not self._retries.over(self._failures):
                self._exchange.pause(self._retries.after(self._failures))
                return
        elif error.retry is Retry.NARROW:
            self._report(error)
            self._crowded += 1
            error.retry_after_s = 2.0
            if self._waits and not retrying.CROWDED.over(self._crowded):
                self._exchange.pause(retrying.CROWDED.after(self._crowded))
                return
        elif error.retry is Retry.WAIT:
            self._report(error)
            self._banned += 1
            error.retry_after_s = 60.0
            if self._waits and not retrying.BANNED.over(self._banned):
                return  # the limiter now waits until the pause is over
        raise error

    def _report(self, error: WeComError) -> None:
        assert error.errcode is not None
        self._exchange.limiter.report(self._counted, error.errcode)
