"""The drills in their short form; `make chaos` runs the long one."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.crowd import crowd
from tests.chaos.drills import faulty_syncs, killed_again, killed_syncs
from tests.chaos.harness import Home, SandboxProcess, finish, kill_after
from tests.chaos.truth import compare
from tests.chaos.world import make_world


def test_faults_of_every_kind(tmp_path: Path) -> None:
    world = make_world(tmp_path / "unused.db", staff=60, follows=900, read_s=0.4)
    try:
        report = faulty_syncs(world, tmp_path, 6, rate=0.15, mirrors=2, seed=40)
    finally:
        world.close()
    assert not report.problems, "\n".join(report.problems)
    assert report.struck.total() > 6


def test_kill_at_any_moment(tmp_path: Path) -> None:
    with SandboxProcess(stores=8, staff=250, follows=1500, latency=15) as sandbox:
        report = killed_syncs(sandbox, tmp_path, 3, seed=7, longest_s=0.8)
    assert not report.problems, "\n".join(report.problems)
    assert report.kills >= 3


def test_kill_a_later_sync_at_any_moment(tmp_path: Path) -> None:
    with SandboxProcess(stores=8, staff=250, follows=1500, latency=15) as sandbox:
        report = killed_again(sandbox, tmp_path, 2, seed=7, longest_s=0.8)
    assert not report.problems, "\n".join(report.problems)
    assert report.kills >= 2


def test_who_waits_takes_the_run_of_a_killed_process_over(tmp_path: Path) -> None:
    with SandboxProcess(stores=8, staff=250, follows=1500, latency=40) as sandbox:
        home = Home(tmp_path, sandbox)
        owner = home.start_sync()
        waiting = home.start_sync()
        assert kill_after(owner, 0.6)
        result = finish(waiting)
        assert result["outcome"] == "complete"
        data = home.open()
        try:
            assert data.execute("SELECT count(*) FROM sync_run").fetchone() == (1,)
            assert not compare(data, sandbox.control)
        finally:
            data.close()


def test_two_processes_on_a_new_mirror_do_the_work_once(tmp_path: Path) -> None:
    with SandboxProcess(stores=8, staff=250, follows=1500, latency=10) as sandbox:
        home = Home(tmp_path, sandbox)
        results = [finish(each) for each in [home.start_sync() for _ in range(4)]]
        assert {each["outcome"] for each in results} == {"complete"}
        joined = sum(each["joined"] for each in results)
        runs = len({each["run_id"] for each in results})
        assert runs + joined == 4  # each run was read by one process, the others waited for it
        assert sandbox.follow_calls() <= 33 * runs


def test_many_processes_on_one_profile(tmp_path: Path) -> None:
    with SandboxProcess(stores=8, staff=80, follows=1500, latency=10) as sandbox:
        report = crowd(sandbox, tmp_path, rounds=1)
    assert not report.problems, "\n".join(report.problems)
    assert report.reads
    assert report.looks
    assert all(report.commits_ms.values())
