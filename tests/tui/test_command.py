"""`storeops tui` on a real terminal: it opens the screens and leaves the terminal as it was."""

import os
import pty
import select
import sys
import time


def _until(handle, wanted, out, seconds=60.0):
    """Read the terminal until `wanted` was printed; False when the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if wanted in out:
            return True
        ready, _, _ = select.select([handle], [], [], 0.2)
        if ready:
            try:
                out += os.read(handle, 65536)
            except OSError:
                return wanted in out
    return False


def test_it_opens_on_a_terminal_and_quits(cli, home, monkeypatch):
    monkeypatch.setenv("STOREOPS_SECRET_BOX", "not-a-real-one")
    answer = cli(
        "profile", "add", "box", "--corp-id", "ww0123456789abcdef", "--agent-id", "1000002",
        "--base-url", "http://127.0.0.1:9",
    )  # fmt: skip
    assert answer.code == 0
    pid, handle = pty.fork()
    if pid == 0:  # pragma: no cover
        os.environ.update(
            STOREOPS_HOME=str(home), STOREOPS_LANG="en", TERM="xterm-256color",
        )  # fmt: skip
        os.execv(sys.executable, [sys.executable, "-m", "storeops", "-p", "box", "tui"])
    out = bytearray()
    try:
        assert _until(handle, b"\x1b[?1049h", out), bytes(out[-500:])
        assert _until(handle, b"Today", out), bytes(out[-500:])
        os.write(handle, b"q")
        assert _until(handle, b"Leave storeops?", out), bytes(out[-500:])
        os.write(handle, b"q")
        assert _until(handle, b"\x1b[?1049l", out), bytes(out[-500:])
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
