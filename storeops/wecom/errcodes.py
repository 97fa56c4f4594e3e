"""What every errcode of WeCom means, and what follows from it: the only place that is asked.

The rows are data (`errcode_table.py`); this file looks them up and speaks the user's language.
Nobody else compares errcodes with numbers: ask for the reach (`reach_of`), for the retry class, or
for the condition (`condition_of`, `codes`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import Enum

from storeops.i18n import N_, _


class Retry(Enum):
    """What the client does with a code."""

    BACK_OFF = "back_off"  # try again later, with jitter
    TOKEN = "token"  # noqa: S105  get a new token once, try again once
    WAIT = "wait"  # wait until the window ends
    NARROW = "narrow"  # fewer calls at a time, then again
    NEVER = "never"  # the same call will fail again
    STATE = "state"  # a fact about the data, not a failure of the run


class Kind(Enum):
    """Which exit code a code ends with."""

    ACCESS = "access"  # 4: secret, token, permission, scope, IP
    NOT_FOUND = "not_found"  # 5: unknown or gone
    LIMIT = "limit"  # 7: frequency, concurrency, caps
    SERVER = "server"  # 8: WeCom itself is not well
    CONFLICT = "conflict"  # 9: the thing is in another condition than needed
    REQUEST = "request"  # 2: the parameters are not taken


class Reach(Enum):
    """Whom else a code concerns."""

    ROW = "row"  # this customer, group, tag or value
    MEMBER = "member"  # every row of one of the members named in the call
    EVERYTHING = "everything"  # every other call of the same API


class ErrorCondition(Enum):
    """What storeops acts upon, beyond failing: the condition of a thing that a code tells."""

    NO_RELATION = "no_relation"  # the member does not follow the customer, or nobody
    NOT_VISIBLE = "not_visible"  # nobody the app sees follows the customer, or the id is foreign
    NOT_THE_OWNERS = "not_the_owners"  # the handing-over member does not follow the customer
    MEMBER_GONE = "member_gone"  # not in the corp, left, or out of scope
    OUT_OF_SCOPE = "out_of_scope"  # the app does not see the member or department
    NO_LICENCE = "no_licence"  # WeCom skips the member
    CHAT_GONE = "chat_gone"  # dissolved, unknown, or no customer group
    TAG_UNKNOWN = "tag_unknown"  # unknown, deleted, or another app's
    TAG_FOREIGN = "tag_foreign"  # another app or a person made it
    STALE_CURSOR = "stale_cursor"  # the list must be begun again
    TOO_LARGE = "too_large"  # ask for less
    HANDOVER_RUNNING = "handover_running"
    NINETY_DAYS = "ninety_days"  # handed over twice within 90 days
    TAKER_FULL = "taker_full"
    TAKER_UNFIT = "taker_unfit"  # banned, not activated, without customer contact
    NOT_VERIFIED = "not_verified"  # the taker's real name
    IDLE = "idle"  # the owner or the taker: WeCom does not say which
    WAY_GONE = "way_gone"  # the contact way is unknown or deleted
    CHAT_UNFIT = "chat_unfit"  # this group cannot be handed over
    CHAT_OWNER_IDLE = "chat_owner_idle"
    CHAT_MOVED = "chat_moved"  # on the job: the group has this owner already
    CHAT_LEAVER_MOVED = "chat_leaver_moved"  # after leaving: it has moved, or begins to
    MEDIA_GONE = "media_gone"  # an upload that WeCom keeps no longer
    WELCOME_OVER = "welcome_over"  # the code is used or too old
    WELCOME_DONE = "welcome_done"  # the chat has begun, or somebody greeted
    WELCOME_RUNNING = "welcome_running"  # another app is greeting just now
    IP = "ip"  # this machine's address is not trusted
    NOT_CALLABLE = "not_callable"  # the app is not among those that may call the API
    OTHER_SECRET = "other_secret"  # noqa: S105  the secret is that of contact sync


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """A page of WeCom's console.

    Attributes:
        anchor: the part of its address behind "#".
        words: the way there, English id of one sentence; "" when the question decides.
    """

    anchor: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class ErrCode:
    """One code, in the user's language.

    Attributes:
        code: the errcode.
        meaning: what it means; a clause without a full stop.
        advice: what to do; one sentence.
        retry: what the client does with it.
        kind: which exit code it ends with.
        reach: whom else it concerns.
        condition: what it tells of a thing, None when nothing acts upon it.
        page: the console page that puts it right, None when there is none.
        after_s: seconds after which trying again makes sense, 0 when that is not known.
        known: false for a code that is not in our table.
    """

    code: int
    meaning: str
    advice: str
    retry: Retry
    kind: Kind
    reach: Reach
    condition: ErrorCondition | None = None
    page: ConsolePage | None = None
    after_s: float = 0.0
    known: bool = True


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One row of the table: English ids, translated when looked up."""

    code: int
    retry: Retry
    kind: Kind
    reach: Reach
    meaning: str
    advice: str
    condition: ErrorCondition | None = None
    page: ConsolePage | None = None
    after_s: float = 0.0


@functools.cache
def table() -> dict[int, CodeRow]:
    """All rows by code; loaded when first asked for."""
    from storeops.wecom.errcode_table import ROWS

    return {row.code: row for row in ROWS}


UNKNOWN, LOOK_UP = N_("a code that storeops does not know"), N_("Look it up at {url}.")


def look_up_url(code: int) -> str:
    """Where WeCom explains a code."""
    return f"https://open.work.weixin.qq.com/devtool/query?e={code}"


def lookup(code: int) -> ErrCode:
    """The meaning of `code`; a code we do not know is told as such and never tried again."""
    row = table().get(code)
    if row is None:
        return ErrCode(
            code,
            _(UNKNOWN),
            _(LOOK_UP).format(url=look_up_url(code)),
            Retry.NEVER,
            Kind.REQUEST,
            Reach.ROW,
            known=False,
        )
    return ErrCode(
        row.code, _(row.meaning), _(row.advice), row.retry, row.kind, row.reach, row.condition,
        row.page, row.after_s,
    )  # fmt: skip


def condition_of(code: int | None) -> ErrorCondition | None:
    """What `code` tells of a thing; None for no code, or one that nothing acts upon."""
    row = None if code is None else table().get(code)
    return None if row is None else row.condition


@functools.cache
def codes(*conditions: ErrorCondition) -> frozenset[int]:
    """All errcodes that tell one of these conditions."""
    return frozenset(row.code for row in table().values() if row.condition in conditions)


def code_of(condition: ErrorCondition) -> int:
    """The errcode of a condition that has exactly one."""
    (code,) = codes(condition)
    return code
