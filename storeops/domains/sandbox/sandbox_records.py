"""What is known of the sandboxes of this home: one private file each, with the key to steer it.

A record is believed only when it is a plain file of this user that nobody else can read, in a
folder that nobody else can write; what was planted there steers nothing.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from storeops import paths
from storeops.errors import ConfigError
from storeops.i18n import _
from storeops.private_file import write_private


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox as it said of itself when it was ready.

    Attributes:
        base_url: its address.
        corp_id: corp id of its chain.
        agent_id: the app with customer contact.
        secret: that app's secret, good for this sandbox only.
        pid: its process.
        control_key: what its control side wants of every caller, good until it ends.
    """

    base_url: str
    corp_id: str
    agent_id: int
    secret: str
    pid: int
    control_key: str

    @property
    def alive(self) -> bool:
        """Whether its process is there; another process may have the number by now."""
        return _alive(self.pid)


if sys.platform == "win32":

    def _alive(pid: int) -> bool:
        import ctypes  # os.kill(pid, 0) would send Ctrl-C there

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if handle:
            kernel.CloseHandle(handle)
        return bool(handle)

else:

    def _alive(pid: int) -> bool:
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return False  # a child of ours, reaped
        except (ChildProcessError, OSError):
            pass
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, PermissionError):  # the latter: the number was given anew
            return False
        return True


def folder() -> Path:
    """Where the records lie, made when it is missing.

    Raises:
        ConfigError: it is a link, or others may write in it.
        OSError: it cannot be made.
    """
    place = paths.sandbox_dir()
    found = place.lstat()
    ours = sys.platform == "win32" or (found.st_uid == os.geteuid() and not found.st_mode & 0o022)
    if not stat.S_ISDIR(found.st_mode) or not ours:
        raise ConfigError(
            _("{path} is a link, or others may write in it.").format(path=place),
            hint=_("Make it a folder that only you can write, mode 0700."),
        )
    return place


def _path(base_url: str) -> Path:
    return folder() / f"{base_url.rstrip('/').rsplit(':', 1)[-1]}.toml"


def remember(running: Running) -> None:
    """Keep a sandbox that has started.

    Raises:
        ConfigError: the folder is not only ours.
        OSError: it cannot be written.
    """
    write_private(_path(running.base_url), asdict(running))


def forget(running: Running) -> None:
    """Remove the record of a sandbox that has ended, unless its port has a new one."""
    if find(running.base_url) == running:
        _path(running.base_url).unlink(missing_ok=True)


def find(base_url: str) -> Running | None:
    """The sandbox that was started at this address last, None when no record can be believed.

    Raises:
        ConfigError: the folder is not only ours.
    """
    known = _read(_path(base_url))
    return known if known is not None and known.base_url == base_url.rstrip("/") else None


def everyone() -> Iterator[Running]:
    """Every sandbox of this home, newest first; records of processes that ended are removed."""
    when: list[tuple[float, Path]] = []
    for path in folder().glob("*.toml"):
        with suppress(OSError):
            when.append((path.lstat().st_mtime, path))
    for _mtime, path in sorted(when, reverse=True):
        known = _read(path)
        if known is not None and known.alive:
            yield known
        elif known is not None:
            path.unlink(missing_ok=True)


def _read(path: Path) -> Running | None:
    import tomllib  # 5 ms, only here

    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            private = sys.platform == "win32" or (
                found.st_uid == os.geteuid() and not found.st_mode & 0o077
            )
            if not stat.S_ISREG(found.st_mode) or not private:
                return None
            known = Running(**tomllib.loads(file.read(10_000).decode()))
    except (OSError, ValueError, TypeError):
        return None
    kinds = {"agent_id": int, "pid": int}
    if any(type(v) is not kinds.get(k, str) for k, v in asdict(known).items()) or known.pid <= 1:
        return None
    return known
