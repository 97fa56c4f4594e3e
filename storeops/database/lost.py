"""A database that was there and is gone is not quietly begun anew.

Whoever makes one leaves a small mark beside it (NAME.made). A file that is missing or empty while
the mark, or another trace, says that there was one, is lost: people are told, and nothing is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from storeops.database.database import file_size
from storeops.errors import ConfigError
from storeops.i18n import _
from storeops.os_errors import explain_os
from storeops.private_file import write_bytes


def must_not_be_lost(path: Path, traces: Iterable[Path] = ()) -> None:
    """Refuse to begin anew where there was a database.

    Args:
        path: the file.
        traces: other files that exist only where this one did; folders count when they hold any.

    Raises:
        ConfigError: it is missing or empty, and something says that it was not.
    """
    try:
        if path.is_dir() or file_size(path):
            return
        witness = next(iter(traces_left(path, traces)), None)
    except OSError as error:
        raise explain_os(error, path) or error from error
    if witness is None:
        return
    raise ConfigError(
        _(
            "The database {path} is lost: it is missing or empty, and {witness} shows that there"
            " was one."
        ).format(path=path, witness=witness),
        hint=_(
            "Put the file back, or restore a backup; `storeops db new` begins with an empty one."
        ),
        next_steps=["storeops db restore FILE", "storeops db new"],
        details={"reason": "lost"},
    )


def traces_left(path: Path, traces: Iterable[Path] = ()) -> list[Path]:
    """What says that there was a database: its mark, or other traces."""
    return [each for each in (mark(path), *traces) if _is_trace(each)]


def mark(path: Path) -> Path:
    """Where the mark of a database lies."""
    return path.with_name(path.name + ".made")


def note_made(path: Path) -> None:
    """Leave the mark, once; where nothing can be written, nothing can be lost either."""
    if not mark(path).exists():
        with suppress(OSError):
            write_bytes(mark(path), b"")


def forget_made(path: Path) -> None:
    """Take the mark away: a person wants to begin anew.

    Raises:
        OSError: it cannot be removed.
    """
    mark(path).unlink(missing_ok=True)


def _is_trace(trace: Path) -> bool:
    if trace.is_dir():
        return next(trace.glob("*.db"), None) is not None
    return trace.exists()
