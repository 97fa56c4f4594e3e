"""The errors of this room: what WeCom refused, and what we do not know.

`WeComError` is every answer with an errcode; its subclass also is the general error of
`storeops.errors` whose exit code it ends with, so `except WeComError` and `except LimitError`
both work. Parameters WeCom does not take end with 2, like words of the command that are wrong.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from storeops.errors import (
    AccessError,
    ConfigError,
    ConflictError,
    ExitCode,
    LimitError,
    NetworkError,
    NotFoundError,
    StoreOpsError,
    UsageError,
)
from storeops.i18n import N_, _, kept
from storeops.wecom.errcodes import (
    LOOK_UP,
    UNKNOWN,
    ErrCode,
    ErrorCondition,
    Kind,
    Reach,
    Retry,
    condition_of,
    look_up_url,
    lookup,
    table,
)

_IP = re.compile(r"from ip: ([0-9a-fA-F.:]{3,45})")
_HINT = re.compile(r"hint: \[([0-9A-Za-z_]{1,64})\]")
_TAIL = re.compile(r",? *(hint: \[|from ip: |more info at ).*", re.DOTALL)
_MOBILE = re.compile(r"(?<!\d)1\d{10}(?!\d)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")

CONSOLE = "https://work.weixin.qq.com/wework_admin/frame"


class WeComError(StoreOpsError):
    """WeCom answered with an errcode other than 0; made by `refused`.

    Attributes:
        errcode: WeCom's code.
        meaning: what the code means, in the user's language.
        retry: the retry class of the code.
        reach: whom else the code concerns.
        path: the API that answered.
        errmsg: WeCom's own text without its tail, phone numbers masked.
    """

    def __init__(
        self,
        message: str,
        *,
        code: ErrCode,
        path: str,
        errmsg: str = "",
        hint: str = "",
        next_steps: tuple[str, ...] = (),
        retry_after_s: float | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            message,
            hint=hint,
            next_steps=next_steps,
            errcode=code.code,
            retry_after_s=retry_after_s,
            details=details,
        )
        self.meaning = code.meaning
        self.retry = code.retry
        self.reach = code.reach
        self.path = path
        self.errmsg = errmsg
        self.retryable = code.retry in (Retry.BACK_OFF, Retry.WAIT, Retry.NARROW)


class WeComAccessError(WeComError, AccessError):
    """WeCom refuses who we are: secret, token, permission, scope or IP."""


class WeComNotFoundError(WeComError, NotFoundError):
    """WeCom does not know the member, customer, group or tag, or it is gone."""


class WeComLimitError(WeComError, LimitError):
    """A limit of WeCom is reached: frequency, concurrency, or a cap."""


class WeComServerError(WeComError, NetworkError):
    """WeCom is busy or under maintenance."""


class WeComConflictError(WeComError, ConflictError):
    """The thing is in another condition than the call needs."""


class WeComRequestError(WeComError, UsageError):
    """WeCom does not take the parameters."""


class ResponseError(NetworkError):
    """The answer cannot be read: no JSON, or not the fields the contract promises."""

    retryable = False


class UncertainError(NetworkError):
    """A write was sent and no answer came: read back before you send it again."""

    retryable = False


class StoppedError(StoreOpsError):
    """The person (or a signal) asked to stop while the client waited."""

    category: ClassVar[str] = "interrupted"
    exit_code: ClassVar[ExitCode] = ExitCode.INTERRUPTED
    retryable = True


_CLASSES: dict[Kind, type[WeComError]] = {
    Kind.ACCESS: WeComAccessError,
    Kind.NOT_FOUND: WeComNotFoundError,
    Kind.LIMIT: WeComLimitError,
    Kind.SERVER: WeComServerError,
    Kind.CONFLICT: WeComConflictError,
    Kind.REQUEST: WeComRequestError,
}


def plain_errmsg(errmsg: str) -> str:
    """WeCom's text without hint, IP and link; no control characters, phone numbers masked."""
    text = _CONTROL.sub(" ", _TAIL.sub("", errmsg)).strip()
    return _MOBILE.sub(lambda match: match[0][:3] + "****" + match[0][-4:], text)[:300]


def refused(
    path: str, errcode: int, errmsg: str, *, retry_after_s: float | None = None
) -> WeComError:
    """The error for an answer with `errcode` (doc 90313).

    Args:
        path: the API that answered.
        errcode: WeCom's code, not 0.
        errmsg: WeCom's text, as it came.
        retry_after_s: seconds after which trying again makes sense, when that is known.
    """
    code, row = lookup(errcode), table().get(errcode)
    meaning = kept(row.meaning if row else UNKNOWN)
    message = kept(
        N_("WeCom refused {path}: {meaning} ({errcode})."),
        path=path, meaning=meaning, errcode=errcode,
    )  # fmt: skip
    details: dict[str, Any] = {"path": path, "errmsg": plain_errmsg(errmsg)}
    steps: tuple[str, ...] = ()
    if hint := _HINT.search(errmsg):
        details["wecom_hint"] = hint[1]
    if code.condition is ErrorCondition.IP:
        ip = _IP.search(errmsg)
        details["caller_ip"] = ip[1] if ip else _("unknown")
        message = kept(
            N_("WeCom refused {path}: the IP {ip} is not trusted for this app ({errcode})."),
            path=path, ip=ip[1] if ip else kept(N_("unknown")), errcode=errcode,
        )  # fmt: skip
    if code.page is not None:
        steps = (f"{CONSOLE}#{code.page.anchor}",)
    if retry_after_s is None and code.retry is Retry.BACK_OFF:
        retry_after_s = code.after_s or 30.0
    return _CLASSES[code.kind](
        message,
        code=code,
        path=path,
        errmsg=details["errmsg"],
        hint=kept(row.advice) if row else kept(LOOK_UP, url=look_up_url(errcode)),
        next_steps=steps,
        retry_after_s=retry_after_s,
        details=details,
    )


def reach_of(error: StoreOpsError) -> Reach:
    """Whom else an error concerns: by its errcode, or by its kind when WeCom gave none.

    Configuration, access, a limit and a wish to stop meet every other call as well; silence and
    what cannot be read are one call's, until `circuit_open` says that nobody answers any more.
    """
    if error.errcode is not None:
        return lookup(error.errcode).reach
    everything = AccessError | ConfigError | LimitError | StoppedError
    return Reach.EVERYTHING if isinstance(error, everything) else Reach.ROW


def lasts(error: StoreOpsError) -> bool:
    """Whether every other call will meet the same until a person has acted."""
    return reach_of(error) is Reach.EVERYTHING and not error.retryable


def has_condition(error: StoreOpsError | None, *conditions: ErrorCondition) -> bool:
    """Whether an error's errcode tells one of these conditions."""
    return error is not None and condition_of(error.errcode) in conditions
