"""SQL that a person types: it only reads, for so long, and nothing that is secret.

A connection of its own is opened for reading alone, and an authorizer refuses everything that is
no reading: what neither may do needs no understanding of SQL here.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storeops.database.trouble import describe, trouble
from storeops.errors import PolicyError, UsageError
from storeops.i18n import _

STEPS = 10_000  # of SQLite's machine between two looks at the time: some tenths of a millisecond
# what tells of tables; every other PRAGMA may change something
_TELLING = frozenset({
    "table_list", "table_info", "table_xinfo", "index_list", "index_info", "index_xinfo",
    "foreign_key_list", "data_version", "page_count",
})  # fmt: skip
_READING = (
    sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE,
)  # fmt: skip
# what is wrong with the SQL, not with the file; Python's own complaints have no code
_TYPED = (
    0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CONSTRAINT,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AdhocRows:
    """What a query found.

    Attributes:
        names: of the columns, each once (the second is `name_2`), `_` for the dots in them.
        rows: read as they are asked for; values are JSON types, bytes as hex digits.
    """

    names: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


@contextmanager
def adhoc(
    path: Path, sql: str, *, seconds: float, secret: Collection[str] = ()
) -> Iterator[AdhocRows]:
    """Ask a database file.

    Args:
        path: the file; not changed, whatever the SQL says.
        sql: one statement.
        seconds: real time after which it ends, reading its rows included.
        secret: tables that are not read.

    Raises:
        UsageError: it is not one statement that SQLite understands, gives no rows, or took longer.
        PolicyError: it would change something, or read what is secret.
        ConfigError: the file cannot be read.
    """
    until = time.monotonic() + seconds
    refused: list[str] = []

    def allowed(action: int, first: str | None, *_rest: Any) -> int:
        if action == sqlite3.SQLITE_READ and str(first).lower() in secret:
            refused.append(_("The table {table} is secret.").format(table=first))
        elif action in _READING or (action == sqlite3.SQLITE_PRAGMA and first in _TELLING):
            return sqlite3.SQLITE_OK
        else:
            refused.append(_("`db query` only reads; this would do more."))
        return sqlite3.SQLITE_DENY

    @contextmanager
    def translated() -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, sqlite3.Warning) as error:
            if refused:
                raise PolicyError(
                    refused[0], hint=_("Ask with SELECT; commands change, by plans.")
                ) from None
            if time.monotonic() >= until:
                raise UsageError(
                    _("The query took longer than {seconds} s and was ended.").format(
                        seconds=f"{seconds:g}"
                    ),
                    hint=_("Ask for less, or add --timeout 60s."),
                ) from None
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if isinstance(error, sqlite3.Error) and code not in _TYPED:
                raise describe(trouble(error, path), path, str(error)) from error
            raise UsageError(
                _("SQLite does not understand this: {problem}.").format(problem=error),
                hint=_("What there is: storeops db query 'PRAGMA table_list'"),
            ) from None

    with translated():
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None
        )
    with closing(connection):
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        connection.set_progress_handler(lambda: time.monotonic() >= until, STEPS)
        connection.set_authorizer(allowed)
        with translated():
            cursor = connection.execute(sql)
        if cursor.description is None:
            raise UsageError(_("This asks for nothing."), hint=_("Ask with SELECT."))

        def rows() -> Iterator[tuple[Any, ...]]:
            with translated():
                for row in cursor:
                    yield tuple(each.hex() if isinstance(each, bytes) else each for each in row)

        yield AdhocRows(_unique([each[0] for each in cursor.description]), rows())


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for each in names:
        number, name = 1, each.replace(".", "_")  # a dot leads into a value (`--fields`)
        one = name
        while one in found:
            number += 1
            one = f"{name}_{number}"
        found[one] = None
    return tuple(found)
