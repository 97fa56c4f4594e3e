"""Background tasks: the newest wins, whatever state the older task is in."""

from __future__ import annotations

import threading

from tui.background import BackgroundWorker


def test_an_answer_not_yet_taken_is_stale_too():
    """The older task has finished, its answer lies undelivered: the newer one drops it."""
    delivered = []
    worker = BackgroundWorker("test", delivered.append)
    taken: list[str] = []
    old = worker.submit(lambda: "old", taken.append, taken.append, key="rows")
    assert old._finished.wait(5)
    new = worker.submit(lambda: "new", taken.append, taken.append, key="rows")
    assert new.wait(5)
    for settle in list(delivered):
        settle()
    assert taken == ["new"]
    worker.close()


def test_a_running_task_is_asked_to_stop():
    """Its stop is called from the submitting thread, its answer thrown away."""
    worker = BackgroundWorker("test", lambda settle: settle())
    begun, stop, taken = threading.Event(), threading.Event(), []

    def work() -> str:
        begun.set()
        stop.wait(5)
        return "old"

    worker.submit(work, taken.append, taken.append, key="rows", stop=stop.set)
    assert begun.wait(5)
    new = worker.submit(lambda: "new", taken.append, taken.append, key="rows")
    assert new.wait(5)
    assert stop.is_set()
    assert taken == ["new"]
    worker.close()


def test_keys_do_not_disturb_each_other():
    """Tasks without a key, and of other keys, all get their answer, in order."""
    done = threading.Event()
    taken: list[int] = []
    worker = BackgroundWorker("test", lambda settle: settle())
    for number in range(20):
        worker.submit(lambda number=number: number, taken.append, taken.append, key="")
    worker.submit(lambda: -1, taken.append, taken.append, key="other")
    worker.submit(done.set, lambda _none: None, taken.append)
    assert done.wait(5)
    worker.close()
    assert taken == [*range(20), -1]
