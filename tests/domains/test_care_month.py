"""Care over days of a living chain: the drill of `make chaos` in its short form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storeops.sandbox import local
from tests.chaos.care_month import CareMonth
from tests.handover.conftest import HandoverCorp


@pytest.fixture
def corp(home: Path) -> Iterator[HandoverCorp]:
    corp = HandoverCorp(local.start(stores=2, staff=8, follows=60, seed=6))
    yield corp
    corp.app.close()
    corp.sandbox.stop()


def test_five_days_of_care(corp: HandoverCorp, tmp_path: Path) -> None:
    month = CareMonth(corp, tmp_path, seed=6, cap=2)
    for _day in range(5):
        assert month.day(acts=5, orders=8) == []
    assert month.seen["told"] > 5
