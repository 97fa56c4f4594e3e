"""The log of messages: what was handed over, and how each one ended."""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from storeops.changes.action import CANCELLED, DONE, QUEUED, UNKNOWN, RowResult
from storeops.database.database import Database
from storeops.errors import NotFoundError, PartialError
from storeops.i18n import N_, _, said

WAITING, IN_QUEUE, SENT, PARTLY, FAILED, UNCERTAIN, GONE = STATUSES = (
    "waiting", "queued", "sent", "partly", "failed", "uncertain", "cancelled",
)  # fmt: skip
WORDS = {
    WAITING: N_("waiting"),
    IN_QUEUE: N_("queued"),
    SENT: N_("sent"),
    PARTLY: N_("partly sent"),
    FAILED: N_("failed"),
    UNCERTAIN: N_("uncertain"),
    GONE: N_("cancelled"),
}
_COLUMNS = (
    "seq, id, target, kind, body, posted_at, posted_by, due_at, status, plan, settled_at, errcode,"
    " note, msgid"
)


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """One message as the log has it; times in Unix seconds."""

    seq: int
    id: str
    target: str
    kind: str
    body: str
    posted_at: float
    posted_by: str
    due_at: float
    status: str
    plan: str
    settled_at: float | None
    errcode: int | None
    note: str
    msgid: str

    def as_dict(self) -> dict[str, Any]:
        """The item of `notify log --json`."""
        return {
            "id": self.id,
            "to": self.target,
            "kind": self.kind,
            "body": self.body,
            "status": self.status,
            "posted_at": self.posted_at,
            "posted_by": self.posted_by,
            "due_at": self.due_at,
            "settled_at": self.settled_at,
            "errcode": self.errcode,
            "note": self.note,
            "plan_id": self.plan,
        }


def _logged(row: Sequence[Any]) -> LoggedMessage:
    found = LoggedMessage(*row)
    return replace(found, note=said(found.note))


def messages(
    db: Database,
    *,
    statuses: Sequence[str] = (),
    targets: Sequence[str] = (),
    before: int | None = None,
    limit: int | None = None,
) -> list[LoggedMessage]:
    """Newest first.

    Args:
        db: data.db.
        statuses: any of these; () for all.
        targets: to any of these; () for all.
        before: only those with a smaller `seq`.
        limit: at most so many.
    """
    where = ["1"]
    values: list[object] = []
    for column, words in (("status", statuses), ("target", targets)):
        if words:
            where.append(f"{column} IN ({', '.join('?' * len(words))})")
            values += words
    if before is not None:
        where.append("seq < ?")
        values.append(before)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM notify_message WHERE {' AND '.join(where)}"
        " ORDER BY seq DESC LIMIT ?",
        (*values, -1 if limit is None else limit),
    )
    return [_logged(row) for row in rows]


def counts(db: Database) -> dict[str, int]:
    """Status → messages; every status is there."""
    rows = db.execute("SELECT status, count(*) FROM notify_message GROUP BY status")
    return dict.fromkeys(STATUSES, 0) | dict(rows.fetchall())


def waiting(db: Database) -> dict[str, int]:
    """Target → messages that are to be sent or answered yet."""
    rows = db.execute(
        "SELECT target, count(*) FROM notify_message"
        " WHERE status IN ('waiting', 'queued') GROUP BY target"
    )
    return dict(rows.fetchall())


def statuses(db: Database | sqlite3.Connection, ids: Iterable[str]) -> dict[str, str]:
    """Id → status of those messages that the log has."""
    rows = db.execute(
        "SELECT id, status FROM notify_message WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    )
    return dict(rows.fetchall())


def named(db: Database, prefix: str) -> dict[str, str]:
    """Id → status of those messages whose id begins so."""
    rows = db.execute(
        "SELECT id, status FROM notify_message WHERE id >= ? AND id < ?",
        (prefix, f"{prefix}\U0010ffff"),
    )
    return dict(rows.fetchall())


def get(db: Database, id: str) -> LoggedMessage:
    """The message of that id.

    Raises:
        NotFoundError: there is none.
    """
    row = db.execute(f"SELECT {_COLUMNS} FROM notify_message WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise NotFoundError(
            _("There is no message {id}.").format(id=id),
            hint=_("See all messages: storeops notify log"),
            next_steps=["storeops notify log"],
        )
    return _logged(row)


def must_have_gone(messages: Iterable[LoggedMessage]) -> None:
    """Say that one was not sent, or not to everybody.

    Raises:
        PartialError: the first of them, and why.
    """
    for each in messages:
        if each.status == PARTLY:  # again it would reach the others twice
            raise PartialError(
                _("Not sent as wished: {note}").format(note=each.note or _(WORDS[each.status])),
                hint=_(
                    "The others have it: write to those who were left out by a target of their own."
                ),
                errcode=each.errcode,
            )
        if each.status in (FAILED, UNCERTAIN):
            again = f"storeops notify retry {shlex.quote(each.id)}"
            text = (
                _("Send it again: {command}")
                if each.status == FAILED
                else _("Look there whether it arrived; if not, send it again: {command}")
            )
            raise PartialError(
                _("Not sent as wished: {note}").format(note=each.note or _(WORDS[each.status])),
                hint=text.format(command=again),
                errcode=each.errcode,
                next_steps=[again],
            )


def record_result(db: Database, ids: Sequence[str], answer: RowResult, now: float) -> None:
    """Keep how a row ended for each message it carried; in the caller's transaction."""
    if answer.status in (QUEUED, UNKNOWN):
        return
    extra = dict(answer.extra or {})
    if answer.status == DONE:
        left_out = any(name in extra for name in ("invaliduser", "invalidparty", "unlicenseduser"))
        status = PARTLY if left_out else SENT
    elif answer.status == CANCELLED:
        status = GONE
    else:
        status = UNCERTAIN if extra.get("uncertain") else FAILED
    for each in ids:
        db.execute(
            "UPDATE notify_message SET status = ?, settled_at = ?, errcode = ?, note = ?,"
            " msgid = ? WHERE id = ?",
            (status, now, answer.errcode, answer.meaning, extra.get("msgid", ""), each),
        )
