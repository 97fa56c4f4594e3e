"""Background threads of the screens, one per kind of work, each with its own connection.

A worker runs one task at a time. A newer task of the same key replaces the one that waits and asks
the one that runs to stop, so that a stale query never delays a fresh one.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
Deliver = Callable[[Callable[[], None]], object]


class BackgroundTask(Generic[T]):
    """A task given to a worker.

    Attributes:
        key: tasks of one key replace each other; "" replaces nothing.
    """

    def __init__(
        self,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
        key: str,
        stop: Callable[[], None] | None,
    ) -> None:
        self.key = key
        self._work = work
        self._done = done
        self._failed = failed
        self._stop = stop
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._settled = False
        self._dropped = False
        self._result: T | None = None
        self._error: Exception | None = None

    @property
    def dropped(self) -> bool:
        """Whether a newer task has taken its place."""
        return self._dropped

    def drop(self) -> None:
        """Forget the task; its answer is thrown away, a running query is asked to stop."""
        self._dropped = True
        if self._stop is not None and not self._finished.is_set():
            self._stop()

    def run(self) -> None:
        """Do the work (worker thread)."""
        try:
            self._result = self._work()
        except Exception as error:
            self._error = error
        finally:
            self._finished.set()

    def settle(self) -> None:
        """Hand the answer over, once (screen thread)."""
        with self._lock:
            if self._settled or self._dropped:
                return
            self._settled = True
        if self._error is not None:
            self._failed(self._error)
        else:
            self._done(self._result)  # type: ignore[arg-type]

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for the answer and take it here; False when it is not there."""
        if not self._finished.wait(seconds):
            return False
        self.settle()
        return True


class BackgroundWorker:
    """One background thread.

    Args:
        name: of the thread.
        deliver: runs a callable on the screen thread, from any thread.
        closing: runs in the thread when the worker ends (closes its connection).
    """

    def __init__(
        self, name: str, deliver: Deliver, *, closing: Callable[[], None] | None = None
    ) -> None:
        self.name = name
        self._deliver = deliver
        self._closing = closing
        self._tasks: deque[BackgroundTask[object]] = deque()
        self._newest: dict[str, BackgroundTask[object]] = {}
        self._wake = threading.Condition()
        self._running: BackgroundTask[object] | None = None
        self._closed = False
        self._unsettled = 0
        self._thread: threading.Thread | None = None

    def submit(
        self,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
        *,
        key: str = "",
        stop: Callable[[], None] | None = None,
    ) -> BackgroundTask[T]:
        """Run `work` in the background, then `done` or `failed` on the screen thread.

        Args:
            work: the task; raises what `failed` shall get.
            done: takes its result.
            failed: takes its exception.
            key: an earlier task of the same key is dropped.
            stop: asks the running task to end early, from any thread.
        """
        task: BackgroundTask[T] = BackgroundTask(work, done, failed, key, stop)
        with self._wake:
            if self._closed:
                task.drop()
                return task
            # the one before may wait, run, or have an answer that nobody has taken yet
            stale = self._newest.get(key) if key else None
            if stale is not None and stale in self._tasks:
                self._tasks.remove(stale)
            if key:
                self._newest[key] = task  # type: ignore[assignment]
            self._tasks.append(task)  # type: ignore[arg-type]
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name=self.name, daemon=True)
                self._thread.start()
            self._wake.notify()
        if stale is not None:
            stale.drop()
        return task

    @property
    def busy(self) -> bool:
        """Whether something runs, waits, or has an answer not yet taken."""
        with self._wake:
            return self._running is not None or bool(self._tasks) or self._unsettled > 0

    def _loop(self) -> None:
        while True:
            with self._wake:
                while not self._tasks and not self._closed:
                    self._wake.wait()
                if self._closed:
                    break
                task = self._tasks.popleft()
                self._running = task
            task.run()
            with self._wake:
                self._running = None
                self._unsettled += not task.dropped
            if not task.dropped:
                self._hand_over(task)
        if self._closing is not None:
            self._closing()

    def _hand_over(self, task: BackgroundTask[object]) -> None:
        def settle() -> None:
            try:
                task.settle()
            finally:
                with self._wake:
                    self._unsettled -= 1

        # an application that has ended takes nothing any more
        with contextlib.suppress(RuntimeError):
            self._deliver(settle)

    def close(self, seconds: float = 5.0) -> None:
        """Drop everything and end the thread, waiting at most `seconds`."""
        with self._wake:
            self._closed = True
            tasks = [*self._tasks, *([self._running] if self._running else [])]
            self._tasks.clear()
            self._wake.notify()
        for task in tasks:
            task.drop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)
