"""Which refusals the caller could have known before asking.

Foreseeable means: readable through the API (staff list, customer details, group details, the
unassigned list), following from what the same caller asked before, or already answered before.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from storeops.sandbox.refusals import Refusal

_EXAMPLES = 50


class PredictableRefusal(Refusal):
    """A refusal of the whole call that the caller could have known."""


class PredictableRefusals:
    """Counts refused rows by errcode, and those of them that need not have been sent."""

    def __init__(self) -> None:
        self.refused: Counter[int] = Counter()
        self.foreseeable: Counter[int] = Counter()
        self.examples: list[dict[str, Any]] = []
        self.named: dict[tuple[str, int], int] = {}  # (whom, errcode) → customers held

    def note(self, path: str, errcode: int, rows: int, known: bool, subject: str) -> None:
        """`rows` rows were refused; `subject` is the pair or id to look at."""
        self.refused[errcode] += rows
        if known:
            self.foreseeable[errcode] += rows
            if len(self.examples) < _EXAMPLES:
                self.examples.append({"path": path, "errcode": errcode, "subject": subject})

    def was_named(self, member: str, errcode: int) -> bool:
        """Whether an earlier answer named this trouble of this member."""
        return (member, errcode) in self.named

    def name_trouble(self, member: str, errcode: int, held: int = 0) -> None:
        """An answer names this trouble of this member from now on."""
        self.named[member, errcode] = held

    def reset(self) -> None:
        """Count anew; what was told stays told."""
        self.refused.clear()
        self.foreseeable.clear()
        self.examples.clear()

    def as_json(self) -> dict[str, Any]:
        """Totals and counts by errcode."""
        return {
            "refused": sum(self.refused.values()),
            "refused_by_errcode": {str(c): n for c, n in sorted(self.refused.items())},
            "foreseeable": sum(self.foreseeable.values()),
            "foreseeable_by_errcode": {str(c): n for c, n in sorted(self.foreseeable.items())},
            "examples": list(self.examples),
        }
