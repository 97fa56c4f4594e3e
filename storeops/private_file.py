"""Files that only their owner may read: written whole or not at all, and never through a link.

Everything we write lies aside first, beside its place: a *scratch*, made anew under a name that
nobody can foresee (`O_EXCL`, 0600), and renamed when it is whole. A note in our own home says
where a scratch lies; its lock ends with the process that made it, so the next one finds and
removes what a killed process left anywhere (`sweep`).

```python
with scratch(target) as part:      # part.file: binary, both ways; part.path for who needs a name
    part.file.write(b"…")
    part.put()                     # without it the scratch is removed
```
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from storeops import paths
from storeops.file_lock import try_lock
from storeops.i18n import _

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_MOST_TOML = 1_000_000  # bytes; no file of ours comes near
_NAME = re.compile(r"\.storeops-[0-9a-f]{16}\.part\Z")
_BESIDE = ("", "-journal", "-wal", "-shm", ".lock")  # SQLite lays these beside a scratch


class Scratch:
    """A file that is being written aside.

    Attributes:
        target: where it shall lie.
        path: where it lies until it is put in its place.
        file: open for reading and writing, binary; closed by `put`.
        placed: whether it was put in its place.
    """

    def __init__(self, target: Path, path: Path, file: BinaryIO) -> None:
        self.placed = False
        self.target = target
        self.path = path
        self.file = file

    def put(self, *, over: bool = True, sync: bool = True) -> None:
        """Give it its place; a link or a file there is replaced, never written through.

        Args:
            over: replace what has the name already.
            sync: be on the disk before that; False for what can be lost with the power.

        Raises:
            FileExistsError: the name is taken, and `over` is false.
            OSError: it cannot be written or renamed.
        """
        self.file.flush()
        if sync:
            os.fsync(self.file.fileno())
        self.file.close()
        if over:
            self.path.replace(self.target)
        else:
            _put_beside(self.path, self.target)
        self.placed = True
        if sync:
            _sync_folder(self.target.parent)


@contextmanager
def scratch(target: Path, *, alone: bool = False) -> Iterator[Scratch]:
    """A new private file beside `target`, removed at the end unless it was `put` in its place.

    Args:
        target: where it shall lie; its folder must exist.
        alone: no other process may write a scratch for the same target meanwhile.

    Raises:
        BlockingIOError: another one does, and `alone` was asked for.
        OSError: it cannot be made.
    """
    path = target.with_name(f".storeops-{os.urandom(8).hex()}.part")
    with _noted(path, target if alone else None):
        handle = create(path)
        with os.fdopen(handle, "w+b") as file:
            made = Scratch(target, path, file)
            try:
                yield made
            finally:
                with suppress(OSError):  # what could not be flushed is not wanted
                    file.close()
                _remove(path, placed=made.placed)


def create(path: Path) -> int:
    """Make a new private file (0600) and open it; returns its handle.

    Raises:
        FileExistsError: something has that name, be it a link that leads nowhere.
        OSError: it cannot be made.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY, 0o600)


def open_own(path: Path, flags: int) -> int:
    """Open a file of ours that stays where it is (a log, a lock), made 0600 when it is missing.

    Args:
        path: the file.
        flags: `os.O_…`; `O_CREAT` is added.

    Raises:
        OSError: it cannot be opened, or it is a link, a pipe, a device or a file of another user.
    """
    handle = os.open(
        path, flags | os.O_CREAT | _NO_LINK | _BINARY | getattr(os, "O_NONBLOCK", 0), 0o600
    )
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or not _is_ours(found):
        os.close(handle)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    return handle


def _is_ours(found: os.stat_result) -> bool:
    return sys.platform == "win32" or os.geteuid() in (found.st_uid, 0)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file (0600) at once; a crash keeps the old one.

    Raises:
        OSError: it cannot be written.
    """
    with scratch(path) as part:
        part.file.write(content)
        part.put()


def write_often(path: Path, content: bytes) -> None:
    """Replace a small file (0600) of ours at once, where one writer at a time is certain.

    A tenth of the time of `write_bytes`: no note, for the next writer removes what a killed one
    left; not forced to the disk, so what is lost with the power is the newest content only.

    Raises:
        OSError: it cannot be written.
    """
    aside = path.with_name(f".{path.name}.part")
    try:
        handle = create(aside)
    except FileExistsError:
        aside.unlink()
        handle = create(aside)
    try:
        os.write(handle, content)
    finally:
        os.close(handle)
    aside.replace(path)


def write_private(path: Path, data: dict[str, Any]) -> None:
    """Replace a TOML file (0600) at once; a crash keeps the old one.

    Raises:
        OSError: it cannot be written.
    """
    import tomli_w  # 3 ms, only when something is written

    write_bytes(path, tomli_w.dumps(data).encode())


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file, with or without a byte order mark.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no TOML, or too large or too deep; the text may quote a line of the file.
    """
    import tomllib  # 5 ms

    with path.open("rb") as file:
        raw = file.read(_MOST_TOML + 1)
    if len(raw) > _MOST_TOML:
        raise ValueError(_("it has more than {count} bytes").format(count=_MOST_TOML))
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(_("it is not written in UTF-8")) from None
    except RecursionError:
        raise ValueError(_("it is nested too deep")) from None


def sweep() -> int:
    """Remove the scratches of processes that were killed; returns how many. Never raises.

    What cannot be removed now (a disk that is away or read-only) is tried again the next time.
    """
    removed = 0
    try:
        notes = list(paths.scratch_dir().iterdir())
    except OSError:
        return 0
    for note in notes:
        if note.is_dir():
            shutil.rmtree(note, ignore_errors=True)
            removed += 1
            continue
        with suppress(OSError):
            handle = os.open(note, os.O_RDWR | _NO_LINK | _BINARY)
            try:
                if try_lock(handle) and _still_there(note, handle) and _remove_noted(handle):
                    removed += 1
                    _drop(note)
            finally:
                os.close(handle)
            if sys.platform == "win32":
                _drop(note, handle_closed=True)
    return removed


def remove_folder(folder: Path) -> None:
    """Remove a folder of our home with all that it holds; a kill leaves all of it or none.

    Raises:
        OSError: it cannot be removed.
    """
    aside = paths.private_folder(paths.scratch_dir()) / f"{folder.name}.{os.urandom(8).hex()}"
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)  # what is left of it is swept


@contextmanager
def _noted(path: Path, only: Path | None) -> Iterator[None]:
    """Keep a locked note of a scratch as long as this lasts."""
    name = path.name
    if only is not None:
        import hashlib  # 1 ms, only for exports

        name = hashlib.sha256(os.fsencode(only.absolute())).hexdigest()[:32]
    note = paths.scratch_dir() / name
    handle = _take(note, path)
    try:
        yield
    finally:
        if handle is not None:
            _drop(note)
            os.close(handle)
            if sys.platform == "win32":
                _drop(note, handle_closed=True)


def _take(note: Path, path: Path) -> int | None:
    handle = -1
    try:
        paths.private_folder(note.parent)
        while True:
            handle = open_own(note, os.O_RDWR)
            if not try_lock(handle):
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(path))
            if _still_there(note, handle):
                break
            os.close(handle)  # whoever had it has just removed it
        _remove_noted(handle)
        os.lseek(handle, 0, os.SEEK_SET)
        os.ftruncate(handle, 0)
        os.write(handle, os.fsencode(path.absolute()))
        return handle
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:  # a home that cannot be written is no reason not to write elsewhere
        if handle >= 0:
            with suppress(OSError):
                os.close(handle)
        return None


def _remove_noted(handle: int) -> bool:
    """Remove the scratch that a note names; whether it is gone."""
    os.lseek(handle, 0, os.SEEK_SET)
    text = os.fsdecode(os.read(handle, 8192))
    path = Path(text)
    if not text or not _NAME.match(path.name):  # nothing was made yet
        return True
    if not path.parent.is_dir():
        return False
    _remove(path)
    return not path.exists()


def _remove(path: Path, *, placed: bool = False) -> None:
    for end in _BESIDE[placed:]:
        with suppress(OSError):
            path.with_name(path.name + end).unlink()


def _drop(note: Path, *, handle_closed: bool = False) -> None:
    if sys.platform != "win32" or handle_closed:
        with suppress(OSError):
            note.unlink()


def _still_there(note: Path, handle: int) -> bool:
    try:
        return os.path.samestat(note.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


if sys.platform == "win32":

    def _sync_folder(folder: Path) -> None:
        """Windows keeps a rename by itself."""

else:

    def _sync_folder(folder: Path) -> None:
        """Make a rename outlive the power; not every disk can."""
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _put_beside(path: Path, target: Path) -> None:
    """Rename, but never over a file that is there."""
    try:
        os.link(path, target)
        path.unlink()
    except FileExistsError:
        raise
    except OSError:  # a disk that knows no second name
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        path.rename(target)
