"""Every errcode of WeCom that we may meet (doc 90313): meaning, advice, and what to do with it.

The rows lie in `storeops/wecom/codes/`, one file per part of the contract; this file looks them
up and speaks the user's language.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import Enum

from storeops.i18n import _


class Retry(Enum):
    """What the client does with a code (06 §1)."""

    BACK_OFF = "back_off"  # try again later, with jitter
    TOKEN = "token"  # noqa: S105  get a new token once, try again once
    WAIT = "wait"  # wait until the window ends
    NARROW = "narrow"  # fewer calls at a time, then again
    NEVER = "never"  # the same call will fail again
    STATE = "state"  # a fact about the data, not a failure of the run


class Kind(Enum):
    """Which exit code a code ends with (DESIGN §7)."""

    ACCESS = "access"  # 4: secret, token, permission, scope, IP
    NOT_FOUND = "not_found"  # 5: unknown or gone
    LIMIT = "limit"  # 7: frequency, concurrency, caps
    SERVER = "server"  # 8: WeCom itself is not well
    CONFLICT = "conflict"  # 9: the thing is in another condition than needed
    REQUEST = "request"  # 2: the parameters are not taken


@dataclass(frozen=True, slots=True)
class ErrCode:
    """One code, in the user's language.

    Attributes:
        code: the errcode.
        meaning: what it means; a clause without a full stop.
        advice: what to do; one sentence.
        retry: what the client does with it.
        kind: which exit code it ends with.
        known: false for a code that is not in our table.
    """

    code: int
    meaning: str
    advice: str
    retry: Retry
    kind: Kind
    known: bool = True


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One row of the table: English ids, translated when looked up."""

    code: int
    retry: Retry
    kind: Kind
    meaning: str
    advice: str


@functools.cache
def table() -> dict[int, CodeRow]:
    """All rows by code; loaded when first asked for."""
    from storeops.wecom.codes import ROWS

    return {row.code: row for row in ROWS}


def lookup(code: int) -> ErrCode:
    """The meaning of `code`; a code we do not know is told as such and never tried again."""
    row = table().get(code)
    if row is None:
        return ErrCode(
            code,
            _("a code that storeops does not know"),
            _("Look it up at {url}.").format(
                url=f"https://open.work.weixin.qq.com/devtool/query?e={code}"
            ),
            Retry.NEVER,
            Kind.REQUEST,
            known=False,
        )
    return ErrCode(row.code, _(row.meaning), _(row.advice), row.retry, row.kind)
