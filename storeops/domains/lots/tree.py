"""A lot with what is behind it and before it, as one tree that can be walked both ways."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storeops.database.database import Database
from storeops.domains.lots import gs1, trace
from storeops.domains.lots.gs1 import Thing
from storeops.domains.lots.trace import IN_STOCK, ON_SHELF, ON_THE_WAY, SOLD, THROWN_AWAY

MOST_LOTS = 400  # of one tree, in each direction
MOST_NEWEST = 500  # lots that are listed
_SHOWN = (IN_STOCK, ON_SHELF, ON_THE_WAY, SOLD, THROWN_AWAY)
BEHIND, SELF, BEFORE, PLACE = "behind", "self", "before", "place"


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A line of the tree.

    Attributes:
        kind: behind (what went into it), self, before (what was made of it), place.
        depth: 0 for the lot itself, farther away the larger.
        thing: (GTIN, lot).
        place: where it was made; of a place: itself.
        at: Unix seconds: when it was made.
        qty: pieces or units that were made, None when not said; unit: "" for pieces.
        states: of a place: state → pieces there, None when no paper says how many.
        bad_papers: papers of the lot's own way that do not hold.
    """

    kind: str
    depth: int
    thing: Thing
    place: str = ""
    at: float = 0.0
    qty: float | None = None
    unit: str = ""
    states: Mapping[str, float | None] = field(default_factory=dict)
    bad_papers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LotTree:
    """The whole tree.

    Attributes:
        thing: the lot in its middle.
        nodes: what is behind first, farthest first, then the lot, then what is before it.
        doubts: what does not add up, in the user's language.
        cut: lots that are not shown, because there are too many.
    """

    thing: Thing
    nodes: Sequence[TreeNode]
    doubts: Sequence[str]
    cut: int


def tree(db: Database, which: Thing) -> LotTree:
    """The tree of a lot or a pallet.

    Args:
        db: data.db.
        which: the lot in the middle; of a pallet the lots on it.

    Raises:
        NotFoundError: nothing is known of it.
    """
    middle = trace.lots_of(db, which)
    up, down = trace.upstream(db, middle), trace.downstream(db, middle)
    behind = [each for each in up if each not in middle]
    before = [each for each in down if each not in middle]
    cut = max(0, len(behind) - MOST_LOTS) + max(0, len(before) - MOST_LOTS)
    behind, before = behind[:MOST_LOTS], before[:MOST_LOTS]
    numbers = [*behind, *middle, *before]
    names = trace.things(db, numbers)
    found = trace.lines(db, numbers)
    depth = up | down
    made: dict[int, trace.TraceLine] = {}
    for line in found:
        if line.lot not in made and line.makes:
            made[line.lot] = line
    bad = _bad_papers(db, found)
    balance = trace.balance([line for line in found if line.lot not in behind])
    states: dict[tuple[int, str], dict[str, float | None]] = defaultdict(dict)
    for each in trace.standing(balance, names):
        if each.state in _SHOWN:
            states[each.lot, each.place][each.state] = each.qty
    nodes: list[TreeNode] = []

    def add(lot: int, kind: str) -> None:
        line = made.get(lot)
        nodes.append(
            TreeNode(
                kind, depth.get(lot, 0), names[lot], line.place if line else "",
                line.at if line else 0.0, line.qty if line else None, line.unit if line else "",
                bad_papers=tuple(sorted(bad.get(lot, ()))),
            )
        )  # fmt: skip
        if kind == BEHIND:
            return
        for (other, place), here in sorted(states.items(), key=lambda each: each[0][1]):
            if other == lot:
                nodes.append(TreeNode(PLACE, depth.get(lot, 0) + 1, names[lot], place, states=here))

    for lot in sorted(behind, key=lambda each: (-depth.get(each, 0), names[each])):
        add(lot, BEHIND)
    for lot in middle:
        add(lot, SELF)
    for lot in _walk(db, middle, before, depth):
        add(lot, BEFORE)
    return LotTree(which, nodes, balance.doubts, cut)


def _walk(
    db: Database, middle: Sequence[int], before: Sequence[int], depth: Mapping[int, int]
) -> list[int]:
    """What was made of the middle, each below what it was made of first."""
    rows = db.execute(
        "SELECT DISTINCT e.src, e.dst FROM lots_edge e JOIN lots_event v ON v.id = e.event"
        " AND v.void = 0 WHERE e.src IN (SELECT value FROM json_each(?)) ORDER BY e.dst",
        (json.dumps([*middle, *before]),),
    )
    children: dict[int, list[int]] = defaultdict(list)
    for source, target in rows:
        children[source].append(target)
    wanted, found = set(before), []
    stack = [(child, 1) for each in reversed(middle) for child in reversed(children[each])]
    while stack:
        lot, step = stack.pop()
        if lot not in wanted or depth.get(lot) != step:
            continue
        wanted.discard(lot)
        found.append(lot)
        stack += [(child, step + 1) for child in reversed(children[lot])]
    return found + sorted(wanted)


def _bad_papers(db: Database, found: Sequence[trace.TraceLine]) -> dict[int, set[str]]:
    """Lot → numbers of papers that the suppliers' register calls wrong on their day."""
    dated = [
        (line.at, {"lot": line.lot, "papers": [
            {"type": kind, "number": number} for kind, number in json.loads(line.papers)]})
        for line in found if line.papers != "[]"
    ]  # fmt: skip
    result: dict[int, set[str]] = defaultdict(set)
    items: list[dict[str, Any]] = trace.with_states(db, dated)
    for item in items:
        result[item["lot"]] |= {
            each["number"] for each in item["papers"] if each["state"] == "error"
        }
    return {lot: numbers for lot, numbers in result.items() if numbers}


def newest(db: Database) -> list[tuple[Thing, float, bool]]:
    """(lot, when it was heard of first, whether it is being called back) of the newest lots.

    Those that are being called back stand first.
    """
    called = {row[0] for row in db.execute("SELECT lot FROM lots_recall WHERE closed_at IS NULL")}
    rows = db.execute(
        "SELECT t.item, t.lot, (SELECT min(v.at) FROM lots_line l JOIN lots_event v"
        " ON v.id = l.event WHERE l.thing = t.id) FROM lots_thing t"
        " WHERE t.item <> '' AND t.lot <> '' ORDER BY t.id DESC LIMIT ?",
        (MOST_NEWEST,),
    ).fetchall()
    listed = [((item, lot), at or 0.0, gs1.label(item, lot) in called) for item, lot, at in rows]
    there = {gs1.label(*thing) for thing, _at, _called in listed}
    listed += [(gs1.asked(each), 0.0, True) for each in sorted(called - there)]
    return sorted(listed, key=lambda each: (not each[2], -each[1], each[0]))
