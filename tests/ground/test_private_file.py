"""What we write is private, whole, never goes through a link, and no kill leaves half of it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from storeops import paths
from storeops.private_file import (
    create,
    open_own,
    scratch,
    sweep,
    write_bytes,
    write_often,
    write_private,
)


def strays(*folders: Path) -> list[Path]:
    """Everything that is left of files under way."""
    return [
        each
        for folder in (*folders, paths.scratch_dir())
        if folder.is_dir()
        for each in folder.iterdir()
        if each.name.startswith(".storeops-")
    ]


def test_a_file_is_replaced_and_a_link_in_its_place_is_not_followed(
    home: Path, tmp_path: Path
) -> None:
    victim, place = tmp_path / "victim", tmp_path / "secrets.toml"
    victim.write_text("mine")
    place.symlink_to(victim)
    write_private(place, {"shop": "word"})
    assert victim.read_text() == "mine"
    assert not place.is_symlink()
    assert place.read_text() == 'shop = "word"\n'
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    write_bytes(place, b"new")
    assert place.read_bytes() == b"new"
    (tmp_path / ".secrets.toml.part").symlink_to(victim)
    write_often(place, b"newer")
    assert place.read_bytes() == b"newer"
    assert victim.read_text() == "mine"
    assert not list(tmp_path.glob(".*.part"))
    assert strays(tmp_path) == []


@pytest.mark.parametrize("planted", ["link", "dangling", "file", "pipe"])
def test_what_is_planted_under_a_name_is_not_written_to(tmp_path: Path, planted: str) -> None:
    victim, place = tmp_path / "victim", tmp_path / "place"
    if planted == "link":
        victim.write_text("mine")
    if planted in ("link", "dangling"):
        place.symlink_to(victim)
    elif planted == "pipe":
        os.mkfifo(place)
    else:
        place.write_text("mine")
    with pytest.raises(FileExistsError):
        create(place)
    if planted != "file":
        with pytest.raises(OSError):  # noqa: PT011 - ELOOP, ENXIO or EEXIST
            open_own(place, os.O_WRONLY | os.O_APPEND)
    assert not victim.exists() or victim.read_text() == "mine"


def test_a_failure_or_no_put_leaves_nothing(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("old")
    with scratch(target) as part:
        part.file.write(b"half")
    with pytest.raises(ZeroDivisionError), scratch(target) as part:  # noqa: PT012
        part.file.write(b"half" * 100_000)
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir() if each != home] == ["out.csv"]
    assert list(paths.scratch_dir().iterdir()) == []


def test_a_name_that_is_taken_is_kept_when_asked(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    with scratch(target) as part:
        target.write_text("somebody was faster")
        with pytest.raises(FileExistsError):
            part.put(over=False)
    assert target.read_text() == "somebody was faster"
    target.unlink()
    with scratch(target) as part:
        part.file.write(b"mine")
        part.put(over=False)
    assert target.read_bytes() == b"mine"
    assert target.stat().st_nlink == 1
    assert strays(tmp_path) == []


def test_one_writer_at_a_time_when_asked(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    with scratch(target, alone=True) as part:
        with pytest.raises(BlockingIOError), scratch(target, alone=True):
            pass
        with scratch(tmp_path / "other.csv", alone=True):
            pass
        part.put()
    with scratch(target, alone=True):
        pass


KILLED = """
import os, signal, sys
from pathlib import Path
from storeops.private_file import scratch
with scratch(Path(sys.argv[1]), alone=sys.argv[2] == "alone") as part:
    part.file.write(b"people" * 10_000)
    part.file.flush()
    Path(f"{part.path}-wal").write_bytes(b"people")
    print(part.path, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["alone", "any"])
def test_what_a_killed_process_left_is_swept_and_what_lives_is_not(
    home: Path, tmp_path: Path, how: str
) -> None:
    far = tmp_path / "far"
    far.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(far / "out.csv"), how],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    left = Path(process.stdout.readline().decode().strip())
    assert left.stat().st_mode & 0o777 == 0o600
    assert sweep() == 0
    assert left.exists()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(strays(far)) >= 2
    if how == "alone":  # the next one for the same target removes it on its own
        with scratch(far / "out.csv", alone=True) as part:
            assert strays(far) == [part.path]
    else:
        assert sweep() == 1
    assert strays(far) == []
    assert list(paths.scratch_dir().iterdir()) == []


def test_a_note_is_believed_only_about_scratches(home: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious.db"
    precious.write_text("mine")
    folder = paths.private_folder(paths.scratch_dir())
    (folder / "note").write_text(str(precious))
    (folder / "away").write_text(str(tmp_path / "stick" / ".storeops-0123456789abcdef.part"))
    sweep()
    assert precious.read_text() == "mine"
    assert [each.name for each in folder.iterdir()] == ["away"]  # a disk that may come back
    (tmp_path / "stick").mkdir()
    sweep()
    assert list(folder.iterdir()) == []


def test_a_home_that_cannot_be_written_hinders_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("STOREOPS_HOME", str(tmp_path / "file"))
    assert sweep() == 0
    write_bytes(tmp_path / "out.csv", b"rows")
    assert (tmp_path / "out.csv").read_bytes() == b"rows"
    assert strays(tmp_path) == []
