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
    ConflictError,
    ExitCode,
    LimitError,
    NetworkError,
    NotFoundError,
    StoreOpsError,
    UsageError,
)
from storeops.i18n import _
from storeops.wecom.errcodes import ErrCode, Kind, Retry, lookup

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


class AnswerError(NetworkError):
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
    code = lookup(errcode)
    message = _("WeCom refused {path}: {meaning} ({errcode}).").format(
        path=path, meaning=code.meaning, errcode=errcode
    )
    details: dict[str, Any] = {"path": path, "errmsg": plain_errmsg(errmsg)}
    steps: tuple[str, ...] = ()
    if hint := _HINT.search(errmsg):
        details["wecom_hint"] = hint[1]
    if errcode == 60020:
        ip = _IP.search(errmsg)
        address = ip[1] if ip else _("unknown")
        details["caller_ip"] = address
        message = _(
            "WeCom refused {path}: the IP {ip} is not trusted for this app (60020)."
        ).format(path=path, ip=address)
    if errcode in _CONSOLE_PAGES:
        steps = (f"{CONSOLE}#{_CONSOLE_PAGES[errcode]}",)
    if retry_after_s is None and code.retry is Retry.BACK_OFF:
        retry_after_s = 300.0 if errcode in (41063, 81026) else 30.0
    return _CLASSES[code.kind](
        message,
        code=code,
        path=path,
        errmsg=details["errmsg"],
        hint=code.advice,
        next_steps=steps,
        retry_after_s=retry_after_s,
        details=details,
    )


_CONSOLE_PAGES = {
    40001: "apps",
    40013: "profile",
    48002: "customer/analysis",
    48009: "manageTools/contactSync",
    50003: "apps",
    60011: "apps",
    60020: "apps",
    60021: "apps",
    60030: "apps",
}
