"""What a person at a terminal sees: bars, bold, questions; through a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def at_terminal(
    words: list[str], home: Path, *, typed: str = "", when: str = "", **environment: str
) -> tuple[int, str]:
    """Run with stdin, stdout and stderr on one pseudo-terminal; type once `when` is seen."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "storeops", *words],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={
            "PATH": os.environ["PATH"],
            "STOREOPS_HOME": str(home),
            "STOREOPS_LANG": "en",
            "STOREOPS_PAGER": "",
            "TERM": "xterm",
            "COLUMNS": "100",
            "LINES": "30",
            **environment,
        },
        start_new_session=True,
    )
    os.close(follower)
    seen = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _w, _x = select.select([leader], [], [], 0.2)
        if ready:
            try:
                chunk = os.read(leader, 65536)
            except OSError:
                break
            if not chunk:
                break
            seen += chunk
            if typed and when.encode() in seen:
                if typed == "\x03":  # the pseudo-terminal controls nobody: it sends no signal
                    os.killpg(process.pid, signal.SIGINT)
                else:
                    os.write(leader, typed.encode())
                typed = ""
        elif process.poll() is not None:
            break
    os.close(leader)
    return process.wait(timeout=10), seen.decode("utf-8", "replace")


def test_sync_shows_bars_and_a_bold_verdict(home: Path, shop: Any) -> None:
    shop.control.settings(latency_ms=40)
    code, seen = at_terminal(["sync", "run"], home)
    assert code == 0
    assert "\u241b" not in seen  # our own bold is not neutralised
    assert "\x1b[1mRun 1: complete" in seen
    text = ESCAPE.sub("", seen)
    assert re.search(r"customers' follows .*200/200", text)


def test_quiet_shows_no_bars(home: Path, shop: Any) -> None:
    code, seen = at_terminal(["sync", "run", "--quiet"], home)
    assert code == 0
    assert "200/200" not in seen


def test_no_color_and_dumb_terminals_are_kept(home: Path) -> None:
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        _code, seen = at_terminal(["exit-codes"], home, **environment)
        assert "\x1b" not in seen
    _code, seen = at_terminal(["exit-codes"], home)
    assert "\x1b[1m" in seen


def test_the_secret_is_asked_for_and_not_shown(home: Path) -> None:
    from storeops import secrets

    code, seen = at_terminal(
        ["profile", "add", "main", "--corp-id", "ww0123456789abcde1"],
        home,
        typed="hidden-word\n",
        when="Secret",
    )
    assert code == 0
    assert "hidden-word" not in seen
    assert secrets.get("main").reveal() == "hidden-word"


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 130)])
def test_restore_asks(
    home: Path, synced: Any, cli: Any, tmp_path: Path, answer: str, code: int
) -> None:
    assert cli("db", "backup", str(tmp_path / "copy.db")).code == 0
    found, seen = at_terminal(
        ["db", "restore", str(tmp_path / "copy.db")], home, typed=f"{answer}\n", when="[y/N]"
    )
    assert found == code, seen


def test_a_pty_width_is_respected(home: Path) -> None:
    _code, seen = at_terminal(["exit-codes"], home, COLUMNS="40")
    lines = ESCAPE.sub("", seen).replace("\r", "").splitlines()
    assert max(map(len, lines)) <= 40
    assert not any("…" in line for line in lines)  # sentences go on below


@pytest.fixture
def long_list(home: Path) -> list[str]:
    """Words of a read that is longer than a terminal of five lines."""
    return ["exit-codes"]


@pytest.mark.parametrize(
    ("pager", "shown", "note"),
    [
        ("  ", True, ""),
        ("no-such-pager-anywhere", True, ""),
        ("cat | head -n 2", False, ""),
        ("sed 's/^/> /'", True, ""),
        ("sh -c 'cat > /dev/null; exit 3'", False, "ended with 3; PAGER= (empty) shows lists"),
        ("cat 'unfinished", False, "ended with 2"),
    ],
)
def test_any_pager_ends_well(
    home: Path, long_list: list[str], pager: str, shown: bool, note: str
) -> None:
    code, seen = at_terminal(long_list, home, STOREOPS_PAGER=pager, LINES="5")
    assert code == 0, seen
    assert ("130" in seen) is shown  # the last row
    assert note in seen
    assert "Traceback" not in seen
    if pager.startswith("cat |"):
        assert len(seen.splitlines()) == 2


def test_a_reader_may_press_ctrl_c_in_the_pager(
    home: Path, long_list: list[str], tmp_path: Path
) -> None:
    """The pager decides when the reading ends; we wait for it and end with 0."""
    pager = tmp_path / "pager"
    pager.write_text(
        f"#!{sys.executable}\n"
        "import os, signal, sys\n"
        "kept = b'%d kept' % len(sys.stdin.readlines())\n"
        "signal.signal(signal.SIGINT, lambda *a: (os.write(1, kept), os._exit(0)))\n"
        "os.write(1, b'open ')\n"
        "signal.pause()\n"
    )
    pager.chmod(0o700)
    code, seen = at_terminal(
        long_list, home, STOREOPS_PAGER=str(pager), LINES="5", typed="\x03", when="open"
    )
    assert code == 0, seen
    assert re.search(r"\d\d kept", seen)
    assert "Stopped" not in seen
