"""The long drills (`make chaos`): CHAOS_SYNCS faulty syncs (200), CHAOS_KILLS kills (50)."""

from __future__ import annotations

import os
from pathlib import Path

from tests.chaos.drills import faulty_syncs, killed_syncs
from tests.chaos.harness import SandboxProcess
from tests.chaos.world import make_world

SYNCS = int(os.environ.get("CHAOS_SYNCS", "200"))
KILLS = int(os.environ.get("CHAOS_KILLS", "50"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))


def test_faults_of_every_kind(tmp_path: Path) -> None:
    world = make_world(tmp_path / "unused.db", stores=20, staff=250, follows=5000, read_s=1.0)
    try:
        report = faulty_syncs(world, tmp_path, SYNCS, mirrors=20, seed=SEED)
    finally:
        world.close()
    print(f"\n{SYNCS} syncs, {report.struck} faults struck, outcomes {dict(report.outcomes)}")
    assert not report.problems, "\n".join(report.problems)
    assert report.struck > SYNCS


def test_kill_at_any_moment(tmp_path: Path) -> None:
    with SandboxProcess(stores=20, staff=400, follows=6000, latency=20) as sandbox:
        report = killed_syncs(sandbox, tmp_path, KILLS, seed=SEED)
    print(
        f"\n{report.kills} kills under way in {report.tries} tries;"
        f" at most {report.most_read_again} pages read twice"
    )
    assert not report.problems, "\n".join(report.problems)
    assert report.kills >= KILLS
