"""Work in parts: each part's result is a file, and what is there is not done again.

The parts, not who computes them, decide what is computed together, so that the bytes are the same
wherever it is done (`executors`). A killed run leaves the files of the parts that it finished.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

from storeops.domains.forecast.executors import Place
from storeops.private_file import scratch

Task = tuple[Callable[..., bytes], tuple[Any, ...]]  # a function of a module, and what it takes


def run_parts(
    folder: Path,
    names: Sequence[str],
    task: Callable[[int], Task],
    place: Place,
    *,
    stop: threading.Event | None = None,
    on_done: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Make the file of every part that is not there yet.

    Args:
        folder: where they lie.
        names: of the parts.
        task: what makes the bytes of a part, by its place.
        place: who computes them; not asked when nothing is left to do.
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

    waiting: dict[Future[bytes], int] = {}
    left = iter(todo)
    if not todo:
        return there
    with place as executor:
        while True:
            slots = 0 if halted() else executor.slots
            while len(waiting) < slots and (following := next(left, None)) is not None:
                function, arguments = task(following)
                waiting[executor.submit(function, *arguments)] = following
            if not waiting:
                return there
            ended = wait(waiting, executor.look_s, FIRST_COMPLETED).done
            if not ended:
                executor.look()
            for future in ended:
                keep(waiting.pop(future), executor.result(future))


def remove(folder: Path, names: Sequence[str]) -> None:
    """Take the files of the parts away, and the folder when nothing else lies in it."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()
