"""The drills in their short form; `make chaos` runs the long one."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.drills import faulty_syncs, killed_syncs
from tests.chaos.harness import SandboxProcess
from tests.chaos.world import make_world


def test_faults_of_every_kind(tmp_path: Path) -> None:
    world = make_world(tmp_path / "unused.db", staff=60, follows=900, read_s=0.4)
    try:
        report = faulty_syncs(world, tmp_path, 6, rate=0.15, mirrors=2, seed=40)
    finally:
        world.close()
    assert not report.problems, "\n".join(report.problems)
    assert report.struck > 6


def test_kill_at_any_moment(tmp_path: Path) -> None:
    with SandboxProcess(stores=8, staff=250, follows=3000, latency=15) as sandbox:
        report = killed_syncs(sandbox, tmp_path, 3, seed=7, longest_s=0.8)
    assert not report.problems, "\n".join(report.problems)
    assert report.kills >= 3
