"""Kills of what writes our own files, in short; `make chaos` goes through every touch."""

from __future__ import annotations

from pathlib import Path

from storeops.sandbox import local
from tests.chaos.own_files import World, drill


def test_kills_double_nothing_and_leave_nothing_behind(home: Path, tmp_path: Path) -> None:
    with local.start(stores=2, staff=8, follows=60, seed=3) as sandbox:
        world = World(tmp_path, sandbox)
        report = drill(world, {"restore": 1}, seed=4)
    assert not report.problems, "\n".join(report.problems)
    assert sum(report.kills.values()) == 1
