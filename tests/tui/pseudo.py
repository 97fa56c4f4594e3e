"""Reading what a program draws on a pseudo-terminal."""

from __future__ import annotations

import os
import select
import time


def read_until(handle: int, wanted: bytes, out: bytearray, seconds: float = 60.0) -> bool:
    """Read into `out` until `wanted` was drawn; False when the time is over."""
    end = time.monotonic() + seconds
    while wanted not in out and time.monotonic() < end:
        if select.select([handle], [], [], 0.2)[0]:
            try:
                out += os.read(handle, 65536)
            except OSError:  # nobody holds the other end any more
                break
    return wanted in out
