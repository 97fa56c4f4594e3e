"""Work in parts, on this host: each part's result is a file, and what is there is not done again.

The parts, not the workers, decide what is computed together, so that the bytes are the same
whatever the number of processes. A killed run leaves the files of the parts that it finished.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from storeops.private_file import scratch

Task = tuple[Callable[..., bytes], tuple[Any, ...]]  # a function of a module, and what it takes


def run_parts(
    folder: Path,
    names: Sequence[str],
    task: Callable[[int], Task],
    *,
    workers: int = 1,
    stop: threading.Event | None = None,
    on_done: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Make the file of every part that is not there yet.

    Args:
        folder: where they lie.
        names: of the parts.
        task: what makes the bytes of a part, by its place.
        workers: processes; 1 works in this one.
        stop: begin no further part.
        on_done: told the number of parts that are there, and of all.

    Returns:
        How many were there already.
    """
    todo = [at for at, name in enumerate(names) if not (folder / name).is_file()]
    there = len(names) - len(todo)
    done = there
    on_done(done, len(names))

    def keep(at: int, content: bytes) -> None:
        nonlocal done
        with scratch(folder / names[at]) as part:
            part.file.write(content)
            part.put(sync=False)  # lost with the power, it is made again
        done += 1
        on_done(done, len(names))

    def halted() -> bool:
        return stop is not None and stop.is_set()

    if workers <= 1 or len(todo) < 2:
        for at in todo:
            if halted():
                break
            function, arguments = task(at)
            keep(at, function(*arguments))
        return there
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

    waiting: dict[Future[bytes], int] = {}
    left = iter(todo)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        while True:
            while len(waiting) < workers + 1 and not halted():
                following = next(left, None)
                if following is None:
                    break
                function, arguments = task(following)
                waiting[pool.submit(function, *arguments)] = following
            if not waiting:
                return there
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                keep(waiting.pop(future), future.result())


def remove(folder: Path, names: Sequence[str]) -> None:
    """Take the files of the parts away, and the folder when nothing else lies in it."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()
