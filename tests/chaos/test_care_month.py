"""The long drill of care (`make chaos`): CHAOS_DAYS days (28) of a chain with 700 customers.

Every day: no task twice, one open for a customer and reason, none of a customer who is gone, each
with the owner of the day (a leaver's wait), caps kept, nothing of who asked for quiet, each guide
told her own once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from storeops.sandbox import local
from tests.chaos.care_month import CareMonth
from tests.handover.conftest import HandoverCorp

DAYS = int(os.environ.get("CHAOS_DAYS", "28"))
SEED = int(os.environ.get("CHAOS_SEED", "4"))


@pytest.fixture
def corp(home: Path) -> Iterator[HandoverCorp]:
    corp = HandoverCorp(local.start(stores=4, staff=20, follows=700, seed=SEED))
    yield corp
    corp.app.close()
    corp.sandbox.stop()


@pytest.mark.timeout(1800)
def test_a_month_of_care(corp: HandoverCorp, tmp_path: Path) -> None:
    month = CareMonth(corp, tmp_path, SEED)
    for number in range(DAYS):
        wrong = month.day(acts=12, orders=25)
        assert not wrong, f"seed {SEED}, day {number}:\n" + "\n".join(wrong[:20])
    print(f"\nseed {SEED}: {dict(month.seen)}")
    assert min(month.seen[each] for each in ("moved", "gone", "lapsed", "assigned")) > 0
