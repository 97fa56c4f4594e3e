"""What a worker did, as its callers read it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from storeops.errors import StoreOpsError


@dataclass(slots=True)
class Report:
    """What a worker did, and why it ended.

    Attributes:
        jobs: calls that got their answer.
        rows: rows per status they were given.
        errcodes: answers per errcode other than 0.
        ended: empty | once | time | stopped | paused.
        left: unfinished jobs (of the plan, when one was named), paused ones included.
        pauses: error that paused a plan, by plan.id.
        not_done: plans (plan.id) of which a row ended otherwise than it was wished.
        unasked: rows that stay unknown until a person resumes their plan, by plan.id.
    """

    jobs: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    errcodes: Counter[int] = field(default_factory=Counter)
    ended: str = ""
    left: int = 0
    pauses: dict[int, StoreOpsError] = field(default_factory=dict)
    not_done: set[int] = field(default_factory=set)
    unasked: Counter[int] = field(default_factory=Counter)
