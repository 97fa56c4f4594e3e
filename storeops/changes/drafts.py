"""Draft plans: rows gathered bit by bit on a screen, then frozen into a plan.

A draft has no hash and is never applied; freezing makes a plan of its rows, checked anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from storeops.changes import plan_summary, plans
from storeops.changes import rows as plan_rows
from storeops.changes.action import READY, Row
from storeops.changes.journal import dump
from storeops.changes.ledger import Ledger
from storeops.changes.plans import DRAFT, Plan
from storeops.database.database import Database
from storeops.errors import ConflictError, UsageError
from storeops.i18n import _

Merge = Callable[[Row, Row], Row | None]  # (row of the draft, new request) → row, None to drop it


def find(ledger: Ledger, kind: str) -> Plan | None:
    """The open draft of a kind, newest first; None when there is none."""
    found = plans.listing(ledger.db, kinds=(kind,), statuses=(DRAFT,), limit=1)
    return found[0] if found else None


def sizes(db: Database) -> dict[str, int]:
    """Rows of the open drafts per kind; kinds without one are left out."""
    found = db.execute(
        "SELECT kind, sum(rows) FROM plan WHERE status = ? GROUP BY kind HAVING sum(rows) > 0",
        (DRAFT,),
    )
    return {kind: int(rows) for kind, rows in found}


def put(
    ledger: Ledger, kind: str, rows: Sequence[Row], merge: Merge, *,
    params: Mapping[str, Any] | None = None, title: str = "",
) -> Plan:  # fmt: skip
    """Add rows to the open draft of a kind, which is made when there is none.

    Args:
        ledger: the profile's ledger.
        kind: name of the Action.
        rows: requests; their numbers do not matter.
        merge: joins a request with the row that the draft has for the same subject.
        params: taken into the draft's parameters.
        title: one line for lists.

    Raises:
        PolicyError: read-only.
    """
    ledger.policy.may_write()
    ledger.action(kind)
    draft = find(ledger, kind)
    now = ledger.clock.now()
    with ledger.db.atomic() as connection:
        if draft is None:
            plan_id, _name = plans.insert_plan(
                ledger, connection, kind, DRAFT, now, params=dict(params or {}), title=title
            )
        else:
            plan_id = draft.id
            connection.execute(
                "UPDATE plan SET params = ?, title = CASE WHEN ? = '' THEN title ELSE ? END"
                " WHERE id = ?",
                (dump({**draft.params, **(params or {})}), title, title, plan_id),
            )
        known = {row.key: row for row in plan_rows.load(ledger.db, plan_id)}
        for row in rows:
            old = known.get(row.key)
            joined = merge(old, row) if old is not None else row
            if joined is None:
                del known[row.key]
            else:
                known[row.key] = joined
        _store(connection, plan_id, list(known.values()), now)
    return plans.by_id(ledger.db, plan_id)


def remove(ledger: Ledger, name: str, numbers: Sequence[int]) -> Plan:
    """Take rows out of a draft.

    Raises:
        ConflictError: it is no draft.
    """
    draft = _draft(ledger, name)
    gone = set(numbers)
    with ledger.db.atomic() as connection:
        rows = [row for row in plan_rows.load(ledger.db, draft.id) if row.row not in gone]
        _store(connection, draft.id, rows, ledger.clock.now())
    return plans.by_id(ledger.db, draft.id)


def freeze(ledger: Ledger, name: str, *, reason: str = "") -> Plan:
    """Make a plan of a draft, under the same id; the draft is gone afterwards.

    Raises:
        ConflictError: it is no draft.
        UsageError: it is empty.
    """
    draft = _draft(ledger, name)
    rows = plan_rows.load(ledger.db, draft.id)
    if not rows:
        raise UsageError(_("The draft {plan} is empty.").format(plan=draft.name))
    title = draft.title or plan_summary.title(plan_summary.summary(ledger.db, draft.id))
    with ledger.db.atomic() as connection:
        connection.execute("DELETE FROM plan_row WHERE plan_id = ?", (draft.id,))
        connection.execute("DELETE FROM plan WHERE id = ? AND status = ?", (draft.id, DRAFT))
        plan = plans.make(ledger, draft.kind, rows, params=draft.params, title=title,
                          reason=reason, name=draft.name)  # fmt: skip
    ledger.journal.seal(ledger.db, ledger.clock.now())
    return plan


def _draft(ledger: Ledger, name: str) -> Plan:
    plan = plans.get(ledger.db, name, DRAFT)
    if plan.status != DRAFT:
        raise ConflictError(_("Plan {plan} is no draft.").format(plan=plan.name))
    return plan


def _store(connection: Any, plan_id: int, rows: Sequence[Row], now: float) -> None:
    connection.execute("DELETE FROM plan_row WHERE plan_id = ?", (plan_id,))
    numbered = [replace(row, row=number) for number, row in enumerate(rows, start=1)]
    plan_rows.insert(connection, plan_id, [(row, READY) for row in numbered], now)
    connection.execute(
        "UPDATE plan SET rows = ?, ready = ? WHERE id = ?", (len(rows), len(rows), plan_id)
    )
