"""What of a request could not be planned: every row counted, at most so many kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from storeops.i18n import _, ngettext

KEPT = 1_000  # of one code; a plan with a million of them would be larger than the mirror


@dataclass(frozen=True, slots=True)
class Problem:
    """An input row that could not be planned, or a warning about the plan as a whole.

    Attributes:
        code: stable English word (`unknown_key`, `duplicate`, `large_share` …).
        message: one sentence in the user's language, naming line and value.
        line: line of the input file, None when it is about the whole.
        warning: the plan is complete all the same.
        count: rows that it stands for.
    """

    code: str
    message: str
    line: int | None = None
    warning: bool = False
    count: int = 1

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "code": self.code,
            "line": self.line,
            "message": self.message,
            "warning": self.warning,
        } | ({"count": self.count} if self.count != 1 else {})


def of_line(line: int, code: str, message: str) -> Problem:
    """A problem of one line of a file, which the message names."""
    return Problem(code, _("line {line}: {message}").format(line=line, message=message), line)


class Problems:
    """Problems in the order of their lines, warnings last; those that are too many as one line."""

    def __init__(self, found: Iterable[Problem] = ()) -> None:
        self._kept: list[Problem] = []
        self._counts: Counter[tuple[str, bool]] = Counter()
        self._more: Counter[tuple[str, bool]] = Counter()
        for each in found:
            self.append(each)

    def append(self, problem: Problem) -> None:
        """Count one, and keep it while there is room for its kind."""
        kind = (problem.code, problem.warning)
        self._counts[kind] += problem.count
        if self._counts[kind] - self._more[kind] > KEPT and problem.count == 1:
            self._more[kind] += 1
        else:
            self._kept.append(problem)

    def __iadd__(self, more: Iterable[Problem]) -> Problems:
        for each in more:
            self.append(each)
        return self

    def copy(self) -> Problems:
        """Another one that grows by itself."""
        other = Problems()
        other._kept = list(self._kept)
        other._counts, other._more = Counter(self._counts), Counter(self._more)
        return other

    def __iter__(self) -> Iterator[Problem]:
        yield from sorted(self._kept, key=lambda each: (each.warning, each.line or 0))
        for (code, warning), more in self._more.items():
            message = ngettext(
                "{count} more line like these is counted, not listed.",
                "{count} more lines like these are counted, not listed.",
                more,
            ).format(count=f"{more:,}")
            yield Problem(code, message, None, warning, more)

    def __bool__(self) -> bool:
        return bool(self._counts)

    @property
    def left_out(self) -> int:
        """Rows of the input that are not in the plan."""
        return sum(count for (_code, warning), count in self._counts.items() if not warning)
