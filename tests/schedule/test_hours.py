"""When a task is due: cron expressions, China's workdays, jitter, sleep, clocks that move."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest

from storeops import times
from storeops.domains.schedule import cron, tasks
from storeops.domains.schedule.tasks import Task
from storeops.errors import UsageError
from tests.schedule.conftest import EVENING, add, run_due

DAY = 86_400


def days(expression: str, calendar: str, after: float, count: int) -> list[str]:
    found = islice(cron.moments(expression, calendar, after), count)
    return [times.minute(each.at) for each in found]


def test_workdays_and_days_off_as_announced():
    # 1 to 5 May 2026 are off, Saturday 9 May makes up for one of them
    assert days("30 8 * * *", "workdays", EVENING, 5) == [
        "2026-05-06 08:30", "2026-05-07 08:30", "2026-05-08 08:30", "2026-05-09 08:30",
        "2026-05-11 08:30",
    ]  # fmt: skip
    assert days("30 8 * * *", "holidays", EVENING, 6) == [
        "2026-05-01 08:30", "2026-05-02 08:30", "2026-05-03 08:30", "2026-05-04 08:30",
        "2026-05-05 08:30", "2026-05-10 08:30",
    ]  # fmt: skip


def test_a_year_that_is_not_announced_is_estimated():
    later = times.start(2031, 9, 30).timestamp()
    (first,) = islice(cron.moments("0 9 * * *", "workdays", later + DAY), 1)
    assert first.estimated
    assert times.day(first.at) > "2031-10-01"  # the holidays of the law are known
    assert not cron.next_due("0 9 * * *", "every", later).estimated


@pytest.mark.parametrize(
    ("expression", "calendar", "words"),
    [
        ("1 2 3", "every", "3 fields"),
        ("0 0 2 * * *", "every", "6 fields"),
        ("99 2 * * *", "every", "the minute"),
        ("0 25 * * *", "every", "the hour"),
        ("0 2 30 2 *", "every", "the day of the month"),
        ("0 2 * * XYZ", "every", "the weekday"),
        ("0 2 * * *", "workday", "workdays"),
        ("", "every", "0 fields"),
    ],
)
def test_what_is_not_understood_is_named(expression, calendar, words):
    with pytest.raises(UsageError) as error:
        cron.must_be_understood(expression, calendar, EVENING)
    assert words in f"{error.value.message} {error.value.hint}"


def test_words_for_hours():
    assert cron.must_be_understood(" @Daily ", "every", EVENING) == "0 0 * * *"
    assert (
        cron.must_be_understood("*/5  8-18 * *  mon-fri", "every", EVENING)
        == "*/5 8-18 * * mon-fri"
    )


def test_moments_that_passed_are_counted_up_to_a_bound():
    until = EVENING + 3 * DAY + 30.5
    assert cron.passed("0 2 * * *", "every", EVENING, until, 1000)[1] == 3
    last, count = cron.passed("* * * * *", "every", EVENING, until, 100)
    assert (last, count) == (EVENING + 3 * DAY, 100)
    assert cron.passed("0 2 * * *", "every", EVENING, EVENING + 60, 9) == (None, 0)


def test_jitter_is_the_same_every_night_and_loses_no_moment(app):
    task = add(app, "often", "*/10 * * * *", jitter_s=1500)
    other = add(app, "other", "*/10 * * * *", jitter_s=1500)
    assert task.delay_s != other.delay_s
    assert max(task.delay_s, other.delay_s) <= 1500
    tasks.remove(app.data, "other")
    for _minute in range(12 * 60):
        app.clock.at += 60
        run_due(app)
    from storeops.domains.schedule import runs

    found = runs.history(app.data, "often", limit=None)
    gaps = {a.due_at - b.due_at for a, b in pairwise(found)}
    assert gaps == {600.0}
    assert {each.missed for each in found} == {0}
    assert all(0 <= each.started_at - each.due_at - task.delay_s < 60 for each in found)


def test_sleep_is_made_up_for_once_and_in_the_order_of_the_night(app):
    add(app, "report", "0 8 * * *")
    add(app, "sync", "0 2 * * *")
    add(app, "late", "0 9 * * *", catch_up=False)
    app.clock.at += 3 * DAY + 15 * 3600
    found = run_due(app)
    assert [(each.task, each.missed) for each in found.ran] == [("sync", 3), ("report", 3)]
    assert [(each.name, each.reason) for each in found.skipped] == [("late", "too_late")]
    assert run_due(app).ran == ()
    assert tasks.get(app.data, "late").missed == 4
    app.clock.at += DAY
    assert {each.task: each.missed for each in run_due(app).ran} == {"sync": 0, "report": 0}


def test_who_looks_at_what_others_did_comes_last_after_a_sleep(app):
    from storeops.domains.schedule import proposals

    proposals.add_missing(app.data, app.clock.now())
    mine = Task(name="a-look", cron="*/10 * * * *", words=("alert", "check", "--rules", "x.toml"))
    tasks.add(app.data, mine, app.clock.now())
    app.clock.at += DAY
    ran = [each.task for each in run_due(app).ran]
    assert {"sync", "jobs", "events", "backup"} < set(ran)
    assert ran[-2:] == ["a-look", "alarms"]


def test_a_clock_set_back_repeats_nothing_and_does_not_stall(app):
    add(app, "sync", "0 2 * * *")
    app.clock.at += 8 * 3600
    assert len(run_due(app).ran) == 1
    app.clock.at -= 3600 + 1800  # before two o'clock again
    assert run_due(app).ran == ()
    app.clock.at += 3600
    assert run_due(app).ran == ()
    app.clock.at -= 40 * DAY  # a sandbox that was put back
    run_due(app)
    assert tasks.get(app.data, "sync").next_at <= app.clock.at + DAY


def test_another_zone_moves_the_hours(app, monkeypatch):
    before = add(app, "sync", "0 2 * * *").next_at
    monkeypatch.setenv("STOREOPS_TZ", "Asia/Tokyo")
    times.use("")
    try:
        run_due(app)
        assert tasks.get(app.data, "sync").next_at == before - 3600
    finally:
        monkeypatch.delenv("STOREOPS_TZ")
        times.use("")


def test_what_passed_while_paused_is_not_made_up_for(app):
    add(app, "sync", "0 2 * * *")
    tasks.enable(app.data, ["sync"], app.clock.now(), enabled=False)
    app.clock.at += 5 * DAY
    assert run_due(app).ran == ()
    tasks.enable(app.data, ["sync"], app.clock.now(), enabled=True)
    assert run_due(app).ran == ()
    assert tasks.get(app.data, "sync").next_at > app.clock.at
