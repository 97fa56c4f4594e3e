"""What SQLite's errors mean: one classification for commands, screens, sync and workers.

Only *damaged*, *no database* and *incomplete* speak of the content; a full or read-only disk, a
mode, a lock say nothing against it, and nobody is sent to a backup because of them.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from enum import Enum
from pathlib import Path

from storeops.errors import ConfigError, ConflictError, PolicyError, StoreOpsError
from storeops.i18n import _
from storeops.os_errors import Refusal, explain_os, explain_refusal, refusal
from storeops.private_file import create


class Trouble(Enum):
    """What is wrong with the content, or with the moment; refusals of the system stand beside."""

    DAMAGED = "damaged"
    NO_DATABASE = "no_database"
    INCOMPLETE = "incomplete"  # a table or a column is missing
    LOCKED = "locked"
    MOVED = "moved"  # replaced or removed while it was open
    MEMORY = "memory"
    KEPT = "kept"  # head office keeps the rows: they are not written here
    OTHER = "other"  # a mistake of ours, most likely


KEPT_ELSEWHERE = "kept by head office"  # what triggers say that guard such rows
DAMAGE = (Trouble.DAMAGED, Trouble.NO_DATABASE, Trouble.INCOMPLETE)
_HEADER = b"SQLite format 3\0"
_PROBE = b"\0" * 65_536  # more than the shared memory of a log takes


def trouble(error: sqlite3.Error, path: Path) -> Trouble | Refusal:
    """What kind of trouble it is; the disk is asked where SQLite does not say.

    Args:
        error: what SQLite raised.
        path: the database it was about.
    """
    code: int = getattr(error, "sqlite_errorcode", 0)
    text = str(error)
    if text == KEPT_ELSEWHERE:
        return Trouble.KEPT
    match code & 0xFF:
        case sqlite3.SQLITE_CORRUPT:
            return Trouble.DAMAGED
        case sqlite3.SQLITE_NOTADB:
            return Trouble.NO_DATABASE
        case sqlite3.SQLITE_FULL:
            return Refusal.FULL
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return Trouble.LOCKED
        case sqlite3.SQLITE_NOMEM:
            return Trouble.MEMORY
        case sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return Refusal.MODE
        case sqlite3.SQLITE_READONLY:
            if code == sqlite3.SQLITE_READONLY_DBMOVED:
                return Trouble.MOVED
            return _asked(path) or Refusal.MODE
        case sqlite3.SQLITE_CANTOPEN:
            found = _asked(path)
            # VACUUM of a damaged file says that it cannot open one
            return found or (Trouble.NO_DATABASE if _foreign(path) else Trouble.DAMAGED)
        case sqlite3.SQLITE_IOERR:
            if code == sqlite3.SQLITE_IOERR_SHORT_READ:
                return Trouble.DAMAGED
            return _asked(path) or Refusal.DISK
    if "no such table" in text or "no such column" in text or "has no column" in text:
        return Trouble.INCOMPLETE
    if "malformed" in text or "Could not decode to UTF-8" in text or "not a database" in text:
        return Trouble.DAMAGED
    return Trouble.OTHER


def explain(error: sqlite3.Error, path: Path) -> StoreOpsError:
    """SQLite's trouble as a sentence with a next step."""
    return describe(trouble(error, path), path, str(error))


def known(error: BaseException, path: Path) -> StoreOpsError | None:
    """The error a person can act on, of whatever the disk or a database refused; else None.

    Both front ends ask it of everything that is not a `StoreOpsError` before they call it a bug.

    Args:
        error: what ended the work.
        path: the database that a bare SQLite error most likely speaks of.
    """
    if isinstance(error, StoreOpsError):
        return error
    if isinstance(error, sqlite3.Error):
        found = explain(error, path)
        return None if type(found) is StoreOpsError else found
    return explain_os(error) if isinstance(error, OSError) else None


def describe(kind: Trouble | Refusal, path: Path, text: str = "") -> StoreOpsError:
    """The same for a kind that is known already.

    Args:
        kind: what is wrong.
        path: the database.
        text: SQLite's words; shown for what is our own mistake, and to name what is missing.
    """
    if isinstance(kind, Refusal):
        return explain_refusal(kind, path)
    if kind is Trouble.KEPT:
        return kept_elsewhere()
    reason = {"reason": kind.value}
    if kind is Trouble.LOCKED:
        return ConflictError(
            _("The database {path} is held by another process.").format(path=path),
            hint=_("Try again in a moment; there is nothing wrong with it."),
            details=reason,
        )
    if kind is Trouble.MOVED:
        return ConflictError(
            _("The database {path} was replaced while it was open.").format(path=path),
            hint=_("Start again; whoever restored or moved it has ended by now."),
            details=reason,
        )
    if kind is Trouble.MEMORY:
        return ConfigError(
            _("There is not enough memory to go on."),
            hint=_("End other programs, or ask for less at once; what was committed is kept."),
            details=reason,
        )
    if kind is Trouble.OTHER:
        return StoreOpsError(
            _("The database {path} failed: {text}.").format(path=path, text=text),
            hint=_("Run `storeops db check`."),
            details=reason,
        )
    message = {
        Trouble.DAMAGED: _("The database {path} is damaged."),
        Trouble.NO_DATABASE: _("{path} is not a database."),
        Trouble.INCOMPLETE: _("The database {path} is incomplete: {text}."),
    }[kind]
    return ConfigError(
        message.format(path=path, text=text),
        hint=_("Run `storeops db check`, then restore a backup; nothing was rebuilt."),
        next_steps=["storeops db check", "storeops db restore FILE"],
        details=reason,
    )


def kept_elsewhere() -> PolicyError:
    """What a back office says of writing rows that head office keeps."""
    return PolicyError(
        _("Head office keeps this: it is changed there, and comes here."),
        hint=_("Tell head office; nothing was changed here."),
    )


def _asked(path: Path) -> Refusal | None:
    """What the system says when the file, and one beside it, are opened for writing."""
    if path.is_dir():
        return Refusal.FOLDER
    try:
        os.close(os.open(path, os.O_RDWR))
    except OSError as error:
        return refusal(error) or Refusal.DISK
    beside = path.with_name(f".{path.name}.{os.urandom(8).hex()}.probe")
    try:
        handle = create(beside)
        try:
            with suppress(OSError):  # at once, so that no kill leaves it; Windows cannot
                beside.unlink()
            for _piece in range(2):  # the first may be cut short, the second says why
                os.write(handle, _PROBE)
        finally:
            os.close(handle)
    except OSError as error:
        return refusal(error) or Refusal.DISK
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    for end in ("-wal", "-shm", "-journal"):  # of somebody else, or planted
        part = path.with_name(path.name + end)
        with suppress(FileNotFoundError):
            try:
                os.close(os.open(part, os.O_RDWR))
            except FileNotFoundError:
                raise
            except OSError as error:
                return refusal(error) or Refusal.DISK
    return None


def _foreign(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    return bool(head) and head != _HEADER
