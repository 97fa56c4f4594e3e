"""What the operating system refuses, as one sentence that says where, and a next step.

The one table of `errno`; SQLite's own errors (database/trouble.py) end here when the disk, a mode
or a limit is behind them.
"""

from __future__ import annotations

import errno
import os
from enum import Enum
from pathlib import Path

from storeops.errors import ConfigError
from storeops.i18n import _


class Refusal(Enum):
    """Why the system says no."""

    FULL = "full"  # no space, or a quota
    READ_ONLY = "read_only"  # the disk takes no writes
    MODE = "mode"  # this account may not
    FOLDER = "folder"  # a folder where a file should be
    NO_FOLDER = "no_folder"  # a file where a folder should be
    MISSING = "missing"
    LINK = "link"  # a link where none is followed, or links in a circle
    FILES = "files"  # too many open files
    LIMIT = "limit"  # a file size limit
    NAME = "name"  # too long, or no name for a file
    DISK = "disk"  # the disk itself fails


_KINDS = {
    Refusal.FULL: ("ENOSPC", "EDQUOT"),
    Refusal.READ_ONLY: ("EROFS",),
    Refusal.MODE: ("EACCES", "EPERM"),
    Refusal.FOLDER: ("EISDIR",),
    Refusal.NO_FOLDER: ("ENOTDIR",),
    Refusal.MISSING: ("ENOENT",),
    Refusal.LINK: ("ELOOP", "EEXIST"),
    Refusal.FILES: ("EMFILE", "ENFILE"),
    Refusal.LIMIT: ("EFBIG",),
    Refusal.NAME: ("ENAMETOOLONG", "EINVAL"),
    Refusal.DISK: ("EIO", "ENXIO", "ENODEV", "ESTALE", "EREMOTEIO"),
}
_BY_NUMBER = {
    getattr(errno, name): kind
    for kind, names in _KINDS.items()
    for name in names
    if hasattr(errno, name)
}


def refusal(error: OSError) -> Refusal | None:
    """Which kind it is; None for what is no matter of files (sockets, processes)."""
    return _BY_NUMBER.get(error.errno or 0)


def reason(error: OSError) -> str:
    """Why, in a few words of the user's language, for a sentence that says what and where."""
    kind = refusal(error)
    if kind is None:
        return error.strerror or str(error)
    return {
        Refusal.FULL: _("the disk is full"),
        Refusal.READ_ONLY: _("the disk is read-only"),
        Refusal.MODE: _("this account may not"),
        Refusal.FOLDER: _("it is a folder"),
        Refusal.NO_FOLDER: _("a part of the path is no folder"),
        Refusal.MISSING: _("there is no such file or folder"),
        Refusal.LINK: _("it is a link, or there already"),
        Refusal.FILES: _("too many files are open"),
        Refusal.LIMIT: _("it would be larger than files may be here"),
        Refusal.NAME: _("its name is too long, or none for a file"),
        Refusal.DISK: _("the disk reports an error"),
    }[kind]


def explain_os(error: OSError, path: Path | str | None = None) -> ConfigError | None:
    """The error a person can act on; None when the system does not speak of a file.

    Args:
        error: what was raised.
        path: the file it is about; None takes the one that the error names.
    """
    kind = refusal(error)
    where = path or error.filename
    if kind is None or (where is None and kind not in (Refusal.FULL, Refusal.FILES)):
        return None
    if isinstance(where, bytes):
        where = os.fsdecode(where)
    return explain_refusal(kind, where if where is not None else "")


def explain_refusal(kind: Refusal, path: Path | str = "") -> ConfigError:
    """The same for a kind that was found out otherwise."""
    mode = _("Check the owner and the mode of the file and its folder.")
    table = {
        Refusal.FULL: (
            _("The disk that holds {path} is full.") if path else _("The disk is full."),
            _("Free some space and run the command again; what was committed is kept."),
        ),
        Refusal.READ_ONLY: (
            _("The disk that holds {path} is read-only."),
            _("What is there can be read. Mount it for writing, or move the home (STOREOPS_HOME)."),
        ),
        Refusal.MODE: (_("This account may not open or write {path}."), mode),
        Refusal.FOLDER: (
            _("{path} is a folder; a file is expected there."),
            _("Move it away, or choose another name."),
        ),
        Refusal.NO_FOLDER: (
            _("There is a file where {path} needs a folder."),
            _("Move it away, or choose another place (STOREOPS_HOME moves the home)."),
        ),
        Refusal.MISSING: (_("There is no {path}."), _("Check the name and the folder.")),
        Refusal.LINK: (
            _("{path} is a link, or a file of somebody else; it is not written to."),
            _("Remove it, or choose another place."),
        ),
        Refusal.FILES: (
            _("Too many files are open."),
            _("Raise the limit (`ulimit -n`), or end other processes."),
        ),
        Refusal.LIMIT: (
            _("{path} would be larger than this account's files may be."),
            _("Raise the limit (`ulimit -f`); what was committed is kept."),
        ),
        Refusal.NAME: (_("{path} is no name for a file here."), _("Choose a shorter name.")),
        Refusal.DISK: (
            _("{path} could not be read or written: the disk reports an error."),
            _("Check the disk and its cable or network; what was committed is kept."),
        ),
    }
    message, hint = table[kind]
    return ConfigError(message.format(path=path), hint=hint, details={"reason": kind.value})
