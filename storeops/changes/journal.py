"""The journal: an append-only chain of lines, one per thing done, from any process.

Each line's hash covers the hash before it, its open fields and a salted digest of its private
part (subject and payload). So one person's private part can be erased without breaking the chain
(`erase.py`). Count and head are sealed outside the database under an HMAC, so that a cut tail is
found (`verify.py`).

Lines are appended inside the writer's own transaction (BEGIN IMMEDIATE serialises processes).
A seal is written at the beginning of a write transaction, before it appends, and at the end of a
piece of work: only committed lines are ever sealed.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storeops.database.database import Database
from storeops.private_file import scratch, write_often

GENESIS = b"\0" * 32
_INSERT = (
    "INSERT INTO journal (seq, at, kind, who, machine, plan, row, subject, payload, salt, digest,"
    " hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Line:
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


@dataclass(frozen=True, slots=True)
class Seal:
    """Count and head of the journal as kept outside the database."""

    count: int
    head: str
    at: float
    mac: str


def digest_of(salt: bytes, subject: str | None, payload: str) -> bytes:
    """Digest of a line's private part; 32 bytes."""
    text = f"{subject or ''}\x1f{payload}"
    return hashlib.sha256(salt + text.encode("utf-8", "surrogatepass")).digest()


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
        folder: the profile's folder; holds `journal.key` (32 bytes, 0600) and `journal.seal`.
        who: who acts (`--as`, else the account's name).
        machine: this machine's name.
    """

    def __init__(self, folder: Path, who: str, machine: str) -> None:
        self.folder = folder
        self.who = who
        self.machine = machine

    def append(self, connection: sqlite3.Connection, lines: Sequence[Line], at: float) -> int:
        """Chain `lines` after the newest; call it inside `Database.atomic`. Returns the last seq.

        Args:
            connection: in a write transaction, which the lines share.
            lines: in order.
            at: WeCom's time, Unix seconds.
        """
        assert connection.in_transaction, "the journal is written inside a transaction"
        seq, head = self.head(connection)
        if not lines:
            return seq
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

    @staticmethod
    def head(connection: sqlite3.Connection) -> tuple[int, bytes]:
        """(count, hash of the newest line)."""
        row = connection.execute(
            "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        return (row[0], row[1]) if row else (0, GENESIS)

    def write(self, db: Database, lines: Sequence[Line], at: float) -> None:
        """Append in a transaction of its own, then seal."""
        with db.atomic() as connection:
            self.append(connection, lines, at)
        self.seal(db, at)

    def seal(self, db: Database, at: float) -> None:
        """Keep count and head of what is committed outside the database.

        A short write transaction holds other writers off, so that no older head can overwrite a
        newer one.
        """
        with db.atomic() as connection:
            self.seal_inside(connection, at)

    def seal_inside(self, connection: sqlite3.Connection, at: float) -> None:
        """Seal at the beginning of a write transaction, before it appends anything."""
        count, head = self.head(connection)
        if count == 0:
            return
        mac = self._mac(count, head.hex())
        text = json.dumps({"count": count, "head": head.hex(), "at": round(at, 3), "mac": mac})
        write_often(self.folder / "journal.seal", text.encode())

    def read_seal(self) -> Seal | None:
        """The seal as it lies on disk; None when there is none.

        Raises:
            ValueError: the file is damaged, or its MAC does not fit the key.
        """
        try:
            text = (self.folder / "journal.seal").read_bytes()
        except FileNotFoundError:
            return None
        try:
            seal = Seal(**json.loads(text))
            good = hmac.compare_digest(seal.mac, self._mac(seal.count, seal.head, make=False))
        except (TypeError, AttributeError, UnicodeDecodeError) as error:
            raise ValueError("unreadable") from error
        if not good:
            raise ValueError("mac")
        return seal

    def _mac(self, count: int, head: str, *, make: bool = True) -> str:
        return hmac.new(self._key(make), f"{count}:{head}".encode(), "sha256").hexdigest()

    def _key(self, make: bool) -> bytes:
        path = self.folder / "journal.key"
        if make and not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with contextlib.suppress(FileExistsError), scratch(path) as part:
                part.file.write(os.urandom(32))
                part.put(over=False)  # another process may have been faster
        key = path.read_bytes() if path.exists() else b""
        if len(key) != 32:
            raise ValueError("key")
        return key


def dump(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, raw UTF-8."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair: SQLite takes only whole UTF-8
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return text
