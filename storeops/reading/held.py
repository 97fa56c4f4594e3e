"""Whom somebody followed at the end of some days, and who of them carried no tag.

A small mirror is counted person by person. Of a large one that is done only for those of whom
something changed since; the others are counted by its columns (`mirror/column_store.py`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from storeops.database.database import Database
from storeops.mirror import column_store
from storeops.mirror.column_store import ColumnSnapshot
from storeops.reading.column_scan import distinct
from storeops.reading.flows import ASSIGNED, DaySpan, Pair

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENDED = ("lost", "handed_over")
_PEOPLE = (
    "SELECT f.customer_id, f.staff_id, f.status, f.createtime, f.first_seen_at, f.tags_known,"
    " EXISTS (SELECT 1 FROM follow_tag AS t WHERE t.follow_id = f.id) FROM follow AS f"
)
_EVERYBODY = f"{_PEOPLE} ORDER BY f.customer_id"
_THESE = f"{_PEOPLE} WHERE f.customer_id IN (SELECT value FROM json_each(?)) ORDER BY f.customer_id"
_UNSAID = (  # of whom the columns do not tell all
    "SELECT customer_id FROM follow WHERE createtime <= 0",
    f"SELECT customer_id FROM follow WHERE add_way = {ASSIGNED} AND tags_known = 0",
)
_LATER = (
    "SELECT customer_id, staff_id, field, before, after, source, at FROM timeline"
    " WHERE at >= ? AND customer_id IS NOT NULL AND staff_id IS NOT NULL"
    " AND field IN ('status', 'tag', 'follow', 'deleted_by_member')"
    " ORDER BY at DESC, id DESC"
)


@dataclass(slots=True)
class Held:
    """How many people somebody follows, each once in each line.

    Attributes:
        total, by_store, by_staff: people.
        untagged, untagged_by_store, untagged_by_staff: those of whom no relation of the line
            carries a tag; of relations that only the list of the unassigned shows nobody knows.
    """

    total: int = 0
    untagged: int = 0
    by_store: Counter[int] = field(default_factory=Counter)
    by_staff: Counter[int] = field(default_factory=Counter)
    untagged_by_store: Counter[int] = field(default_factory=Counter)
    untagged_by_staff: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class _AtTheEnd:
    """What was true at the end, where it differs from now."""

    status: dict[Pair, str] = field(default_factory=dict)
    tagged: dict[Pair, bool] = field(default_factory=dict)
    began: dict[Pair, int] = field(default_factory=dict)

    def people(self) -> set[int]:
        return {
            customer for kept in (self.status, self.tagged, self.began) for customer, _s in kept
        }


def held(
    db: Database, days: DaySpan, store_of: Mapping[int, int], moved_at: Mapping[Pair, float]
) -> Held:
    """The people somebody followed at the end of the days.

    Args:
        db: data.db.
        days: which.
        store_of: staff.id → department id, as `flows.stores_then` gives it.
        moved_at: when relations really were handed over, Unix seconds, where that is known.
    """
    found = Held()
    then = _undo(db, days, moved_at)
    if column_store.small(db):
        rows = db.execute(_EVERYBODY)
    else:
        apart = then.people()
        for sql in _UNSAID:
            apart.update(row[0] for row in db.execute(sql))
        _count_columns(found, column_store.snapshot(db), apart, days.end, store_of)
        rows = db.execute(_THESE, (json.dumps(sorted(apart)),))
    for _customer, relations in groupby(rows, key=itemgetter(0)):
        there: list[tuple[int, bool | None]] = []
        for customer, staff, status, created, seen, known, tags in relations:
            pair = (customer, staff)
            began = then.began.get(pair, created) or seen
            if began < days.end and then.status.get(pair, status) not in ENDED:
                there.append((staff, then.tagged.get(pair, bool(tags) if known else None)))
        if there:
            _count_person(found, there, store_of)
    return found


def _undo(db: Database, days: DaySpan, moved_at: Mapping[Pair, float]) -> _AtTheEnd:
    """The first `before` after the end is what was true then: the earliest is undone last."""
    then = _AtTheEnd()
    entries = db.execute(_LATER, (days.end,)).fetchall()
    again = {
        (customer, staff)
        for customer, staff, name, before, after, _source, _at in entries
        if name == "follow" and before and json.loads(after)["createtime"] >= days.end
    }
    deleted: dict[Pair, int] = {
        (customer, staff): int(after)
        for customer, staff, name, _before, after, _source, _at in entries
        if name == "deleted_by_member"
    }
    for customer, staff, name, before, after, source, at in entries:
        if before is None:
            continue
        pair = (customer, staff)
        there = days.before_its_end(source, at)
        if name == "status":
            after = json.loads(after)
            if after == "lost" and pair in deleted:
                there = deleted[pair] < days.end
            elif after == "handed_over" and pair in moved_at:
                there = moved_at[pair] < days.end
            elif after == "active" and pair in again:
                there = False
            if not there:
                then.status[pair] = json.loads(before)
        elif name == "follow":
            if pair in again:
                then.began[pair] = json.loads(before)["createtime"]
        elif name == "tag" and not there:
            then.tagged[pair] = bool(json.loads(before))
    return then


def _count_columns(
    found: Held,
    columns: ColumnSnapshot,
    apart: Collection[int],
    end: int,
    store_of: Mapping[int, int],
) -> None:
    """Count everybody but those who are told apart."""
    import numpy as np

    customer, staff, created = (
        columns.follow[name] for name in ("customer", "staff", "createtime")
    )
    left = np.ones(len(columns.everybody), bool)
    left[[each for each in apart if each < len(left)]] = False
    there = columns.text("status", lambda word: word not in ENDED) & left[customer]
    there &= (created > 0) & (created < end)
    tagged = there & columns.tagged(None)
    stores = np.zeros(max([int(staff.max(initial=0)), *store_of]) + 1, np.int64)
    stores[list(store_of)] = list(store_of.values())
    store = stores[staff]
    bare = there & ~tagged
    found.total = int(columns.customers_of(there).sum())
    found.untagged = found.total - int(columns.customers_of(tagged).sum())
    # a member has a customer once, a shop perhaps several times
    found.by_staff.update(_numbers(np.bincount(staff[there])))
    found.untagged_by_staff.update(_numbers(np.bincount(staff[bare])))
    found.by_store.update(distinct(customer[there], store[there]))
    found.untagged_by_store.update(found.by_store)
    found.untagged_by_store.subtract(distinct(customer[tagged], store[tagged]))


def _numbers(counts: NDArray[Any]) -> dict[int, int]:
    """Key → how many, of those that have some."""
    return {key: number for key, number in enumerate(counts.tolist()) if number}


def _count_person(
    found: Held, relations: Sequence[tuple[int, bool | None]], store_of: Mapping[int, int]
) -> None:
    """Count one person with these relations: (staff.id, whether it carries tags)."""
    found.total += 1
    bare_everywhere = True
    stores: dict[int, bool] = {}
    for staff, tagged in relations:
        bare = tagged is False
        bare_everywhere &= bare
        found.by_staff[staff] += 1
        found.untagged_by_staff[staff] += bare
        store = store_of.get(staff, 0)
        stores[store] = stores.get(store, True) and bare
    found.untagged += bare_everywhere
    for store, bare in stores.items():
        found.by_store[store] += 1
        found.untagged_by_store[store] += bare
