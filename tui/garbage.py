"""When Python looks for garbage, where that is a key that sticks.

Whenever many objects have come it looks through all there are: a tenth of a second for the hundred
thousand that screens are made of, several times a second while a key is held. What is there when
the first screen is painted stays to the end, so only what comes after it is looked through.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# objects between two looks at the new ones; such looks between two at those that outlived one, and
# again: 1 ms each time, and some MB of garbage that waits
SELDOM = (10_000, 20, 20)


@contextmanager
def seldom_collected() -> Iterator[Callable[[], None]]:
    """For a process that screens have for themselves.

    Yields:
        To be called once the first screen is painted; until then nothing is looked through.
    """
    usual, enabled = gc.get_threshold(), gc.isenabled()
    theirs = gc.get_freeze_count() > 0  # whoever runs us has left something out by themselves

    def begin() -> None:
        if not theirs:
            gc.freeze()
        gc.set_threshold(*SELDOM)
        gc.enable()

    gc.disable()
    try:
        yield begin
    finally:
        if not theirs:
            gc.unfreeze()
        gc.set_threshold(*usual)
        if enabled:
            gc.enable()
        else:
            gc.disable()
