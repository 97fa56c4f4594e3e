"""What to do after a call that brought no answer of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from storeops import retrying
from storeops.errors import AccessError, ConfigError, LimitError, NetworkError, StoreOpsError
from storeops.wecom.errcodes import Retry
from storeops.wecom.errors import ResponseError, StoppedError, UncertainError, WeComError, lasts

TOKEN_WAIT_S = 35.0


class What(Enum):
    """The four ways to go on."""

    AGAIN = "again"  # nothing happened: queue it again
    ASK = "ask"  # it may have happened: unknown until read back
    PAUSE = "pause"  # nothing of this plan will work until somebody acts
    FINAL = "final"  # WeCom's answer is no


@dataclass(frozen=True, slots=True)
class Decision:
    """How to go on with a job.

    Attributes:
        what: the way.
        delay_s: seconds from now.
        counts: whether the try counts.
    """

    what: What
    delay_s: float = 0.0
    counts: bool = True


def _token_refused(tries: int) -> Decision:
    """A fresh token was refused: may be a moment's trouble; the third time it is the app.

    The client keeps quiet for 30 s after three such answers; the second wait is longer than that.
    """
    if tries >= 3:
        return Decision(What.PAUSE)
    return Decision(What.AGAIN, retrying.JOB.after(1) if tries == 1 else TOKEN_WAIT_S)


def decide(error: StoreOpsError, tries: int, *, over: bool = False) -> Decision:
    """What to do after `error`, which ended the `tries`-th call (1 = first); `over`: the last."""
    if isinstance(error, StoppedError):
        return Decision(What.AGAIN, counts=False)
    if isinstance(error, UncertainError | ResponseError):
        return Decision(What.ASK, 0.5)
    if isinstance(error, WeComError):
        if lasts(error):
            return Decision(What.PAUSE)
        if error.retry in (Retry.WAIT, Retry.NARROW):
            return Decision(What.AGAIN, error.retry_after_s or 2.0, counts=False)
        if error.retry is not Retry.BACK_OFF:
            return Decision(What.FINAL)
    elif isinstance(error, LimitError):
        return Decision(What.AGAIN, error.retry_after_s or 2.0, counts=False)
    elif isinstance(error, AccessError):
        return _token_refused(tries)
    elif isinstance(error, ConfigError):
        return Decision(What.PAUSE)
    elif not isinstance(error, NetworkError):
        return Decision(What.FINAL)
    return Decision(What.FINAL) if over else Decision(What.AGAIN, retrying.JOB.after(tries))
