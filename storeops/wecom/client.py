"""The client: token, limits, envelope and the retry policy, in one place."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from storeops.clock import Clock
from storeops.errors import AccessError, ConfigError, LimitError, UsageError
from storeops.i18n import _
from storeops.retrying import Waits
from storeops.wecom import failures
from storeops.wecom.address import api_path
from storeops.wecom.envelope import OpenedResponse, Response
from storeops.wecom.errcodes import Retry
from storeops.wecom.errors import WeComError, refused
from storeops.wecom.exchange import Attempts, Exchange
from storeops.wecom.fields import Id, Number
from storeops.wecom.oddities import OddValues, collected
from storeops.wecom.ports import Limiter, TokenStore
from storeops.wecom.transport import JSON, NoReplyError, Timeouts, Transport

T = TypeVar("T")

GETTOKEN = "gettoken"
_ASKED_FOR_TIME = "getcallbackip"  # refused without a token (41001), but with a `Date`
QUIET_S = 30.0  # how long a client keeps quiet after three fresh tokens in a row were refused
FRUITLESS = 3


class _Secret(str):
    """A token or a secret; shows nothing of itself where locals or arguments are printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'(secret)'"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse(Response):
    """GET gettoken (doc 91039)."""

    access_token: Id
    expires_in: Number


class WeComClient:
    """Calls WeCom for one corp and app; safe to share between threads.

    Args:
        base_url: https, or http on loopback.
        corp_id: the corp.
        agent_id: the app; "" when unknown. Not sent, only told.
        secret: returns the app's secret; asked only when a token is needed.
        tokens: keeps the access token.
        limiter: keeps the limits.
        clock: learns WeCom's time from the `Date` of every answer; all waits go through it.
        stop: when set, waits end at once with StoppedError and nothing new is sent.
        timeouts: seconds to wait, per stage.
        retries: the waits of one call, `retrying.CALL` unless given.
        writes_once: a write that WeCom refused for a moment, or that never left, is not sent
            again: whoever calls has a policy of its own (jobs).
        pool: connections at most.
        wait: whether calls wait for limits (a worker) or refuse with LimitError (a person).
        urgent: whether calls may use the share that is kept for short questions of people.

    Attributes:
        odd: values of answers that could not be read as they came.

    Raises:
        ConfigError: the base URL is not allowed.
    """

    def __init__(
        self,
        *,
        base_url: str,
        corp_id: str,
        secret: Callable[[], str],
        tokens: TokenStore,
        limiter: Limiter,
        clock: Clock,
        agent_id: str | int = "",
        stop: threading.Event | None = None,
        timeouts: Timeouts | None = None,
        retries: Waits | None = None,
        writes_once: bool = False,
        pool: int = 8,
        wait: bool = True,
        urgent: bool = False,
        odd: OddValues | None = None,
    ) -> None:
        self.corp_id = corp_id
        self.agent_id = agent_id
        self.limiter = limiter
        self.clock = clock
        self.stop = stop
        self.odd = odd or OddValues()
        self._secret = secret
        self._tokens = tokens
        self._retries = retries
        self._writes_once = writes_once
        self._wait = wait
        self._urgent = urgent
        transport = Transport(base_url, timeouts or Timeouts(), pool)
        self._exchange = Exchange(transport, limiter, clock, stop)
        self._lock = threading.Lock()
        self._fruitless = 0  # fresh tokens refused without one success in between
        self._quiet_until = 0.0  # monotonic

    def __repr__(self) -> str:
        return f"WeComClient({self._exchange.transport.host}, {self.corp_id})"

    def __enter__(self) -> WeComClient:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """The address in use, without "/cgi-bin"."""
        return self._exchange.transport.base_url

    @property
    def circuit_open(self) -> bool:
        """Whether the last call was given up without any readable answer, and none came since."""
        return self._exchange.circuit_open

    def learn_time(self) -> None:
        """Let the clock learn WeCom's time, from whatever it answers to a call without a token.

        One try, no permission needed; silence is no error.
        """
        with (
            suppress(NoReplyError, ConfigError, LimitError),
            self.limiter.acquire(_ASKED_FOR_TIME, urgent=True, wait=False),
        ):
            before, began = self.clock.now(), self.clock.monotonic()
            reply = self._exchange.transport.send("GET", _ASKED_FOR_TIME, {}, None, probing=True)
            self._exchange.learn(reply.date, before, self.clock.monotonic() - began)

    def close(self) -> None:
        """Close the connections; another call opens new ones."""
        self._exchange.transport.close()

    def get(
        self,
        path: str,
        answer: type[T],
        params: Mapping[str, Any] | None = None,
        *,
        urgent: bool | None = None,
        wait: bool | None = None,
    ) -> T:
        """GET `path` and decode the answer; GETs of WeCom change nothing and are tried again.

        Args:
            path: the API, like "externalcontact/get".
            answer: a frozen dataclass derived from `Response`.
            params: query parameters without the token; None values are left out.
            urgent: may use the share that is kept for short questions; None: as the client.
            wait: wait for limits; None: as the client.

        Raises:
            WeComError: WeCom answered with an errcode.
            AccessError: WeCom refuses even a fresh token.
            LimitError: a limit is reached and `wait` is false.
            NetworkError: no answer, after the tries of the policy.
            ResponseError: an answer that cannot be read.
            StoppedError: `stop` was set.
        """
        return self._decoded("GET", path, answer, params, None, False, urgent, wait)

    def post(
        self,
        path: str,
        answer: type[T],
        body: Mapping[str, Any] | None = None,
        *,
        write: bool = True,
        urgent: bool | None = None,
        wait: bool | None = None,
    ) -> T:
        """POST `body` as JSON and decode the answer.

        Args:
            path: the API, like "externalcontact/mark_tag".
            answer: a frozen dataclass derived from `Response`.
            body: fields; None values are left out.
            write: whether the call changes something. A write that may have reached WeCom is
                never sent again after silence; pass False for the reads that WeCom made POSTs.
            urgent: may use the share that is kept for short questions; None: as the client.
            wait: wait for limits; None: as the client.

        Raises:
            UncertainError: a write was sent and no answer came; read back before repeating.
            WeComError, AccessError, LimitError, NetworkError, ResponseError,
                StoppedError: as `get`.
        """
        return self._decoded("POST", path, answer, None, body or {}, write, urgent, wait)

    def keyed(
        self, path: str, answer: type[T], key: str, counted: str, body: Mapping[str, Any]
    ) -> T:
        """POST to an API that wants a key of its own and no token: a group's robot.

        Args:
            path: the API, like "webhook/send".
            answer: a frozen dataclass derived from `Response`.
            key: the secret that goes into the query.
            counted: what its limit is kept under: each key has its own.
            body: fields.

        Raises:
            UncertainError and the rest: as `post`.
        """
        return self._decoded(
            "POST", path, answer, None, body, True, None, None, key=key, counted=counted
        )

    def upload(
        self,
        path: str,
        answer: type[T],
        filename: str,
        data: bytes,
        *,
        params: Mapping[str, Any] | None = None,
        key: str = "",
        counted: str = "",
    ) -> T:
        """POST a file as the field `media` (multipart); asked again after silence: a second copy
        does no harm.

        Args:
            path: the API, like "media/upload".
            answer: a frozen dataclass derived from `Response`.
            filename: as people will see it.
            data: the bytes.
            params: query parameters.
            key, counted: as `keyed`; "" for an API that wants the token.

        Raises:
            WeComError and the rest: as `get`.
        """
        return self._decoded(
            "POST", path, answer, params, None, False, None, None, key=key, counted=counted,
            form=_form(filename, data),
        )  # fmt: skip

    def download(self, path: str, params: Mapping[str, Any]) -> bytes:
        """GET a file (doc 90254).

        Args:
            path: the API, like "media/get".
            params: query parameters without the token.

        Raises:
            WeComError and the rest: as `get`.
        """
        return self._decoded("GET", path, bytes, params, None, False, None, None)

    def raw(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        write: bool | None = None,
    ) -> dict[str, Any]:
        """Any API, answered as a dictionary (`storeops api`); limits and retries as always.

        Args:
            method: "get" or "post".
            path: the API, with or without "/cgi-bin/".
            params: query parameters; the token is added and cannot be given.
            body: JSON of a POST.
            write: whether it changes something; None means that every POST does.

        Raises:
            UsageError: another method, a bad path, or a token among the parameters.
            WeComError and the rest: as `post`.
        """
        verb = method.upper()
        if verb not in ("GET", "POST"):
            raise UsageError(_("WeCom's APIs know only GET and POST."))
        if any(name.lower() in ("access_token", "corpsecret") for name in params or {}):
            raise UsageError(
                _("The access token is added by storeops and cannot be given."),
                hint=_("Leave it out."),
            )
        content = (body or {}) if verb == "POST" else body
        may_write = verb == "POST" if write is None else write
        return self._decoded(verb, path, dict[str, Any], params, content, may_write, None, None)

    # -- one call ---------------------------------------------------------------------------------

    def _decoded(
        self,
        verb: str,
        path: str,
        answer: type[T],
        params: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
        write: bool,
        urgent: bool | None,
        wait: bool | None,
        *,
        key: str = "",
        counted: str = "",
        form: tuple[bytes, str] | None = None,
    ) -> T:
        api = api_path(path)
        content, content_type = form or (None if body is None else _encode(body), JSON)
        query = {name: value for name, value in (params or {}).items() if value is not None}
        waits = self._wait if wait is None else wait
        hurried = self._urgent if urgent is None else urgent
        shape: Any = dict if answer == dict[str, Any] else answer
        exchange = self._exchange
        exchange.check_stop()
        if not key:
            self._keep_quiet()
        token = _Secret(key or self._tokens.get(self._fetch_token))
        name = "key" if key else "access_token"
        attempts = Attempts(
            exchange, self._retries, api, write=write, waits=waits,
            once=write and self._writes_once, counted=counted,
        )  # fmt: skip
        replayed = bool(key)
        while True:
            outcome = exchange.once(
                verb, api, {**query, name: token}, content, shape, urgent=hurried, wait=waits,
                counted=counted, content_type=content_type,
            )  # fmt: skip
            opened = outcome.opened
            if opened is None:
                attempts.no_response(outcome)
                continue
            if opened.errcode == 0:
                self._fruitless = 0
                if opened.problem:
                    raise failures.unreadable(api, opened.problem, write=write)
                self._note_odd(api, opened, write)
                value: T = opened.value
                return value
            error = refused(api, opened.errcode, opened.errmsg)
            if error.retry is not Retry.TOKEN:
                self._fruitless = 0
                attempts.refused(error)
                continue
            if replayed:
                raise self._fresh_refused(error)
            # the call was refused before it was carried out, so that even a write may be replayed
            replayed = True
            token = _Secret(self._tokens.replace(str(token), self._fetch_token))

    def _note_odd(self, api: str, opened: OpenedResponse, write: bool) -> None:
        if opened.odd:
            self.odd.add(opened.odd)
        if opened.lost:
            rows = collected()
            if rows is None:
                raise failures.unreadable_rows(api, opened.lost, write=write)
            rows.extend(opened.lost)

    # -- token ------------------------------------------------------------------------------------

    def _fetch_token(self) -> tuple[str, int]:
        """Ask for a token (doc 91039); called by the token store, one caller at a time."""
        query = {"corpid": self.corp_id, "corpsecret": _Secret(self._secret())}
        # others wait for this token: a limit is told at once and not sat out in here
        attempts = Attempts(self._exchange, self._retries, GETTOKEN, write=False, waits=False)
        while True:
            outcome = self._exchange.once(
                "GET", GETTOKEN, query, None, TokenResponse, urgent=True, wait=self._wait
            )
            opened = outcome.opened
            if opened is None:
                attempts.no_response(outcome)
            elif opened.errcode != 0:
                attempts.refused(refused(GETTOKEN, opened.errcode, opened.errmsg))
            elif opened.problem:
                raise failures.unreadable(GETTOKEN, opened.problem, write=False)
            else:
                return opened.value.access_token, opened.value.expires_in

    def _fresh_refused(self, error: WeComError) -> AccessError:
        """A fresh token was refused too; after some of these the client keeps quiet for a while."""
        with self._lock:
            self._fruitless += 1
            if self._fruitless >= FRUITLESS:
                self._quiet_until = self.clock.monotonic() + QUIET_S
        return failures.token_refused(error.path, error.errcode)

    def _keep_quiet(self) -> None:
        if self._fruitless >= FRUITLESS and self.clock.monotonic() < self._quiet_until:
            raise failures.token_refused(GETTOKEN, 40014)


def _form(filename: str, data: bytes) -> tuple[bytes, str]:
    """(body, content type) of a form with the one field `media`."""
    boundary = secrets.token_hex(16)
    name = "".join(each if each.isprintable() and each not in '"\\' else "_" for each in filename)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="media"; filename="{name}";'
        f" filelength={len(data)}\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode("utf-8", "replace") + data + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _encode(body: Mapping[str, Any]) -> bytes:
    """JSON as raw UTF-8: WeCom refuses escapes like \\u4e2d (40033)."""
    import msgspec

    try:
        return msgspec.json.encode({key: value for key, value in body.items() if value is not None})
    except UnicodeEncodeError:
        pass
    raise UsageError(_("The text holds half a character that cannot be sent."))
