"""A profile without a company, a clock that is moved by hand, processes that end by dice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from storeops import config
from storeops.app import App
from storeops.domains.schedule import due, tasks
from storeops.domains.schedule.tasks import Task

EVENING = 1_777_546_800  # 2026-04-30 19:00 in China: the holidays of May begin tomorrow


class HandClock:
    """WeCom's time, as a test has it; waiting takes none."""

    offset = 0.0

    def __init__(self, now: float = EVENING) -> None:
        self.at = float(now)
        self.waited = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.waited

    def sleep(self, seconds: float) -> None:
        self.waited += seconds

    def learn(self, server_time: float) -> None: ...

    def adopt(self, offset: float) -> None: ...


class FakeProcess:
    """A process that ends at once, as `ends` says of its task: an exit code, or an exception."""

    ends: Any = staticmethod(lambda task: 0)

    def __init__(
        self, profile: str, task: str, run: int, words: Any, folder: str, lock_handle: int
    ) -> None:
        self.pid = 1
        self._code = type(self).ends(task)
        if isinstance(self._code, BaseException):
            raise self._code

    def poll(self) -> int | None:
        return self._code

    def end(self, now: float) -> None:
        self._code = -15

    def reap(self) -> None: ...


@pytest.fixture
def profile(home: Any) -> str:
    config.save_profile(config.Profile("shop", "ww0123456789abcdef"))
    return "shop"


@pytest.fixture
def app(profile: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """An App at EVENING whose tasks end at once."""
    monkeypatch.setattr(due, "Process", FakeProcess)
    opened = App.open(profile)
    clock = HandClock()
    opened._once("clock", lambda: clock)
    monkeypatch.setattr(FakeProcess, "ends", staticmethod(lambda task: 0))
    yield opened
    opened.close()


def add(app: App, name: str, cron: str, **how: Any) -> Task:
    task = Task(name=name, cron=cron, words=("version",), **how)
    return tasks.add(app.data, task, app.clock.now())


def run_due(app: App) -> due.DueReport:
    return due.run_due(app, threading.Event())
