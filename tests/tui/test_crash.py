"""A bug ends the screens, gives the terminal back, and goes to the log that `doctor` names."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.tui.pseudo import read_until

# the bug: in a handler of the screen's thread, or in background work
BUGS = {
    "screen": "def do_sort(self):\n    raise ZeroDivisionError('the bug of this test')",
    "background": "def do_sort(self):\n    self.read(lambda: 1 // 0, print)",
}
PROGRAM = """
import sys
from tui.screens.customers.screen import CustomersScreen
{bug}
CustomersScreen.do_sort = do_sort
from commands.main import run
sys.argv = ["storeops", "tui", "--screen", "customers"]
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("where", BUGS)
def test_a_crash_gives_the_terminal_back(home, where):
    """Modes, cursor, mouse and screen are as before; one line says where the rest is."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    environment = {**os.environ, "STOREOPS_LANG": "en", "TERM": "xterm-256color"}
    environment.update(LINES="24", COLUMNS="100")
    program = PROGRAM.format(bug=BUGS[where])
    out = bytearray()
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=theirs, stdout=theirs, stderr=theirs,
        env=environment, start_new_session=True,
    )  # fmt: skip
    try:
        assert read_until(ours, b"Customers", out), bytes(out[-500:])
        assert read_until(ours, "›".encode(), out), bytes(out[-500:])
        os.write(ours, b"s")
        assert read_until(ours, b"\x1b[?1049l", out), bytes(out[-500:])
        read_until(ours, b"storeops.log", out, 20)
        code = process.wait(30)
        after = termios.tcgetattr(theirs)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(theirs)
        os.close(ours)
    assert code not in (0, None)
    assert after == before, "the terminal's modes were not put back"
    left = out.rindex(b"\x1b[?1049l")
    for off in (b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l"):
        assert out.rindex(off) > out.index(b"\x1b[?1049h")
    told = out[left:].decode()
    assert "Traceback" not in told
    doctor = subprocess.run(
        [sys.executable, "-m", "storeops", "doctor", "--json", "--offline"],
        env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    named = [line for line in json.dumps(json.loads(doctor.stdout)).split('"') if "log" in line]
    log = next(path for path in named if path.endswith("storeops.log"))
    assert log in told.replace("\r\n", ""), told
    assert "ZeroDivisionError" in Path(log).read_text(encoding="utf-8")
