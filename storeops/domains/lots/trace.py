"""Where a lot came from, and where everything made of it went."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.lots import gs1
from storeops.domains.lots.gs1 import Thing
from storeops.errors import NotFoundError
from storeops.i18n import _

MADE, USED, IN_STOCK, ON_THE_WAY, ON_SHELF, SOLD, THROWN_AWAY = STATES = (
    "made", "used", "in_stock", "on_the_way", "on_shelf", "sold", "thrown_away",
)  # fmt: skip
_MAKES = frozenset({"commissioning", "creating_class_instance"})
_ARRIVES = frozenset({"receiving", "accepting", "arriving"})
SELLS = frozenset({"retail_selling", "dispensing"})
_ENDS = frozenset({"destroying", "decommissioning"})
_GONE = frozenset({"destroyed", "disposed"})


def find(db: Database, which: Thing) -> int:
    """The number of a lot or pallet.

    Raises:
        NotFoundError: no event names it; with lots of the same article.
    """
    row = db.execute("SELECT id FROM lots_thing WHERE item = ? AND lot = ?", which).fetchone()
    if row is not None:
        return int(row[0])
    near = [
        gs1.label(*each)
        for each in db.execute(
            "SELECT item, lot FROM lots_thing WHERE (item = ? AND item <> '') OR lot = ?"
            " ORDER BY id DESC LIMIT 3",
            which,
        )
    ]
    raise NotFoundError(
        _("No event names the lot {lot}.").format(lot=gs1.label(*which)),
        hint=_("Known are: {names}.").format(names=_(", ").join(near))
        if near
        else _("Take in what is known of it: storeops lot import FILE"),
    )


def upstream(db: Database, things: Sequence[int]) -> dict[int, int]:
    """These lots and everything that went into them → how many steps away, farthest last."""
    return _closure(
        db, things,
        "SELECT e.src, u.depth + 1 FROM lots_edge e JOIN up u ON e.dst = u.thing"
        " JOIN lots_event v ON v.id = e.event AND v.void = 0",
    )  # fmt: skip


def downstream(db: Database, things: Sequence[int]) -> dict[int, int]:
    """These lots and everything that was made of them → how many steps away, farthest last."""
    return _closure(
        db, things,
        "SELECT e.dst, u.depth + 1 FROM lots_edge e JOIN up u ON e.src = u.thing"
        " JOIN lots_event v ON v.id = e.event AND v.void = 0",
    )  # fmt: skip


def _closure(db: Database, things: Sequence[int], step: str) -> dict[int, int]:
    rows = db.execute(
        "WITH RECURSIVE up (thing, depth) AS (SELECT value, 0 FROM json_each(?) UNION "
        f"{step} WHERE u.depth < 50)"
        " SELECT thing, min(depth) FROM up GROUP BY thing ORDER BY 2, 1",
        (json.dumps(list(things)),),
    )
    return dict(rows.fetchall())


def contents(db: Database, pallet: int) -> list[int]:
    """The lots that were ever packed on a pallet."""
    rows = db.execute(
        "SELECT DISTINCT c.thing FROM lots_line p"
        " JOIN lots_event v ON v.id = p.event AND v.void = 0 AND v.action IN ('ADD', 'OBSERVE')"
        " JOIN lots_line c ON c.event = p.event AND c.role = 'child'"
        " WHERE p.thing = ? AND p.role = 'parent'",
        (pallet,),
    )
    return [row[0] for row in rows]


def lots_of(db: Database, which: Thing) -> list[int]:
    """The number of a lot itself; of a pallet those of the lots on it.

    Raises:
        NotFoundError: nothing is known of it.
    """
    number = find(db, which)
    return [number] if which[0] else contents(db, number) or [number]


def related(db: Database, which: Thing) -> list[int]:
    """Numbers of a lot, or of those on a pallet, and of everything that was made of them.

    Raises:
        NotFoundError: nothing is known of it.
    """
    return list(downstream(db, lots_of(db, which)))


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One event as it concerns one lot.

    Attributes:
        lot: whose.
        role: what | in | out.
        qty: pieces or units, None when not said; unit: "" for pieces.
        event_id, step, action, disposition, at, place, source, destination, papers: of the event.
    """

    lot: int
    role: str
    qty: float | None
    unit: str
    event_id: str
    step: str
    action: str
    disposition: str
    at: float
    place: str
    source: str
    destination: str
    papers: str

    @property
    def makes(self) -> bool:
        """Whether the lot came to be by it."""
        return _did(self) == MADE

    @property
    def sells(self) -> bool:
        """Whether pieces went to customers."""
        return self.step in SELLS


_EVENT = (
    "v.event_id, v.step, v.action, v.disposition, v.at, v.place, v.source, v.destination, v.papers"
)


def lines(
    db: Database, things: Sequence[int], events: Sequence[int] | None = None
) -> list[TraceLine]:
    """Everything that happened to lots, in the order of time; pallets count with what was on them.

    Args:
        db: data.db.
        things: numbers of lots.
        events: only what these events say; None for all.
    """
    found: list[TraceLine] = []
    asked = [json.dumps(list(things))]
    only = ""
    if events is not None:
        asked.append(json.dumps(list(events)))
        only = " AND v.id IN (SELECT value FROM json_each(?))"
    rows = db.execute(
        f"SELECT l.thing, l.role, l.qty, l.uom, {_EVENT}"
        " FROM lots_line l JOIN lots_event v ON v.id = l.event"
        " WHERE l.thing IN (SELECT value FROM json_each(?)) AND l.role IN ('what', 'in', 'out')"
        f" AND v.void = 0{only}",
        asked,
    )
    found += [TraceLine(*row) for row in rows]
    rows = db.execute(
        # what was on a pallet goes where the pallet goes, until it is unpacked
        "WITH packed AS (SELECT c.thing, c.qty, c.uom, p.thing AS pallet, a.at AS since,"
        " coalesce((SELECT min(d.at) FROM lots_line q JOIN lots_event d ON d.id = q.event"
        " WHERE q.thing = p.thing AND q.role = 'parent' AND d.action = 'DELETE' AND d.void = 0"
        " AND d.at >= a.at), 9e18) AS until"
        " FROM lots_line c JOIN lots_event a ON a.id = c.event AND a.void = 0 AND a.action = 'ADD'"
        " JOIN lots_line p ON p.event = c.event AND p.role = 'parent'"
        " WHERE c.thing IN (SELECT value FROM json_each(?)) AND c.role = 'child')"
        f" SELECT k.thing, 'what', k.qty, k.uom, {_EVENT}"
        " FROM packed k JOIN lots_line l ON l.thing = k.pallet AND l.role = 'what'"
        " JOIN lots_event v ON v.id = l.event AND v.void = 0 AND v.at BETWEEN k.since AND k.until"
        f"{only}",
        asked,
    )
    found += [TraceLine(*row) for row in rows]
    return sorted(found, key=lambda each: (each.at, each.event_id, each.lot, each.role))


@dataclass(slots=True)
class _Pile:
    """Pieces in one condition, and the event that was the last to change them."""

    qty: float = 0.0
    last: TraceLine | None = None
    unknown: bool = False

    def add(self, line: TraceLine, sign: int = 1) -> None:
        if line.qty is None:
            self.unknown = True
        else:
            self.qty += sign * line.qty
        if sign > 0 or self.last is None:
            self.last = line


@dataclass(slots=True)
class Balance:
    """Where the pieces of some lots are, by (lot, place, state).

    Attributes:
        piles: pieces and the event behind each.
        doubts: what does not add up, in the user's language.
    """

    piles: dict[tuple[int, str, str], _Pile] = field(default_factory=lambda: defaultdict(_Pile))
    doubts: list[str] = field(default_factory=list)


def balance(found: Sequence[TraceLine]) -> Balance:
    """Where pieces are after these events.

    Shipping takes them from a place and lets them be on the way to another, receiving ends that;
    what was sent and did not arrive stays on the way. A place that puts lots on shelves or sells
    is a shop: what is there is on the shelf.

    Args:
        found: of `lines`.
    """
    result = Balance()
    piles = result.piles
    shops = {each.place for each in found if each.step in ("stocking", *SELLS)}
    for line in found:
        lot = line.lot
        here = (lot, line.place, ON_SHELF if line.place in shops else IN_STOCK)
        state = _did(line)
        if state == USED:
            _take(result, line, here)
            piles[lot, line.place, USED].add(line)
        elif state == MADE:
            piles[lot, line.place, MADE].add(line)
            piles[here].add(line)
        elif state == ON_THE_WAY:
            origin = line.source or line.place
            piles[lot, origin, ON_SHELF if origin in shops else IN_STOCK].add(line, -1)
            piles[lot, line.destination, ON_THE_WAY].add(line)
        elif line.step in _ARRIVES:
            _arrive(piles, line)
            piles[here].add(line)
        elif state in (SOLD, THROWN_AWAY):
            piles[here].add(line, -1)
            piles[lot, line.place, state].add(line)
        elif line.step in ("stocking", "storing") and here in piles:
            piles[here].last = line
        elif line.step == "stocking":  # the first that is heard of it there
            piles[here].add(line)
    return result


@dataclass(frozen=True, slots=True)
class LotPile:
    """Pieces of a lot in one place and state.

    Attributes:
        lot, place, state: which.
        qty: pieces or units; None when no paper says how many.
        line: the event that was the last to change them.
    """

    lot: int
    place: str
    state: str
    qty: float | None
    line: TraceLine


def standing(found: Balance, names: Mapping[int, Thing]) -> list[LotPile]:
    """The piles that are there, place by place; of those that are below nothing a doubt is noted.

    Args:
        found: of `balance`; its doubts grow.
        names: (item, lot) of the numbers of lots, in the order in which they are to stand.
    """
    order = {number: at for at, number in enumerate(names)}
    result = []
    for lot, place, state in sorted(
        found.piles, key=lambda key: (order[key[0]], key[1], STATES.index(key[2]))
    ):
        pile = found.piles[lot, place, state]
        if pile.last is None or (abs(pile.qty) < 1e-9 and not pile.unknown):
            continue
        if pile.qty < 0:
            found.doubts.append(
                _("{place} gave {qty} of lot {lot} more than it is known to have had.").format(
                    place=place or "?", qty=f"{-pile.qty:g}", lot=gs1.label(*names[lot])
                )
            )
            continue
        qty = None if pile.unknown and not pile.qty else pile.qty
        result.append(LotPile(lot, place, state, qty, pile.last))
    return result


def _take(result: Balance, line: TraceLine, here: tuple[int, str, str]) -> None:
    """Take what a run used from where it was used, else from where it was heard of last."""
    result.piles[here].add(line, -1)
    short = -result.piles[here].qty
    if short <= 1e-9:
        return
    for (lot, place, state), pile in list(result.piles.items()):
        if lot == line.lot and state in (IN_STOCK, ON_THE_WAY) and pile.qty > 1e-9 and short > 1e-9:
            moved = min(short, pile.qty)
            pile.qty -= moved
            short -= moved
            result.piles[here].qty += moved
            result.doubts.append(
                _("{qty} that {place} used has no paper of its way there from {other}.").format(
                    qty=f"{moved:g}", place=line.place or "?", other=place or "?"
                )
            )


def _arrive(piles: dict[tuple[int, str, str], _Pile], line: TraceLine) -> None:
    """Take what arrived off the way: what was sent here, else what was sent nobody knows where."""
    left = line.qty
    for place in (line.place, ""):
        way = piles.get((line.lot, place, ON_THE_WAY))
        if way is None:
            continue
        if left is None:
            way.qty, way.unknown = 0.0, False
            return
        taken = min(left, max(0.0, way.qty))
        way.qty -= taken
        left -= taken
        way.unknown = False
        if left <= 1e-9:
            return


def things(db: Database, numbers: Sequence[int]) -> dict[int, Thing]:
    """(item, lot) of numbers, in their order."""
    rows = db.execute(
        "SELECT id, item, lot FROM lots_thing WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(numbers)),),
    )
    found = {row[0]: (row[1], row[2]) for row in rows}
    return {number: found[number] for number in numbers}


def _papers(text: str) -> list[dict[str, str]]:
    return [{"type": kind, "number": number} for kind, number in json.loads(text)]


def _item(
    which: Thing, line: TraceLine, place: str, qty: float | None, state: str
) -> dict[str, Any]:
    return {
        "lot": which[1], "item": which[0], "place": place, "kind": line.step or line.role,
        "qty": qty if qty is None or not float(qty).is_integer() else int(qty), "state": state,
        "at": times.iso(line.at), "event_id": line.event_id, "papers": _papers(line.papers),
    }  # fmt: skip


def _event_item(which: Thing, line: TraceLine) -> dict[str, Any]:
    """One event of a lot, as lists show it."""
    return _item(which, line, line.place or line.source, line.qty, _did(line))


def history(db: Database, which: Thing) -> list[dict[str, Any]]:
    """Everything that happened to a lot itself, or to the lots on a pallet, in the order of time.

    Raises:
        NotFoundError: nothing is known of it.
    """
    numbers = lots_of(db, which)
    names = things(db, numbers)
    return [_event_item(names[line.lot], line) for line in lines(db, numbers)]


def with_states(
    db: Database, dated: Sequence[tuple[float, dict[str, Any]]]
) -> list[dict[str, Any]]:
    """The items, each of their papers with its state in the suppliers' register.

    Args:
        db: data.db.
        dated: (Unix seconds on which the papers must hold, item).
    """
    from storeops.domains.suppliers import lookup

    days = [times.local(at).date() for at, _item in dated]
    found = lookup.states(
        db,
        {
            (paper["number"], day)
            for day, (_at, item) in zip(days, dated, strict=True)
            for paper in item["papers"]
        },
    )
    for day, (_at, item) in zip(days, dated, strict=True):
        for paper in item["papers"]:
            paper["state"] = found[paper["number"], day]
    return [item for _at, item in dated]


def checked(db: Database, item: dict[str, Any]) -> list[dict[str, str]]:
    """The papers of an item of `history`, each with its state in the suppliers' register."""
    at = times.seconds_of(item["at"])
    (found,) = with_states(db, [(at, item)])
    papers: list[dict[str, str]] = found["papers"]
    return papers


def forward(db: Database, which: Thing) -> tuple[list[dict[str, Any]], list[str]]:
    """(items, doubts): where everything made of a lot is, lot by lot and place by place.

    Args:
        db: data.db.
        which: the lot, or a pallet.

    Raises:
        NotFoundError: nothing is known of it.
    """
    numbers = related(db, which)
    found = balance(lines(db, numbers))
    names = things(db, numbers)
    items = [
        (each.line.at, _item(names[each.lot], each.line, each.place, each.qty, each.state))
        for each in standing(found, names)
    ]
    return with_states(db, items), found.doubts


def back(db: Database, which: Thing) -> list[dict[str, Any]]:
    """What is behind a lot: its own events, and those of everything that went into it.

    The state of an item is what its event did: made, used, on_the_way, in_stock …

    Args:
        db: data.db.
        which: the lot, or a pallet.

    Raises:
        NotFoundError: nothing is known of it.
    """
    target = lots_of(db, which)
    numbers = list(upstream(db, target))
    names = things(db, numbers)
    order = {number: at for at, number in enumerate(numbers)}
    found = []
    for line in lines(db, numbers):
        if line.lot in target and _did(line) in (SOLD, THROWN_AWAY):
            continue  # what became of it is what `forward` says
        found.append((order[line.lot], line))
    found.sort(key=lambda each: (each[0], each[1].at))
    return with_states(db, [(line.at, _event_item(names[line.lot], line)) for _at, line in found])


def _did(line: TraceLine) -> str:
    """The state in which an event leaves pieces."""
    if line.role == "in":
        return USED
    if line.role == "out" or (line.step in _MAKES and line.action == "ADD"):
        return MADE
    if line.step == "shipping":
        return ON_THE_WAY
    if line.step in _ARRIVES:
        return IN_STOCK
    if line.step in SELLS:
        return SOLD
    if line.step in _ENDS or (line.action == "DELETE" and line.disposition in _GONE):
        return THROWN_AWAY
    return ON_SHELF if line.step == "stocking" else IN_STOCK


def event_bodies(db: Database, which: Thing) -> list[Any]:
    """The events of a trace both ways as they came, in the order of time; declarations too."""
    from storeops.domains.lots.event import unpack

    start = lots_of(db, which)
    numbers = list(dict.fromkeys([*upstream(db, start), *downstream(db, start)]))
    rows = db.execute(
        "WITH asked AS (SELECT value AS thing FROM json_each(?)),"
        " mine AS (SELECT DISTINCT l.event FROM lots_line l JOIN asked a ON a.thing = l.thing"
        " UNION SELECT l.event FROM asked a JOIN lots_line c ON c.thing = a.thing"
        " AND c.role = 'child' JOIN lots_line p ON p.event = c.event AND p.role = 'parent'"
        " JOIN lots_line l ON l.thing = p.thing)"
        " SELECT v.body, d.body FROM mine JOIN lots_event v ON v.id = mine.event"
        " LEFT JOIN lots_declared d ON d.digest = v.digest ORDER BY v.at, v.id",
        (json.dumps(numbers),),
    )
    found = []
    for body, declared in rows:
        found.append(unpack(body))
        if declared is not None:
            found.append(unpack(declared))
    return found
