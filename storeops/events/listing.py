"""Looking into the inbox: events, one event with its deliveries, and how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storeops.database.database import Database
from storeops.errors import NotFoundError
from storeops.events.inbox import COLUMNS, STATUSES, UNANSWERED, Delivery, Event
from storeops.events.message import read_message
from storeops.i18n import _, said
from storeops.plain import masked


@dataclass(frozen=True, slots=True)
class Arrived:
    """One delivery of an event: when, and the request."""

    received_at: float
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Standing:
    """How the inbox stands.

    Attributes:
        counts: events by status, every status named.
        waiting: events that are to be handled, now or later.
        next_due: when the next of them is due, Unix seconds; None when none is.
        oldest_waiting: when the oldest of them came in.
        last_received: when the last event came in; None when none ever did.
        refused: reason → requests that were refused.
        refused_at: when the last of them came.
        unanswered: reason → when, of connections that hang, found nothing free or could not be
            stored: WeCom may have been among them.
    """

    counts: dict[str, int]
    waiting: int
    next_due: float | None
    oldest_waiting: float | None
    last_received: float | None
    refused: dict[str, int]
    refused_at: float | None
    unanswered: dict[str, float]

    def unanswered_since(self, moment: float) -> tuple[str, ...]:
        """Why connections went without an answer since then, the last first."""
        return tuple(
            reason
            for reason, at in sorted(self.unanswered.items(), key=lambda each: -each[1])
            if at >= moment
        )


def events(
    db: Database,
    *,
    statuses: Sequence[str] = (),
    change: str = "",
    external_userid: str = "",
    before: int | None = None,
    limit: int = 50,
) -> list[Event]:
    """Events, newest first.

    Args:
        db: inbox.db.
        statuses: only these; () for all.
        change: only this Event or ChangeType; "" for all.
        external_userid: only about this customer; "" for all.
        before: only ids below; None for the newest.
        limit: rows at most.
    """
    where = ["1"]
    values: list[object] = []
    if statuses:
        where.append(f"status IN ({','.join('?' * len(statuses))})")
        values += statuses
    if change:
        where.append("? IN (event, change_type)")
        values.append(change)
    if external_userid:
        where.append("external_userid = ?")
        values.append(external_userid)
    if before is not None:
        where.append("id < ?")
        values.append(before)
    rows = db.execute(
        f"SELECT {COLUMNS} FROM event WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
        (*values, limit),
    )
    return [worded(Event(*row)) for row in rows]


def worded(event: Event) -> Event:
    """The same, why it ended so in the user's language."""
    return event._replace(reason=said(event.reason))


def event(db: Database, event_id: int) -> tuple[Event, bytes | None]:
    """One event and its decrypted message, None while that cannot be read.

    Raises:
        NotFoundError: there is none of that number.
    """
    row = db.execute(f"SELECT {COLUMNS}, message FROM event WHERE id = ?", (event_id,)).fetchone()
    if row is None:
        raise NotFoundError(
            _("There is no event {id}.").format(id=event_id),
            hint=_("`storeops events list` shows what came in."),
            next_steps=["storeops events list"],
        )
    return worded(Event(*row[:-1])), row[-1]


def deliveries(db: Database, event_id: int) -> list[Arrived]:
    """Every different request that brought this event, oldest first."""
    return [
        Arrived(at, Delivery(*rest))
        for at, *rest in db.execute(
            "SELECT received_at, msg_signature, timestamp, nonce, body FROM delivery"
            " WHERE event_id = ? ORDER BY id",
            (event_id,),
        )
    ]


def message_fields(message: bytes | None, *, reveal: bool = False) -> dict[str, Any] | None:
    """The elements of a decrypted message, phone numbers masked unless asked for.

    None while it cannot be read.
    """
    if message is None:
        return None
    fields = read_message(message).fields
    return dict(fields) if reveal else masked(fields)


def newest_before(db: Database, moment: float) -> int:
    """event.id of the newest event received before a moment (Unix seconds); 0 for none."""
    row = db.execute(
        "SELECT id FROM event WHERE received_at < ? ORDER BY id DESC LIMIT 1", (moment,)
    ).fetchone()
    return int(row[0]) if row is not None else 0


def readable_after(db: Database, event_id: int) -> list[tuple[Event, bytes]]:
    """Events that came in after this one and could be read, with their messages, oldest first."""
    rows = db.execute(
        f"SELECT {COLUMNS}, message FROM event WHERE id > ? AND message IS NOT NULL ORDER BY id",
        (event_id,),
    )
    return [(Event(*row[:-1]), row[-1]) for row in rows]


def by_member(db: Database, change: str, since: float) -> dict[str, int]:
    """Member → how many events of a ChangeType came in since a moment (Unix seconds)."""
    return dict(
        db.execute(
            "SELECT userid, count(*) FROM event WHERE received_at >= ? AND change_type = ?"
            " AND userid <> '' GROUP BY userid",
            (since, change),
        ).fetchall()
    )


def relations_named(db: Database, since: float, until: float | None = None) -> int:
    """Relations of customers that events told of within a span, of what happened since it began.

    What happened before was read by whoever read at its beginning: an event of it that comes late,
    or again, has told nothing new.

    Args:
        db: inbox.db.
        since, until: the span, Unix seconds.
    """
    row = db.execute(
        "SELECT count(*) FROM (SELECT DISTINCT external_userid, userid FROM event"
        " WHERE received_at >= ? AND received_at < ? AND create_time >= ?"
        " AND external_userid <> '')",
        (since, float("inf") if until is None else until, int(since)),
    ).fetchone()
    return int(row[0])


def told_too_late(db: Database, since: float, until: float, began: float) -> set[str]:
    """external_userid of customers whose event came within a span, unhandled when a run began.

    Args:
        db: inbox.db.
        since, until: the span, Unix seconds.
        began: of the run: what it found of these an event had told as well.
    """
    rows = db.execute(
        "SELECT DISTINCT external_userid FROM event WHERE received_at >= ? AND received_at < ?"
        " AND external_userid <> '' AND subject <> '' AND (handled_at IS NULL OR handled_at >= ?)",
        (since, until, began),
    )
    return {row[0] for row in rows}


def ids_of(db: Database, status: str) -> list[int]:
    """event.id of every event of a status, oldest first."""
    rows = db.execute("SELECT id FROM event WHERE status = ? ORDER BY id", (status,))
    return [row[0] for row in rows]


def standing(db: Database) -> Standing:
    """How the inbox stands now."""
    counts = dict.fromkeys(STATUSES, 0)
    counts.update(db.execute("SELECT status, count(*) FROM event GROUP BY status").fetchall())
    waiting, due, oldest = db.execute(
        "SELECT count(*), min(due_at), min(received_at) FROM event WHERE due_at IS NOT NULL"
    ).fetchone()
    refused = db.execute("SELECT reason, count, last_at FROM refusal ORDER BY reason").fetchall()
    return Standing(
        counts=counts,
        waiting=waiting,
        next_due=due,
        oldest_waiting=oldest,
        last_received=db.execute("SELECT max(received_at) FROM event").fetchone()[0],
        refused={reason: count for reason, count, _at in refused},
        refused_at=max((at for _reason, _count, at in refused), default=None),
        unanswered={reason: at for reason, _count, at in refused if reason in UNANSWERED},
    )
