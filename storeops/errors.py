"""Every error a person can meet, and the exit code it ends with.

StoreOpsError
├── UsageError            2   the words of the command are wrong
├── ConfigError           3   profile, secret or file is missing or malformed
├── AccessError           4   WeCom refuses who we are: secret, permission, scope, IP
├── NotFoundError         5   the thing asked for does not exist
├── PartialError          6   part of the work is done, part is not
├── LimitError            7   a limit is reached; later it will work
├── NetworkError          8   no answer, or none that can be read
├── ConflictError         9   the plan is stale, or somebody else is at it
├── PolicyError          11   read-only mode or policy forbids it
├── StillRunningError    69   the time to wait is over, the work goes on
├── NothingToDoError      0   what is asked for is so already
├── DeclinedError       130   the person said no to a question
└── WeComError            by errcode: WeCom answered with a code (storeops/wecom/errcodes.py)
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, ClassVar

from storeops.i18n import said


class ExitCode(IntEnum):
    """Exit codes of every command (documented in docs/reference.md)."""

    OK = 0
    BUG = 1
    USAGE = 2
    CONFIG = 3
    ACCESS = 4
    NOT_FOUND = 5
    PARTIAL = 6
    LIMIT = 7
    NETWORK = 8
    CONFLICT = 9
    CHANGES = 10
    POLICY = 11
    STILL_RUNNING = 69
    INTERRUPTED = 130
    TERMINATED = 143


class StoreOpsError(Exception):
    """An error that a person can act on; its text is shown, never a traceback.

    Args:
        message: one sentence in the user's language, or one that `i18n.kept` made: what is wrong,
            and where.
        hint: what to do next, one sentence or one that `kept` made; "" when there is nothing to do.
        next_steps: command lines or console pages that help, most useful first.
        errcode: WeCom's code when WeCom said no, else None.
        retry_after_s: seconds after which trying again makes sense, else None.
        details: further fields for `--json`; never secrets, never phone numbers.
    """

    category: ClassVar[str] = "error"
    exit_code: ClassVar[ExitCode] = ExitCode.BUG
    retryable: bool = False

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        next_steps: Sequence[str] = (),
        errcode: int | None = None,
        retry_after_s: float | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        self.message, self.hint = said(message), said(hint)
        self.to_keep = (message, hint)  # both as they are stored, for readers of any language
        super().__init__(self.message)
        self.next_steps = tuple(next_steps)
        self.errcode = errcode
        self.retry_after_s = retry_after_s
        self.details = details or {}

    def as_dict(self) -> dict[str, Any]:
        """The error object of `--json`."""
        return {
            "category": self.category,
            "errcode": self.errcode,
            "message": self.message,
            "hint": self.hint,
            "next_steps": list(self.next_steps),
            "retryable": self.retryable,
            "retry_after_s": self.retry_after_s,
            **self.details,
        }


class UsageError(StoreOpsError):
    """The words of the command are wrong."""

    category = "usage"
    exit_code = ExitCode.USAGE


class ConfigError(StoreOpsError):
    """A profile, a secret or a file is missing or malformed."""

    category = "config"
    exit_code = ExitCode.CONFIG


class AccessError(StoreOpsError):
    """WeCom refuses who we are: secret, permission, scope or IP."""

    category = "access"
    exit_code = ExitCode.ACCESS


class NotFoundError(StoreOpsError):
    """The thing asked for does not exist (in the mirror, or at WeCom)."""

    category = "not_found"
    exit_code = ExitCode.NOT_FOUND


class PartialError(StoreOpsError):
    """Part of the work is done and part is not."""

    category = "partial"
    exit_code = ExitCode.PARTIAL


class LimitError(StoreOpsError):
    """A limit is reached; later the same call will work."""

    category = "limit"
    exit_code = ExitCode.LIMIT
    retryable = True


class NetworkError(StoreOpsError):
    """No answer, or none that can be read. A write may or may not have happened."""

    category = "network"
    exit_code = ExitCode.NETWORK
    retryable = True


class ConflictError(StoreOpsError):
    """The plan is stale, or somebody else is working on the same thing."""

    category = "conflict"
    exit_code = ExitCode.CONFLICT


class PolicyError(StoreOpsError):
    """Read-only mode or the profile's policy forbids it."""

    category = "policy"
    exit_code = ExitCode.POLICY


class StillRunningError(StoreOpsError):
    """The time to wait is over; the work goes on."""

    category = "still_running"
    exit_code = ExitCode.STILL_RUNNING
    retryable = True


class NothingToDoError(StoreOpsError):
    """What is asked for is so already: nothing was stored, nothing will be sent."""

    category = "nothing_to_do"
    exit_code = ExitCode.OK


class DeclinedError(StoreOpsError):
    """The person said no to a question; nothing was changed."""

    category = "declined"
    exit_code = ExitCode.INTERRUPTED
