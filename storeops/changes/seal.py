"""The seal: count and head of the journal, kept outside the database under an HMAC.

`journal.key` holds 32 random bytes, `journal.seal` one JSON object `{count, head, at, mac}`; both
lie 0600 in the profile's folder. What lies there in place of either is read as far as it can be
and never trusted: a seal says itself whether it is proven.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from storeops import os_errors
from storeops.errors import ConfigError
from storeops.i18n import _
from storeops.private_file import scratch, write_often

GENESIS = b"\0" * 32  # the head of a journal without lines
KEY_BYTES = 32
_MOST_BYTES = 4096  # a seal has 180
_MOST_LINES = 2**53


@dataclass(frozen=True, slots=True)
class Seal:
    """What lies on disk as the seal.

    Attributes:
        trouble: "" for a seal that its key proves; `missing`, `seal` (altered or unreadable) or
            `key` (the key is missing, damaged or unreadable).
        count: lines that were sealed, as it says, proven or not; 0 when it cannot be read.
        head: hash of the newest of them, hex; "" when it cannot be read.
        text: the file as found, at most 4,096 bytes.
    """

    trouble: str
    count: int = 0
    head: str = ""
    text: str = ""

    @property
    def proven(self) -> bool:
        """Whether the key proves it."""
        return not self.trouble


def read(folder: Path) -> Seal:
    """The seal of the profile in `folder`; never fails."""
    try:
        with (folder / "journal.seal").open("rb") as file:
            raw = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return Seal("missing")
    except OSError:
        return Seal("seal")
    text = raw.decode("utf-8", "backslashreplace")
    count, head, mac = _parse(text)
    key = _read_key(folder)
    if key is None:
        return Seal("key", count, head, text)
    if not head or not hmac.compare_digest(mac.encode(), _mac(key, count, head).encode()):
        return Seal("seal", count, head, text)
    return Seal("", count, head, text)


def write(folder: Path, count: int, head: str, at: float) -> None:
    """Put a new seal in the place of the old one; the first one makes the key.

    What lies in the place of a key and is none is moved aside, never overwritten.

    Raises:
        ConfigError: key or seal cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mac = _mac(_key(folder), count, head)
        text = json.dumps({"count": count, "head": head, "at": round(at, 3), "mac": mac})
        path = folder / "journal.seal"
        if path.is_dir():
            _aside(path)
        write_often(path, text.encode())
    except OSError as error:
        raise ConfigError(
            _("The seal of the journal in {path} cannot be written: {text}.").format(
                path=folder, text=os_errors.reason(error)
            ),
            hint=_("Check the owner, the mode and the free space of that folder."),
        ) from error


def pseudonym(folder: Path, external_userid: str, *, make: bool = False) -> str:
    """What stands for an erased person in the journal: nobody gets from it to the id without both.

    Args:
        folder: the profile's.
        external_userid: the person.
        make: make the key when there is none.

    Returns:
        32 hex digits; "" when there is no key.

    Raises:
        OSError: the key cannot be made.
    """
    hashed = keyed_hash(folder, "erased", make=make)
    return hashed(external_userid) if hashed is not None else ""


def keyed_hash(folder: Path, use: str, *, make: bool = False) -> Callable[[str], str] | None:
    """What makes 32 hex digits of a text with the profile's key; None when there is no key.

    Args:
        folder: the profile's.
        use: what the hashes are for; those of different uses say nothing of each other.
        make: make the key when there is none.

    Raises:
        OSError: the key cannot be made.
    """
    key = _key(folder) if make else _read_key(folder)
    if key is None:
        return None
    begun = hmac.new(key, f"{use}:".encode(), "sha256")

    def hashed(text: str) -> str:
        found = begun.copy()
        found.update(text.encode("utf-8", "surrogatepass"))
        return found.hexdigest()[:32]

    return hashed


def _parse(text: str) -> tuple[int, str, str]:
    """(count, head, mac); (0, "", "") for what is no seal."""
    try:
        found = json.loads(text)
        count, head, mac = found["count"], found["head"], found["mac"]
        usable = (
            type(count) is int
            and 0 <= count < _MOST_LINES
            and isinstance(head, str)
            and len(bytes.fromhex(head)) == len(GENESIS)
            and isinstance(mac, str)
            and mac.isascii()
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        usable = False
    return (count, head, mac) if usable else (0, "", "")


def _mac(key: bytes, count: int, head: str) -> str:
    return hmac.new(key, f"{count}:{head}".encode(), "sha256").hexdigest()


def _read_key(folder: Path) -> bytes | None:
    try:
        with (folder / "journal.key").open("rb") as file:
            key = file.read(KEY_BYTES + 1)
    except OSError:
        return None
    return key if len(key) == KEY_BYTES else None


def _key(folder: Path) -> bytes:
    key = _read_key(folder)
    if key is not None:
        return key
    path = folder / "journal.key"
    if path.exists():
        _aside(path)
    with contextlib.suppress(FileExistsError), scratch(path) as part:
        part.file.write(os.urandom(KEY_BYTES))
        part.put(over=False)  # whole, on the disk, and never over the key of a faster process
    return path.read_bytes()


def _aside(path: Path) -> None:
    """Move what is no key or no seal out of the way, under a name that is free."""
    number = 1
    while path.with_name(f"{path.name}.old-{number}").exists():
        number += 1
    path.rename(path.with_name(f"{path.name}.old-{number}"))
