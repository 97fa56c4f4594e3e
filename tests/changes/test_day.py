"""A day of everything on one home in its short form; `make chaos` runs whole ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.day import live


@pytest.mark.timeout(300)
def test_some_hours_of_everything_end_whole(tmp_path: Path) -> None:
    day = live(tmp_path, seed=11, hours=2, calm=1)
    assert not day.problems
