"""Lanes: newest wins, whatever state the older task is in."""

from __future__ import annotations

import threading

from tui.lanes import Lane


def test_an_answer_not_yet_taken_is_stale_too():
    """The older task has finished, its answer lies undelivered: the newer one drops it."""
    delivered = []
    lane = Lane("test", delivered.append)
    taken: list[str] = []
    old = lane.submit(lambda: "old", taken.append, taken.append, slot="rows")
    assert old._finished.wait(5)
    new = lane.submit(lambda: "new", taken.append, taken.append, slot="rows")
    assert new.wait(5)
    for settle in list(delivered):
        settle()
    assert taken == ["new"]
    lane.close()


def test_a_running_task_is_asked_to_stop():
    """Its stop is called from the submitting thread, its answer thrown away."""
    lane = Lane("test", lambda settle: settle())
    begun, stop, taken = threading.Event(), threading.Event(), []

    def work() -> str:
        begun.set()
        stop.wait(5)
        return "old"

    lane.submit(work, taken.append, taken.append, slot="rows", stop=stop.set)
    assert begun.wait(5)
    new = lane.submit(lambda: "new", taken.append, taken.append, slot="rows")
    assert new.wait(5)
    assert stop.is_set()
    assert taken == ["new"]
    lane.close()


def test_slots_do_not_disturb_each_other():
    """Tasks without a slot, and of other slots, all get their answer, in order."""
    done = threading.Event()
    taken: list[int] = []
    lane = Lane("test", lambda settle: settle())
    for number in range(20):
        lane.submit(lambda number=number: number, taken.append, taken.append, slot="")
    lane.submit(lambda: -1, taken.append, taken.append, slot="other")
    lane.submit(done.set, lambda _none: None, taken.append)
    assert done.wait(5)
    lane.close()
    assert taken == [*range(20), -1]
