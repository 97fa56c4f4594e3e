"""A sandbox, a client and a mirror for each test that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Make a world: `world(follows=3000, staff=60)`."""
    made: list[World] = []

    def make(**shape: Any) -> World:
        made.append(make_world(tmp_path / f"data{len(made)}.db", **shape))
        return made[-1]

    yield make
    for each in made:
        each.close()
