"""An open SQLite file: one connection per thread, short transactions, strict settings."""

from __future__ import annotations

import sqlite3
import threading
import time
import warnings
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storeops.database.migrations import Migration, bring_up_to_date, is_current
from storeops.errors import ConfigError, StoreOpsError
from storeops.i18n import _

BUSY_MS = 15_000
CHECKPOINT_PAGES = 24_000  # 96 MB of log: more than a sync leaves, so that the sync copies it
_KNOCK_S = 0.001  # how often a transaction that has to wait asks whether it is its turn
_TURN_S = 0.010  # who has held the file that long without a break …
_BREAK_S = 0.002  # … leaves it alone for so long before the next transaction


class _ThreadConnection:
    """A thread's connection, in that thread's storage: it is closed when the thread has ended.

    A connection alone would stay open until the collector finds it: it is part of a circle.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class Database:
    """A file with one connection per thread, made when the thread first asks.

    The connection of a thread is closed with it; `close` closes those of threads that live.

    Args:
        path: the file; its schema is current (see `open_database`).
        readonly: connections refuse to write (`PRAGMA query_only`).
        synchronous: "NORMAL" or "FULL".
        cache_mb: page cache per connection, in MiB.
    """

    def __init__(
        self,
        path: Path,
        *,
        readonly: bool = False,
        synchronous: str = "NORMAL",
        cache_mb: int = 16,
    ) -> None:
        self.path = path
        self.readonly = readonly
        self._synchronous = synchronous
        self._cache_mb = cache_mb
        self._local = threading.local()
        self._all: weakref.WeakSet[_ThreadConnection] = weakref.WeakSet()
        self._lock = threading.Lock()

    def limit_cache(self, cache_mb: int) -> None:
        """Page cache, MiB, of connections opened from now on: for many threads that read."""
        self._cache_mb = cache_mb

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode; rows are tuples."""
        own: _ThreadConnection | None = getattr(self._local, "own", None)
        if own is None:
            own = self._local.own = _ThreadConnection(self._connect())
            with self._lock:
                self._all.add(own)
        return own.connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=BUSY_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        try:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{self._cache_mb * 1024}")
            connection.execute("PRAGMA temp_store = MEMORY")
            # With SQLite's 1,000 pages every small commit copied a sync's pages (50 ms)
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            if self.readonly:
                connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Cursor:
        """Run one statement on this thread's connection."""
        return self.connection.execute(sql, parameters)

    def rows(
        self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """All rows of a query as dictionaries; for small answers."""
        cursor = self.connection.execute(sql, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows; call it inside `atomic`."""
        self.connection.executemany(sql, rows)

    @contextmanager
    def atomic(self) -> Iterator[sqlite3.Connection]:
        """A write transaction (BEGIN IMMEDIATE); nested calls become savepoints.

        Commits on a clean exit, rolls back on any exception. Others take turns: one transaction
        after another leaves a gap of 2 ms after each 10 ms, and who waits asks every millisecond.

        Raises:
            ConflictError: another process held the file for longer than 15 s.
            StoreOpsError: the disk is full or the file cannot be written.
        """
        connection = self.connection
        depth: int = getattr(self._local, "depth", 0)
        name = f"s{depth}"
        try:
            if depth == 0:
                self._begin(connection)
            else:
                connection.execute(f"SAVEPOINT {name}")
            self._local.depth = depth + 1
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # a full disk rolls back on its own
                    if depth == 0:
                        connection.execute("ROLLBACK")
                    else:
                        connection.execute(f"ROLLBACK TO {name}")
                        connection.execute(f"RELEASE {name}")
                raise
            else:
                connection.execute("COMMIT" if depth == 0 else f"RELEASE {name}")
            finally:
                self._local.depth = depth
                if depth == 0:
                    self._local.ended = time.monotonic()
        except sqlite3.OperationalError as error:
            raise explain(error, self.path) from error

    def _begin(self, connection: sqlite3.Connection) -> None:
        """BEGIN IMMEDIATE, soon after the file is free.

        SQLite's own handler waits up to 100 ms between two tries and so misses every gap that a
        busy writer leaves: 0.6 s were seen behind transactions of 20 ms.
        """
        local = self._local
        now = time.monotonic()
        ended: float = getattr(local, "ended", 0.0)
        if now - ended >= _BREAK_S:
            local.turn = now
        elif now - local.turn >= _TURN_S:
            time.sleep(_BREAK_S)
            local.turn = now = time.monotonic()
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                    if not busy or time.monotonic() - now > BUSY_MS / 1000:
                        raise
                time.sleep(_KNOCK_S)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")

    def close_thread(self) -> None:
        """Close this thread's connection, if it has one."""
        own: _ThreadConnection | None = getattr(self._local, "own", None)
        if own is not None:
            self._local.own = None
            own.connection.close()

    def close(self) -> None:
        """Close every thread's connection; threads that still run must not use it again."""
        with self._lock:
            living, self._all = list(self._all), weakref.WeakSet()
        for own in living:
            own.connection.close()
        self._local = threading.local()

    def __del__(self) -> None:
        if self._all:
            message = f"{self.path} was not closed"
            warnings.warn(message, ResourceWarning, stacklevel=2, source=self)


def explain(error: sqlite3.Error, path: Path) -> StoreOpsError:
    """SQLite's trouble as a sentence with a next step."""
    text = str(error)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        text = "malformed"  # VACUUM of a damaged file says "unable to open database"
    if "full" in text:
        return ConfigError(
            _("The disk that holds {path} is full.").format(path=path),
            hint=_("Free some space and run the command again; what was committed is kept."),
        )
    if "disk I/O error" in text:
        return ConfigError(
            _(
                "{path} could not be written: the disk, a quota or a file size limit said no."
            ).format(path=path),
            hint=_("Check free space, quota and the disk; what was committed is kept."),
        )
    if "readonly" in text or "unable to open" in text or "permission" in text:
        return ConfigError(
            _("The database {path} cannot be opened or written.").format(path=path),
            hint=_("Check the owner and the mode of the file and its folder."),
        )
    if "malformed" in text or "not a database" in text:
        return ConfigError(
            _("The database {path} is damaged.").format(path=path),
            hint=_("Run `storeops db check`, then restore a backup; nothing was rebuilt."),
            next_steps=["storeops db check", "storeops db restore FILE"],
        )
    if "locked" in text or "busy" in text:
        from storeops.errors import ConflictError

        return ConflictError(
            _("The database {path} is held by another process.").format(path=path),
            hint=_("Try again in a moment."),
        )
    return StoreOpsError(
        _("The database {path} failed: {text}.").format(path=path, text=text),
        hint=_("Run `storeops db check`."),
    )


def open_database(
    path: Path,
    migrations: Sequence[Migration],
    *,
    readonly: bool = False,
    synchronous: str = "NORMAL",
    cache_mb: int = 16,
) -> Database:
    """Open `path`, creating and migrating it under a file lock when needed.

    Args:
        path: the database file (made 0600).
        migrations: all migrations of all rooms in this file, in order.
        readonly: connections refuse to write; an outdated file is still migrated first.
        synchronous: "FULL" for the inbox, else "NORMAL".
        cache_mb: page cache per connection, MiB.

    Raises:
        ConfigError: damaged, unreadable, or written by a newer storeops.
    """
    try:
        if path.exists() and path.stat().st_size > 0:
            connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
            try:
                current = is_current(connection, migrations)
            finally:
                connection.close()
        else:
            current = False
        if not current:
            bring_up_to_date(path, migrations)
        return Database(path, readonly=readonly, synchronous=synchronous, cache_mb=cache_mb)
    except sqlite3.Error as error:
        raise explain(error, path) from error
