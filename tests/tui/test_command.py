"""`storeops tui` on a real terminal: it opens the screens and leaves the terminal as it was."""

import os
import pty
import select
import sys
import time

from tests.tui.pseudo import read_until


def test_it_opens_on_a_terminal_and_quits(box, home):
    pid, handle = pty.fork()
    if pid == 0:  # pragma: no cover
        os.environ.update(
            STOREOPS_HOME=str(home), STOREOPS_LANG="en", TERM="xterm-256color",
        )  # fmt: skip
        os.execv(sys.executable, [sys.executable, "-m", "storeops", "-p", "box", "tui"])
    out = bytearray()
    try:
        assert read_until(handle, b"\x1b[?1049h", out), bytes(out[-500:])
        assert read_until(handle, b"Today", out), bytes(out[-500:])
        os.write(handle, b"q")
        assert read_until(handle, b"Leave storeops?", out), bytes(out[-500:])
        os.write(handle, b"q")
        assert read_until(handle, b"\x1b[?1049l", out), bytes(out[-500:])
    finally:
        end = time.monotonic() + 30
        done, status = os.waitpid(pid, os.WNOHANG)
        while not done and time.monotonic() < end:
            select.select([handle], [], [], 0.2)
            done, status = os.waitpid(pid, os.WNOHANG)
        if not done:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        os.close(handle)
    assert done
    assert os.waitstatus_to_exitcode(status) == 0
