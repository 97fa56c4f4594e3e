"""What remains to be done about messages: lines of the morning, old rows, a person's erasure."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from storeops.changes.erased_text import in_texts
from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.notify import files
from storeops.i18n import ngettext

RECENT_S = 3 * 86_400  # what failed longer ago concerns nobody any more
ERASED = "–"


def today(db: Database, now: float) -> list[TodayLine]:
    """Messages that did not arrive, of the last days."""
    failed, uncertain = db.execute(
        "SELECT sum(status = 'failed'), sum(status = 'uncertain') FROM notify_message"
        " WHERE status IN ('failed', 'uncertain') AND settled_at >= ?",
        (now - RECENT_S,),
    ).fetchone()
    lines = []
    if failed:
        text = ngettext(
            "{count} message could not be sent.", "{count} messages could not be sent.", failed
        ).format(count=failed)
        lines.append(TodayLine(text, "storeops notify retry", "warn"))
    if uncertain:
        text = ngettext(
            "Nobody knows whether {count} message arrived.",
            "Nobody knows whether {count} messages arrived.",
            uncertain,
        ).format(count=uncertain)
        lines.append(TodayLine(text, "storeops notify log --status uncertain", "warn"))
    return lines


def held(connection: sqlite3.Connection, before: float) -> Iterable[int]:
    """plan.id of messages that are not over.

    Args:
        connection: on data.db.
        before: Unix seconds; what is older may go.
    """
    return (
        plan
        for (plan,) in connection.execute(
            "SELECT DISTINCT plan_id FROM notify_message WHERE plan_id IS NOT NULL"
            " AND (status IN ('waiting', 'queued') OR posted_at >= ?)",
            (before,),
        )
    )


def prune(connection: sqlite3.Connection, plans: Sequence[int]) -> None:
    """Take out the messages of these plans (plan.id), in the caller's transaction."""
    connection.execute(
        "DELETE FROM notify_message WHERE plan_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(plans)),),
    )


def forget_customer(
    connection: sqlite3.Connection, external_userid: str, ids: Iterable[str] = ()
) -> int:
    """Empty the messages that name a customer by an id or a phone number. Returns the rows.

    What was not sent never will be: nothing is left that could go. Copies of files are removed.
    """
    words = in_texts({external_userid, *ids})
    found = [
        (seq, any(word in id for word in words), json.loads(content).get("sha256", ""))
        for seq, id, body, content, note in connection.execute(
            "SELECT seq, id, body, content, note FROM notify_message"
        )
        if any(word in text for word in words for text in (id, body, content, note))
    ]
    connection.executemany(
        "UPDATE notify_message SET body = ?, content = '{}', note = '', status ="
        " CASE WHEN status IN ('sent', 'partly') THEN status ELSE 'cancelled' END WHERE seq = ?",
        [(ERASED, seq) for seq, _named, _copy in found],
    )
    connection.executemany(
        "UPDATE notify_message SET id = ? WHERE seq = ?",
        [(f"erased-{seq}", seq) for seq, named, _copy in found if named],
    )
    files.remove(connection, {copy for _seq, _named, copy in found} - {""})
    return len(found)
