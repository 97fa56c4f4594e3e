"""Pictures of rules as WeCom wants them: uploaded beforehand, and again before three days end."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storeops import os_errors, paths
from storeops.errors import StoreOpsError
from storeops.file_lock import try_lock
from storeops.i18n import N_, kept
from storeops.private_file import open_own
from storeops.wecom import messages

if TYPE_CHECKING:
    from storeops.database.database import Database
    from storeops.operations.wiring import Wiring

GOOD_S = 70 * 3600.0  # of the three days that WeCom keeps a file (doc 90253)
RENEW_S = 48 * 3600.0  # an older upload is renewed while it is still good
WAIT_S = 4.0  # so long a customer waits for a picture
AGAIN_S = 30.0  # after a failure
LOOK_S = 0.1
FILE = "file"  # in an attachment: the path of a picture that is to be uploaded
_NAMES = {"image": "media_id", "miniprogram": "pic_media_id"}
_failed: dict[tuple[str, str], tuple[float, str]] = {}  # profile, digest: not before, why
_digests: dict[Path, tuple[tuple[int, int], str]] = {}


def attached(
    app: Wiring, attachments: Sequence[Mapping[str, Any]], until: float
) -> tuple[list[Mapping[str, Any]], str]:
    """Attachments as WeCom takes them, and why some are not among them ("" when all are).

    A customer waits: nothing is uploaded here. What `prepare` is about to have ready is waited for
    a few seconds; who cannot be sent the picture is sent the rest.

    Args:
        app: the profile.
        attachments: of a rule.
        until: nothing is waited for beyond; WeCom's time, Unix seconds.
    """
    until = min(until, app.clock.now() + WAIT_S)
    ready: list[Mapping[str, Any]] = []
    lacking = ""
    for each in attachments:
        kind = each["msgtype"]
        content = dict(each[kind])
        path = content.pop(FILE, None)
        if path is not None:
            found, why = _ready(app, Path(path), until)
            if why:
                lacking = kept(N_("Without {file}: {why}"), file=Path(path).name, why=why)
                continue
            content[_NAMES[kind]] = found
        ready.append({"msgtype": kind, kind: content})
    return ready, lacking


def forget(db: Database, sent: Sequence[Mapping[str, Any]]) -> None:
    """WeCom does not know an upload among these attachments any more: they are made anew."""
    ids = [each[each["msgtype"]].get(_NAMES.get(each["msgtype"], "")) for each in sent]
    with db.atomic() as connection:
        connection.executemany(
            "DELETE FROM welcome_media WHERE media_id = ?", [(each,) for each in ids if each]
        )


def prepare(app: Wiring, attachments: Iterable[Mapping[str, Any]]) -> None:
    """Upload what is not there or grows old: one process at a time, and not again at once after
    a failure."""
    for each in attachments:
        path = each[each["msgtype"]].get(FILE)
        if path is not None:
            _prepare(app, Path(path))


def _prepare(app: Wiring, path: Path) -> None:
    try:
        digest = _digest(path)
    except OSError:
        return  # the greeting says so
    key = (app.profile.name, digest)
    if _media_id(app, digest, RENEW_S) or app.clock.monotonic() < _failed.get(key, (0.0, ""))[0]:
        return
    handle = open_own(paths.profile_dir(app.profile.name) / "welcome.lock", os.O_RDWR | os.O_CREAT)
    try:
        if not try_lock(handle) or _media_id(app, digest, RENEW_S):
            return  # another process is at it, or has done it
        made = messages.upload(app.client, "image", path.name, path.read_bytes())
        with app.data.atomic() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO welcome_media (sha256, media_id, uploaded_at)"
                " VALUES (?, ?, ?)",
                (digest, made, app.clock.now()),
            )
        _failed.pop(key, None)
    except (StoreOpsError, OSError) as error:
        why = error.to_keep[0] if isinstance(error, StoreOpsError) else os_errors.reason(error)
        _failed[key] = (app.clock.monotonic() + AGAIN_S, why)
    finally:
        os.close(handle)


def _ready(app: Wiring, path: Path, until: float) -> tuple[str, str]:
    """(media_id, why there is none)."""
    try:
        digest = _digest(path)
    except OSError as error:
        return "", os_errors.reason(error)
    while True:
        if found := _media_id(app, digest, GOOD_S):
            return found, ""
        until_again, why = _failed.get((app.profile.name, digest), (0.0, ""))
        if app.clock.monotonic() < until_again:
            return "", why
        if app.clock.now() >= until:
            return "", kept(N_("it is not uploaded yet"))
        app.clock.sleep(LOOK_S)


def _media_id(app: Wiring, digest: str, young_s: float) -> str:
    row = app.data.execute(
        "SELECT media_id FROM welcome_media WHERE sha256 = ? AND uploaded_at > ?",
        (digest, app.clock.now() - young_s),
    ).fetchone()
    return str(row[0]) if row else ""


def _digest(path: Path) -> str:
    """Of the file as it is now; read when it has changed."""
    found = path.stat()
    stamp = (found.st_mtime_ns, found.st_size)
    known = _digests.get(path)
    if known is None or known[0] != stamp:
        known = _digests[path] = (stamp, hashlib.sha256(path.read_bytes()).hexdigest())
    return known[1]
