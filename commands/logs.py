"""The log file (0600): what went wrong, with tokens, secrets and phone numbers taken out."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from storeops import paths
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
    def format(self, record: logging.LogRecord) -> str:
        return clean(super().format(record))


class _PrivateHandler(logging.FileHandler):
    """Opens late, 0600; a file above `MAX_BYTES` is moved aside first."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace", delay=True)

    def _open(self) -> object:  # type: ignore[override]
        path = Path(self.baseFilename)
        paths.private_folder(path.parent)
        if path.exists() and path.stat().st_size > MAX_BYTES:
            path.replace(path.with_suffix(".log.1"))
        handle = open_own(path, os.O_WRONLY | os.O_APPEND)
        return os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace")


def start(*, verbose: bool = False) -> None:
    """Send the log of storeops to its file, until `stop`."""
    global _handler
    logger = logging.getLogger("storeops")
    if verbose:
        logger.setLevel(logging.DEBUG)
    if _handler is not None:
        return
    logging.raiseExceptions = False  # a full disk must not print tracebacks over the answer
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


def bug(error: BaseException) -> Path:
    """Write a bug's traceback to the log; returns the log's path."""
    start()
    logging.getLogger("storeops").error("bug", exc_info=(type(error), error, error.__traceback__))
    return paths.log_file()
