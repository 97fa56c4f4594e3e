"""kill -9 in the middle, with real processes: the next sync goes on, and nothing is doubled."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from storeops.sync.members import CHAINS
from tests.chaos.harness import Home, SandboxProcess, kill_after
from tests.chaos.truth import compare


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_and_resume(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    with SandboxProcess(stores=8, staff=250, follows=4000, latency=15) as sandbox:
        whole = Home(tmp_path / "whole", sandbox)
        whole.folder.mkdir()
        assert whole.sync()["outcome"] == "complete"
        calls = sandbox.follow_calls()

        sandbox.control.reset_calls()
        home = Home(tmp_path, sandbox)
        kills = 0
        while True:
            process = home.start_sync()
            if not kill_after(process, dice.uniform(0.05, 0.5)) or kills >= 4:
                break
            kills += 1
        assert kills >= 1
        again = home.sync()  # whether it finishes the last or begins a new one
        assert again["outcome"] == "complete"
        data = home.open()
        try:
            assert not compare(data, sandbox.control)
            runs = data.execute("SELECT count(*) FROM sync_run").fetchone()[0]
            working = [
                data.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("sync_chain", "sync_page", "sync_listed")
            ]
        finally:
            data.close()
        assert working == [0, 0, 0]
        assert sandbox.follow_calls() <= runs * calls + (kills + 1) * CHAINS
