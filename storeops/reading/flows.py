"""What a span of days brought: relations added, ended, tagged.

Taken from the mirror as it is now and from its timeline, so that any past day comes out the same
whenever it is asked for. What carries a time of its own (an adding, a deletion that an event told,
a job, a handover) belongs to the day of that time. What a reading found belongs to the day that
the reading closes: the first complete one that began within `CLOSES_S` after the day's end.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from storeops.database.database import Database
from storeops.mirror import meta

CLOSES_S = 10 * 3600  # a reading that begins when the shops are open closes no day before
ASSIGNED = 202  # add_way: an administrator, or a handover
BY_CUSTOMER, BY_MEMBER, FOUND, MOVED = "by_customer", "by_member", "found", "moved"
_LOST, _HANDED_OVER = '"lost"', '"handed_over"'  # as the timeline has them

READ = ("sync", "event")  # sources of what was found, and has no time of its own

Pair = tuple[int, int]  # customer.id, staff.id

_READINGS = (
    "SELECT s.started_at, s.finished_at FROM sync_scope AS s JOIN sync_run AS r ON r.id = s.run_id"
    " WHERE s.scope = 'follows' AND s.outcome = 'complete' AND r.mode <> 'store'"
    " AND s.started_at >= ? ORDER BY s.started_at LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class DaySpan:
    """Whole days, and what closes them.

    Attributes:
        start, end: Unix seconds, [start, end).
        opened_at: until when facts that were read belong to the days before; `start` when no
            reading closed those.
        closed_at: until when facts that were read belong to these days; `end` when none did.
    """

    start: int
    end: int
    opened_at: int
    closed_at: int

    def contains(self, source: str, at: float) -> bool:
        """Whether a change without a time of its own belongs to these days."""
        if source in READ:
            return self.opened_at < at <= self.closed_at
        return self.start <= at < self.end

    def before_its_end(self, source: str, at: float) -> bool:
        """Whether such a change was there at the end."""
        return at <= self.closed_at if source in READ else at < self.end


@dataclass(slots=True)
class Flows:
    """What happened to relations within the span.

    Attributes:
        added: pairs that began, but for those that were handed over or assigned.
        lost: pair → how it ended: by_customer, by_member, or found by a reading.
        moved: pairs that became handed over, as the timeline has it.
        tags: pair → tags put on.
        by_tag: WeCom's tag id → relations it was put on.
    """

    added: set[Pair] = field(default_factory=set)
    lost: dict[Pair, str] = field(default_factory=dict)
    moved: set[Pair] = field(default_factory=set)
    tags: Counter[Pair] = field(default_factory=Counter)
    by_tag: Counter[str] = field(default_factory=Counter)


def span(db: Database, start: int, end: int) -> DaySpan:
    """The days [start, end), Unix seconds, with the readings that close them."""
    return DaySpan(start, end, _closing(db, start), _closing(db, end))


def _closing(db: Database, moment: int) -> int:
    found = db.execute(_READINGS, (moment,)).fetchone()
    if found is None or found[0] >= moment + CLOSES_S:
        return moment
    return int(found[1] or found[0])


def known_since(db: Database) -> int | None:
    """When the first complete reading of follows began, Unix seconds; None never."""
    return next_reading(db, 0)


def last_reading(db: Database) -> int | None:
    """When the newest complete reading of follows began, Unix seconds; None never."""
    found = db.execute(
        "SELECT max(s.started_at) FROM sync_scope AS s JOIN sync_run AS r ON r.id = s.run_id"
        " WHERE s.scope = 'follows' AND s.outcome = 'complete' AND r.mode <> 'store'"
    ).fetchone()[0]
    return None if found is None else int(found)


def next_reading(db: Database, moment: int) -> int | None:
    """When the first complete reading from this moment on began, Unix seconds; None: none yet."""
    found = db.execute(_READINGS, (moment,)).fetchone()
    return None if found is None else int(found[0])


def unread_members(db: Database, moment: int) -> int | None:
    """Members whose customers the newest reading that began from this moment on could not read.

    None when there was no reading.
    """
    run = db.execute(
        "SELECT s.run_id FROM sync_scope AS s JOIN sync_run AS r ON r.id = s.run_id"
        " WHERE s.scope = 'follows' AND s.outcome IS NOT NULL AND r.mode <> 'store'"
        " AND s.started_at >= ? ORDER BY s.started_at DESC LIMIT 1",
        (moment,),
    ).fetchone()
    if run is None:
        return None
    found = db.execute(
        "SELECT count(*) FROM sync_failure WHERE run_id = ? AND scope = 'follows'", run
    ).fetchone()
    return int(found[0])


def pairs_of(db: Database, named: Collection[tuple[str, str]]) -> dict[tuple[str, str], Pair]:
    """(userid, external_userid) → pair, for those the mirror knows; userids in lower case."""
    staff = {
        userid.lower(): key
        for userid, key in db.execute(
            "SELECT userid, staff_id FROM staff_by_userid WHERE userid IN"
            " (SELECT value FROM json_each(?))",
            (json.dumps(sorted({userid for userid, _external in named})),),
        )
    }
    people = dict(
        db.execute(
            "SELECT external_userid, id FROM customer WHERE external_userid IN"
            " (SELECT value FROM json_each(?))",
            (json.dumps(sorted({external for _userid, external in named})),),
        ).fetchall()
    )
    return {
        (userid, external): (people[external], staff[userid.lower()])
        for userid, external in named
        if external in people and userid.lower() in staff
    }


def stores_then(db: Database, days: DaySpan) -> dict[int, int]:
    """staff.id → department id of the shop at the end of the days; 0 for none."""
    found = dict(db.execute("SELECT id, main_department FROM staff").fetchall())
    for staff, before, source, at in db.execute(
        "SELECT staff_id, before, source, at FROM timeline WHERE at >= ? AND field = 'store'"
        " AND customer_id IS NULL ORDER BY at DESC, id DESC",
        (days.end,),
    ):
        if before is not None and not days.before_its_end(source, at):
            found[staff] = json.loads(before)
    return found


def flows(db: Database, days: DaySpan) -> Flows:
    """What happened to relations within the days.

    Raises:
        PolicyError: this is a back office, which knows no past.
    """
    meta.must_have_past(db.connection)
    found = Flows()
    found.added.update(pair for pair, began in _added(db, days.start, days.end))
    for end in _endings(db, days.start):
        if end.within(days):
            if end.how == MOVED:
                found.moved.add(end.pair)
            elif end.how != FOUND or end.pair not in found.lost:
                found.lost[end.pair] = end.how
    for customer, staff, before, after, source, at in db.execute(
        "SELECT customer_id, staff_id, before, after, source, at FROM timeline"
        " WHERE at >= ? AND at <= ? AND field = 'tag' AND customer_id IS NOT NULL",
        (days.start, max(days.end, days.closed_at)),
    ):
        if days.contains(source, at):
            new = set(json.loads(after or "[]")) - set(json.loads(before or "[]"))
            if new:
                found.tags[customer, staff] += len(new)
                found.by_tag.update(new)
    return found


def origins(db: Database, pairs: Collection[Pair]) -> dict[Pair, tuple[int, str]]:
    """pair → (add_way, state) as the mirror has them."""
    people = json.dumps(sorted({customer for customer, _staff in pairs}))
    return {
        (customer, staff): (way, state)
        for customer, staff, way, state in db.execute(
            "SELECT customer_id, staff_id, add_way, state FROM follow"
            " WHERE customer_id IN (SELECT value FROM json_each(?))",
            (people,),
        )
        if (customer, staff) in pairs
    }


def per_day(
    db: Database, starts: Sequence[int], staff: Collection[int] | None = None
) -> list[tuple[int, int]]:
    """(added, lost) people of each of some days that follow each other.

    Args:
        db: data.db.
        starts: the first second of each day, and at the end that of the day after; Unix seconds.
        staff: relations of these members only, by staff.id; None: of all.
    """
    added: list[set[int]] = [set() for _each in starts]
    lost: list[set[int]] = [set() for _each in starts]
    for (customer, member), began in _added(db, starts[0], starts[-1]):
        if staff is None or member in staff:
            added[bisect_right(starts, began) - 1].add(customer)
    closings = [_closing(db, start) for start in starts]
    for each in _endings(db, starts[0]):
        if each.how == MOVED or (staff is not None and each.pair[1] not in staff):
            continue
        if each.own is not None:
            day = bisect_right(starts, each.own) - 1
        elif each.source in READ:
            day = bisect_left(closings, each.at) - 1
        else:
            day = bisect_right(starts, each.at) - 1
        if 0 <= day < len(starts) - 1:
            lost[day].add(each.pair[0])
    return [(len(new), len(gone)) for new, gone in zip(added[:-1], lost[:-1], strict=True)]


def _added(db: Database, start: int, end: int) -> Iterator[tuple[Pair, int]]:
    """(pair, when) of relations that began, also of those that ended and began again since."""
    for customer, staff, began in db.execute(
        "SELECT customer_id, staff_id, createtime FROM follow WHERE createtime >= ?"
        " AND createtime < ? AND add_way <> ?",
        (start, end, ASSIGNED),
    ):
        yield (customer, staff), began
    for customer, staff, before in db.execute(
        "SELECT customer_id, staff_id, before FROM timeline"
        " WHERE at >= ? AND field = 'follow' AND before IS NOT NULL",
        (start,),
    ):
        relation = json.loads(before)
        if start <= relation["createtime"] < end and relation["add_way"] != ASSIGNED:
            yield (customer, staff), relation["createtime"]


@dataclass(frozen=True, slots=True)
class _Ending:
    """One end of a relation: how, and when it was (`own`) or was found (`at` by `source`)."""

    pair: Pair
    how: str
    own: int | None
    source: str
    at: int

    def within(self, days: DaySpan) -> bool:
        if self.own is not None:
            return days.start <= self.own < days.end
        return days.contains(self.source, self.at)


def _endings(db: Database, since: int) -> list[_Ending]:
    """Every end that was learnt since; a loss that turned out to be a handover is none.

    A deletion that an event told explains the loss that was noted with it or before: of the two
    the one with the time of its own counts.
    """
    found: list[_Ending] = []
    unexplained: dict[Pair, list[int]] = defaultdict(list)  # places in `found`
    gone: set[int] = set()
    for customer, staff, name, before, after, source, at in db.execute(
        "SELECT customer_id, staff_id, field, before, after, source, at FROM timeline"
        " WHERE at >= ? AND customer_id IS NOT NULL AND staff_id IS NOT NULL"
        " AND field IN ('status', 'deleted_by_customer', 'deleted_by_member') ORDER BY id",
        (since,),
    ):
        pair = (customer, staff)
        if name == "deleted_by_customer":
            found.append(_Ending(pair, BY_CUSTOMER, int(after), source, at))
        elif name == "deleted_by_member":
            waiting = unexplained[pair]
            if waiting:
                gone.add(waiting.pop(0))
            found.append(_Ending(pair, BY_MEMBER, int(after), source, at))
        elif after == _LOST:
            unexplained[pair].append(len(found))
            found.append(_Ending(pair, FOUND, None, source, at))
        elif after == _HANDED_OVER:
            if before == _LOST:
                gone.update(
                    place for place, each in enumerate(found)
                    if each.pair == pair and each.how in (FOUND, BY_MEMBER)
                )  # fmt: skip
            found.append(_Ending(pair, MOVED, None, source, at))
    return [each for place, each in enumerate(found) if place not in gone]
