"""The log file (0600): what went wrong, with tokens, secrets and phone numbers taken out."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from pathlib import Path

from storeops import paths, times
from storeops.file_lock import try_lock
from storeops.plain import mask_phones
from storeops.private_file import open_own

MAX_BYTES = 5_000_000
_QUERY = re.compile(r"(https?://[^\s?\"']+)\?[^\s\"']*")
_FIELDS = re.compile(
    r"(?i)((?:access_token|corpsecret|secret|token|encodingaeskey|password)[\"']?\s*[=:]\s*[\"']?)"
    r"([^\s\"'&,)}\]]+)"
)
_handler: logging.Handler | None = None


def clean(text: str) -> str:
    """`text` without query strings, secrets, tokens and phone numbers."""
    text = _QUERY.sub(r"\1?…", text)
    text = _FIELDS.sub(r"\1****", text)
    return mask_phones(text)


class _CleanFormatter(logging.Formatter):
    converter = staticmethod(lambda seconds: times.local(seconds or 0).timetuple())

    def format(self, record: logging.LogRecord) -> str:
        return clean(super().format(record))


class _PrivateHandler(logging.Handler):
    """Appends to the log, 0600, of many processes at once; a file above `MAX_BYTES` moves aside.

    Each line is one write to a file opened for appending, so lines of processes do not mix. The
    size is looked at with every line: a process that lives for months rotates like any other. What
    cannot be written is dropped: a full disk is no reason to end the work.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._file = -1

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        line = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
        with suppress(OSError):
            self._fit(len(line))
            os.write(self._file, line)

    def _fit(self, more: int) -> None:
        """Have the file of that name open, with room for `more` bytes."""
        if self._file >= 0 and not self._is_current():  # another process moved it aside
            self._let_go()
        if self._file < 0:
            paths.private_folder(self.path.parent)
            self._file = open_own(self.path, os.O_WRONLY | os.O_APPEND)
        size = os.fstat(self._file).st_size
        if size and size + more > MAX_BYTES:
            self._rotate()

    def _rotate(self) -> None:
        """Move the file aside, once, whoever else wants to."""
        lock = open_own(self.path.with_suffix(".lock"), os.O_RDWR)
        try:
            if not try_lock(lock):
                return  # somebody is at it; this line still goes to the old file
            if self._is_current():
                older = self.path.with_suffix(".log.1")
                self._let_go()  # Windows moves no file that is open
                self.path.replace(older)
            else:
                self._let_go()
            self._file = open_own(self.path, os.O_WRONLY | os.O_APPEND)
        finally:
            os.close(lock)

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(self.path.lstat(), os.fstat(self._file))
        except OSError:
            return False

    def _let_go(self) -> None:
        handle, self._file = self._file, -1
        os.close(handle)

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            self._let_go()
        super().close()


def start(*, verbose: bool = False) -> None:
    """Send the log of storeops to its file, until `stop`."""
    global _handler
    logger = logging.getLogger("storeops")
    if verbose:
        logger.setLevel(logging.DEBUG)
    if _handler is not None:
        return
    logging.raiseExceptions = False  # what cannot be logged prints no traceback over the answer
    _handler = _PrivateHandler(paths.log_file())
    _handler.setFormatter(
        _CleanFormatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    )
    if not verbose:
        logger.setLevel(logging.INFO)
    logger.addHandler(_handler)
    logger.propagate = False


def stop() -> None:
    """Close the file and let go of the logger."""
    global _handler
    if _handler is None:
        return
    logger = logging.getLogger("storeops")
    logger.removeHandler(_handler)
    logger.propagate = True
    logger.setLevel(logging.NOTSET)
    _handler.close()
    _handler = None


def bug(error: BaseException) -> Path | None:
    """Write a bug's traceback to the log; returns the log's path, None when it took nothing."""
    start()
    path = paths.log_file()
    before = _size(path)
    logging.getLogger("storeops").error("bug", exc_info=(type(error), error, error.__traceback__))
    return path if _size(path) != before else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
