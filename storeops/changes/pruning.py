"""Retention: what is finished and old is taken out, and the journal proves what went.

Kept whatever its age: what is not finished, what was touched since, plans whose undo (or whose
original) is kept, plans that their domain holds back, and every line of the journal from the first
one about a plan that is kept. The journal loses only its beginning; a `db.pruned` line names the
last line that went and its hash, on which the chain goes on. What the journal's proof finds wrong
is never taken out with the lines that show it.

A domain says itself what it keeps, in a module of two functions: `held(connection, before)` gives
plan.id of plans that are not over yet, `prune(connection, plans)` takes out its rows of plans that
go; both run inside the one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from storeops.changes import loss
from storeops.changes.journal import JournalLine, object_of
from storeops.changes.ledger import Ledger
from storeops.changes.proof import Proof
from storeops.changes.seal import GENESIS
from storeops.changes.verify import PRUNED, verify
from storeops.domain import load, registry
from storeops.errors import ConflictError, UsageError
from storeops.i18n import _

LEAST_S = 90 * 86400  # WeCom counts handovers of a customer over 90 days; changes stay undoable

_OLD = """
SELECT id, name, undo_of FROM plan AS p
WHERE status IN ('applied', 'cancelled', 'refused') AND paused = 0
  AND max(created_at, coalesce(applied_at, 0)) < :before
  AND NOT EXISTS (SELECT 1 FROM plan_row WHERE plan_id = p.id
    AND (status IN ('planned', 'asked', 'queued', 'waiting', 'unknown') OR at >= :before))
  AND NOT EXISTS (SELECT 1 FROM job WHERE plan_id = p.id
    AND (status NOT IN ('succeeded', 'failed', 'cancelled') OR finished_at >= :before))
"""


class EventInbox(Protocol):
    """What retention asks of the events that came in."""

    def count_finished(self, before: float) -> int:
        """Events from before this moment that are done with."""

    def prune(self, before: float) -> int:
        """Delete them; how many."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What is, or was, taken out.

    Attributes:
        before: Unix seconds; only what is older.
        plans: finished plans.
        rows: their rows.
        jobs: their jobs.
        events: events of the inbox with nothing left to do.
        lines: lines at the beginning of the journal.
        last: number of the last of them; 0 when there are none.
        kept: old plans that stay.
    """

    before: float
    plans: int
    rows: int
    jobs: int
    events: int
    lines: int
    last: int
    kept: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return asdict(self)


def look(ledger: Ledger, inbox: EventInbox | None, older_than_s: float) -> Pruned:
    """What `prune` would take out now; reads only.

    Args:
        ledger: the profile's ledger.
        inbox: the events that came in, None when there are none.
        older_than_s: at least 90 days.

    Raises:
        UsageError: `older_than_s` is shorter.
        ConflictError: something is wrong with what would go.
    """
    before = _before(ledger, older_than_s)
    proof = verify(ledger.db, ledger.journal)
    found, _plans, _head = _find(ledger.db.connection, inbox, before)
    _refuse_to_forget(proof, found)
    return found


def prune(ledger: Ledger, inbox: EventInbox | None, older_than_s: float) -> Pruned:
    """Take out what is finished and old; one transaction, journaled, then sealed.

    Raises:
        UsageError: `older_than_s` is shorter than 90 days.
        ConflictError: something is wrong with what would go.
        PolicyError: read-only.
    """
    ledger.policy.may_write()
    before = _before(ledger, older_than_s)
    now = ledger.clock.now()
    ledger.journal.seal(ledger.db, now)  # a loss is noted before anything goes
    proof = verify(ledger.db, ledger.journal)
    with ledger.db.atomic() as connection:
        found, plans, head = _find(connection, inbox, before)
        if not (found.plans or found.lines or found.events):
            return found
        _refuse_to_forget(proof, found)
        losses = _losses(connection, found.last)
        payload = {
            "last": found.last,
            "head": head.hex(),
            "before": before,
            "lines": found.lines,
            "plans": found.plans,
            "rows": found.rows,
            "jobs": found.jobs,
            "events": found.events,
            "losses": losses,
        }
        ledger.journal.append(connection, [JournalLine(PRUNED, payload=payload)], now)
        connection.execute("DELETE FROM journal WHERE seq <= ?", (found.last,))
        _delete_plans(connection, plans)
        connection.execute("DELETE FROM worker WHERE finished_at < ?", (before,))
    ledger.journal.seal(ledger.db, now)
    if inbox is not None and found.events:
        inbox.prune(before)
    return found


def _refuse_to_forget(proof: Proof, found: Pruned) -> None:
    wrong = proof.forgotten(found.last) if found.plans or found.lines else None
    if wrong is not None:
        raise ConflictError(
            _("Nothing was taken out, for what is wrong would go with it: {finding}").format(
                finding=wrong.message
            ),
            hint=_(
                "`storeops audit verify` names everything. What is older than the first line it"
                " names may go: write a longer --older-than."
            )
            if wrong.seq is not None
            else _("`storeops audit verify` names everything."),
            next_steps=["storeops audit verify"],
        )


def _before(ledger: Ledger, older_than_s: float) -> float:
    if older_than_s < LEAST_S:
        raise UsageError(
            _("Nothing that is younger than 90 days is taken out."),
            hint=_("Changes can be undone and handovers count for so long; write 90d or more."),
        )
    return round(ledger.clock.now() - older_than_s, 3)


def _find(
    connection: sqlite3.Connection, inbox: EventInbox | None, before: float
) -> tuple[Pruned, list[int], bytes]:
    held = {plan for retention in _retentions() for plan in retention.held(connection, before)}
    old = connection.execute(_OLD, {"before": before}).fetchall()
    old = [each for each in old if each[0] not in held]
    plans = _together(connection, old)
    last, lines, head = _lines(connection, before, set(plans))
    events = inbox.count_finished(before) if inbox is not None else 0
    (kept,) = connection.execute(
        "SELECT count(*) FROM plan WHERE created_at < ?", (before,)
    ).fetchone()
    found = Pruned(
        before,
        len(plans),
        _count(connection, "plan_row", plans),
        _count(connection, "job", plans),
        events,
        lines,
        last,
        kept - len(plans),
    )
    return found, plans, head


def _together(
    connection: sqlite3.Connection, old: Iterable[tuple[int, str, int | None]]
) -> list[int]:
    """Of old plans those whose undo, or whose original, goes with them."""
    going = {each[0] for each in old}
    pairs = connection.execute("SELECT id, undo_of FROM plan WHERE undo_of IS NOT NULL").fetchall()
    known = {each[0] for each in connection.execute("SELECT id FROM plan")}
    while True:
        torn = {
            each
            for pair in pairs
            if set(pair) <= known and len(going.intersection(pair)) == 1
            for each in pair
        }
        if not torn & going:
            return sorted(going)
        going -= torn


def _lines(
    connection: sqlite3.Connection, before: float, going: set[int]
) -> tuple[int, int, bytes]:
    """(last line that may go, how many, hash of the last); the newest line always stays."""
    ends = [loss.head(connection)[0]]
    for sql in (
        "SELECT min(seq) FROM journal WHERE at >= ?",
        # what the journal says of a plan that stays, stays
        "SELECT min(j.seq) FROM journal AS j JOIN plan ON plan.name = j.plan"
        f" WHERE ? AND plan.id NOT IN ({_numbers(going)})",
    ):
        (seq,) = connection.execute(sql, (before,)).fetchone()
        if seq is not None:
            ends.append(seq)
    last = min(ends) - 1
    if last <= 0:
        return 0, 0, GENESIS
    (lines,) = connection.execute("SELECT count(*) FROM journal WHERE seq <= ?", (last,)).fetchone()
    row = connection.execute("SELECT hash FROM journal WHERE seq = ?", (last,)).fetchone()
    return (last, lines, row[0]) if lines and row else (0, 0, GENESIS)


def _losses(connection: sqlite3.Connection, last: int) -> list[dict[str, Any]]:
    """Losses and alterations that lines about to go tell of: they are named for ever."""
    kept: list[dict[str, Any]] = []
    for seq, kind, payload in connection.execute(
        "SELECT seq, kind, payload FROM journal WHERE seq <= ? AND plan = ''"
        " AND kind IN (?, ?, 'audit.erased') ORDER BY seq",
        (last, loss.KIND, PRUNED),
    ):
        told = object_of(payload)
        if kind == PRUNED:
            kept += told.get("losses") or []
            continue
        if kind != loss.KIND:
            told = {each: told[each] for each in ("altered", "altered_plans") if told.get(each)}
        if told:
            kept.append({"seq": seq, "payload": told})
    return kept


def _retentions() -> list[Any]:
    """Modules of domains that keep rows of plans; one that cannot answer ends the pruning."""
    return [load(where) for _domain, where in registry().each("retention")]


def _delete_plans(connection: sqlite3.Connection, plans: list[int]) -> None:
    for retention in _retentions():
        retention.prune(connection, plans)
    ids = _numbers(plans)
    jobs = f"SELECT id FROM job WHERE plan_id IN ({ids})"
    for table in ("job_row", "job_key", "job_event"):
        connection.execute(f"DELETE FROM {table} WHERE job_id IN ({jobs})")
    for table in ("job", "plan_row", "plan_asker", "plan_asker_row"):
        connection.execute(f"DELETE FROM {table} WHERE plan_id IN ({ids})")
    connection.execute(f"DELETE FROM plan WHERE id IN ({ids})")


def _count(connection: sqlite3.Connection, table: str, plans: list[int]) -> int:
    sql = f"SELECT count(*) FROM {table} WHERE plan_id IN ({_numbers(plans)})"
    return int(connection.execute(sql).fetchone()[0])


def _numbers(ids: Iterable[int]) -> str:
    return ",".join(str(int(each)) for each in ids)
