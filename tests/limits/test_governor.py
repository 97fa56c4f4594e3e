"""The governor in one process, under a clock that the tests move."""

from __future__ import annotations

import threading
import time

import pytest

from storeops.clock import SystemClock
from storeops.database.database import open_database
from storeops.errors import ConflictError, LimitError
from storeops.limits import handing_over, offset
from storeops.limits.governor import Governor
from storeops.limits.limits import Limits
from storeops.limits.schema import MIGRATIONS
from storeops.wecom.errors import StoppedError

PATH = "externalcontact/get"
FEW = Limits(per_minute=10, per_hour=40, reserved=0.2)


@pytest.fixture
def db(tmp_path):
    opened = open_database(tmp_path / "run.db", MIGRATIONS)
    yield opened
    opened.close()


def governor(db, clock, limits=FEW):
    return Governor(db, "ww1", limits, clock=clock)


def spend(limiter, calls, **how):
    done = 0
    for _each in range(calls):
        try:
            with limiter.acquire(PATH, wait=False, **how):
                done += 1
        except LimitError:
            break
    return done


def test_the_minute_window_opens_again_after_a_minute(db, clock):
    limiter = governor(db, clock)
    assert spend(limiter, 20) == 8  # ten, less the share of the urgent
    assert spend(limiter, 20, urgent=True) == 2
    with pytest.raises(LimitError) as caught, limiter.acquire(PATH, wait=False):
        pass
    assert caught.value.details["held_by"] == "minute"
    assert 60 <= caught.value.retry_after_s <= 61
    clock.advance(caught.value.retry_after_s)
    assert spend(limiter, 20) == 8


def test_the_hour_window_holds_when_minutes_do_not(db, clock):
    limiter = governor(db, clock)
    done = 0
    for _minute in range(30):
        done += spend(limiter, 20)
        clock.advance(61)
    assert done == 32  # forty, less the share of the urgent
    with pytest.raises(LimitError) as caught, limiter.acquire(PATH, wait=False):
        pass
    assert caught.value.details["held_by"] == "hour"


def test_waiting_takes_exactly_as_long_as_the_window(db, clock):
    limiter = governor(db, clock)
    spend(limiter, 20)
    before = clock.moved
    with limiter.acquire(PATH):
        pass
    assert 59 <= clock.moved - before <= 62


def test_two_governors_share_a_window(db, clock):
    one, two = governor(db, clock), governor(db, clock)
    assert spend(one, 5) == 5
    assert spend(two, 20) == 3


def test_apis_and_corps_have_windows_of_their_own(db, clock):
    limiter = governor(db, clock)
    other = Governor(db, "ww2", FEW, clock=clock)
    assert spend(limiter, 20) == 8
    assert spend(other, 20) == 8
    with limiter.acquire("externalcontact/list", wait=False):
        pass


def test_a_path_has_one_spelling(db, clock):
    limiter = governor(db, clock)
    spend(limiter, 20)
    with pytest.raises(LimitError), limiter.acquire("/cgi-bin/externalcontact/get", wait=False):
        pass


def test_places_in_flight_are_few_and_shared(db, clock):
    one, two = governor(db, clock, Limits()), governor(db, clock, Limits())
    held = [one.acquire(PATH) for _ in range(3)]
    for each in held:
        each.__enter__()
    with two.acquire(PATH, wait=False):
        for limiter in (one, two):
            with pytest.raises(LimitError) as caught, limiter.acquire(PATH, wait=False):
                pass
            assert caught.value.details["held_by"] == "in_flight"
    held[0].__exit__(None, None, None)
    with one.acquire(PATH, wait=False):
        pass
    for each in held[1:]:
        each.__exit__(None, None, None)


def test_a_place_is_free_for_everybody_when_its_call_ends(db, clock):
    one, two = governor(db, clock, Limits()), governor(db, clock, Limits())
    held = [one.acquire(PATH) for _ in range(4)]
    for each in held:
        each.__enter__()
    assert one.snapshot()[0].in_flight == 4
    with pytest.raises(LimitError), two.acquire(PATH, wait=False):
        pass
    for each in held:
        each.__exit__(None, None, None)
    assert one.snapshot()[0].in_flight == 0
    with two.acquire(PATH, wait=False):
        pass


def test_45009_pauses_every_process_for_a_minute_then_for_an_hour(db, clock):
    one, two = governor(db, clock), governor(db, clock)
    with one.acquire(PATH):
        pass
    one.report(PATH, 45009)
    two.report(PATH, 45009)  # was on its way: the same ban
    for limiter in (one, two):
        with pytest.raises(LimitError) as caught, limiter.acquire(PATH, wait=False):
            pass
        assert caught.value.details["held_by"] == "pause"
        assert caught.value.retry_after_s == pytest.approx(60, abs=0.01)
    assert two.snapshot()[0].held_by == "pause"
    before = clock.moved
    with two.acquire(PATH):
        assert clock.moved - before == pytest.approx(60, abs=0.01)
    one.report(PATH, 45009)
    assert one.snapshot()[0].paused_s == pytest.approx(3600, abs=0.01)
    clock.advance(3600 + 601)
    one.report(PATH, 45009)  # long ago: the minute again
    assert one.snapshot()[0].paused_s == pytest.approx(60, abs=0.01)


@pytest.mark.parametrize("errcode", [45033, 45035])
def test_crowding_halves_the_pool_and_it_grows_back(db, clock, errcode):
    limiter = governor(db, clock, Limits())
    with limiter.acquire(PATH):
        pass
    pools = []
    for wait in (0, 0.5, 1.0, 1.5, 29, 30, 31, 31, 31):
        clock.advance(wait)
        if wait < 10:
            limiter.report(PATH, errcode)
        with limiter.acquire(PATH):
            pools.append(limiter.snapshot()[0].pool)
    assert pools == [2, 2, 1, 1, 1, 2, 4, 4, 4]


def test_other_codes_change_nothing(db, clock):
    limiter = governor(db, clock)
    limiter.report(PATH, 84061)
    assert limiter.snapshot() == []


def test_stop_ends_waiting_at_once(db):
    limiter = Governor(db, "ww1", FEW, clock=SystemClock())
    spend(limiter, 20)
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(StoppedError), limiter.acquire(PATH, stop=stop):
        pass


def test_the_urgent_are_served_first(db):
    limiter = Governor(db, "ww1", Limits(in_flight=1), clock=SystemClock())
    order = []
    first = limiter.acquire(PATH)
    first.__enter__()

    def call(name, urgent):
        with limiter.acquire(PATH, urgent=urgent):
            order.append(name)

    crowd = [threading.Thread(target=call, args=(f"plain{n}", False)) for n in range(5)]
    for each in crowd:
        each.start()
    while limiter.snapshot()[0].waiting < 5:
        time.sleep(0.005)
    person = threading.Thread(target=call, args=("person", True))
    person.start()
    while limiter.snapshot()[0].waiting < 6:
        time.sleep(0.005)
    first.__exit__(None, None, None)
    for each in [*crowd, person]:
        each.join()
    assert order[0] == "person"


def test_a_process_of_few_calls_is_not_kept_out_by_one_of_many(db):
    many, few = (Governor(db, "ww1", Limits(), clock=SystemClock()) for _ in "mf")
    held = [many.acquire(PATH) for _ in range(4)]
    for each in held:
        each.__enter__()
    order = []

    def call(limiter, name):
        with limiter.acquire(PATH):
            order.append(name)
            go_on.wait(10)
        db.close_thread()

    go_on = threading.Event()
    crowd = [threading.Thread(target=call, args=(many, "many")) for _ in range(6)]
    late = threading.Thread(target=call, args=(few, "few"))
    for each in crowd:
        each.start()
    while many.snapshot()[0].waiting < 6:
        time.sleep(0.005)
    late.start()
    while many.snapshot()[0].waiting < 7:
        time.sleep(0.005)
    held[0].__exit__(None, None, None)
    while not order:
        time.sleep(0.005)
    assert order == ["few"]
    go_on.set()
    for each in held[1:]:
        each.__exit__(None, None, None)
    for each in [*crowd, late]:
        each.join()


def test_a_call_that_went_well_stays_so_when_the_file_cannot_be_written_after_it(
    db, clock, monkeypatch
):
    limiter = governor(db, clock, Limits(in_flight=1))

    def locked():
        raise ConflictError("locked")

    with monkeypatch.context() as patch, limiter.acquire(PATH):
        patch.setattr(db, "atomic", locked)
    with limiter.acquire(PATH, wait=False):  # the place was given back with the next writing
        assert limiter.snapshot()[0].in_flight == 1


def test_the_forecast_names_what_holds_back(db, clock):
    limiter = governor(db, clock, Limits(per_minute=1000, per_hour=5000, reserved=0.0))
    plain = limiter.estimate(PATH, 100)
    assert (plain.seconds, plain.reason) == (2.5, "in_flight")  # 100 × 0.1 s, four at a time
    minutes = limiter.estimate(PATH, 4000)
    assert minutes.reason == "minute"
    assert minutes.seconds == pytest.approx(3 * 61)
    assert limiter.estimate(PATH, 6000).reason == "hour"
    limiter.report(PATH, 45033)
    assert limiter.estimate(PATH, 100).reason == "pool"
    assert limiter.estimate(PATH, 100).seconds == 5.0
    limiter.report(PATH, 45009)
    assert limiter.estimate(PATH, 100).reason == "pause"
    assert limiter.estimate(PATH, 100).seconds == 65.0


def test_the_forecast_goes_by_what_answers_took_lately(db, clock):
    limiter = governor(db, clock, Limits())

    def call(path, seconds, times):
        for _each in range(times):
            with limiter.acquire(path):
                clock.sleep(seconds)

    call("tag/slow_at_first", 2.0, 2)
    assert limiter.estimate("tag/slow_at_first", 100).seconds == 50.0
    call("tag/slow_at_first", 0.02, 200)
    assert limiter.estimate("tag/slow_at_first", 100).seconds < 1.0
    call("tag/other", 0.02, 100)
    # never called: as the others of this corp, not as a guess
    assert limiter.estimate("tag/never", 100).latency_s < 0.04


def test_wecoms_offset_does_not_move_the_windows(db):
    near, far = SystemClock(), SystemClock(offset=86_400)
    one = Governor(db, "ww1", FEW, clock=near)
    two = Governor(db, "ww1", FEW, clock=far)
    assert spend(one, 20) == 8
    assert spend(two, 20) == 0


def test_a_clock_that_is_set_back_never_widens_a_window(db, clock):
    limiter = governor(db, clock)
    assert spend(limiter, 20) == 8
    clock.advance(-30)
    assert spend(limiter, 20) == 0


def test_the_offset_is_kept(db):
    assert offset.load(db) == 0.0
    offset.save(db, 86_400.5)
    assert offset.load(db) == 86_400.5
    offset.save(db, 86_400.9)  # less than a second: not worth a write
    assert offset.load(db) == 86_400.5


def test_another_machine_goes_on_under_pauses_and_windows(db, clock, tmp_path):
    there = governor(db, clock)
    assert spend(there, 3) == 3
    there.report("externalcontact/list", 45009)
    told = handing_over.state(db, "ww1")
    other = open_database(tmp_path / "other.db", MIGRATIONS)
    clock.advance(500)  # its clock is before the first one's by so much
    limits = Limits(per_minute=10, per_hour=1000, reserved=0.0, in_flight=1)
    for _once_more in range(2):  # each takeover after the other counts the same seconds
        handing_over.take_over(other, "ww1", told, at=clock.now(), shift=500, unseen_s=2)
    here = governor(other, clock, limits)
    assert here.snapshot()
    with pytest.raises(LimitError) as paused, here.acquire("externalcontact/list", wait=False):
        pass
    assert paused.value.details["held_by"] == "pause"
    assert paused.value.retry_after_s == pytest.approx(FEW.first_pause_s, abs=0.1)
    assert spend(here, 20) == 10 - 3 - 3  # and what it may have called in the second since
    other.close()


def test_no_call_begins_where_none_may(db, clock):
    def refuse():
        raise StoppedError("not from here")

    limiter = Governor(db, "ww1", FEW, clock=clock, may_call=refuse)
    with pytest.raises(StoppedError), limiter.acquire(PATH):
        raise AssertionError("it began")
    assert limiter.snapshot()[0].in_flight == 0
