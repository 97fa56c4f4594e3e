"""The long handover drill: CHAOS_HANDOVERS runs (100) with kill -9 and faults, from CHAOS_SEED on.

    make chaos ARGS='-k handed_over_twice -n 8 -rP'

A run waits far more than it computes, so eight at a time cost little more than one.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.handover import Drill

RUNS = int(os.environ.get("CHAOS_HANDOVERS", "100"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
PART = 5  # runs of one test
FIRST = range(SEED, SEED + RUNS, PART)


@pytest.mark.parametrize("first", FIRST)
def test_no_customer_is_handed_over_twice_and_none_is_forgotten(tmp_path: Path, first: int) -> None:
    problems: list[str] = []
    kills, rows, ends = 0, 0, Counter[str]()
    seeds = range(first, min(first + PART, SEED + RUNS))
    for seed in seeds:
        account = Drill(tmp_path, seed).run()
        problems += [f"seed {seed}: {each}" for each in account.problems]
        kills, rows, ends = kills + account.kills, rows + account.rows, ends + account.ends
    print(f"\n{len(seeds)} runs, {kills} kills under way, {rows} rows: {dict(ends)}")
    assert not problems, "\n".join(problems[:50])
    assert kills > len(seeds)
