"""A clock that tests move."""

from __future__ import annotations

import threading

import pytest


class FakeClock:
    """Time that only `sleep` and `advance` move; the same for every governor that gets it."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.start = start
        self.moved = 0.0
        self.slept: list[float] = []
        self.learnt: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.start + self.moved

    def monotonic(self) -> float:
        return self.moved

    def advance(self, seconds: float) -> None:
        with self._lock:
            self.moved += seconds

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            with self._lock:
                self.moved += seconds
                self.slept.append(seconds)

    def learn(self, server_time: float) -> None:
        self.learnt.append(server_time)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture(scope="session")
def clock_type():
    return FakeClock
