"""The long drills (`make chaos`): CHAOS_SYNCS faulty syncs (200), CHAOS_KILLS kills (50, twice)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.crowd import crowd
from tests.chaos.drills import KillReport, faulty_syncs, killed_again, killed_syncs
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
    struck = report.struck.total()
    print(f"\n{SYNCS} syncs, {struck} faults struck, outcomes {dict(report.outcomes)}")
    print(", ".join(f"{kind} {count}" for kind, count in report.struck.most_common()))
    assert not report.problems, "\n".join(report.problems)
    assert struck > SYNCS
    assert SYNCS < 50 or not report.never()


@pytest.mark.parametrize("killed", [killed_syncs, killed_again], ids=["first", "later"])
def test_kill_at_any_moment(tmp_path: Path, killed: Callable[..., KillReport]) -> None:
    with SandboxProcess(stores=20, staff=400, follows=6000, latency=20) as sandbox:
        report = killed(sandbox, tmp_path, KILLS, seed=SEED)
    print(
        f"\n{report.kills} kills under way in {report.tries} tries;"
        f" at most {report.most_read_again} pages read twice"
    )
    assert not report.problems, "\n".join(report.problems)
    assert report.kills >= KILLS


def test_many_processes_on_one_profile(tmp_path: Path) -> None:
    with SandboxProcess(stores=40, staff=800, follows=60_000, latency=30) as sandbox:
        report = crowd(sandbox, tmp_path)
    print(
        f"\n{report.reads} pages read, {report.looks} looks at the limits,"
        f" at most {report.most_in_flight} calls at a time; one-row commits:"
    )
    for name, took in report.commits_ms.items():
        print(
            f"  {name} {len(took)}: p50 {took[len(took) // 2]:.1f} ms,"
            f" p99 {report.p99_ms(name):.1f} ms, longest {took[-1]:.0f} ms"
        )
    assert not report.problems, "\n".join(report.problems)
    assert all(report.p99_ms(name) <= 50 for name in report.commits_ms)
