"""WeCom's clock: learnt first, kept at once for everybody, not fooled by a clock that is set."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from storeops.clock import SystemClock
from storeops.database.database import open_database
from storeops.limits import offset
from storeops.limits.schema import MIGRATIONS
from storeops.reading import freshness
from tests.chaos.world import make_world


@pytest.fixture
def db(tmp_path: Path):
    opened = open_database(tmp_path / "run.db", MIGRATIONS)
    yield opened
    opened.close()


def test_what_one_process_learns_another_has_at_once(db) -> None:
    mine = SystemClock(offset.load(db), lambda seconds: offset.save(db, seconds))
    theirs = SystemClock(offset.load(db))
    mine.learn(time.time() + 86_400)
    assert offset.load(db) == pytest.approx(86_400, abs=2)
    theirs.adopt(offset.load(db))
    assert theirs.now() == pytest.approx(mine.now(), abs=2)


@pytest.mark.skipif(sys.platform != "linux", reason="needs the time since start")
@pytest.mark.parametrize("jump", [86_400.0, -3600.0])
@pytest.mark.parametrize("before", [0.0, 500.0])
def test_a_clock_that_is_set_is_noticed(db, monkeypatch, jump, before) -> None:
    offset.save(db, before)
    assert offset.load(db) == before
    real = time.time
    right = real() + before
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    assert SystemClock(offset.load(db)).now() == pytest.approx(right, abs=2)


def test_a_sync_is_stamped_with_wecoms_time(tmp_path: Path) -> None:
    here = make_world(tmp_path / "data.db", stores=2, staff=4, follows=20)
    try:
        here.sandbox.control.advance(5 * 86_400)
        result = here.sync(scopes=["departments"])
        assert result.started_at == pytest.approx(here.sandbox.control.now(), abs=30)
        assert result.finished_at is not None
        assert result.finished_at - result.started_at < 60
    finally:
        here.close()


def test_a_mirror_from_the_future_is_not_fresh(tmp_path: Path) -> None:
    here = make_world(tmp_path / "data.db", stores=2, staff=4, follows=20)
    try:
        here.sync()
        now = here.clock.now()
        assert not freshness.read(here.data, now).stale
        for late in (now - 86_400, now - 3600):
            assert freshness.read(here.data, late).stale
            assert all(each.stale for each in freshness.scopes(here.data, late))
            assert not any(each.covered for each in freshness.stores(here.data, late))
    finally:
        here.close()
