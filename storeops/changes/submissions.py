"""What a back office asks head office to write that is no plan: how a task ended, for instance.

A submission is kept in the transaction that writes the same here, ahead of head office's answer,
and is sent by whoever follows. What head office writes comes down as everything does, also when it
did not write what was asked; so the row here is never wrong for longer than the line is away.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from storeops.database.database import Database

KEPT_S = 30 * 86_400.0  # submissions that head office has had are kept so long


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission, as head office takes it in.

    Attributes:
        body: as `make` was given it; a stranger's.
        members: userids of the asking shop's members, in small letters: it may be about their
            rows alone.
        who: who asks, as `SH-001/anna`.
        at: when, by the shop's clock, Unix seconds.
    """

    body: Mapping[str, Any]
    members: Collection[str]
    who: str
    at: float


@dataclass(frozen=True, slots=True)
class SubmissionKind:
    """What head office does about submissions of a kind.

    ValueError, KeyError and TypeError from either function say that one is not understood.

    Attributes:
        thing: SharedThing.kind of what it is about, which is published anew.
        about: the number of that; NotTheirsError when it is not of one of the shop's members.
        write: writes it, in a write transaction; StoreOpsError refuses it, in words for the shop.
    """

    thing: str
    about: Callable[[Database, Submission], int]
    write: Callable[[Database, Submission], object]


class NotTheirsError(Exception):
    """A submission is about what is not the shop's."""


def make(
    connection: sqlite3.Connection, kind: str, body: Mapping[str, Any], by: str, at: float
) -> None:
    """Keep a submission, in a write transaction.

    Args:
        connection: of data.db of the back office.
        kind: of `Domain.submissions`.
        body: JSON types.
        by: who asks.
        at: WeCom's time, Unix seconds.
    """
    connection.execute(
        "INSERT INTO submission (name, kind, body, asked_by, at) VALUES (?, ?, ?, ?, ?)",
        (f"{kind}-{token_hex(8)}", kind, json.dumps(body, ensure_ascii=False), by, at),
    )


def waiting(db: Database) -> list[tuple[int, str, str, str, str, float]]:
    """(id, name, kind, body, by, at) of those that head office does not have, oldest first."""
    return db.execute(
        "SELECT id, name, kind, body, asked_by, at FROM submission WHERE sent_at IS NULL"
        " ORDER BY id"
    ).fetchall()


def sent(connection: sqlite3.Connection, number: int, now: float, refused: str = "") -> None:
    """Note that head office has had a submission, in a write transaction.

    Args:
        connection: of data.db of the back office.
        number: submission.id.
        now: WeCom's time, Unix seconds.
        refused: why it did not write it, "" when it did.
    """
    connection.execute(
        "UPDATE submission SET sent_at = ?, refused = ? WHERE id = ?", (now, refused, number)
    )
    connection.execute("DELETE FROM submission WHERE sent_at < ?", (now - KEPT_S,))


def refused(db: Database, since: float) -> list[tuple[str, str, float]]:
    """(kind, why, at) of those that head office did not write since a moment, newest first."""
    return db.execute(
        "SELECT kind, refused, at FROM submission WHERE refused <> '' AND sent_at >= ?"
        " ORDER BY id DESC",
        (since,),
    ).fetchall()
