"""Files that wait to be sent: a copy of our own, so that what arrives is what was handed over."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from storeops import os_errors, paths
from storeops.errors import ConfigError, UsageError
from storeops.i18n import _
from storeops.private_file import write_bytes

MOST_BYTES = {"image": 2_000_000, "file": 20_000_000}
LEAST_BYTES = 6


def folder(profile: str) -> Path:
    """Where the copies lie."""
    return paths.profile_dir(profile) / "outbox"


def keep(profile: str, kind: str, path: Path) -> dict[str, str]:
    """Copy a file; what the message's row says of it.

    Args:
        profile: whose outbox.
        kind: image | file.
        path: the file.

    Raises:
        UsageError: it cannot be read, is too small or too large, or no picture.
    """
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
    if kind == "image" and not data.startswith((b"\x89PNG", b"\xff\xd8")):
        raise UsageError(
            _("{path} is no picture that WeCom takes.").format(path=path),
            hint=_("Use PNG or JPEG, or send it with --file."),
        )
    digest = hashlib.sha256(data).hexdigest()
    place = folder(profile)
    paths.private_folder(place)
    write_bytes(place / digest, data)
    return {"sha256": digest, "filename": path.name}


def remove_unused(profile: str, wanted: Collection[str]) -> None:
    """Remove the copies that nobody will send any more."""
    place = folder(profile)
    if place.is_dir():
        for each in place.iterdir():
            if each.name not in wanted:
                each.unlink(missing_ok=True)


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
