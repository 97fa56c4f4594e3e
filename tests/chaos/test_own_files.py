"""Every touch of the disk of restore, backup, export and profile changes, once each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storeops.sandbox import local
from tests.chaos.own_files import KINDS, World, drill, summary


@pytest.mark.parametrize("kind", KINDS)
def test_kill_at_touches(home: Path, tmp_path: Path, kind: str) -> None:
    kills = int(os.environ.get("CHAOS_KILLS", "40"))
    with local.start(stores=2, staff=8, follows=120, seed=3) as sandbox:
        world = World(tmp_path, sandbox)
        report = drill(world, {kind: kills}, seed=int(os.environ.get("CHAOS_SEED", "1")))
    print("\n" + summary(report))
    assert not report.problems, "\n".join(report.problems)
