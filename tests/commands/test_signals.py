"""Signals end a command in good order, whenever they come."""

from __future__ import annotations

import subprocess
import sys

# the thread that handles signals waits for the event: now and then it holds the event's lock
HELD = """
import signal, threading
from commands.context import Interrupted, Invocation

stop = threading.Event()
try:
    with Invocation().interruptible(stop=stop):
        with stop._cond:
            signal.raise_signal(signal.SIGTERM)
        assert stop.wait(20)
except Interrupted as ended:
    print("ended", ended.terminated, stop.is_set())
"""


def test_a_signal_ends_a_command_that_looks_at_its_event_just_then() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELD], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "ended True True\n"), done.stderr
