"""The long handover drill (`make chaos`): CHAOS_HANDOVERS runs with kill -9 and faults (100)."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from tests.chaos.handover import Drill

RUNS = int(os.environ.get("CHAOS_HANDOVERS", "100"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))


def test_no_customer_is_handed_over_twice_and_none_is_forgotten(tmp_path: Path) -> None:
    problems: list[str] = []
    kills, rows, ends = 0, 0, Counter[str]()
    for seed in range(SEED, SEED + RUNS):
        account = Drill(tmp_path, seed).run()
        problems += [f"seed {seed}: {each}" for each in account.problems]
        kills, rows, ends = kills + account.kills, rows + account.rows, ends + account.ends
    print(f"\n{RUNS} runs, {kills} kills under way, {rows} rows: {dict(ends)}")
    assert not problems, "\n".join(problems[:50])
    assert kills > RUNS
