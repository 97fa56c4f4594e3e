"""The mirror equals WeCom row for row; what did not change is not written."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.truth import compare, facts
from tests.chaos.world import World, scope

MakeWorld = Callable[..., World]


def test_first_sync_equals_wecom_and_second_writes_no_fact(world: MakeWorld) -> None:
    here = world(stores=12, staff=120, follows=3000)
    first = here.sync()
    assert first.outcome == "complete"
    assert not compare(here.data, here.sandbox.control)
    assert scope(first, "follows").added == 3000
    assert scope(first, "follows").calls <= 3000 / 100 * 1.01 + 2

    before = facts(here.data)
    second = here.sync()
    assert second.outcome == "complete"
    assert facts(here.data) == before
    for each in second.scopes:
        assert (each.added, each.changed, each.missing, each.lost) == (0, 0, 0, 0)
        assert each.seen == scope(first, each.scope).seen


def test_scripted_changes_arrive(world: MakeWorld) -> None:
    here = world()
    here.sync()
    for seed in range(4):
        here.sandbox.control.act("random", count=60, seed=seed)
        assert here.sync().outcome == "complete"
        assert here.sync().outcome == "complete"  # what is missing is lost by now
        assert not compare(here.data, here.sandbox.control)
