"""The journal: an append-only chain of lines, one per thing done, from any process.

Each line's hash covers the hash before it, its open fields and a salted digest of its private
part (subject and payload). So one person's private part can be erased without breaking the chain
(`erase.py`). Count and head are sealed outside the database under an HMAC, so that a cut tail is
found (`verify.py`).

Lines are appended inside the writer's own transaction (BEGIN IMMEDIATE serialises processes).
A seal is written at the beginning of a write transaction, before it appends, and at the end of a
piece of work: only committed lines are ever sealed.

A seal is never written over evidence. Before anything is appended or sealed, the sealed line is
looked for (`loss.py`); what is missing becomes a line of the chain, `journal.loss`, with the seal
as it was found, and the old seal stays until that line is committed. Numbers are never given
twice: the line about a loss comes behind the newest number that was ever sealed.

| what is found | `journal.loss` says |
|---|---|
| the sealed line is behind the newest one | `cut` |
| another line has the sealed number, or none | `replaced` |
| the seal is missing, or does not fit its key | `seal` |
| the key is missing or damaged | `key` |
| the seal is older than the one written last | `older` |
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storeops.changes import loss
from storeops.changes import seal as seals
from storeops.changes.seal import GENESIS as GENESIS
from storeops.database.database import Database

# what reading a damaged value may raise
ODD = (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError)
_INSERT = (
    "INSERT INTO journal (seq, at, kind, who, machine, plan, row, subject, payload, salt, digest,"
    " hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One thing done, before it is chained.

    Attributes:
        kind: `plan.made`, `plan.applied`, `call.intent`, `row.answer`, `audit.erased` …
        plan: the plan's name, "" when it is about none.
        row: the plan's row, None when it is about the whole.
        subject: external_userid of the person it is about; erased with the payload.
        payload: JSON types; what a reader of the journal wants to know.
    """

    kind: str
    plan: str = ""
    row: int | None = None
    subject: str | None = None
    payload: Mapping[str, Any] | None = None


def digest_of(salt: bytes, subject: str | None, payload: str) -> bytes:
    """Digest of a line's private part; 32 bytes."""
    text = f"{subject or ''}\x1f{payload}"
    return hashlib.sha256(salt + text.encode("utf-8", "surrogatepass")).digest()


def fits(salt: Any, subject: Any, payload: Any, digest: Any) -> bool:
    """Whether a private part is the one that was digested, whatever stands in its columns."""
    try:
        good: bool = digest_of(salt, subject, payload) == digest
    except ODD:
        return False
    return good


def hash_of(
    before: bytes, seq: int, at: float, kind: str, who: str, machine: str, plan: str,
    row: int | None, digest: bytes,
) -> bytes:  # fmt: skip
    """Hash of a line over the line before it; 32 bytes."""
    text = json.dumps([seq, float(at), kind, who, machine, plan, row], ensure_ascii=False)
    return hashlib.sha256(before + text.encode("utf-8", "surrogatepass") + digest).digest()


class Journal:
    """Appends lines and seals the head.

    Args:
        folder: the profile's folder; holds `journal.key` and `journal.seal`.
        who: who acts (`--as`, else the account's name).
        machine: this machine's name.
    """

    def __init__(self, folder: Path, who: str, machine: str) -> None:
        self.folder = folder
        self.who = who
        self.machine = machine

    def append(
        self, connection: sqlite3.Connection, lines: Sequence[JournalLine], at: float
    ) -> int:
        """Chain `lines` after the newest; call it inside `Database.atomic`. Returns the last seq.

        Args:
            connection: in a write transaction, which the lines share.
            lines: in order.
            at: WeCom's time, Unix seconds.

        Raises:
            ConfigError: the table is gone, or the seal cannot be written.
        """
        assert connection.in_transaction, "the journal is written inside a transaction"
        if not lines:
            return loss.head(connection)[0]
        if self._whole(connection, at) and loss.head(connection)[0] == 0:
            seals.write(self.folder, 0, GENESIS.hex(), at)  # from now on a missing seal is a loss
            loss.remember(connection, 0)
        return self._chain(connection, lines, at)

    def _chain(
        self,
        connection: sqlite3.Connection,
        lines: Sequence[JournalLine],
        at: float,
        least: int = 0,
    ) -> int:
        """Insert lines, numbered behind the newest and behind `least`."""
        seq, head = loss.head(connection)
        seq = max(seq, least)
        at = round(at, 3)
        salts = os.urandom(16 * len(lines))
        rows = []
        for index, line in enumerate(lines):
            seq += 1
            salt = salts[16 * index : 16 * index + 16]
            payload = dump(line.payload or {})
            digest = digest_of(salt, line.subject, payload)
            head = hash_of(
                head, seq, at, line.kind, self.who, self.machine, line.plan, line.row, digest
            )
            rows.append(
                (seq, at, line.kind, self.who, self.machine, line.plan, line.row, line.subject,
                 payload, salt, digest, head)
            )  # fmt: skip
        connection.executemany(_INSERT, rows)
        return seq

    def write(self, db: Database, lines: Sequence[JournalLine], at: float) -> int:
        """Append in a transaction of its own, then seal; returns the last seq."""
        with db.atomic() as connection:
            seq = self.append(connection, lines, at)
        self.seal(db, at)
        return seq

    def seal(self, db: Database, at: float) -> None:
        """Keep count and head of what is committed outside the database.

        A short write transaction holds other writers off, so that no older head can overwrite a
        newer one. A loss that is found now is committed as a line first, then sealed. Inside a
        transaction nothing is sealed: who began it does that, when it is committed.

        Raises:
            ConfigError: the table is gone, or the seal cannot be written.
        """
        if db.connection.in_transaction:
            return
        for _turn in range(2):
            with db.atomic() as connection:
                if self.seal_inside(connection, at):
                    return

    def seal_inside(self, connection: sqlite3.Connection, at: float) -> bool:
        """Seal at the beginning of a write transaction, before it appends anything.

        Returns:
            False when a loss was found and noted: the old seal stays until that is committed.
        """
        if not self._whole(connection, at):
            return False
        count, head = loss.head(connection)
        if count == 0:
            return True
        found = seals.read(self.folder)
        if not (found.proven and (found.count, found.head) == (count, head.hex())):
            seals.write(self.folder, count, head.hex(), at)
            loss.bear_witness(self.folder)
            loss.remember(connection, count)
        return True

    def _whole(self, connection: sqlite3.Connection, at: float) -> bool:
        """Look for the sealed line; note its loss once. Whether a seal may be written."""
        missing = loss.find(connection, seals.read(self.folder), self.folder)
        if missing is None or loss.is_noted(connection, missing):
            return True
        lines = [JournalLine(loss.KIND, payload=missing.payload())]
        self._chain(connection, lines, at, missing.known)
        return False


def object_of(payload: Any) -> dict[str, Any]:
    """A payload's JSON object; {} for anything else, be it damaged."""
    try:
        value = json.loads(payload)
    except ODD:
        return {}
    return value if isinstance(value, dict) else {}


def dump(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, raw UTF-8."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair: SQLite takes only whole UTF-8
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return text
