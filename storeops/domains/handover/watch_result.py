"""What watching asks about, and what it brought."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from storeops.errors import StoreOpsError


@dataclass(frozen=True, slots=True)
class Pair:
    """One owner, one taker, one way: what one result list is about."""

    what: str
    kind: str
    handover_userid: str
    takeover_userid: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that waits; times in Unix seconds."""

    plan_id: int
    row: int
    subject: str
    asked_at: float
    due_at: float
    polls: int


@dataclass(slots=True)
class Asked:
    """One pair that was asked about, in however many rounds.

    Attributes:
        pair: which.
        calls: calls that were needed.
        settled: rows by final status.
        waiting: rows that wait since it was last asked.
        error: why not all of them were read when it was last asked, "" when they were.
        refused: the error when none was read then.
    """

    pair: Pair
    calls: int = 0
    settled: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    error: str = ""
    refused: StoreOpsError | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "what": self.pair.what,
            "kind": self.pair.kind,
            "handover_userid": self.pair.handover_userid,
            "takeover_userid": self.pair.takeover_userid,
            "calls": self.calls,
            "settled": dict(self.settled),
            "waiting": self.waiting,
            "error": self.error,
        }


@dataclass(slots=True)
class WatchResult:
    """What watching brought.

    Attributes:
        pairs: those asked about, in order.
        calls: calls that were needed.
        settled: rows by final status.
        waiting: rows that still wait, of all pairs.
        next_at: when the next pair is due (Unix seconds), None when nothing waits.
        ended: settled | once | time | stopped.
        plans: names of the plans whose rows were settled, by final status.
    """

    pairs: dict[Pair, Asked] = field(default_factory=dict)
    calls: int = 0
    settled: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    next_at: float | None = None
    ended: str = ""
    plans: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def asked(self) -> list[Asked]:
        """Pairs asked about, in order."""
        return list(self.pairs.values())

    @property
    def errors(self) -> list[StoreOpsError]:
        """Why pairs could not be asked about when they were last asked."""
        return [each.refused for each in self.asked if each.refused is not None]

    def of(self, pair: Pair) -> Asked:
        """What is known of a pair."""
        return self.pairs.setdefault(pair, Asked(pair))

    def as_dict(self) -> dict[str, Any]:
        """The object of `handover watch --json`."""
        return {
            "asked": [each.as_dict() for each in self.asked],
            "calls": self.calls,
            "settled": dict(self.settled),
            "waiting": self.waiting,
            "next_at": self.next_at,
            "ended": self.ended,
        }
