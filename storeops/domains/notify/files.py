"""Files that wait to be sent: a copy of our own, so that what arrives is what was handed over."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from storeops import os_errors, paths
from storeops.database.database import Database
from storeops.errors import ConfigError, UsageError
from storeops.i18n import _
from storeops.private_file import write_bytes

MOST_BYTES = {"image": 2_000_000, "file": 20_000_000}
LEAST_BYTES = 6


def folder(profile: str) -> Path:
    """Where the copies lie."""
    return paths.profile_dir(profile) / "outbox"


def take(kind: str, path: Path) -> tuple[dict[str, str], bytes]:
    """What the message's row says of a file, and its bytes; not copied yet.

    Args:
        kind: image | file.
        path: the file.

    Raises:
        UsageError: it cannot be read, is too small or too large, or no picture.
    """
    from storeops.wecom.messages import is_picture  # here: Today reads this room for its line

    try:
        data = path.expanduser().read_bytes()
    except OSError as error:
        raise UsageError(
            _("The file {path} cannot be read: {reason}.").format(
                path=path, reason=os_errors.reason(error)
            )
        ) from None
    most = MOST_BYTES[kind]
    if not LEAST_BYTES <= len(data) <= most:
        raise UsageError(
            _("{path} has {size} bytes; WeCom takes {least} to {most}.").format(
                path=path, size=f"{len(data):,}", least=LEAST_BYTES, most=f"{most:,}"
            )
        )
    if kind == "image" and not is_picture(data):
        raise UsageError(
            _("{path} is no picture that WeCom takes.").format(path=path),
            hint=_("Use PNG or JPEG, or send it with --file."),
        )
    return {"sha256": hashlib.sha256(data).hexdigest(), "filename": path.name}, data


def copy(profile: str, digest: str, data: bytes) -> None:
    """Keep the bytes; in the transaction that keeps their message."""
    paths.private_folder(folder(profile))
    write_bytes(folder(profile) / digest, data)


def remove_unused(profile: str, db: Database) -> None:
    """Remove the copies that nobody will send any more."""
    place = folder(profile)
    if place.is_dir() and {each.name for each in place.iterdir()} - _wanted(db.connection):
        # in a transaction, as whoever hands a file over: no copy is without its message then
        with db.atomic() as connection:
            for each in {each.name for each in place.iterdir()} - _wanted(connection):
                (place / each).unlink(missing_ok=True)


def remove(connection: sqlite3.Connection, digests: Collection[str]) -> None:
    """Remove copies now, but for those that another message still needs.

    Args:
        connection: on data.db, beside which the outbox lies.
        digests: names of the copies.
    """
    (where,) = (
        file for _seq, name, file in connection.execute("PRAGMA database_list") if name == "main"
    )
    for each in set(digests) - _wanted(connection):
        (Path(where).parent / "outbox" / each).unlink(missing_ok=True)


def _wanted(connection: sqlite3.Connection) -> set[str]:
    """Names of the copies that may still be sent."""
    rows = connection.execute(
        "SELECT content FROM notify_message WHERE kind IN ('image', 'file')"
        " AND status NOT IN ('sent', 'partly', 'cancelled')"
    )
    return {str(json.loads(content).get("sha256", "")) for (content,) in rows}


def read(profile: str, what: Mapping[str, Any]) -> bytes:
    """The bytes that were handed over.

    Raises:
        ConfigError: the copy is gone, or is not what it was.
    """
    digest = str(what["sha256"])
    try:
        data = (folder(profile) / digest).read_bytes()
    except OSError:
        data = b""
    if hashlib.sha256(data).hexdigest() != digest:
        raise ConfigError(
            _("The file {name} is not in the outbox any more.").format(name=what["filename"]),
            hint=_("Send it again."),
        )
    return data
