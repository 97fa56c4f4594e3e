"""What is on its way to a shop: sent there, and not received yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.domains.lots import trace
from storeops.domains.lots.places import of_store

LATE_S = 7 * 86_400.0  # what was sent earlier and not received is counted on no more
FORGOTTEN_S = 30 * 86_400.0  # nor heard of


@dataclass(frozen=True, slots=True)
class ComingLot:
    """Pieces of one lot that are on their way to a shop.

    Attributes:
        item: GTIN-14; lot: its lot.
        pieces: sent and not received; None when no paper says how many.
        sent_at: when the last of them was sent, Unix seconds.
        late: it was sent so long ago that nobody can count on it.
    """

    item: str
    lot: str
    pieces: float | None
    sent_at: float
    late: bool


def coming(db: Database, store: str, now: float) -> list[ComingLot]:
    """What is on its way to a shop, what was sent first at the front.

    Lots that are counted in another unit than pieces are left out.

    Args:
        db: data.db.
        store: the shop's number.
        now: Unix seconds.
    """
    places = of_store(db, store)
    events = _moves(db, places, now - FORGOTTEN_S)
    lots = _lots(db, events)
    if not lots:
        return []
    found = [each for each in trace.lines(db, lots, events) if not each.unit]
    names = trace.things(db, lots)
    return sorted(
        (
            ComingLot(
                *names[each.lot], each.qty, each.line.at, each.line.at < now - LATE_S
            )
            for each in trace.standing(trace.balance(found), names)
            if each.state == trace.ON_THE_WAY and each.place in places
        ),
        key=lambda each: (each.sent_at, each.item, each.lot),
    )  # fmt: skip


def _moves(db: Database, places: Sequence[str], since: float) -> list[int]:
    """Events that sent something to these places, or in which something arrived there."""
    asked = json.dumps(list(places))
    rows = db.execute(
        "SELECT id FROM lots_event WHERE destination IN (SELECT value FROM json_each(?))"
        " AND step = 'shipping' AND void = 0 AND at >= ? UNION"
        " SELECT id FROM lots_event WHERE place IN (SELECT value FROM json_each(?))"
        " AND step IN ('receiving', 'accepting', 'arriving') AND void = 0 AND at >= ?",
        (asked, since, asked, since),
    )
    return [row[0] for row in rows]


def _lots(db: Database, events: Sequence[int]) -> list[int]:
    """Numbers of the lots that events are about, by themselves or on a pallet."""
    rows = db.execute(
        "SELECT DISTINCT t.id, t.item FROM lots_line l JOIN lots_thing t ON t.id = l.thing"
        " WHERE l.event IN (SELECT value FROM json_each(?)) AND l.role = 'what'",
        (json.dumps(list(events)),),
    ).fetchall()
    found = {number for number, item in rows if item}
    for number, item in rows:
        if not item:
            found.update(trace.contents(db, number))
    return sorted(found)
