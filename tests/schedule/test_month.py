"""A month of nights by dice: every moment has its run, none two, whatever ends how."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from itertools import takewhile

import pytest

from storeops import times
from storeops.domains.schedule import cron, runs
from storeops.domains.schedule.process import lock
from tests.schedule.conftest import FakeProcess, add, run_due

NIGHT = {
    "sync": ("0 2 * * *", "every"),
    "watch": ("30 2 * * *", "every"),
    "events": ("*/30 2-9 * * *", "every"),
    "report": ("40 7 * * *", "workdays"),
    "weekend": ("10 9 * * *", "holidays"),
}


class Killed(BaseException):
    """kill -9 of run-due: nothing is kept any more."""


@pytest.mark.parametrize("seed", [1])
def test_a_month_of_nights(app, monkeypatch, seed):
    dice = random.Random(seed)
    for name, (hours, calendar) in NIGHT.items():
        add(app, name, hours, calendar=calendar)
    began = app.clock.at
    monkeypatch.setattr(
        FakeProcess,
        "ends",
        staticmethod(
            lambda task: dice.choices([0, 8, 7, -9, 4, Killed()], weights=[80, 5, 5, 3, 3, 4])[0]
        ),
    )
    asleep = began + 12 * 86_400, began + 15 * 86_400
    while app.clock.at < began + 31 * 86_400:
        app.clock.at += 600
        by_day = times.local(app.clock.at).hour not in range(2, 11)
        if by_day or asleep[0] < app.clock.at < asleep[1]:
            continue
        with suppress(Killed):  # the next call is a new process
            run_due(app)
    monkeypatch.setattr(FakeProcess, "ends", staticmethod(lambda task: 0))
    app.clock.at += 600
    run_due(app)

    for name, (hours, calendar) in NIGHT.items():
        moments = (each.at for each in cron.moments(hours, calendar, began))
        due = set(takewhile(lambda moment: moment <= app.clock.at, moments))
        found = runs.history(app.data, name, limit=None)
        first = Counter(each.due_at for each in found if each.attempt == 1)
        assert set(first) <= due, name
        assert set(first.values()) == {1}, name  # no moment is begun twice
        stands_for = sum(1 + each.missed for each in found if each.attempt == 1)
        assert stands_for == len(due), name  # and none is forgotten
        for moment in due - set(first):  # only while the machine slept, or hours behind others
            slept = asleep[0] - 600 <= moment <= asleep[1] + 600
            assert slept or name == "events", (name, times.minute(moment))
        for each in found:
            assert each.status in ("ended", "lost"), each
            if each.attempt > 1:  # only what may go better is tried again
                before = [
                    one for one in found
                    if one.due_at == each.due_at and one.attempt == each.attempt - 1
                ]  # fmt: skip
                assert len(before) == 1
                assert before[0].status == "lost" or before[0].exit_code in (7, 8, -9)
    assert runs.unfinished(app.data) == []
    with lock("shop", "sync") as free:
        assert free
