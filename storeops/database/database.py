"""An open SQLite file: one connection per thread, short transactions, strict settings."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storeops.database.migrations import (
    Migration,
    bring_up_to_date,
    is_current,
    migrate,
    refuse_newer,
)
from storeops.database.trouble import KEPT_ELSEWHERE, describe, explain, trouble
from storeops.errors import ConfigError, StoreOpsError
from storeops.i18n import _
from storeops.os_errors import Refusal, explain_os, refusal

BUSY_MS = 15_000
MOST_IN_MEMORY = 256 << 20  # bytes of a file that is copied there because it cannot be migrated
CHECKPOINT_PAGES = 24_000  # 96 MB of log: more than a sync leaves, so that the sync copies it
MAPPED_BYTES = 2 << 30  # how much of a file may be read as memory
_RETRY_S = 0.001  # how often a transaction that has to wait asks whether it is its turn
_TURN_S = 0.010  # who has held the file that long without a break …
_BREAK_S = 0.002  # … leaves it alone for so long before the next transaction

# a file that is there can be read all the same
_STILL_READABLE = frozenset(
    {Refusal.FULL, Refusal.READ_ONLY, Refusal.MODE, Refusal.LIMIT, Refusal.FILES}
)


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
        stuck: why the file can be read only, as far as the system is concerned; None usually.

    Attributes:
        guard: asked before each transaction that writes; raises when none may.
        unseen: what the write-ahead log holds could not be read along (only when `stuck`).
        copied: it is of an earlier version, and a copy in memory is read (only when `stuck`).
    """

    def __init__(
        self,
        path: Path,
        *,
        readonly: bool = False,
        synchronous: str = "NORMAL",
        cache_mb: int = 16,
        stuck: Refusal | None = None,
    ) -> None:
        self.path = path
        self.readonly = readonly
        self.stuck = stuck
        self.guard: Callable[[], None] | None = None
        self.unseen = False
        self.copied = False
        self._kept: sqlite3.Connection | None = None  # what lies in memory lives as long as this
        self._source = (str(path), False) if stuck is None else self._readable()
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

    def _readable(self) -> tuple[str, bool]:
        """How a file that nothing can be written beside is opened: name, whether it is a URI.

        Without a log the file alone is everything (`immutable`). A log needs a shared memory file;
        where that is there already (a disk that became read-only) SQLite reads it along.
        """
        wal = self.path.with_name(self.path.name + "-wal")
        if wal.exists() and wal.stat().st_size > 0:
            plain = f"{uri(self.path)}?mode=ro"
            try:
                with contextlib.closing(sqlite3.connect(plain, uri=True, timeout=1)) as connection:
                    connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
                return plain, True
            except sqlite3.OperationalError:
                self.unseen = True
        return f"{uri(self.path)}?immutable=1", True

    def _into_memory(self) -> sqlite3.Connection:
        """From now on every thread's connection is to one database in memory, empty as yet.

        Returns:
            The connection that keeps it and may write.
        """
        self.close()
        name = f"file:storeops-{os.urandom(8).hex()}?mode=memory&cache=shared"
        self._source = (name, True)
        self._kept = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)
        self.readonly = True
        return self._kept

    def _connect(self) -> sqlite3.Connection:
        name, is_uri = self._source
        connection = sqlite3.connect(
            name,
            uri=is_uri,
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

    def map_pages(self) -> None:
        """Read far-apart pages as memory: a third to half of the time; not for what streams."""
        self.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")

    @property
    def data_version(self) -> int:
        """Another number whenever a connection other than this thread's has written."""
        return int(self.execute("PRAGMA data_version").fetchone()[0])

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
            PolicyError: `guard` lets nobody write here.
            StoreOpsError: the disk is full or the file cannot be written.
        """
        connection = self.connection
        depth: int = getattr(self._local, "depth", 0)
        if depth == 0 and self.guard is not None:
            self.guard()
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
        except sqlite3.DatabaseError as error:
            ours = isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError)
            if ours and str(error) != KEPT_ELSEWHERE:
                raise
            if self.stuck is not None:
                raise describe(self.stuck, self.path) from error
            raise explain(error, self.path) from error

    @contextmanager
    def at_leisure(self) -> Iterator[sqlite3.Connection | None]:
        """A write transaction for what can as well wait for another time.

        Gives None inside another transaction, when somebody else is writing, and where nothing can
        be written.

        Raises:
            sqlite3.OperationalError: it could not be written (a full disk); `let_pass` is for that.
        """
        connection = self.connection
        begun = not self.readonly and not connection.in_transaction
        if begun and self.guard is not None:
            try:
                self.guard()
            except StoreOpsError:
                begun = False
        if begun:
            connection.execute("PRAGMA busy_timeout = 0")
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                begun = False
            finally:
                connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        if not begun:
            yield None
            return
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.rollback()  # nothing, after COMMIT

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
                time.sleep(_RETRY_S)
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
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self._local = threading.local()

    def __del__(self) -> None:
        if self._all:
            message = f"{self.path} was not closed"
            warnings.warn(message, ResourceWarning, stacklevel=2, source=self)


def open_database(
    path: Path,
    migrations: Sequence[Migration] | None,
    *,
    readonly: bool = False,
    synchronous: str = "NORMAL",
    cache_mb: int = 16,
) -> Database:
    """Open `path`, creating and migrating it under a file lock when needed.

    Where nothing can be written (a disk that is full or read-only, a mode), a file that is there
    is read all the same; `Database.stuck` says why, and whoever writes is told.

    Args:
        path: the database file (made 0600).
        migrations: all migrations of all rooms in this file, in order; None opens any schema.
        readonly: connections refuse to write; an outdated file is still migrated first.
        synchronous: "FULL" for the inbox, else "NORMAL".
        cache_mb: page cache per connection, MiB.

    Raises:
        ConfigError: damaged, unreadable, or written by a newer storeops.
    """
    try:
        if path.exists() and path.stat().st_size > 0:
            with contextlib.closing(
                sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
            ) as connection:
                current = is_current(connection, migrations)
        else:
            current = False
        if not current and migrations is not None:
            bring_up_to_date(path, migrations)
        return Database(path, readonly=readonly, synchronous=synchronous, cache_mb=cache_mb)
    except sqlite3.Error as error:
        kind = trouble(error, path)
        if isinstance(kind, Refusal) and kind in _STILL_READABLE and os.access(path, os.R_OK):
            return _open_stuck(path, migrations, cache_mb, kind)
        raise describe(kind, path, str(error)) from error
    except OSError as error:
        kind_ = refusal(error)
        if kind_ in _STILL_READABLE and os.access(path, os.R_OK) and file_size(path):
            return _open_stuck(path, migrations, cache_mb, kind_)
        raise explain_os(error, path) or error from error


def _open_stuck(
    path: Path, migrations: Sequence[Migration] | None, cache_mb: int, kind: Refusal
) -> Database:
    """A file that can be read, and nothing can be written beside it.

    One of an earlier version is copied into memory, where it can be brought up to date.
    """
    database = Database(path, readonly=True, cache_mb=cache_mb, stuck=kind)
    try:
        if is_current(database.connection, migrations):
            return database
        assert migrations is not None
        refuse_newer(path, database.connection, migrations)
        size = _pages(database.connection)
        if size > MOST_IN_MEMORY:
            raise _too_large(path, size, kind)
        _copy_into_memory(database, migrations)
        return database
    except sqlite3.Error as error:
        database.close()
        raise explain(error, path) from error
    except BaseException:
        database.close()
        raise


def _pages(connection: sqlite3.Connection) -> int:
    """Bytes of what a connection sees."""
    (pages,), (size,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size")
    )
    return int(pages) * int(size)


def _too_large(path: Path, size: int, kind: Refusal) -> ConfigError:
    why = describe(kind, path)
    return ConfigError(
        _(
            "{why} The database there is of an earlier version; with {size} MB it is too large to"
            " be brought up to date elsewhere."
        ).format(why=why.message, size=size >> 20),
        hint=_("Make the disk writable, or copy the home to another one (STOREOPS_HOME)."),
        details={"reason": kind.value},
    )


def _copy_into_memory(database: Database, migrations: Sequence[Migration]) -> None:
    name, is_uri = database._source
    with contextlib.closing(sqlite3.connect(name, uri=is_uri, timeout=1)) as source:
        memory = database._into_memory()
        source.backup(memory)
    migrate(database.path, memory, migrations)
    database.copied = True


def stand_in(path: Path, migrations: Sequence[Migration], kind: Refusal) -> Database:
    """An empty database in memory, for a file that is not there and cannot be made: it is read.

    Whoever writes is told why nothing can be written.

    Args:
        path: the file that cannot be made.
        migrations: its schema.
        kind: why it cannot be made.
    """
    database = Database(path, stuck=kind)
    memory = database._into_memory()
    for each in migrations:
        each.apply(memory)
    return database


def uri(path: Path) -> str:
    """`path` as SQLite's URI, without options."""
    from urllib.parse import quote

    return f"file:{quote(str(path.absolute()))}"


def connect_readonly(path: Path, *, timeout_s: float = 15.0) -> sqlite3.Connection:
    """A bare connection that only reads, for a look at a file that is not opened as ours.

    Args:
        path: the file, whatever characters it has.
        timeout_s: how long to wait for whoever writes, seconds.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    return sqlite3.connect(f"{uri(path)}?mode=ro", uri=True, timeout=timeout_s)


def file_size(path: Path) -> int:
    """Bytes of a database file with its write-ahead log; 0 when there is none."""
    return sum(
        each.stat().st_size for each in (path, path.with_name(path.name + "-wal")) if each.exists()
    )


@contextmanager
def streaming(connection: sqlite3.Connection) -> Iterator[None]:
    """Map what is read once and whole, which is quicker, and let go of it afterwards: as long as it
    is mapped it stays in memory."""
    (mapped,) = connection.execute("PRAGMA mmap_size").fetchone()
    connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
    try:
        yield
    finally:
        connection.execute("PRAGMA mmap_size = 0")
        connection.execute(f"PRAGMA mmap_size = {mapped}")


@contextmanager
def let_pass() -> Iterator[None]:
    """Around what is written `at_leisure`: ends it where it cannot be, but for `interrupt`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise
