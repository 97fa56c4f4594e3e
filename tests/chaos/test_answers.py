"""The long drill of wrong answers (`make chaos`): CHAOS_SEEDS rounds (2) for each write."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from storeops.sandbox import local
from tests.chaos.answers import WRITES, WRONG, Bench, applies, drill

SEEDS = int(os.environ.get("CHAOS_SEEDS", "2"))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("path", WRITES)
def test_no_wrong_answer_makes_a_row_done(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOREOPS_HOME", str(tmp_path))
    names = [name for name in WRONG if applies(path, name)]
    found = []
    for seed in range(SEEDS):
        with local.start(stores=4, staff=20, follows=600, seed=seed) as sandbox:
            (tmp_path / str(seed)).mkdir()
            found += drill(Bench(sandbox, tmp_path / str(seed)), path, names, seed)
    ends = sum((each.ends for each in found), Counter())
    print(
        f"\n{path}: {len(found)} cases, {sum(each.sends for each in found)} sends,"
        f" {sum(each.unknown for each in found)} rows unknown meanwhile, {dict(ends)}"
    )
    assert not [(each.name, each.away, each.problems) for each in found if each.problems]
