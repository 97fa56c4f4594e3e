"""What the seal remembers and the journal does not: found before anything is sealed anew."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storeops.changes.seal import GENESIS, Seal
from storeops.database.lost import mark
from storeops.errors import ConfigError
from storeops.i18n import _
from storeops.private_file import write_bytes

KIND = "journal.loss"
_TESTIMONY = b"lines were sealed\n"
_MOST_LINES = 2**62  # SQLite's numbers end soon behind


@dataclass(frozen=True, slots=True)
class Loss:
    """Evidence that is gone, or that nothing proves any more.

    Attributes:
        why: cut | replaced | seal | key | older.
        seal: the seal as found.
        known: the highest count that was ever sealed, as far as seal and database tell.
        found: number of the newest line.
        found_head: its hash, hex.
    """

    why: str
    seal: Seal
    known: int
    found: int
    found_head: str

    def payload(self) -> dict[str, Any]:
        """What `journal.loss` says; with the text of the old seal, which goes."""
        return {
            "why": self.why,
            "sealed_count": self.seal.count,
            "sealed_head": self.seal.head,
            "known_count": self.known,
            "found_count": self.found,
            "found_head": self.found_head,
            **_mark(self),
        }


def head(connection: sqlite3.Connection) -> tuple[int, bytes]:
    """(number, hash) of the newest line; (0, GENESIS) of an empty journal.

    Raises:
        ConfigError: the table is gone, or its numbers leave no room.
    """
    try:
        row = connection.execute(
            "SELECT seq, CAST(hash AS BLOB) FROM journal ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    except sqlite3.OperationalError as error:
        if "no such" not in str(error):
            raise
        raise ConfigError(
            _("The journal is missing from data.db: {text}.").format(text=error),
            hint=_("Restore a backup with `storeops db restore FILE`; nothing was changed."),
            next_steps=["storeops db restore FILE"],
        ) from error
    if row is None:
        return 0, GENESIS
    if row[0] >= _MOST_LINES:
        raise ConfigError(
            _("The journal holds a line {seq} that nobody wrote; it cannot go on.").format(
                seq=row[0]
            ),
            hint=_("`storeops audit verify` names what was changed; restore a backup."),
            next_steps=["storeops audit verify"],
        )
    return row[0], row[1] or b""


def find(connection: sqlite3.Connection, seal: Seal, folder: Path) -> Loss | None:
    """What is missing; None when the sealed line is where it was.

    Args:
        connection: on data.db.
        seal: as read just now; inside a write transaction nobody seals meanwhile.
        folder: the profile's, with the witness of `bear_witness`.
    """
    count, newest = head(connection)
    known = max(sealed(connection), seal.count if seal.proven else 0)
    why = seal.trouble
    if why == "missing":
        if count == 0 and not (_testified(folder) or _began(connection)):
            return None  # nothing was ever written
        why = "seal"
    elif not why:
        if seal.count > count:
            why = "cut"
        elif hash_of_line(connection, seal.count) != seal.head:
            why = "replaced"
        elif known > seal.count:
            why = "older"
    return Loss(why, seal, known, count, newest.hex()) if why else None


def is_noted(connection: sqlite3.Connection, loss: Loss) -> bool:
    """Whether a line says so that is not sealed yet: what comes next may be sealed with it."""
    for (payload,) in connection.execute(
        "SELECT payload FROM journal WHERE plan = '' AND kind = ? AND seq > ? ORDER BY seq DESC",
        (KIND, sealed(connection)),
    ):
        try:
            noted = json.loads(payload)
        except (TypeError, ValueError, RecursionError):
            continue
        if isinstance(noted, dict) and {**noted, **_mark(loss)} == noted:
            return True
    return False


def _mark(loss: Loss) -> dict[str, Any]:
    return {"trouble": loss.seal.trouble, "seal": loss.seal.text[:500]}


def sealed(connection: sqlite3.Connection) -> int:
    """The highest count that was sealed, as the database remembers it."""
    row = connection.execute("SELECT value FROM ledger_meta WHERE key = 'sealed'").fetchone()
    return int(row[0]) if row and str(row[0]).isdecimal() and len(str(row[0])) < 17 else 0


def remember(connection: sqlite3.Connection, count: int) -> None:
    """Keep in the database that so many lines are sealed; 0 says that the journal began."""
    connection.execute(
        "INSERT INTO ledger_meta (key, value) VALUES ('sealed', ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (str(count),),
    )


def bear_witness(folder: Path) -> None:
    """Keep a third file knowing that lines were sealed here: when all else is gone, it is asked."""
    if not _testified(folder):
        with suppress(OSError):  # the seal itself says why nothing can be written
            write_bytes(_witness(folder), _TESTIMONY)


def _witness(folder: Path) -> Path:
    return mark(folder / "data.db")


def _testified(folder: Path) -> bool:
    try:
        with _witness(folder).open("rb") as file:
            return file.read(1) != b""
    except OSError:
        return False


def _began(connection: sqlite3.Connection) -> bool:
    """Whether there ever was a line: what was done tells, although the lines are gone."""
    return (
        connection.execute(
            "SELECT 1 FROM ledger_meta WHERE key = 'sealed' UNION ALL SELECT 1 FROM job"
            " UNION ALL SELECT 1 FROM plan WHERE status IN ('applied', 'cancelled')"
            " UNION ALL SELECT 1 FROM timeline WHERE source = 'job' LIMIT 1"
        ).fetchone()
        is not None
    )


def hash_of_line(connection: sqlite3.Connection, seq: int) -> str:
    """Hash of a line, hex; "" when there is none. Reads only."""
    if seq == 0:
        return GENESIS.hex()
    row = connection.execute(
        "SELECT CAST(hash AS BLOB) FROM journal WHERE seq = ?", (seq,)
    ).fetchone()
    return (row[0] or b"").hex() if row else ""
