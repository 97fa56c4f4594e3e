"""The journal in a copy of data.db that goes on on another machine: its seal lay beside the other.

The machine that was left had sealed a line and told which. The copy has it, or evidence is gone:
then the seal is put there as it was told, and the journal finds the loss as it always does.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from storeops.changes import loss
from storeops.changes import seal as seals


def fit_seal(folder: Path, copy: Path, seal: tuple[int, str], at: float) -> None:
    """Seal the journal of a copy, when it holds the line that was sealed elsewhere.

    Args:
        folder: the profile's, with the key of the journal.
        copy: the database, which nobody else has open.
        seal: count and head as they were told; (0, "") for none.
        at: Unix seconds.

    Raises:
        ConfigError: the seal cannot be written.
    """
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        count, head = loss.head(connection)
        if count == 0:
            return
        if seal[0] and loss.hash_of_line(connection, seal[0]) != seal[1]:
            seals.write(folder, *seal, at)
            return
        seals.write(folder, count, head.hex(), at)
        loss.remember(connection, count)
    loss.bear_witness(folder)
