"""Reading the keys that a planner lists, in order.

What is gathered is sorted first and tested afterwards, as far as the page needs: of six thousand
candidates the tests that look into names, other follows or group chats are made on a hundred.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from storeops.reading.query_plan import Key, Planner, Statement

AT_ONCE = 4_000  # keys tested in one statement, at most


def read_keys(
    planner: Planner,
    after: Key | None,
    limit: int,
    skip: int,
    *,
    descending: bool,
    within: Key | None = None,
) -> list[Key]:
    """The keys of an alternative after `after`, in order.

    Args:
        after: the last key before them; None from the start.
        limit: rows at most.
        skip: rows to leave out first.
        descending: newest first, or names from their end.
        within: no row whose value lies beyond this key's is wanted.
    """
    proposals = planner.proposals(after, descending=descending, within=within)
    if proposals is None:
        page = planner.page(after, limit, skip, descending=descending, within=within)
        return _rows(planner, page)
    wanted, size = skip + limit, skip + limit + 16
    found: list[Key] = []
    tested = 0
    cursor = planner.connection.execute(proposals.sql, proposals.params)
    try:
        while len(found) < wanted and (keys := cursor.fetchmany(min(size, AT_ONCE))):
            passing = {key for _value, key in positions(planner, [key for _value, key in keys])}
            found += [each for each in keys if each[1] in passing]
            tested += len(keys)
            # as many as should do, judged by what passed so far
            size = (wanted - len(found)) * (tested + 16) // (len(found) + 1) + 16
    finally:
        cursor.close()
    return found[skip:wanted]


def read_merged(
    planners: Sequence[Planner], after: Key | None, limit: int, *, descending: bool
) -> tuple[list[Key], Key | None]:
    """The next rows over several alternatives, and where to go on (None at the end).

    A customer stands where the best of the alternatives puts it; the others are passed over.
    What one alternative found bounds how far the next need look.
    """
    merged: list[Key] = []
    ends: list[Key] = []  # beyond the nearest of these the merge is not sure
    within: Key | None = None
    for planner in planners:
        keys = read_keys(planner, after, limit, 0, descending=descending, within=within)
        if len(keys) == limit:
            ends.append(keys[-1])
        merged = list(dict.fromkeys(heapq.merge(merged, keys, reverse=descending)))
        if len(merged) >= limit:
            within = merged[limit - 1]
            ends.append(within)
    end = (max(ends) if descending else min(ends)) if ends else None
    if end is not None:
        merged = [key for key in merged if (key >= end if descending else key <= end)]
    best = best_positions(planners, [key[1] for key in merged])
    return [key for key in merged if best[key[1]] == key], end


def best_positions(planners: Sequence[Planner], ids: Sequence[int]) -> dict[int, Key]:
    """Where each of these customers stands; those that do not match are missing."""
    best: dict[int, Key] = {}
    for planner in planners:
        for value, key in positions(planner, ids):
            if key not in best or (value, key) > best[key]:
                best[key] = (value, key)
    return best


def positions(planner: Planner, ids: Sequence[int]) -> list[Key]:
    """The keys of those of `ids` that pass, in no order."""
    return _rows(planner, planner.positions(list(ids)))


def _rows(planner: Planner, statement: Statement) -> list[Key]:
    return planner.connection.execute(statement.sql, statement.params).fetchall()
