"""The inbox: what came in is kept before it is answered, and stays until somebody forgets it.

What is a repeat? WeCom sends a callback again when it saw no answer, at most three times, and may
sign and encrypt it anew each time; there is no id in an event, CreateTime has whole seconds, and
FromUserName is always `sys` (doc 90930). So:

- the same **message** (SHA-256 of the decrypted bytes) is the same event: one row, with every
  delivery kept beside it. Two tag events of one second differ in Id or ChangeType: two rows.
- a delivery with the same signature, timestamp and nonce is the same request once more (a proxy,
  a replay): it is counted and changes nothing.
- two real changes of one thing within one second look exactly like a repeat. Therefore a message
  that comes again, signed anew, after it was handled, is handled again: its subject is read anew,
  which costs one call and cannot do harm. Merging never swallows a change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from storeops.database.database import Database
from storeops.events.kinds import EventSubject, Named
from storeops.events.message import Message

RECEIVED, HANDLED, KEPT = "received", "handled", "kept"
FAILED, UNREADABLE = "failed", "unreadable"
STATUSES = (RECEIVED, HANDLED, KEPT, FAILED, UNREADABLE)
# why a connection got no answer, or not 200: WeCom may have been among them
SLOW, FULL, NOT_STORED = UNANSWERED = ("slow", "full", "not_stored")
CLAIM_S = 120.0  # for so long nobody else handles what one process has taken


_FINISHED = "due_at IS NULL AND status IN ('handled', 'kept') AND received_at < ?"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request as it came in.

    Attributes:
        msg_signature: as in the query string, like the next two.
        timestamp: text, Unix seconds.
        nonce: any text.
        body: the request body, byte by byte.
    """

    msg_signature: str
    timestamp: str
    nonce: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a delivery.

    Attributes:
        event_id: event.id.
        repeat: whether the event was there before.
        due: whether something is to be handled now.
    """

    event_id: int
    repeat: bool
    due: bool


class Event(NamedTuple):
    """One row of `event` without the message."""

    id: int
    received_at: float
    create_time: int
    event: str
    change_type: str
    subject: str
    userid: str
    external_userid: str
    status: str
    reason: str
    errcode: int | None
    attempts: int
    due_at: float | None
    handled_at: float | None
    deliveries: int


@dataclass(frozen=True, slots=True)
class Work:
    """Events about one subject, oldest first, that one process has taken for `CLAIM_S`.

    Attributes:
        subject: what they are about.
        events: as they were when they were taken.
        claim: their due_at since then: who finds another one there has lost them.
    """

    subject: EventSubject
    events: tuple[Event, ...]
    claim: float


class Done(NamedTuple):
    """How handling one event ended; `claim` is that of its `Work`."""

    event_id: int
    claim: float
    status: str
    reason: str
    errcode: int | None
    attempts: int
    due_at: float | None


COLUMNS = ", ".join(Event._fields)


class Inbox:
    """Events of one profile.

    Args:
        db: inbox.db, opened with synchronous=FULL.
    """

    def __init__(self, db: Database) -> None:
        self.db = db

    # -- receiving

    def keep(
        self,
        delivery: Delivery,
        sealed: str,
        message: Message | None,
        opened: bytes | None,
        about: Named | None,
        reason: str,
        now: float,
    ) -> Kept:
        """Store one signed delivery; on disk when this returns.

        Args:
            delivery: the request.
            sealed: its Encrypt text.
            message: what was inside; None when it could not be read.
            opened: the decrypted bytes, as above.
            about: what the message is about, as above.
            reason: why it could not be read, "" when it could.
            now: Unix seconds of WeCom's clock.

        Raises:
            StoreOpsError: the disk is full or the file cannot be written: do not say "success".
        """
        identity = sha256(sealed.encode() if opened is None else opened).digest()
        with self.db.atomic() as connection:
            known = connection.execute(
                "SELECT id, status, subject FROM event WHERE identity = ?", (identity,)
            ).fetchone()
            if known is None:
                event_id = self._insert(identity, message, opened, about, reason, now)
                self._add_delivery(event_id, delivery, now)
                return Kept(event_id, False, about is not None and about.subject is not None)
            event_id, status, subject = known
            anew = self._add_delivery(event_id, delivery, now)
            again = anew and bool(subject) and status != UNREADABLE
            connection.execute(
                "UPDATE event SET deliveries = deliveries + 1 WHERE id = ?", (event_id,)
            )
            if again:
                connection.execute(
                    "UPDATE event SET status = ?, attempts = 0, due_at = ? WHERE id = ?",
                    (RECEIVED, now, event_id),
                )
            return Kept(event_id, True, again)

    def _insert(
        self,
        identity: bytes,
        message: Message | None,
        opened: bytes | None,
        about: Named | None,
        reason: str,
        now: float,
    ) -> int:
        row: tuple[object, ...]
        if message is None or about is None:
            row = (identity, now, 0, "", "", "", "", "", None, UNREADABLE, reason, None)
        else:
            subject = about.subject
            row = (
                identity, now, message.create_time, message.event, message.change_type,
                str(subject) if subject else "", about.userid, about.external_userid, opened,
                RECEIVED if subject else KEPT, about.reason, now if subject else None,
            )  # fmt: skip
        cursor = self.db.execute(
            "INSERT INTO event (identity, received_at, create_time, event, change_type, subject,"
            " userid, external_userid, message, status, reason, due_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _add_delivery(self, event_id: int, delivery: Delivery, now: float) -> bool:
        """Keep the raw request; False when exactly this one was kept before."""
        done = self.db.execute(
            "INSERT OR IGNORE INTO delivery (event_id, received_at, msg_signature, timestamp,"
            " nonce, body) VALUES (?, ?, ?, ?, ?, ?)",
            (event_id, now, delivery.msg_signature, delivery.timestamp, delivery.nonce,
             delivery.body),
        )  # fmt: skip
        return done.rowcount > 0

    def count_refused(self, counts: Mapping[str, int], now: float) -> None:
        """Add to what was refused: reason → requests. They are not events and not stored."""
        with self.db.atomic() as connection:
            connection.executemany(
                "INSERT INTO refusal (reason, count, last_at) VALUES (?, ?, ?) ON CONFLICT (reason)"
                " DO UPDATE SET count = count + excluded.count, last_at = excluded.last_at",
                [(reason, count, now) for reason, count in sorted(counts.items())],
            )

    # -- handling

    def claim(self, now: float, limit: int = 50) -> list[Work]:
        """Take what is due: at most `limit` subjects, each with all its waiting events.

        What was taken and not finished (a crash) is due again after `CLAIM_S`.
        """
        with self.db.atomic() as connection:
            subjects = [
                row[0]
                for row in connection.execute(
                    "SELECT subject FROM event WHERE due_at <= ? GROUP BY subject"
                    " ORDER BY min(due_at), subject LIMIT ?",
                    (now, limit),
                )
            ]
            works = []
            for subject in subjects:
                events = tuple(
                    Event(*row)
                    for row in connection.execute(
                        f"SELECT {COLUMNS} FROM event WHERE subject = ? AND due_at IS NOT NULL"
                        " ORDER BY create_time, id",
                        (subject,),
                    )
                )
                works.append(Work(EventSubject.parse(subject), events, now + CLAIM_S))
            connection.executemany(
                "UPDATE event SET due_at = ? WHERE id = ?",
                [(work.claim, each.id) for work in works for each in work.events],
            )
        return works

    def is_claimed(self, work: Work) -> bool:
        """Whether it is still ours: nobody else took it, and nothing of it came in again."""
        return all(
            self.db.execute(
                "SELECT 1 FROM event WHERE id = ? AND due_at = ?", (each.id, work.claim)
            ).fetchone()
            for each in work.events
        )

    def finish(self, done: Sequence[Done], now: float) -> None:
        """Keep how handling ended; an event that came in again meanwhile stays due."""
        with self.db.atomic() as connection:
            connection.executemany(
                "UPDATE event SET status = ?, reason = ?, errcode = ?, attempts = ?, due_at = ?,"
                " handled_at = CASE WHEN ? = 'handled' THEN ? ELSE handled_at END"
                " WHERE id = ? AND due_at = ?",
                [
                    (d.status, d.reason, d.errcode, d.attempts, d.due_at, d.status, now,
                     d.event_id, d.claim)
                    for d in done
                ],
            )  # fmt: skip

    def release(self, works: Sequence[Work], due_at: float) -> None:
        """Put back what was taken, unchanged but for when it is due."""
        with self.db.atomic() as connection:
            connection.executemany(
                "UPDATE event SET due_at = ? WHERE id = ? AND due_at = ?",
                [(due_at, each.id, work.claim) for work in works for each in work.events],
            )

    def seen_run(self) -> int | None:
        """The newest finished sync run that was looked at; None when none ever was."""
        row = self.db.execute("SELECT value FROM progress WHERE key = 'sync_run'").fetchone()
        return None if row is None else int(row[0])

    def see_runs(self, newest: int, spans: Sequence[tuple[float, float]], now: float) -> int:
        """Handle again what was handled while a sync ran; returns how many events.

        Args:
            newest: the newest finished run, remembered.
            spans: (began, ended) of the runs since `seen_run`, Unix seconds.
            now: Unix seconds of WeCom's clock.
        """
        with self.db.atomic() as connection:
            connection.execute(
                "INSERT INTO progress (key, value) VALUES ('sync_run', ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (newest,),
            )
            return sum(
                connection.execute(
                    "UPDATE event SET status = ?, due_at = ? WHERE handled_at BETWEEN ? AND ?"
                    " AND status = ? AND subject <> ''",
                    (RECEIVED, now, began, ended, HANDLED),
                ).rowcount
                for began, ended in spans
            )

    # -- trying again

    def retry(self, event_ids: Sequence[int], now: float) -> int:
        """Handle these again, whatever became of them; returns how many have anything to do."""
        with self.db.atomic() as connection:
            return sum(
                connection.execute(
                    "UPDATE event SET status = ?, attempts = 0, due_at = ? WHERE id = ?"
                    " AND subject <> ''",
                    (RECEIVED, now, each),
                ).rowcount
                for each in event_ids
            )

    def now_readable(
        self, event_id: int, message: Message, opened: bytes, about: Named, now: float
    ) -> int:
        """An event that could not be read can be: with the right key. Returns its id.

        When the same message came in before, the two become one.
        """
        identity = sha256(opened).digest()
        subject = about.subject
        with self.db.atomic() as connection:
            duplicate = connection.execute(
                "SELECT id FROM event WHERE identity = ?", (identity,)
            ).fetchone()
            if duplicate is None:
                connection.execute(
                    "UPDATE event SET identity = ?, create_time = ?, event = ?, change_type = ?,"
                    " subject = ?, userid = ?, external_userid = ?, message = ?, status = ?,"
                    " reason = ?, due_at = ? WHERE id = ?",
                    (
                        identity, message.create_time, message.event, message.change_type,
                        str(subject) if subject else "", about.userid, about.external_userid,
                        opened, RECEIVED if subject else KEPT, about.reason,
                        now if subject else None, event_id,
                    ),
                )  # fmt: skip
                return event_id
            kept: int = duplicate[0]
            connection.execute(
                "UPDATE event SET deliveries = deliveries + (SELECT deliveries FROM event"
                " WHERE id = ?) WHERE id = ?",
                (event_id, kept),
            )
            connection.execute(
                "UPDATE OR IGNORE delivery SET event_id = ? WHERE event_id = ?", (kept, event_id)
            )
            connection.execute("DELETE FROM delivery WHERE event_id = ?", (event_id,))
            connection.execute("DELETE FROM event WHERE id = ?", (event_id,))
            return kept

    def forget(self, *, before: float | None = None, external_userid: str = "") -> int:
        """Delete events that have nothing left to do; returns how many.

        Args:
            before: those that came in before this moment; None for all.
            external_userid: those about this customer; "" for all.
        """
        where = ["due_at IS NULL"]
        values: list[object] = []
        if before is not None:
            where.append("received_at < ?")
            values.append(before)
        if external_userid:
            where.append("external_userid = ?")
            values.append(external_userid)
        return self._delete(" AND ".join(where), values)

    def count_finished(self, before: float) -> int:
        """Events that came in before this moment and are done with. Reads only."""
        row = self.db.execute(f"SELECT count(*) FROM event WHERE {_FINISHED}", (before,)).fetchone()
        return int(row[0])

    def prune(self, before: float) -> int:
        """Delete what `count_finished` counts; returns how many."""
        return self._delete(_FINISHED, (before,))

    def erase(self, external_userid: str) -> int:
        """Delete every event about a customer, whatever its status; returns how many."""
        return self._delete("external_userid = ?", (external_userid,))

    def _delete(self, chosen: str, values: Sequence[object]) -> int:
        with self.db.atomic() as connection:
            connection.execute(
                f"DELETE FROM delivery WHERE event_id IN (SELECT id FROM event WHERE {chosen})",
                values,
            )
            return connection.execute(f"DELETE FROM event WHERE {chosen}", values).rowcount
