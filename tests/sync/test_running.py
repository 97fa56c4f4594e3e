"""One run at a time, stopped and resumed, joined, for one shop, with progress."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from storeops.errors import NotFoundError, UsageError
from storeops.reading import freshness
from storeops.sync import run as sync_run
from storeops.sync.members import CHAINS, MemberToRead, group
from storeops.sync.results import Progress, SyncResult
from storeops.sync.under_way import under_way
from storeops.wecom import customers
from storeops.wecom.errors import StoppedError
from tests.chaos.truth import compare, facts
from tests.chaos.world import World, scope

MakeWorld = Callable[..., World]
GET_BY_USER = "externalcontact/batch/get_by_user"


def follow_calls(here: World) -> int:
    return int(here.sandbox.control.calls()["paths"].get(GET_BY_USER, {}).get("calls", 0))


def test_stopped_and_resumed(world: MakeWorld) -> None:
    here = world(staff=250, follows=3000)
    stop = threading.Event()

    def at_third_page(progress: Progress) -> None:
        if progress.scope == "follows" and progress.calls >= 3:
            stop.set()

    here.sandbox.control.settings(latency_ms=30)
    with pytest.raises(StoppedError) as stopped:
        here.sync(stop=stop, on_progress=at_third_page)
    assert stopped.value.exit_code == 130
    open_run = sync_run.history(here.data)[0]
    assert open_run.outcome is None
    result = here.sync()
    assert (result.run_id, result.resumed, result.outcome) == (open_run.run_id, True, "complete")
    assert scope(result, "follows").seen >= 3000
    assert not compare(here.data, here.sandbox.control)
    assert follow_calls(here) <= 3000 / 100 + 3 + CHAINS
    assert here.sandbox.control.calls()["paths"]["department/list"]["calls"] == 1


def test_full_forgets_the_interrupted_run(world: MakeWorld) -> None:
    here = world()
    stop = threading.Event()
    with pytest.raises(StoppedError):
        here.sync(stop=stop, on_progress=lambda progress: progress.scope == "tags" and stop.set())
    result = here.sync(full=True)
    assert not result.resumed
    assert result.outcome == "complete"
    old, new = reversed(sync_run.history(here.data))
    assert (old.outcome, new.outcome) == ("partial", "complete")
    assert here.sandbox.control.calls()["paths"]["department/list"]["calls"] == 2


def test_an_old_interrupted_run_is_not_resumed(world: MakeWorld) -> None:
    here = world()
    stop = threading.Event()
    with pytest.raises(StoppedError):
        here.sync(stop=stop, on_progress=lambda progress: progress.scope == "tags" and stop.set())
    here.data.execute("UPDATE sync_run SET heartbeat_at = heartbeat_at - 90000")
    assert not here.sync().resumed


def test_a_resumed_run_takes_further_scopes_along(world: MakeWorld) -> None:
    here = world()
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        here.sync(scopes=["tags"], stop=stop)
    result = here.sync(scopes=["departments"])
    assert result.resumed
    assert [each.scope for each in result.scopes] == ["departments", "tags"]


def test_two_syncs_at_once_do_the_work_once(world: MakeWorld) -> None:
    here = world(staff=250, follows=3000)
    here.sandbox.control.settings(latency_ms=15)
    other = here.other()
    results: dict[str, SyncResult] = {}
    told: list[Progress] = []

    def work(name: str, mine: World, **how: Any) -> None:
        results[name] = mine.sync(**how)

    threads = [
        threading.Thread(target=work, args=("one", here), kwargs={"on_progress": told.append}),
        threading.Thread(target=work, args=("two", other), kwargs={"on_progress": told.append}),
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    other.client.close()
    other.data.close()
    one, two = results["one"], results["two"]
    assert one.run_id == two.run_id
    assert {one.joined, two.joined} == {True, False}
    assert one.scopes == two.scopes
    assert follow_calls(here) == scope(one, "follows").calls <= 33
    assert any(progress.phase == "wait" for progress in told)
    assert not compare(here.data, here.sandbox.control)


def test_one_shop_reads_only_its_members(world: MakeWorld) -> None:
    here = world(staff=60, follows=1200)
    here.sync()
    (store,) = here.data.execute(
        "SELECT main_department FROM staff WHERE is_follow_user = 1"
        " GROUP BY main_department ORDER BY count(*) DESC LIMIT 1"
    ).fetchone()
    mine = {
        row[0]
        for row in here.data.execute(
            "SELECT userid FROM staff WHERE main_department = ? AND is_follow_user = 1", (store,)
        )
    }
    here.sandbox.control.act("random", count=80, seed=8)
    result = here.sync(store=store)
    assert result.mode == "store"
    assert [each.scope for each in result.scopes] == ["staff", "follows", "groups"]
    truth = [
        (row["userid"], row["external_userid"])
        for row in here.sandbox.control.export("follows")
        if row["listed"] and row["userid"] in mine
    ]
    assert scope(result, "follows").seen <= len(truth) + 60  # those who moved in bring theirs
    here.sync()
    assert here.sync().outcome == "complete"
    assert not compare(here.data, here.sandbox.control)


def test_wrong_words_change_nothing(world: MakeWorld) -> None:
    here = world()
    with pytest.raises(UsageError):
        here.sync(scopes=["follow"])
    with pytest.raises(UsageError):
        here.sync(scopes=[])
    with pytest.raises(NotFoundError):
        here.sync(store=4711)
    here.sync(scopes=["departments"])
    with pytest.raises(UsageError):
        here.sync(store=1, scopes=["tags"])
    assert len(sync_run.history(here.data)) == 1


def test_follows_alone_ask_who_there_is(world: MakeWorld) -> None:
    here = world()
    result = here.sync(scopes=["follows"])
    assert result.outcome == "complete"
    assert scope(result, "follows").seen == 600
    here.sync()
    assert not compare(here.data, here.sandbox.control)


def test_freshness_grows_old_and_names_the_uncovered(world: MakeWorld) -> None:
    here = world()
    now = here.clock.now()
    nothing = freshness.read(here.data, now)
    assert (nothing.as_of, nothing.stale, nothing.complete) == (None, True, False)
    here.sync()
    fresh = freshness.read(here.data, here.clock.now())
    assert not fresh.stale
    assert fresh.complete
    assert all(not each.stale for each in freshness.scopes(here.data, here.clock.now()))
    assert freshness.read(here.data, now + 90_000).stale
    assert not freshness.read(here.data, now + 90_000, stale_after_s=100_000).stale
    (userid, store) = here.data.execute(
        "SELECT userid, main_department FROM staff WHERE is_follow_user = 1 LIMIT 1"
    ).fetchone()
    here.sandbox.control.fault("errcode", GET_BY_USER, errcode=60011, match=f'"{userid}"')
    here.sync()
    assert not freshness.read(here.data, here.clock.now()).complete
    shops = {each.store_id: each for each in freshness.stores(here.data, here.clock.now())}
    assert shops[store].uncovered == (userid,)
    assert (
        sum(each.covered for each in shops.values())
        == (
            here.data.execute("SELECT count(*) - 1 FROM staff WHERE is_follow_user = 1").fetchone()[
                0
            ]
        )
    )


def test_reading_and_writing_meanwhile(world: MakeWorld) -> None:
    here = world(staff=120, follows=3000)
    here.sync()
    here.sandbox.control.act("random", count=200, seed=2)
    other = here.other()
    ended = threading.Event()
    problems: list[str] = []

    def elsewhere() -> None:
        while not ended.is_set():
            found = other.data.execute(
                "SELECT count(*) FROM follow WHERE status IN ('active', 'unassigned')"
            ).fetchone()[0]
            if found < 2500:
                problems.append(f"{found} follows")
            with other.data.atomic() as connection:
                connection.execute("INSERT OR REPLACE INTO mirror_meta VALUES ('other', '1')")

    thread = threading.Thread(target=elsewhere)
    thread.start()
    try:
        assert here.sync().outcome == "complete"
    finally:
        ended.set()
        thread.join(20)
        other.client.close()
        other.data.close()
    assert not problems


@pytest.mark.parametrize(
    ("sizes", "most_groups"),
    [([10] * 5, 1), ([10] * 250, 3), ([1000] * 40, 4), ([0] * 101, 2), ([50_000, *[10] * 99], 5)],
)
def test_groups_waste_at_most_one_percent(sizes: list[int], most_groups: int) -> None:
    members = [MemberToRead(f"u{number}", rows) for number, rows in enumerate(sizes)]
    groups = group(members)
    assert sorted(user for users, _rows in groups for user in users) == sorted(
        member.userid for member in members
    )
    assert all(len(users) <= 100 for users, _rows in groups)
    assert len(groups) <= most_groups
    calls = sum(max(1, -(-rows // 100)) for _users, rows in groups)
    fewest = -(-len(sizes) // 100)
    assert calls <= max(sum(sizes) / 100 * 1.01 + fewest, fewest)


def test_suspects_stand_alone() -> None:
    members = [MemberToRead(f"u{number}", 5, suspect=number == 3) for number in range(50)]
    assert (["u3"], 5) in group(members)


def test_nothing_is_written_by_a_sync_that_reads_nothing_new(world: MakeWorld) -> None:
    here = world()
    here.sync()
    before = facts(here.data)
    here.sync(full=True)
    here.sync(scopes=["groups", "unassigned"])
    assert facts(here.data) == before


def test_how_much_there_is_is_known_before_the_first_page(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world()
    here.sync()
    real, stop = customers.get_by_user, threading.Event()

    def stopped(*_words: Any, **_more: Any) -> Any:
        stop.set()
        raise StoppedError("stopped")

    monkeypatch.setattr(customers, "get_by_user", stopped)
    with pytest.raises(StoppedError):
        here.sync(stop=stop)
    waiting = under_way(here.data)
    assert waiting is not None
    assert (waiting.scope, waiting.done, waiting.total) == ("follows", 0, 600)
    monkeypatch.setattr(customers, "get_by_user", real)
    totals: list[int | None] = []
    result = here.sync(
        on_progress=lambda each: totals.append(each.total) if each.scope == "follows" else None
    )
    assert result.resumed
    assert set(totals) == {600}
