"""The long drill of outages (`make chaos`): CHAOS_OUTAGE_S seconds (45) for each way and API."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storeops.sandbox import local
from tests.chaos.outages import drill

SECONDS = float(os.environ.get("CHAOS_OUTAGE_S", "45"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))


@pytest.mark.timeout(3600)
def test_an_outage_costs_at_most_six_sends_a_row(tmp_path: Path) -> None:
    with local.start(stores=2, staff=8, follows=160, seed=SEED) as sandbox:
        found = drill(sandbox, tmp_path, SECONDS)
    for each in found:
        print(
            f"\n{each.path} {each.way}: {each.rows} rows, {each.sends} sends, at most {each.most}"
            f" a row; {dict(each.ends)}"
        )
    assert not [(each.path, each.way, each.problems) for each in found if each.problems]
