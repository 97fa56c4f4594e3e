"""WeCom's rules of handovers as numbers (04), and Beijing days."""

from __future__ import annotations

DAY_S = 86_400
BEIJING_S = 8 * 3600
AUTOMATIC_S = 24 * 3600  # after which a handover happens unless it was declined
YEAR_S = 365 * DAY_S  # leavers' deadline and the login rule (doc 94081)
REPEAT_DAYS = 90  # natural days (doc 92125)
REPEAT_LIMIT = 2  # on-the-job handovers of one customer, or group, in them
CAPACITY = 20_000  # customers of one member unless the corp bought more
GROUPS_A_DAY = 300  # groups given to one new owner (doc 95703)
FULL_GROUP = 99  # WeChat members from which a group asks for the client (90503)
MESSAGE_CHARACTERS = 200

WATCH = "storeops handover watch"  # asks WeCom how those that wait ended

CUSTOMER, GROUP = "customer", "group"
ON_JOB, RESIGNED = "on_job", "resigned"
OWNER_LEFT = 1  # `status` of a group chat whose owner has left (doc 92120)


def midnight(moment: float) -> float:
    """00:00 in Beijing of the day that holds `moment` (Unix seconds)."""
    return (moment + BEIJING_S) // DAY_S * DAY_S - BEIJING_S


def first_counted_day(now: float) -> float:
    """Attempts from this moment on count for the rule of 90 natural days today."""
    return midnight(now) - (REPEAT_DAYS - 1) * DAY_S


def frees_at(asked_at: float) -> float:
    """When an attempt stops counting for the 90-day rule (Unix seconds)."""
    return midnight(asked_at) + REPEAT_DAYS * DAY_S


def days_left(left_at: float | None, now: float) -> int | None:
    """Whole days until a leaver's customers can no longer be assigned; None when unknown."""
    if left_at is None:
        return None
    return max(0, int((left_at + YEAR_S - now) // DAY_S))
