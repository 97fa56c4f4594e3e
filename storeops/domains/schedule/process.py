"""A task's process: the same installation, profile and home, no shell, an output file of its own.

The lock of a task is a lock of the operating system. Its process inherits it, so that it is held
as long as either the process or the one that started it lives: a run-due that was killed leaves no
gap in which the task could be started beside itself. Windows hands no lock on; there the output
file, which nobody else may rename while it is open, tells that the process still lives.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from storeops import paths
from storeops.errors import ConfigError
from storeops.file_lock import try_lock
from storeops.i18n import _
from storeops.os_errors import explain_os
from storeops.private_file import open_own

MOST_OUTPUT = 1_000_000  # bytes kept of what one run prints
HEAD = 100_000  # of them from its beginning
OUTPUTS_KEPT = 30  # runs of a task whose output stays
GRACE_S = 10.0  # between the request to end and the end


def folder_of(profile: str) -> Path:
    """Where locks and outputs of a profile's tasks lie; may not exist yet."""
    return paths.profile_path(profile) / "schedule"


def output_of(profile: str, task: str, run: int) -> Path:
    """What a run printed."""
    return folder_of(profile) / task.lower() / f"{run}.log"


def take_lock(profile: str, name: str) -> int | None:
    """Take a lock of the schedule; returns its handle, None when another process has it.

    Args:
        profile: whose.
        name: of a task; "" for the one that keeps two run-due apart.

    Raises:
        ConfigError: the folder cannot be written, or its disk knows no locks.
    """
    folder = folder_of(profile)
    # no task can be called so: names begin with a letter or a digit
    path = folder / (f"{name.lower()}.lock" if name else ".run-due.lock")
    try:
        paths.profile_dir(profile)
        paths.private_folder(folder)
        handle = open_own(path, os.O_RDWR)
        try:
            if try_lock(handle):
                return handle
        except BaseException:
            os.close(handle)
            raise
    except OSError as error:
        raise explain_os(error, path) or error from error
    os.close(handle)
    return None


@contextmanager
def lock(profile: str, name: str = "") -> Iterator[bool]:
    """Hold a lock of the schedule while the block runs; False when another process has it."""
    handle = take_lock(profile, name)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def outlives(output: Path) -> bool:
    """Whether the process that writes this file still lives, where its lock cannot tell."""
    if os.name != "nt":
        return False
    try:
        output.rename(output)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


class Process:
    """A task that runs.

    Args:
        profile: whose.
        task: the task's name.
        run: number of the run.
        words: behind `storeops`.
        folder: where it runs, "" for where we are.
        lock_handle: of the task's lock; the process holds it, too.

    Raises:
        ConfigError: it cannot be started; says why.
    """

    def __init__(
        self, profile: str, task: str, run: int, words: Sequence[str], folder: str, lock_handle: int
    ) -> None:
        self.output = output_of(profile, task, run)
        self._asked_at: float | None = None  # when it was asked to end
        where = folder or None
        if where is not None and not Path(where).is_dir():
            raise ConfigError(
                _("The folder {path} of the task is not there.").format(path=where),
                hint=_("Add the task again in another folder: storeops schedule add --replace"),
            )
        try:
            paths.private_folder(self.output.parent)
            out = open_own(self.output, os.O_WRONLY | os.O_APPEND)
        except OSError as error:
            raise explain_os(error, self.output) or error from error
        command = [sys.executable, "-P", "-m", "storeops", "--profile", profile, *words]
        try:
            if sys.platform == "win32":
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=where,
                    creationflags=subprocess.CREATE_NEW_PROCESS_GROUP
                    | subprocess.CREATE_NO_WINDOW,
                )  # fmt: skip
            else:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=where,
                    start_new_session=True, pass_fds=(lock_handle,),
                )  # fmt: skip
        except OSError as error:
            raise explain_os(error, where) or error from error
        finally:
            os.close(out)
        self._drop_old()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code, None while it runs; keeps its output within bounds."""
        code = self._process.poll()
        self._bound()
        return code

    def end(self, now: float) -> None:
        """Ask it and all it started to end; after ten seconds of asking, end them.

        Args:
            now: seconds that never jump; call it again until `poll` has an answer.
        """
        if self._asked_at is None:
            self._asked_at = now
            self._signal(kill=False)
        elif now - self._asked_at >= GRACE_S:
            self._signal(kill=True)

    def reap(self) -> None:
        """End what it may have left behind in its group."""
        if sys.platform != "win32":
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)

    def _signal(self, *, kill: bool) -> None:
        if sys.platform == "win32":
            force = ["/F"] if kill else []
            with suppress(OSError):
                subprocess.run(
                    ["taskkill", *force, "/T", "/PID", str(self.pid)],
                    capture_output=True, check=False,
                )  # fmt: skip
        else:
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL if kill else signal.SIGTERM)

    def _bound(self) -> None:
        """Keep the beginning and the end of what it printed; it goes on behind."""
        with suppress(OSError):
            if self.output.stat().st_size <= MOST_OUTPUT:
                return
            with self.output.open("r+b") as file:
                head = file.read(HEAD)
                file.seek(-(MOST_OUTPUT - HEAD) // 2, os.SEEK_END)
                tail = file.read()
                file.seek(0)
                file.write(head + b"\n[...]\n" + tail)
                file.truncate()

    def _drop_old(self) -> None:
        with suppress(OSError):
            found = [each for each in self.output.parent.glob("*.log") if each.stem.isdecimal()]
            for each in sorted(found, key=lambda path: int(path.stem))[:-OUTPUTS_KEPT]:
                each.unlink(missing_ok=True)


def read_output(profile: str, task: str, run: int, most: int = MOST_OUTPUT) -> str:
    """What a run printed, the last `most` bytes of it; "" when nothing is kept."""
    try:
        with output_of(profile, task, run).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def forget(profile: str, task: str) -> None:
    """Remove what a task's runs have printed."""
    with suppress(OSError):
        for each in output_of(profile, task, 0).parent.glob("*.log"):
            each.unlink(missing_ok=True)
        output_of(profile, task, 0).parent.rmdir()
