"""One short handover drill with real kills; the long one is in tests/chaos."""

from __future__ import annotations

import pytest

from tests.chaos.handover import Drill


@pytest.mark.timeout(180)
def test_killed_processes_and_lost_answers_lose_nobody(tmp_path):
    account = Drill(tmp_path, seed=7).run()
    assert account.problems == []
    assert account.kills >= 1
    assert account.rows > 50
    assert sum(account.ends.values()) == account.rows
