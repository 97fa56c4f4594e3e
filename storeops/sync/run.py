"""Run a sync: take the lease or join, resume or begin, read scope by scope, say how it ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from storeops.database.database import Database
from storeops.domain import guarded, refreshed
from storeops.errors import ConflictError, NotFoundError, StoreOpsError, UsageError
from storeops.i18n import _
from storeops.sync import runs
from storeops.sync.lease import lease
from storeops.sync.results import (
    OnProgress,
    Outcome,
    Progress,
    Scope,
    SyncResult,
)
from storeops.sync.scopes import reading_order, whose
from storeops.sync.scopes import scopes as all_scopes
from storeops.sync.session import Ports, Session

_POLL_S = 0.2
_SILENT_SCOPES = 2  # one that nobody answered, and one quick try of the next


def run_sync(
    ports: Ports,
    *,
    scopes: Sequence[str] | None = None,
    full: bool = False,
    store: int | None = None,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
    held_back: Callable[[str], str] | None = None,
) -> SyncResult:
    """Read WeCom into the mirror.

    Goes on with a run that was interrupted in the last 24 hours. When another process syncs this
    mirror, waits for that run and reports it; when that process dies, takes its run over.

    Args:
        ports: databases, client and clock; an `App` is such.
        scopes: names of `sync.scopes.scopes()`; None for all that can be read (with `store`: for
            one shop).
        full: forget an interrupted run and read everything from its first page.
        store: department id of one shop; only its members are read.
        on_progress: told how far it is, in this thread, a few times a second at most.
        stop: when set, the run ends between two calls and stays open; None for the client's own.
        held_back: says in words what holds a scope back; "" when nothing does.

    Raises:
        UsageError: an unknown scope, or one that cannot be read for one shop.
        NotFoundError: the mirror knows no such department.
        StoppedError: somebody asked to stop; the next run goes on from there.
        ConfigError: the disk is full; what was committed is kept.
    """
    wanted = _scopes(scopes, store)
    db = ports.data
    if store is not None and not _known_department(db, store):
        raise NotFoundError(
            _("The mirror knows no department {id}.").format(id=store),
            hint=_("Run `storeops sync run --scope departments` first."),
        )
    stop = stop or ports.client.stop or threading.Event()
    joined: int | None = None
    while True:
        with lease(db) as ours:
            if ours:
                if joined is not None and (done := _finished(db, joined)):
                    return runs.as_seen_by(done, joined=True, resumed=False)
                ports.client.learn_time()
                run = runs.begin(db, wanted, full=full, store=store, now=int(ports.clock.now()))
                session = Session(
                    ports, run, stop=stop, on_progress=on_progress, held_back=held_back
                )
                result = _read(session)
                return runs.as_seen_by(result, joined=False, resumed=run.resumed)
        joined = _watch(ports, stop, joined, on_progress)
        if (done := _finished(db, joined)) is not None:
            return runs.as_seen_by(done, joined=True, resumed=False)


def _scopes(scopes: Sequence[str] | None, store: int | None) -> tuple[Scope, ...]:
    allowed = [name for name, scope in all_scopes().items() if store is None or scope.one_store]
    if scopes is None:
        return runs.ordered(allowed)
    for name in scopes:
        if name not in all_scopes():
            raise UsageError(
                _("There is no scope {name}.").format(name=name),
                hint=_("Scopes: {scopes}.").format(scopes=_(", ").join(all_scopes())),
            )
        if name not in allowed:
            raise UsageError(
                _("The scope {name} cannot be read for one shop.").format(name=name),
                hint=_("With a shop: {scopes}.").format(scopes=_(", ").join(allowed)),
            )
    if not scopes:
        raise UsageError(_("Name at least one scope."))
    return runs.ordered(scopes)


def _known_department(db: Database, department: int) -> bool:
    row = db.execute("SELECT 1 FROM department WHERE id = ?", (department,)).fetchone()
    return row is not None


def _read(session: Session) -> SyncResult:
    silent = 0  # scopes in a row that ended because nobody answered
    for scope in runs.open_scopes(session.db, session.run):
        session.check_stop()
        session.enter(scope)
        session.report_progress(force=True)
        outcome = _outcome(session, scope) if silent < _SILENT_SCOPES else _not_asked(session)
        silent = silent + 1 if session.client.circuit_open and outcome != "complete" else 0
        session.leave(outcome)
    with session.db.atomic() as connection:
        runs.note_odd(connection, session.run.id, session.client.odd.take())
        runs.close(connection, session.run.id, session.now)
    refreshed(session.db, session.now)
    return runs.result(session.db, session.run.id)


def _outcome(session: Session, scope: str) -> Outcome:
    """Read one scope; a fault of the domain that brings it costs that scope alone."""
    domain = whose(scope)
    if domain is None:
        return all_scopes()[scope].run(session)
    with guarded(domain) as part:
        return all_scopes()[scope].run(session)
    if isinstance(part.error, StoreOpsError):  # as of any other scope
        raise part.error
    with session.db.atomic():
        session.fail(scope, ConflictError(part.sentence()))
    return "failed"


def _not_asked(session: Session) -> Outcome:
    """Name the scope, and the members it is about, without another call into the void."""
    from storeops.errors import NetworkError
    from storeops.sync import contacts

    scope = session.counters.scope
    error = NetworkError(_("Not asked for: WeCom did not answer before it either."))
    with session.db.atomic():
        session.fail(scope, error)
        for userid in contacts.known_follow_users(session) if scope == "follows" else ():
            session.fail(userid, error)
    return "failed"


def _watch(
    ports: Ports, stop: threading.Event, run_id: int | None, on_progress: OnProgress | None
) -> int | None:
    """Wait a moment while another process syncs, passing its progress on; returns its run."""
    db = ports.data
    row = runs.latest(db)
    if stop.wait(_POLL_S):
        from storeops.wecom.errors import StoppedError

        raise StoppedError(_("Stopped waiting; the other sync goes on."))
    if row is None or row["outcome"] is not None:
        return run_id  # it has just begun, or just ended
    run_id = int(row["id"])
    if on_progress is not None:
        state = runs.result(db, run_id)
        under_way = [
            each for name in reading_order() for each in state.scopes if each.scope == name
        ]
        current = next((each for each in under_way if each.outcome is None), under_way[-1])
        on_progress(
            Progress(run_id, current.scope, "wait", current.done, current.total, 0.0, current.calls)
        )
    return run_id


def _finished(db: Database, run_id: int | None) -> SyncResult | None:
    if run_id is None:
        return None
    result = runs.result(db, run_id)
    return result if result.outcome is not None else None


def history(db: Database, *, limit: int = 20) -> list[SyncResult]:
    """Past and present runs, newest first; at most `limit`."""
    return runs.history(db, limit=limit)
