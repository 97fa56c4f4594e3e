"""What was called: counts, errcodes and calls in flight per path."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(slots=True)
class Count:
    """One path since the last reset."""

    calls: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    bytes_out: int = 0
    errcodes: dict[str, int] = dataclasses.field(default_factory=dict)


class CallCounters:
    """Counts per path. Answers without an errcode are counted under what happened to them."""

    def __init__(self) -> None:
        self.paths: dict[str, Count] = {}

    def begin(self, path: str) -> Count:
        """A call came in."""
        count = self.paths.get(path)
        if count is None:
            count = self.paths[path] = Count()
        count.calls += 1
        count.in_flight += 1
        count.max_in_flight = max(count.max_in_flight, count.in_flight)
        return count

    @staticmethod
    def finish(count: Count, outcome: str, size: int) -> None:
        """It was answered: an errcode as text, or a word for what cut it short."""
        count.in_flight -= 1
        count.bytes_out += size
        count.errcodes[outcome] = count.errcodes.get(outcome, 0) + 1

    def reset(self) -> None:
        """Start counting anew; calls in flight go on being counted."""
        for path, count in list(self.paths.items()):
            if count.in_flight:
                count.calls, count.max_in_flight = count.in_flight, count.in_flight
                count.bytes_out, count.errcodes = 0, {}
            else:
                del self.paths[path]

    def as_json(self) -> dict[str, Any]:
        """Totals and one row per path."""
        return {
            "total": sum(c.calls for c in self.paths.values()),
            "paths": {p: dataclasses.asdict(c) for p, c in sorted(self.paths.items())},
        }
