"""Erase one person from every file of a profile, down to the free pages of the disk.

Where a person's data may lie:

| file | columns |
|---|---|
| data.db, mirror | customer.*, follow.remark/description/remark_corp_name/mobiles, unassigned, timeline.before/after, group_member.member/name/group_nickname, search indexes, sync_listed, sync_failure |
| data.db, columns | column_part, column_change: numbers about follows; all of it is dropped, and made anew |
| data.db, notebook | note.text, mark_item, view.filter |
| data.db, ledger | plan.title/params/problems/reason, plan_row.* but userid, journal.subject/payload |
| data.db, handover | handover.subject/snapshot, handover_trouble.subject |
| data.db, queue | job_key.key, only of unfinished jobs, and those are refused here |
| inbox.db | event.*, delivery.body |

Domains say themselves what they keep: a module with `forget_customer(connection, external_userid,
ids) -> rows`, called inside the one transaction (whole values may be any of `ids`, inside of other
texts only `changes.erased_text.in_texts(ids)` are looked for), and, when it keeps words of a person
that other files may hold, `words_of(connection, external_userid) -> (ids and phones, names)`; where
WeCom holds on to what was taken out of these rows, `still_held()` says what to do about it. A domain that
cannot answer ends the erasure: nothing is called erased that is not.

run.db holds counts and a token, no person. Files that were written for somebody (exports, backups,
results) are not ours to change.
"""  # noqa: E501

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from storeops.changes import erase as ledger_erase
from storeops.changes.erase import Erased, ErasureWords
from storeops.changes.journal import object_of
from storeops.changes.ledger import Ledger
from storeops.changes.seal import pseudonym
from storeops.database.database import Database
from storeops.domain import load, registry
from storeops.errors import ConflictError, NotFoundError, StoreOpsError, UsageError
from storeops.events.inbox import Inbox
from storeops.i18n import _
from storeops.mirror import forget as mirror
from storeops.operations.domains import left_behind


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased.

    Attributes:
        lines: lines of the journal.
        rows: rows of plans.
        facts: rows of the mirror.
        others: what domains erased, by what they count.
        events: events of the inbox.
        clean: whether the files were rewritten, so that no free page holds old text; False when
            another process was at work.
        still_held: what WeCom, or tables of a package that is not there, hold on to and what to do
            about it, sentences for the user.
    """

    lines: int
    rows: int
    facts: int
    others: Mapping[str, int]
    events: int
    clean: bool
    still_held: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The object of `audit erase --json`."""
        return {
            "lines": self.lines,
            "rows": self.rows,
            "facts": self.facts,
            **self.others,
            "events": self.events,
            "clean": self.clean,
        }


def erase_person(
    ledger: Ledger,
    external_userid: str,
    *,
    reason: str = "",
    inbox: Callable[[], Database] | None = None,
) -> Erasure:
    """Erase a customer everywhere.

    Args:
        ledger: the profile's ledger.
        external_userid: the customer.
        reason: why, for the journal (without naming the person).
        inbox: opens inbox.db; None when there is none.

    Raises:
        UsageError: the id is empty; rows without a customer are nobody's.
        NotFoundError: no file knows the person.
        ConflictError: something about the person is still to be sent or answered.
        PolicyError: read-only.
    """
    if not external_userid.strip():
        raise UsageError(_("No customer was chosen."))
    db = ledger.db
    events = inbox() if inbox is not None else None
    with _overwriting(db):
        gone, heard = _erase(ledger, external_userid, reason, events)
    clean = _clean(db, search=True)
    if events is not None and heard:
        clean = _clean(events, search=False) and clean
    return Erasure(
        gone.lines,
        gone.rows,
        gone.others.get("facts", 0),
        {name: gone.others.get(name, 0) for name in registry().named("erase")},
        heard,
        clean,
        (
            *(
                each.still_held()
                for name, (_domain, where) in registry().named("erase").items()
                if gone.others.get(name) and hasattr(each := load(where), "still_held")
            ),
            *_unseen(db),
        ),
    )


def _unseen(db: Database) -> tuple[str, ...]:
    """What was not looked at, since only the package that made it knows what it holds."""
    left = left_behind(db.connection)
    if not left:
        return ()
    text = _(
        "Tables of {names} were not looked at: the package is not there. Install it and erase"
        " again, or drop its tables."
    )
    return (text.format(names=_(", ").join(left)),)


@dataclass(frozen=True, slots=True)
class ErasedAgain:
    """What became of people whom a backup would have brought back.

    Attributes:
        people: how many were erased again.
        open: external_userid → plan of those with whom something is still to be done.
        unknown: erasures that nobody can tell the person of any more.
    """

    people: int = 0
    open: Mapping[str, str] = field(default_factory=dict)
    unknown: int = 0


def erase_again(ledger: Ledger, since: int) -> ErasedAgain:
    """Erase people again who were erased since a backup was made, before it takes its place.

    A line about an erasure keeps a keyed hash of the id; one of an earlier version is known by
    the lines it erased, which the backup still holds.

    Args:
        ledger: over the copy, its journal carried on.
        since: number of the last line of the journal in the backup.
    """
    connection = ledger.db.connection
    hashes: set[str] = set()
    people: set[str] = set()
    unknown = 0
    for (payload,) in connection.execute(
        "SELECT payload FROM journal WHERE seq > ? AND plan = '' AND kind = ?",
        (since, ledger_erase.ERASED),
    ):
        told = object_of(payload)
        if told.get("who"):
            hashes.add(str(told["who"]))
            continue
        lines = [each for each in told.get("lines") or () if type(each) is int]
        subjects = {
            row[0]
            for each in lines
            for row in connection.execute(
                "SELECT subject FROM journal WHERE seq = ? AND subject IS NOT NULL", (each,)
            )
        }
        people |= subjects
        unknown += not subjects
    if hashes:
        folder = ledger.journal.folder
        if pseudonym(folder, ""):
            people.update(
                each for (each,) in connection.execute(_PEOPLE) if pseudonym(folder, each) in hashes
            )
        else:
            unknown += len(hashes)
    open_: dict[str, str] = {}
    with _overwriting(ledger.db):
        for each in sorted(people):
            try:
                _erase(ledger, each, "a backup was restored", None, sealed=False)
            except ConflictError as error:
                open_[each] = str(error.details.get("plan", ""))
            except NotFoundError:
                continue
        if people:
            with ledger.db.atomic() as writing:
                mirror.compact_search(writing)
    return ErasedAgain(len(people) - len(open_), open_, unknown)


_PEOPLE = (
    "SELECT external_userid FROM customer UNION SELECT external_userid FROM unassigned"
    " UNION SELECT member FROM group_member UNION SELECT external_userid FROM plan_row"
    " UNION SELECT subject FROM journal WHERE subject IS NOT NULL"
)


def _erase(
    ledger: Ledger,
    external_userid: str,
    reason: str,
    events: Database | None,
    *,
    sealed: bool = True,
) -> tuple[Erased, int]:
    connection = ledger.db.connection
    ids, names = mirror.words_of(connection, external_userid)
    every = registry().named("erase")
    # who stands on another domain looks there for the person before that one forgets
    erasers = {name: load(every[name][1]) for name in reversed(every)}
    for each in erasers.values():
        if hasattr(each, "words_of"):
            more_ids, more_names = each.words_of(connection, external_userid)
            ids, names = ids | more_ids, names | more_names
    heard = 0
    try:
        erase = ledger_erase.erase if sealed else ledger_erase.erase_unsealed
        gone = erase(
            ledger,
            external_userid,
            reason=reason,
            words=ErasureWords(frozenset(ids), frozenset(names)),
            others={
                "facts": lambda open_: mirror.forget_customer(open_, external_userid),
                **{
                    name: partial(_forget, each, external_userid, ids)
                    for name, each in erasers.items()
                },
            },
        )
    except NotFoundError:
        heard = _forget_events(events, external_userid) if events is not None else 0
        if not heard:
            raise
        return Erased(0, 0), heard
    if events is not None:
        heard = _forget_events(events, external_userid)
    return gone, heard


def _forget(
    eraser: Any, external_userid: str, ids: set[str], connection: sqlite3.Connection
) -> int:
    rows: int = eraser.forget_customer(connection, external_userid, ids)
    return rows


def _forget_events(events: Database, external_userid: str) -> int:
    with _overwriting(events):
        return Inbox(events).erase(external_userid)


@contextlib.contextmanager
def _overwriting(db: Database) -> Any:
    """What is deleted meanwhile is overwritten with zeros, whatever SQLite was built with."""
    before = db.execute("PRAGMA secure_delete").fetchone()[0]
    db.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        db.execute(f"PRAGMA secure_delete = {int(before)}")


def _clean(db: Database, *, search: bool) -> bool:
    """Rewrite a file, so that pages freed long ago hold no old text either. Whether it worked."""
    from storeops.database.backup import vacuum

    try:
        if search:
            with db.atomic() as connection:
                mirror.compact_search(connection)
        vacuum(db.path)
        busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except (StoreOpsError, sqlite3.Error):
        return False
    return not busy
