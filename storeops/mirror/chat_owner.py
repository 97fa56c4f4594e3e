"""A group chat that has a new owner, as an answered handover tells it."""

from __future__ import annotations

from storeops.database.database import Database
from storeops.mirror import meta
from storeops.mirror.timeline import Recorder


def chat_transferred(
    db: Database, chat_id: str, takeover_userid: str, *, source: str, ref: str, now: int
) -> bool:
    """Give a group its new owner; its members are read by the next sync.

    Args:
        db: data.db.
        chat_id: the group.
        takeover_userid: the new owner.
        source: job | event.
        ref: id of the job or event.
        now: Unix seconds of WeCom's clock.

    Returns:
        Whether the mirror changed; False too when it does not know the group.
    """
    record = Recorder(source, ref, now)
    with db.atomic() as connection:
        known = connection.execute(
            "SELECT id, owner_userid FROM group_chat WHERE chat_id = ?", (chat_id,)
        ).fetchone()
        if known is None or known[1].lower() == takeover_userid.lower():
            return False
        # digest 0: whatever the next reading says differs from it and is written
        connection.execute(
            "UPDATE group_chat SET owner_userid = ?, owner_status = 0, digest = 0, updated_at = ?"
            " WHERE id = ?",
            (takeover_userid, now, known[0]),
        )
        record.add(
            "group_owner",
            {"chat_id": chat_id, "value": known[1]},
            {"chat_id": chat_id, "value": takeover_userid},
        )
        record.flush(connection)
        meta.bump_revision(connection)
    return True
