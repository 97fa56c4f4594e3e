"""Taking in events: checked whole, then kept; twice is harmless, nothing is edited."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from storeops.database.database import Database
from storeops.domains.lots import stream
from storeops.domains.lots.event import BadEventError, LotEvent, read
from storeops.domains.lots.gs1 import Thing
from storeops.errors import ConflictError
from storeops.i18n import _

BATCH = 2_000  # events of a transaction: others wait for it no longer than a breath
HELD = 10_000  # events that are kept in memory between checking and keeping
MOST_PROBLEMS = 200
MOST_IDS = 100_000  # event ids of a file that are remembered


@dataclass(slots=True)
class LotImport:
    """How an import ended.

    Attributes:
        events: in the file; added: new; known: there already.
        problems: (line, why); when there is one, nothing was added.
    """

    events: int = 0
    added: int = 0
    known: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)


def import_file(
    db: Database,
    path: str,
    now: float,
    *,
    kind: str = "",
    dry_run: bool = False,
    on_progress: Callable[[str, int], None] = lambda stage, done: None,
) -> LotImport:
    """Take in a file of events, or of papers.

    Args:
        db: data.db.
        path: EPCIS 2.0 in JSON (also gzip), or a CSV or workbook of papers.
        now: Unix seconds.
        kind: of the papers' rows, where no column says it (`papers.KINDS`).
        dry_run: only check.
        on_progress: told checking or keeping, and events so far.

    Raises:
        NotFoundError, UsageError: the file cannot be read; nothing was added.
    """
    from storeops.domains.lots import papers

    if stream.looks_like_json(path):

        def listed() -> Iterator[tuple[int, Any]]:
            return stream.events(path)
    else:
        found = papers.read_papers(path, kind)

        def listed() -> Iterator[tuple[int, Any]]:
            return iter(found)

    done = LotImport()
    held: list[LotEvent] = []
    ids: dict[str, bytes] = {}
    for line, event in listed():
        done.events += 1
        try:
            if isinstance(event, BadEventError):
                raise event
            # of more than are held all are read again, and only then made ready to be kept
            checked = read(event, now, keep=done.events <= HELD and not dry_run)
            if event.get("eventID") and checked.declared is None:
                _refuse_changed(db, checked)
                if ids.setdefault(checked.event_id, checked.digest) != checked.digest:
                    raise BadEventError(_("its eventID belongs to another event of the file"))
                if len(ids) > MOST_IDS:
                    ids.clear()  # memory stays flat; a twin so far away is a known event at worst
        except BadEventError as error:
            if len(done.problems) < MOST_PROBLEMS:
                done.problems.append((line, str(error)))
            continue
        if done.events <= HELD:
            held.append(checked)
        elif held:
            held.clear()  # too many to keep: they are read again
        if done.events % BATCH == 0:
            on_progress("check", done.events)
    if done.problems or dry_run:
        return done
    writer = _EventWriter(db)
    iterator = iter(held if done.events <= HELD else _again(listed(), now, path))
    kept = 0
    while batch := list(islice(iterator, HELD if done.events <= HELD else BATCH)):
        added = writer.write(batch)
        done.added += added
        done.known += len(batch) - added
        kept += len(batch)
        on_progress("keep", kept)
    return done


def _again(listed: Iterator[tuple[int, Any]], now: float, path: str) -> Iterator[LotEvent]:
    """Events that were checked before, read once more.

    Raises:
        ConflictError: the file says something else by now.
    """
    for _line, event in listed:
        try:
            yield read(event, now)
        except BadEventError:
            raise ConflictError(
                _("{file} changed while it was read.").format(file=path),
                hint=_("Wait until it is written, then run the command again."),
            ) from None


def _refuse_changed(db: Database, event: LotEvent) -> None:
    """Refuse an eventID that is known with other content: an edit, which EPCIS does not have."""
    row = db.execute(
        "SELECT 1 FROM lots_event WHERE event_id = ? AND digest <> ?",
        (event.event_id, event.digest),
    ).fetchone()
    if row is not None:
        raise BadEventError(
            _(
                "the event {event} is known and says something else; correct it by an error"
                " declaration"
            ).format(event=event.event_id[:80])
        )


class _EventWriter:
    """Writes events; remembers the numbers of things that came lately."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._things: dict[Thing, int] = {}

    def write(self, events: list[LotEvent]) -> int:
        """Keep those that are new; returns how many."""
        with self._db.atomic() as connection:
            return sum(self._one(connection, each) for each in events)

    def _thing(self, connection: Any, which: Thing) -> int:
        found = self._things.get(which)
        if found is None:
            row = connection.execute(
                "SELECT id FROM lots_thing WHERE item = ? AND lot = ?", which
            ).fetchone()
            if row is None:
                found = connection.execute(
                    "INSERT INTO lots_thing (item, lot) VALUES (?, ?)", which
                ).lastrowid
            else:
                found = row[0]
            if len(self._things) > 20_000:
                self._things.clear()
            self._things[which] = found
        return found

    def _one(self, connection: Any, event: LotEvent) -> int:
        if event.declared is not None:
            return self._declare(connection, event)
        cursor = connection.execute(
            "INSERT INTO lots_event (digest, event_id, type, action, step, disposition, at, place,"
            " source, destination, papers, void, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
            " EXISTS (SELECT 1 FROM lots_declared d WHERE d.digest = ?), ?)"
            " ON CONFLICT (digest) DO NOTHING",
            (
                event.digest, event.event_id, event.type, event.action, event.step,
                event.disposition, event.at, event.place, event.source, event.destination,
                json.dumps(event.papers, ensure_ascii=False), event.digest, event.body,
            ),
        )  # fmt: skip
        if not cursor.rowcount:
            return 0
        number = cursor.lastrowid
        sources, targets = [], []
        for role, which, qty, unit in event.lines:
            thing = self._thing(connection, which)
            connection.execute(
                "INSERT INTO lots_line (thing, event, role, qty, uom) VALUES (?, ?, ?, ?, ?)",
                (thing, number, role, qty, unit),
            )
            if role == "in":
                sources.append(thing)
            elif role == "out":
                targets.append(thing)
        for one in sources:
            for other in targets:
                connection.execute(
                    "INSERT OR IGNORE INTO lots_edge (src, dst, event) VALUES (?, ?, ?)",
                    (one, other, number),
                )
        return 1

    def _declare(self, connection: Any, event: LotEvent) -> int:
        """An event that says that another one, or itself as it was, is wrong."""
        assert event.declared is not None
        at, reason, corrective = event.declared
        cursor = connection.execute(
            "INSERT INTO lots_declared (digest, at, reason, corrective, body)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
            (event.digest, at, reason, json.dumps(corrective), event.body),
        )
        if not cursor.rowcount:
            return 0
        changed = connection.execute(
            "UPDATE lots_event SET void = 1 WHERE digest = ?", (event.digest,)
        ).rowcount
        if not changed and not event.event_id.startswith("ni:"):
            connection.execute(
                "UPDATE lots_event SET void = 1 WHERE event_id = ?", (event.event_id,)
            )
        return 1
