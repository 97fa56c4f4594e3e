"""Wrong answers to writes through real jobs, in short (the drill is tests/chaos/answers.py)."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from storeops.sandbox import local
from tests.chaos.answers import WRITES, WRONG, Bench, applies, drill

DICE = random.Random(12)
GROUPS = "externalcontact/groupchat/onjob_transfer"
CASES = [
    *((path, name) for path in WRITES for name in DICE.sample([*WRONG], 2) if applies(path, name)),
    *((GROUPS, name) for name in ("list null", "list absent", "ids cut", "ids null")),
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    before = os.environ.get("STOREOPS_HOME")
    with local.start(stores=4, staff=20, follows=300, seed=1) as sandbox:
        try:
            yield Bench(sandbox, tmp_path_factory.mktemp("bench"))
        finally:
            os.environ.pop("STOREOPS_HOME", None)
            if before is not None:
                os.environ["STOREOPS_HOME"] = before


@pytest.mark.parametrize(("number", "path", "name"), [(n, *case) for n, case in enumerate(CASES)])
def test_no_row_is_called_what_it_is_not(
    bench: Bench, number: int, path: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOREOPS_HOME", "")  # put back when the case has set its own
    (found,) = drill(bench, path, [name], number)  # every other one while reads are away
    assert not found.problems
    assert found.ends
