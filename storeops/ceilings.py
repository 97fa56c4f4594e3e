"""What a profile allows itself: calls per corp and API, rows per plan and day."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Calls that storeops allows itself per corp and API.

    Attributes:
        in_flight: calls at the same moment.
        per_minute: calls in any minute.
        per_hour: calls in any hour.
        timeout_s: seconds to wait for an answer, each of up to three tries; 35 at most.
    """

    in_flight: int = 4
    per_minute: int = 10_000
    per_hour: int = 150_000
    timeout_s: int = 20


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Rows that may be applied, 0 for no ceiling.

    Attributes:
        max_rows_per_plan: ready rows of one plan.
        max_rows_per_day: ready rows of all plans applied in one day (Beijing).
    """

    max_rows_per_plan: int = 50_000
    max_rows_per_day: int = 200_000
