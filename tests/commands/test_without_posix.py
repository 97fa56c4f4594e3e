"""A shop's PC with Windows: what reads, plans, syncs and draws asks for nothing of POSIX.

A process that has loaded what others wrote takes away what Windows lacks, says it is Windows, and
only then loads storeops. It cannot show what Windows does; it shows what is not asked for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

PROGRAM = r'''
import asyncio, ctypes, getpass, http.client, json, os, select, shutil, signal, sqlite3, ssl
import subprocess, sys, tempfile, types
import filelock, httpx, msgspec, openpyxl, platformdirs, pypinyin, sqlite_utils, tomli_w, typer
import rich.console, rich.progress, rich.table
import textual.app, textual.drivers.headless_driver, textual.widgets
import xlsxwriter

POSIX = {"fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "syslog", "posix", "curses"}

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in POSIX:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in POSIX:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Hidden())

class Without(types.ModuleType):
    """A module as those that come later find it: what others have loaded keeps the whole."""

    def __init__(self, module, names):
        super().__init__(module.__name__)
        self.whole, self.names = module, set(names.split())

    def __getattr__(self, name):
        if name in self.names:
            raise AttributeError(f"Windows has no {self.__name__}.{name}")
        return getattr(self.whole, name)

sys.modules["os"] = Without(os, "geteuid getuid getegid getgid fork waitpid WNOHANG O_NOFOLLOW"
    " O_NONBLOCK O_DIRECTORY sched_getaffinity setsid killpg getpgid fchown chown mkfifo statvfs"
    " uname getloadavg pread kill")
sys.modules["signal"] = Without(signal, "SIGKILL SIGHUP SIGUSR1 SIGUSR2 SIGALRM SIGPIPE SIGTSTP"
    " SIGCONT SIGWINCH alarm setitimer pthread_sigmask")
windows = types.ModuleType("msvcrt")
windows.LK_NBLCK = 2
windows.locking = lambda handle, mode, count: None
sys.modules["msvcrt"] = windows
ctypes.windll = types.SimpleNamespace(kernel32=types.SimpleNamespace(
    OpenProcess=lambda rights, inherit, pid: 1, CloseHandle=lambda handle: 1,
))
sys.platform = "win32"

from commands.main import run

codes = {}
for words in json.loads(sys.argv[1]):
    codes[" ".join(words)] = run(words)

from storeops.app import App
from tui.app import StoreOpsApp

async def go_round(pilot):
    for spec in app.specs.values():
        await pilot.press(spec.key)
        await pilot.pause()
    app.exit()

core = App.open()
app = StoreOpsApp(core)
app.run(headless=True, size=(100, 30), auto_pilot=go_round)
core.close()
codes["screens"] = repr(app.crash)
print(json.dumps(codes), file=sys.__stderr__)
'''
COMMANDS = (
    ["--help"],
    ["doctor", "--offline"],
    ["sync", "run", "--quiet"],
    ["customer", "list", "--limit", "5"],
    ["store", "list"],
    ["customer", "export", "all.csv"],
    ["customer", "export", "all.xlsx"],
    ["plan", "list"],
    ["events", "status"],
    ["job", "run", "--once"],
    ["audit", "verify"],
    ["db", "check"],
)


def test_nothing_of_posix_is_asked_for(synced: Any, cli: Any, tmp_path: Any) -> None:
    names = [each["name"] for each in cli("tag", "list", "--json").json["items"]]
    tag = next(each for each in names if names.count(each) == 1)
    words = [
        *COMMANDS,
        ["tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all"],
        ["hub", "init", "--external", "--url", "nats://127.0.0.1:4222"],
        ["hub", "host", "add", "two"],
    ]
    driver = "textual.drivers.headless_driver:HeadlessDriver"
    environment = {**os.environ, "TEXTUAL_DRIVER": driver}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(words)],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    codes = json.loads(done.stderr.splitlines()[-1])
    assert codes.pop("screens") == "None"
    assert codes.pop("hub host add two") == 3
    assert "A second host of head office needs Linux or macOS." in done.stderr
    assert set(codes.values()) == {0}, (codes, done.stdout[-2000:], done.stderr[-3000:])
    assert (tmp_path / "all.csv").stat().st_size
    assert (tmp_path / "all.xlsx").stat().st_size
