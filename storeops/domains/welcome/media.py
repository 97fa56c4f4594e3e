"""Pictures of rules as WeCom wants them: uploaded once, and again before their three days end."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storeops import os_errors
from storeops.errors import StoreOpsError
from storeops.i18n import _
from storeops.wecom import messages

if TYPE_CHECKING:
    from storeops.database.database import Database
    from storeops.operations.wiring import Wiring

GOOD_S = 60 * 3600.0  # of the three days that WeCom keeps a file (doc 90253)
FILE = "file"  # in an attachment: the path of a picture that is to be uploaded
_NAMES = {"image": "media_id", "miniprogram": "pic_media_id"}


def attached(
    app: Wiring, attachments: Sequence[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], str]:
    """Attachments as WeCom takes them, and why some are not among them ("" when all are).

    A customer waits: who cannot be sent the picture is sent the rest.
    """
    ready: list[Mapping[str, Any]] = []
    lacking = ""
    for each in attachments:
        kind = each["msgtype"]
        content = dict(each[kind])
        path = content.pop(FILE, None)
        if path is not None:
            try:
                content[_NAMES[kind]] = _media_id(app, Path(path))
            except (StoreOpsError, OSError) as error:
                why = error.message if isinstance(error, StoreOpsError) else os_errors.reason(error)
                lacking = _("Without {file}: {why}").format(file=Path(path).name, why=why)
                continue
        ready.append({"msgtype": kind, kind: content})
    return ready, lacking


def forget(db: Database) -> None:
    """WeCom does not know an upload any more: all are made anew."""
    with db.atomic() as connection:
        connection.execute("DELETE FROM welcome_media")


def _media_id(app: Wiring, path: Path) -> str:
    """Of the file as it is now, uploaded when that is needed."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    now = app.clock.now()
    row = app.data.execute(
        "SELECT media_id FROM welcome_media WHERE sha256 = ? AND uploaded_at > ?",
        (digest, now - GOOD_S),
    ).fetchone()
    if row is not None:
        return str(row[0])
    made = messages.upload(app.client, "image", path.name, data)
    with app.data.atomic() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO welcome_media (sha256, media_id, uploaded_at) VALUES (?, ?, ?)",
            (digest, made, now),
        )
    return made
