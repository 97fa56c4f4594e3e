"""A day of everything on one home (`make chaos`): CHAOS_SEEDS days (2), CHAOS_HOURS hours (24)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.day import live

SEEDS = int(os.environ.get("CHAOS_SEEDS", "2"))
HOURS = int(os.environ.get("CHAOS_HOURS", "24"))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_a_day_of_everything_ends_whole(tmp_path: Path, seed: int) -> None:
    day = live(tmp_path, seed, HOURS)
    assert not day.problems
