"""What a shell may offer of shops."""

from __future__ import annotations

from collections.abc import Sequence

from storeops.database.database import Database
from storeops.operations.completion_values import most


def stores(db: Database, start: str) -> Sequence[tuple[str, str]]:
    """Completion: numbers of shops with their names, names of departments with their ids."""
    return most(
        db,
        "SELECT code AS value, name AS what FROM shop WHERE code LIKE :s AND code <> ''"
        " UNION SELECT d.name, d.id FROM department d WHERE d.name LIKE :s",
        start,
    )
