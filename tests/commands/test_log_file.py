"""The log rotates in processes that live long, loses no line, and never ends the work."""

from __future__ import annotations

import logging
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from commands import logs
from storeops import paths

log = logging.getLogger("storeops.test")

WRITER = """
import logging, sys
from commands import logs
logs.MAX_BYTES = 40_000
logs.start()
sys.stdin.readline()
for number in range(200):
    logging.getLogger("storeops.test").info("%s/%03d %s", sys.argv[1], number, "x" * 60)
logs.stop()
"""


def test_a_process_that_lives_long_rotates(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 5000)
    logs.start()
    for number in range(300):
        log.info("line %03d", number)
    logs.stop()
    file, older = paths.log_file(), paths.log_file().with_suffix(".log.1")
    assert file.stat().st_size <= 5000
    assert older.stat().st_size <= 5000
    assert "line 299" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(older.stat().st_mode) == 0o600


def test_several_processes_rotate_once_and_lose_no_line(home: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, name], stdin=subprocess.PIPE)
        for name in "abc"
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    text = paths.log_file().with_suffix(".log.1").read_text() + paths.log_file().read_text()
    found = [each.split()[5] for each in text.splitlines()]
    assert len(found) == len(set(found))
    assert all(each.endswith("x" * 60) for each in text.splitlines())
    # 600 lines are 66 kB: rotated once or twice, and what is left is the newest of each
    for name in "abc":
        mine = [each for each in found if each.startswith(f"{name}/")]
        first = int(mine[0][2:]) if mine else 200
        assert mine == [f"{name}/{number:03d}" for number in range(first, 200)]
    assert len(found) > 300


@pytest.mark.parametrize("planted", ["link", "folder", "pipe"])
def test_what_lies_in_the_place_of_the_log_is_not_written_to(
    home: Path, tmp_path: Path, planted: str
) -> None:
    victim, file = tmp_path / "victim", paths.log_file()
    victim.write_text("mine")
    paths.private_folder(file.parent)
    if planted == "link":
        file.symlink_to(victim)
    elif planted == "folder":
        file.mkdir()
    else:
        import os

        os.mkfifo(file)
    logs.start()
    log.info("a line")
    logs.stop()
    assert victim.read_text() == "mine"
    assert logs.bug(ValueError("x")) is None
