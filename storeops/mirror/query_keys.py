"""Reading the keys that a planner lists, in order.

What is gathered is sorted first and tested afterwards, as far as the page needs: of six thousand
candidates the tests that look into names, other follows or group chats are made on a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence

from storeops.mirror.query_plan import Key, Planner, Statement

AT_ONCE = 4_000  # keys tested in one statement, at most


def read_keys(
    planner: Planner, after: Key | None, limit: int, skip: int, *, descending: bool
) -> list[Key]:
    """The keys of an alternative after `after`, in order.

    Args:
        after: the last key before them; None from the start.
        limit: rows at most.
        skip: rows to leave out first.
        descending: newest first, or names from their end.
    """
    proposals = planner.proposals(after, descending=descending)
    if proposals is None:
        return _rows(planner, planner.page(after, limit, skip, descending=descending))
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


def positions(planner: Planner, ids: Sequence[int]) -> list[Key]:
    """The keys of those of `ids` that pass, in no order."""
    return _rows(planner, planner.positions(list(ids)))


def _rows(planner: Planner, statement: Statement) -> list[Key]:
    return planner.connection.execute(statement.sql, statement.params).fetchall()
