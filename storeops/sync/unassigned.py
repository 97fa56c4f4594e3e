"""The scope unassigned: customers of members who left, whom nobody took over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from storeops.errors import StoreOpsError
from storeops.mirror import leavers, meta
from storeops.mirror.facts import Batch, Counts
from storeops.mirror.timeline import Recorder
from storeops.sync import chains, refusals
from storeops.sync.chains import Chain
from storeops.sync.contacts import ask_for
from storeops.sync.results import Outcome
from storeops.sync.session import Session
from storeops.wecom import handover
from storeops.wecom.failures import lost_row
from storeops.wecom.handover import Unassigned
from storeops.wecom.oddities import LostRow, collecting_lost
from storeops.wecom.paging import endless

_SLICE = 250  # rows a transaction
_NAMELESS = "info "  # so begin the names of rows that may be anybody's: nobody is missing then


@dataclass(slots=True)
class _Away:
    """userids of leavers: there again out of the app's sight, and those nothing is known of."""

    hidden: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


def read_unassigned(session: Session) -> Outcome:
    """The list, page by page (doc 92124); only a complete reading says who is gone from it."""
    chain = _chain(session)
    while True:
        session.check_stop()
        session.count_call()
        try:
            with collecting_lost() as lost:
                page = handover.list_unassigned(session.client, chain.cursor)
        except StoreOpsError as error:
            session.check_stop()
            refused = error.errcode is not None and not refusals.ends_scope(error)
            if refused and chain.cursor and _begin_anew(session, chain):
                continue
            session.fail("unassigned", error)
            return "partial" if chain.pages else "failed"
        _write(session, page.info)
        _note_lost(session, lost)
        following = page.next_cursor
        chain.empty = 0 if page.info or lost else chain.empty + 1
        circle = bool(following) and (
            chains.repeated(chain, following) or chain.empty > chains.EMPTY_PAGES
        )
        if circle:
            if _begin_anew(session, chain):
                continue
            session.fail("unassigned", endless(handover.UNASSIGNED))
            return "partial"
        if not page.said:
            session.fail("unassigned", handover.end_unsaid())
        complete = (
            not following
            and page.said
            and not any(each.startswith(_NAMELESS) for each in session.failures())
        )
        away = _ask_for_absent(session) if complete else _Away()
        with session.db.atomic() as connection:
            chains.turn_page(connection, chain, following, ())
            if not following:
                if complete:
                    _complete(session, away)
                chains.end(connection, chain, "complete")
            session.save(connection)
        session.report_progress()
        if not following:
            return "partial" if session.failures() else "complete"


def _chain(session: Session) -> Chain:
    with session.db.atomic() as connection:
        found = chains.unfinished(connection, session.run.id, "unassigned")
        return (
            found[0]
            if found
            else chains.create(connection, session.run.id, "unassigned", [((), 0)])[0]
        )


def _begin_anew(session: Session, chain: Chain) -> bool:
    """Read from the first page again; False when that was tried often enough."""
    if chain.restarts >= chains.RESTARTS:
        return False
    with session.db.atomic() as connection:
        chains.restart(connection, chain)
        again = connection.execute(
            "DELETE FROM sync_listed WHERE run_id = ? AND scope = 'unassigned'",
            (session.run.id,),
        ).rowcount
    session.count(Counts(seen=-again))
    return True


def _write(session: Session, rows: Sequence[Unassigned]) -> None:
    for start in range(0, len(rows), _SLICE):
        piece = rows[start : start + _SLICE]
        with session.db.atomic() as connection:
            session.apply(Batch(unassigned=piece))
            connection.executemany(
                "INSERT OR REPLACE INTO sync_listed (run_id, scope, subject, owner, value)"
                " VALUES (?, 'unassigned', ?, ?, ?)",
                [
                    (session.run.id, row.external_userid, row.handover_userid, row.dimission_time)
                    for row in piece
                ],
            )


def _note_lost(session: Session, lost: Sequence[LostRow]) -> None:
    """Rows that cannot be read are listed all the same; without both ids they may be anybody's."""
    named = [row.ids for row in lost if len(row.ids) == 2]
    for row in lost:
        name = row.name if row.ids in named else row.place
        session.fail(name, lost_row(row))
    with session.db.atomic() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO sync_listed (run_id, scope, subject, owner)"
            " VALUES (?, 'unassigned', ?, ?)",
            [(session.run.id, ids["external_userid"], ids["handover_userid"]) for ids in named],
        )


def _listed(session: Session) -> list[tuple[str, str]]:
    return session.db.execute(
        "SELECT owner, subject FROM sync_listed WHERE run_id = ? AND scope = 'unassigned'",
        (session.run.id,),
    ).fetchall()


def _ask_for_absent(session: Session) -> _Away:
    """Where the leavers are whose customers the whole list did not show."""
    away = _Away()
    userids = leavers.unlisted(session.db.connection, _listed(session))
    away.unknown = ask_for(
        session,
        userids,
        lambda users: session.apply(Batch(staff=users)),
        lambda userid, where: away.hidden.add(userid) if where == "out_of_scope" else None,
    )
    return away


def _complete(session: Session, away: _Away) -> None:
    """Inside the caller's transaction: judge what the whole list did not show."""
    connection = session.db.connection
    record = Recorder("sync", str(session.run.id), session.now)
    session.count(
        leavers.unassigned_complete(
            connection, _listed(session), record, hidden=away.hidden, unknown=away.unknown
        )
    )
    record.flush(connection)
    if record.changed:
        meta.bump_revision(connection)
