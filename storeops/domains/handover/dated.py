"""Handovers that happened, with their moment: for whoever must know who had a customer when."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from storeops.domains.handover.rules import DAY_S
from storeops.reading import identities, ownership
from storeops.reading.ownership import AssignedCustomer


@dataclass(frozen=True, slots=True)
class DatedHandover:
    """A customer went from one member to another at a moment (Unix seconds)."""

    at: int
    handover_userid: str
    takeover_userid: str


def of_customers(
    connection: sqlite3.Connection, external_userids: Iterable[str]
) -> dict[str, list[DatedHandover]]:
    """external_userid → handovers that happened, the oldest first; also those that an
    administrator did in the console, where the mirror knows whose the customer was.

    Args:
        connection: on data.db.
        external_userids: at most some thousands at once.
    """
    wanted = list(external_userids)
    found: dict[str, list[DatedHandover]] = defaultdict(list)
    where = "settled_at IS NOT NULL AND subject IN (SELECT value FROM json_each(?))"
    for subject, each in _done(connection, where, json.dumps(wanted)):
        found[subject].append(each)
    ids = identities.ids_of(connection, wanted).values()
    for subject, each in _console(connection, ownership.assigned_of(connection, ids)):
        found[subject].append(each)
    return {key: sorted(moves, key=lambda each: each.at) for key, moves in found.items()}


def since(
    connection: sqlite3.Connection, start: int, until: int
) -> list[tuple[str, DatedHandover]]:
    """(external_userid, handover) of those in [start, until), the oldest first, the console's
    where they last."""
    ours = _done(connection, "settled_at >= ? AND settled_at < ?", start, until)
    lasting = [each for each in ownership.assigned_between(connection, start, until) if each.lasts]
    return sorted([*ours, *_console(connection, lasting)], key=lambda each: each[1].at)


def _console(
    connection: sqlite3.Connection, assigned: Iterable[AssignedCustomer]
) -> Iterator[tuple[str, DatedHandover]]:
    """Customers whom the console gave to a colleague; what was asked for here is not among them.

    An attempt that came to nothing is no handover, nor is one of another time this one.
    """
    for each in assigned:
        asked = connection.execute(
            "SELECT 1 FROM handover WHERE subject = ? AND takeover_userid = ? AND"
            " (status = 'waiting' OR status IN ('done', 'undone') AND settled_at >= ?)",
            (each.external_userid, each.present, each.at - DAY_S),
        ).fetchone()
        if asked is None:
            yield each.external_userid, DatedHandover(each.at, each.former, each.present)


def _done(
    connection: sqlite3.Connection, where: str, *values: int | str
) -> Iterator[tuple[str, DatedHandover]]:
    for subject, at, from_owner, to_owner in connection.execute(
        "SELECT subject, settled_at, handover_userid, takeover_userid FROM handover"
        f" WHERE what = 'customer' AND status = 'done' AND {where}"
        " ORDER BY settled_at, plan_id, row",
        values,
    ):
        yield subject, DatedHandover(int(at), from_owner, to_owner)
