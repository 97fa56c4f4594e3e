"""Progress bars on stderr, for a person at a terminal; nothing in pipes, with --quiet or --json."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from commands.context import current
from storeops.i18n import _
from storeops.plain import plain

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bars:
    """One bar per thing that is being done: done/total, rate, time left, what holds it back.

    Args:
        progress: Rich's display; None when nobody watches.

    Attributes:
        watched: whether somebody sees the bars.
    """

    def __init__(self, progress: Progress | None) -> None:
        self.watched = progress is not None
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def show(
        self,
        key: str,
        title: str,
        *,
        done: int,
        total: int | None,
        rate: float = 0.0,
        left_s: float | None = None,
        held_back: str = "",
        finished: bool = False,
    ) -> None:
        """Draw one bar's present state.

        Args:
            key: which bar.
            title: its words.
            done: units done.
            total: units in all, None when unknown.
            rate: units a second, lately.
            left_s: seconds it will take; None to reckon with `rate`.
            held_back: what holds it back, in words.
            finished: fill it and stop its clock.
        """
        if self._progress is None:
            return
        with self._lock:
            task = self._tasks.get(key)
            if task is None:
                task = self._progress.add_task(title, total=total, rate="", left="", why="")
                self._tasks[key] = task
        left = ""
        if left_s is None and rate > 0 and total:
            left_s = (total - done) / rate
        if left_s and not finished and (total is None or total > done):
            from storeops.durations import span

            left = _("{time} left").format(time=span(left_s))
        self._progress.update(
            task,
            description=plain(title),
            completed=done,
            total=done if finished else total,
            rate=_("{rate}/s").format(rate=f"{rate:,.0f}") if rate >= 1 else "",
            left=left,
            why=plain(held_back),
        )


@contextmanager
def bars() -> Iterator[Bars]:
    """Show bars while the block runs, when a person watches stderr."""
    settings = current().settings
    if settings.quiet or settings.machine or not sys.stderr.isatty():
        yield Bars(None)
        return
    with _display() as progress:
        yield Bars(progress)


def _display() -> Progress:
    from rich.console import Console  # 46 ms, and only on a terminal
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class CountColumn(ProgressColumn):
        """done/total, or done alone."""

        def render(self, task: Task) -> Text:
            total = "" if task.total is None else f"/{task.total:,.0f}"
            return Text(f"{task.completed:,.0f}{total}")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        CountColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
        TextColumn("{task.fields[why]}", markup=False),
        console=Console(stderr=True),
        refresh_per_second=8,
    )
