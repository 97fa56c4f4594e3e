"""Rows of plans by position, as a screen shows them; results as a file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from storeops.changes import plans
from storeops.changes.action import BLOCKED
from storeops.changes.ledger import Ledger
from storeops.changes.plan_cards import Card, Estimator, card
from storeops.changes.plans import DRAFT
from storeops.changes.row_results import Result, narrow, results
from storeops.database.database import Database

RESULT_FIELDS = (
    "row", "external_userid", "userid", "status", "errcode", "meaning", "next_step", "retryable",
    "at",
)  # fmt: skip


def newest_cards(
    ledger: Ledger, governor: Estimator | None = None, *, limit: int = 200
) -> list[Card]:
    """The newest `limit` plans, drafts on top, each with how it stands."""
    found = plans.listing(ledger.db, limit=limit, void=False)
    drafts = plans.listing(ledger.db, statuses=(DRAFT,), limit=limit)
    known = {each.id for each in drafts}
    return [
        card(ledger, plan, governor)
        for plan in (*drafts, *(each for each in found if each.id not in known))
    ]


def count(
    db: Database, plan_id: int, statuses: Sequence[str] = (), words: Sequence[str] = ()
) -> int:
    """How many rows of a plan (plan.id) have one of the statuses and all the words."""
    narrowed, values = narrow(statuses, words)
    number: int = db.execute(
        f"SELECT count(*) FROM plan_row WHERE plan_id = ?{narrowed}", (plan_id, *values)
    ).fetchone()[0]
    return number


def window(
    db: Database,
    plan_id: int,
    statuses: Sequence[str],
    start: int,
    size: int,
    words: Sequence[str] = (),
) -> list[Result]:
    """At most `size` rows from position `start` (from 0) on, what holds the plan up first.

    Args:
        db: data.db.
        plan_id: plan.id.
        statuses: only these; all when empty.
        start: position.
        size: rows.
        words: only rows whose customer or member has them all in the name, or as id.
    """
    if statuses or words:
        found = results(db, plan_id, statuses=statuses, words=words, blocked_first=True)
        return list(islice(found, start, start + size))
    held_up = count(db, plan_id, (BLOCKED,))
    if not held_up:
        after = _row_before(db, plan_id, start)
        return [] if after is None else list(results(db, plan_id, after=after, limit=size))
    if start >= held_up:
        return list(_others(db, plan_id, start - held_up, size))
    first = list(islice(results(db, plan_id, statuses=(BLOCKED,)), start, start + size))
    if len(first) < size:
        first += _others(db, plan_id, 0, size - len(first))
    return first


def _row_before(db: Database, plan_id: int, position: int) -> int | None:
    """The row number before the one at `position`; None when there is no such position."""
    if position == 0:
        return 0
    found = db.execute(
        "SELECT row FROM plan_row WHERE plan_id = ? ORDER BY row LIMIT 1 OFFSET ?",
        (plan_id, position - 1),
    ).fetchone()
    return None if found is None else int(found[0])


def _others(db: Database, plan_id: int, start: int, size: int) -> list[Result]:
    from storeops.changes.action import ROW_STATUSES

    rest = tuple(each for each in ROW_STATUSES if each != BLOCKED)
    return list(islice(results(db, plan_id, statuses=rest), start, start + size))


def export_results(
    db: Database,
    name: str,
    path: Path,
    *,
    over: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Write how each row of a plan ended to a CSV that a spreadsheet opens; returns the rows.

    The file appears whole, readable by its owner alone.

    Args:
        db: data.db.
        name: plan_id.
        path: the file.
        over: replace a file of that name.
        on_progress: told the number of rows, now and then.

    Raises:
        NotFoundError: no such plan.
        UsageError, ConflictError, ConfigError: the file exists, or cannot be written.
    """
    from storeops.export_file import Taken, text_file
    from storeops.spreadsheet import csv_cell

    found = Taken(results(db, plans.get(db, name, plans.APPLIED).id), on_progress)
    with text_file(path, over, bom=True) as file:
        writer = csv.writer(file)
        writer.writerow(RESULT_FIELDS)
        for result in found:
            value = result.as_dict()
            writer.writerow([csv_cell(value.get(key)) for key in RESULT_FIELDS])
    return found.count
