"""How far WeCom's clock is ahead of this machine's, kept from one command to the next."""

from __future__ import annotations

from storeops.database.database import Database


def load(db: Database) -> float:
    """Seconds that WeCom's clock is ahead, as last saved; 0.0 when never."""
    row = db.execute("SELECT offset_s FROM clock_offset WHERE one = 1").fetchone()
    return 0.0 if row is None else float(row[0])


def save(db: Database, offset_s: float) -> None:
    """Keep the offset (seconds) for the next command; writes only when it moved by a second."""
    if abs(load(db) - offset_s) < 1.0:
        return
    with db.atomic() as connection:
        connection.execute(
            "INSERT INTO clock_offset (one, offset_s) VALUES (1, ?)"
            " ON CONFLICT DO UPDATE SET offset_s = excluded.offset_s",
            (offset_s,),
        )
