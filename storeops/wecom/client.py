"""The client: token, limits, envelope and the retry policy of 06 §3, in one place."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from storeops.clock import Clock
from storeops.errors import AccessError, ConfigError, NetworkError, NotFoundError, UsageError
from storeops.i18n import _
from storeops.wecom.address import api_path
from storeops.wecom.envelope import WRONG_JSON, Answer, Opened, open_envelope
from storeops.wecom.errcodes import Retry
from storeops.wecom.errors import AnswerError, StoppedError, UncertainError, WeComError, refused
from storeops.wecom.ports import Limiter, TokenStore
from storeops.wecom.retry import RetryPolicy
from storeops.wecom.transport import NoReplyError, Reply, Timeouts, Transport

T = TypeVar("T")

log = logging.getLogger("storeops.wecom")

GETTOKEN = "gettoken"
REFUSED_S = 30.0  # how long a client keeps quiet after three fresh tokens in a row were refused
FRUITLESS = 3


class _Token(str):
    """The access token; shows nothing of itself where locals or arguments are printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'(token)'"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswer(Answer):
    """GET gettoken (doc 91039)."""

    access_token: str
    expires_in: int = 7200


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
        retries: figures of the retry policy.
        pool: connections at most.
        wait: whether calls wait for limits (a worker) or refuse with LimitError (a person).

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
        retries: RetryPolicy | None = None,
        pool: int = 8,
        wait: bool = True,
    ) -> None:
        self.corp_id = corp_id
        self.agent_id = agent_id
        self.limiter = limiter
        self.clock = clock
        self.stop = stop
        self._secret = secret
        self._tokens = tokens
        self._retries = retries or RetryPolicy()
        self._wait = wait
        self._transport = Transport(base_url, timeouts or Timeouts(), pool, clock)
        self._lock = threading.Lock()
        self._fruitless = 0  # fresh tokens refused without one success in between
        self._quiet_until = 0.0  # monotonic

    def __repr__(self) -> str:
        return f"WeComClient({self._transport.host}, {self.corp_id})"

    def __enter__(self) -> WeComClient:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """The address in use, without "/cgi-bin"."""
        return self._transport.base_url

    def close(self) -> None:
        """Close the connections; another call opens new ones."""
        self._transport.close()

    def get(
        self,
        path: str,
        answer: type[T],
        params: Mapping[str, Any] | None = None,
        *,
        urgent: bool = False,
        wait: bool | None = None,
    ) -> T:
        """GET `path` and decode the answer; GETs of WeCom change nothing and are tried again.

        Args:
            path: the API, like "externalcontact/get".
            answer: a frozen dataclass derived from `Answer`.
            params: query parameters without the token; None values are left out.
            urgent: may use the share that is kept for short questions.
            wait: wait for limits; None means as the client was made.

        Raises:
            WeComError: WeCom answered with an errcode.
            AccessError: WeCom refuses even a fresh token.
            LimitError: a limit is reached and `wait` is false.
            NetworkError: no answer, after the tries of the policy.
            AnswerError: an answer that cannot be read.
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
        urgent: bool = False,
        wait: bool | None = None,
    ) -> T:
        """POST `body` as JSON and decode the answer.

        Args:
            path: the API, like "externalcontact/mark_tag".
            answer: a frozen dataclass derived from `Answer`.
            body: fields; None values are left out.
            write: whether the call changes something. A write that may have reached WeCom is
                never sent again after silence; pass False for the reads that WeCom made POSTs.
            urgent: may use the share that is kept for short questions.
            wait: wait for limits; None means as the client was made.

        Raises:
            UncertainError: a write was sent and no answer came; read back before repeating.
            WeComError, AccessError, LimitError, NetworkError, AnswerError, StoppedError: as `get`.
        """
        return self._decoded("POST", path, answer, None, body or {}, write, urgent, wait)

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
        return self._decoded(verb, path, dict[str, Any], params, content, may_write, False, None)

    # -- one call ---------------------------------------------------------------------------------

    def _decoded(
        self,
        verb: str,
        path: str,
        answer: type[T],
        params: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
        write: bool,
        urgent: bool,
        wait: bool | None,
    ) -> T:
        api = api_path(path)
        content = None if body is None else _encode(body)
        query = {name: value for name, value in (params or {}).items() if value is not None}
        waits = self._wait if wait is None else wait
        self._halt()
        self._refuse_quietly()
        shape: Any = dict if answer == dict[str, Any] else answer
        token = _Token(self._tokens.get(self._fetch_token))
        failures = crowded = banned = 0
        replayed = False
        while True:
            trouble: NoReplyError | None = None
            with self.limiter.acquire(api, urgent=urgent, wait=waits, stop=self.stop):
                self._halt()
                try:
                    reply = self._send(verb, api, {**query, "access_token": token}, content)
                except NoReplyError as error:
                    trouble = error
            if trouble is None and reply.status < 500 and reply.status != 429:
                opened = self._open(api, reply, shape)
                if opened.json:
                    if opened.errcode == 0:
                        self._fruitless = 0
                        if opened.problem:
                            raise self._unreadable(api, opened.problem, write)
                        result: T = opened.value
                        return result

                    said = refused(api, opened.errcode, opened.errmsg)
                    if said.retry is Retry.TOKEN:
                        if replayed:
                            raise self._refused_fresh(said)
                        replayed = True
                        token = _Token(self._tokens.replace(str(token), self._fetch_token))
                        continue
                    self._fruitless = 0
                    if said.retry is Retry.BACK_OFF:
                        failures += 1
                        if failures >= self._retries.tries:
                            raise said
                        self._pause(self._retries.back_off(failures))
                        continue
                    if said.retry is Retry.NARROW:
                        self.limiter.report(api, opened.errcode)
                        crowded += 1
                        if crowded >= self._retries.crowded_tries or not waits:
                            said.retry_after_s = 2.0
                            raise said
                        self._pause(self._retries.step_aside())
                        continue
                    if said.retry is Retry.WAIT:
                        self.limiter.report(api, opened.errcode)
                        banned += 1
                        if banned >= self._retries.ban_tries or not waits:
                            said.retry_after_s = 60.0
                            raise said
                        continue  # acquire waits until the pause is over
                    raise said
                reason, sent = "answer", True
            elif trouble is None:
                reason, sent = f"HTTP {reply.status}", True
            else:
                reason, sent = trouble.reason, trouble.sent
            if write and sent:
                raise UncertainError(
                    _("{path} was sent, but no readable answer came: {reason}.").format(
                        path=api, reason=self._say(reason)
                    ),
                    hint=_("It may or may not have happened; look before you repeat it."),
                    details={"path": api, "uncertain": True},
                )
            failures += 1
            if failures >= self._retries.tries:
                raise self._no_answer(api, reason)
            self._pause(self._retries.back_off(failures))

    def _send(self, verb: str, api: str, query: Mapping[str, Any], content: bytes | None) -> Reply:
        before = self.clock.now()
        began = self.clock.monotonic()
        reply = self._transport.send(verb, api, query, content)
        took = self.clock.monotonic() - began
        log.debug(
            "%s %s: HTTP %d, %d bytes, %.3f s", verb, api, reply.status, len(reply.body), took
        )
        self._learn(reply.date, before, took)
        return reply

    def _learn(self, date: str, before: float, took: float) -> None:
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

    def _open(self, api: str, reply: Reply, shape: Any) -> Opened:
        if 300 <= reply.status < 400:
            raise ConfigError(
                _("{host} redirects {path} to another address.").format(
                    host=self._transport.host, path=api
                ),
                hint=_(
                    "Redirects are not followed; correct the profile's base URL ({url})."
                ).format(url=reply.location.partition("?")[0] or self.base_url),
            )
        if reply.status == 404:
            raise NotFoundError(
                _("{host} knows no API {path}.").format(host=self._transport.host, path=api),
                hint=_("Check the path and the profile's base URL."),
                details={"path": api},
            )
        if reply.status >= 400:
            raise NetworkError(
                _("{host} answered {path} with HTTP {status}.").format(
                    host=self._transport.host, path=api, status=reply.status
                ),
                hint=_("WeCom itself always answers 200: look for a proxy in between."),
                details={"path": api, "http_status": reply.status},
            )
        opened = open_envelope(reply.body, shape)
        if opened.json and opened.errcode == 0 and WRONG_JSON in opened.errmsg:
            log.error("our bug: WeCom could not read the whole request of %s, yet took it", api)
        return opened

    # -- token ------------------------------------------------------------------------------------

    def _fetch_token(self) -> tuple[str, int]:
        """Ask for a token (doc 91039); called by the token store, one caller at a time."""
        query = {"corpid": self.corp_id, "corpsecret": _Token(self._secret())}
        failures = 0
        while True:
            self._halt()
            reason = ""
            with self.limiter.acquire(GETTOKEN, urgent=True, stop=self.stop):
                try:
                    reply = self._send("GET", GETTOKEN, query, None)
                except NoReplyError as error:
                    reason = error.reason
            if not reason and reply.status < 500:
                opened = self._open(GETTOKEN, reply, TokenAnswer)
                if opened.json:
                    if opened.errcode == 0 and not opened.problem and opened.value.access_token:
                        return opened.value.access_token, opened.value.expires_in
                    if opened.errcode == 0:
                        raise self._unreadable(GETTOKEN, opened.problem or "$.access_token", False)
                    error_ = refused(GETTOKEN, opened.errcode, opened.errmsg)
                    self.limiter.report(GETTOKEN, opened.errcode)
                    if error_.retry is not Retry.BACK_OFF or failures + 1 >= self._retries.tries:
                        raise error_
                else:
                    reason = "answer"
            elif not reason:
                reason = f"HTTP {reply.status}"
            failures += 1
            if failures >= self._retries.tries:
                raise self._no_answer(GETTOKEN, reason)
            self._pause(self._retries.back_off(failures))

    def _refused_fresh(self, error: WeComError) -> AccessError:
        """A fresh token was refused too; after some of these the client keeps quiet for a while."""
        with self._lock:
            self._fruitless += 1
            if self._fruitless >= FRUITLESS:
                self._quiet_until = self.clock.monotonic() + REFUSED_S
        return self._token_error(error.errcode, error.path)

    def _refuse_quietly(self) -> None:
        if self._fruitless >= FRUITLESS and self.clock.monotonic() < self._quiet_until:
            raise self._token_error(40014, GETTOKEN)

    def _token_error(self, errcode: int | None, path: str) -> AccessError:
        return AccessError(
            _("WeCom refuses even a fresh access token ({errcode}).").format(errcode=errcode),
            hint=_(
                "Check that corp id, app and secret belong together, then run `storeops doctor`."
            ),
            next_steps=["storeops doctor"],
            errcode=errcode,
            details={"path": path},
        )

    # -- waiting and failing ----------------------------------------------------------------------

    def _halt(self) -> None:
        if self.stop is not None and self.stop.is_set():
            raise StoppedError(_("Stopped; what was answered is kept."))

    def _pause(self, seconds: float) -> None:
        """Wait through the clock; in slices when somebody may say stop."""
        if self.stop is None:
            self.clock.sleep(seconds)
            return
        while seconds > 0:
            self._halt()
            self.clock.sleep(min(seconds, 0.1))
            seconds -= 0.1
        self._halt()

    def _say(self, reason: str) -> str:
        words = {
            "connect": _("no connection"),
            "timeout": _("no answer in time"),
            "cut": _("the connection was cut"),
            "tls": _("the certificate is not trusted"),
            "protocol": _("the answer was broken off"),
            "answer": _("the answer is not JSON"),
        }
        return words.get(reason, reason)

    def _no_answer(self, api: str, reason: str) -> NetworkError:
        if self._transport.local:
            hint = _("Is the sandbox running? `storeops sandbox status` tells.")
        elif reason == "tls":
            hint = _("Look for a proxy that opens TLS, and for this machine's date.")
        else:
            hint = _("Check the network and the profile's base URL, then try again.")
        return NetworkError(
            _("{host} did not answer {path}: {reason}.").format(
                host=self._transport.host, path=api, reason=self._say(reason)
            ),
            hint=hint,
            retry_after_s=30.0,
            details={"path": api},
        )

    def _unreadable(self, api: str, problem: str, write: bool) -> NetworkError:
        kind = UncertainError if write else AnswerError
        return kind(
            _("The answer of {path} cannot be read: {problem}.").format(path=api, problem=problem),
            hint=_("WeCom may have changed this API; report it with the path."),
            details={"path": api, "uncertain": write},
        )


def _encode(body: Mapping[str, Any]) -> bytes:
    """JSON as raw UTF-8: WeCom refuses escapes like \\u4e2d (40033)."""
    import msgspec

    try:
        return msgspec.json.encode({key: value for key, value in body.items() if value is not None})
    except UnicodeEncodeError:
        pass
    raise UsageError(_("The text holds half a character that cannot be sent."))
