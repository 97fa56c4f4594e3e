"""Weeks of simulated days: every report equals figures counted from the sandbox's record.

`CHAOS_SEEDS` chains of `CHAOS_DAYS` days each; callbacks on, and for every other chain off: then
what a reading found is dated by the reading, and nothing is counted twice or lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from storeops import times
from storeops.domains.report.figures import figures
from storeops.operations.reports import period
from tests.handover.conftest import DAY, make_corp
from tests.report.test_figures import MIDNIGHT, Days, shown

__all__ = ["make_corp"]

SEEDS = int(os.environ.get("CHAOS_SEEDS", "6"))
DAYS = int(os.environ.get("CHAOS_DAYS", "7"))


@pytest.mark.parametrize("seed", range(100, 100 + SEEDS))
def test_a_week_of_reports(make_corp: Callable[..., Any], seed: int) -> None:
    events = seed % 2 == 0
    days = Days(make_corp, seed, events=events)
    try:
        for day in range(DAYS):
            days.live(day, acts=20)
        now = days.app.clock.now()
        found = {
            day: figures(days.app.data, period(now, on=times.day(MIDNIGHT + day * DAY)), now)
            for day in range(DAYS)
        }
        if events:
            for day in range(DAYS):
                want = {line: row for line, row in days.truth[day].items() if any(row.values())}
                assert shown(found[day]) == want, (seed, day)
                assert found[day].complete, found[day].notes
        else:  # a deletion by the customer is told by events alone; a guide's is found in time
            for day in range(DAYS):
                assert found[day].totals.new == days.truth[day][None]["new"], (seed, day)
            gone = sum(how == "guide" for day in range(DAYS - 3) for how in days.lost[day].values())
            everybody = sum(how == "guide" for day in days.lost.values() for how in day.values())
            counted = sum(each.totals.lost_found or 0 for each in found.values())
            assert gone <= counted <= everybody, seed
        print(f"seed {seed}: {DAYS} days, events {events}: equal")
    finally:
        days.close()
