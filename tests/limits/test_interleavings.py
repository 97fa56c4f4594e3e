"""Whatever several processes do in whatever order: no window and no pool is ever exceeded."""

from __future__ import annotations

import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from storeops.database.database import open_database
from storeops.errors import LimitError
from storeops.limits.governor import Governor
from storeops.limits.limits import Limits
from storeops.limits.schema import MIGRATIONS

PATH = "externalcontact/get"
LIMITS = Limits(per_minute=7, per_hour=20, in_flight=3, reserved=0.2)

step = st.one_of(
    st.tuples(st.just("begin"), st.integers(0, 2), st.booleans()),
    st.tuples(st.just("end"), st.integers(0, 9), st.just(False)),
    st.tuples(
        st.just("advance"), st.sampled_from([0, 1, 2, 5, 19, 31, 59, 60, 61, 600]), st.just(False)
    ),
    st.tuples(st.just("crash"), st.integers(0, 2), st.just(False)),
    st.tuples(st.just("crowded"), st.integers(0, 2), st.just(False)),
)


class Chain:
    """Three governors as three processes that share one file and one clock."""

    def __init__(self, folder, clock):
        self.db = open_database(Path(folder) / "run.db", MIGRATIONS)
        self.clock = clock
        self.dead: set[str] = set()
        self.governors = [self.born() for _ in range(3)]
        self.calls: list[float] = []
        self.under_way: list[tuple[Governor, object]] = []
        self.pool = LIMITS.in_flight

    def born(self):
        return Governor(
            self.db,
            "ww1",
            LIMITS,
            clock=self.clock,
            alive=lambda owner: owner not in self.dead,
        )

    def begin(self, which, urgent):
        governor = self.governors[which]
        place = governor.acquire(PATH, urgent=urgent, wait=False)
        try:
            place.__enter__()
        except LimitError:
            return
        self.calls.append(self.clock.now())
        self.under_way.append((governor, place))
        assert len(self.under_way) <= self.pool

    def end(self, which, _urgent):
        if self.under_way:
            _governor, place = self.under_way.pop(which % len(self.under_way))
            place.__exit__(None, None, None)

    def advance(self, seconds, _urgent):
        self.clock.advance(seconds)

    def crash(self, which, _urgent):
        gone = self.governors[which]
        self.dead.add(gone._owner)
        self.under_way = [each for each in self.under_way if each[0] is not gone]
        self.governors[which] = self.born()

    def crowded(self, which, _urgent):
        if not self.under_way:  # else the calls under way are those WeCom complains about
            self.governors[which].report(PATH, 45033)

    def check(self):
        times = self.calls
        for first, at in enumerate(times):
            assert sum(1 for each in times[first:] if each < at + 60) <= LIMITS.per_minute
            assert sum(1 for each in times[first:] if each < at + 3600) <= LIMITS.per_hour


@given(steps=st.lists(step, max_size=60), start=st.floats(0, 3600))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_interleaving_exceeds_a_limit(clock_type, steps, start):
    with tempfile.TemporaryDirectory() as folder:
        chain = Chain(folder, clock_type(1_800_000_000.0 + start))
        for name, number, urgent in steps:
            getattr(chain, name)(number, urgent)
        chain.check()
        chain.db.close()
