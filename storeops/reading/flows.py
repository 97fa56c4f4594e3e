"""What a span of days brought, and how things stood at its end: relations added, ended, tagged.

Taken from the mirror as it is now and from its timeline, so that any past day comes out the same
whenever it is asked for. What carries a time of its own (an adding, a deletion that an event told,
a job, a handover) belongs to the day of that time. What a reading found belongs to the day that
the reading closes: the first complete one that began within `CLOSES_S` after the day's end.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter

from storeops.database.database import Database

CLOSES_S = 10 * 3600  # a reading that begins when the shops are open closes no day before
ASSIGNED = 202  # add_way: an administrator, or a handover
ENDED = ("lost", "handed_over")
BY_CUSTOMER, BY_MEMBER, FOUND, MOVED = "by_customer", "by_member", "found", "moved"
_LOST, _HANDED_OVER = '"lost"', '"handed_over"'  # as the timeline has them

Pair = tuple[int, int]  # customer.id, staff.id

_READINGS = (
    "SELECT s.started_at, s.finished_at FROM sync_scope AS s JOIN sync_run AS r ON r.id = s.run_id"
    " WHERE s.scope = 'follows' AND s.outcome = 'complete' AND r.mode <> 'store'"
    " AND s.started_at >= ? ORDER BY s.started_at LIMIT 1"
)
_WITHIN = "createtime > 0 AND createtime < ?"
_BY_STAFF = f"SELECT staff_id, count(*) FROM follow WHERE {_WITHIN} GROUP BY staff_id"
_TAGGED_BY_STAFF = (
    "SELECT f.staff_id, count(*) FROM (SELECT DISTINCT follow_id FROM follow_tag) AS t"
    f" CROSS JOIN follow AS f ON f.id = t.follow_id WHERE f.{_WITHIN} GROUP BY +f.staff_id"
)
_APART = (  # of whom the two statements above do not tell all
    "SELECT customer_id FROM follow GROUP BY customer_id HAVING count(*) > 1",
    "SELECT customer_id FROM follow WHERE status IN ('lost', 'handed_over')"
    " AND status <> 'active'",  # lets SQLite take the small index follow_by_status
    "SELECT customer_id FROM follow WHERE createtime <= 0",
    f"SELECT customer_id FROM follow WHERE add_way = {ASSIGNED} AND tags_known = 0",
)
_ONE_BY_ONE = (
    "SELECT f.customer_id, f.staff_id, f.status, f.createtime, f.first_seen_at, f.tags_known,"
    " EXISTS (SELECT 1 FROM follow_tag AS t WHERE t.follow_id = f.id) FROM follow AS f"
    " WHERE f.customer_id IN (SELECT value FROM json_each(?)) ORDER BY f.customer_id"
)
_LATER = (
    "SELECT customer_id, staff_id, field, before, after, source, at FROM timeline"
    " WHERE at >= ? AND staff_id IS NOT NULL"
    " AND field IN ('status', 'tag', 'follow', 'store', 'deleted_by_member')"
    " ORDER BY at DESC, id DESC"
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

    def holds(self, source: str, at: float) -> bool:
        """Whether a change without a time of its own belongs to these days."""
        if source in ("sync", "event"):
            return self.opened_at < at <= self.closed_at
        return self.start <= at < self.end

    def before_its_end(self, source: str, at: float) -> bool:
        """Whether such a change was there at the end."""
        return at <= self.closed_at if source in ("sync", "event") else at < self.end


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
    found = db.execute(_READINGS, (0,)).fetchone()
    return None if found is None else int(found[0])


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


def _undo(db: Database, days: DaySpan, moved_at: Mapping[Pair, float]) -> _AtTheEnd:
    """The first `before` after the end is what was true then: the earliest is undone last."""
    undone = _AtTheEnd()
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
        pair = (customer, staff)
        if customer is None or before is None:
            continue
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
                undone.status[pair] = json.loads(before)
        elif name == "follow":
            if pair in again:
                undone.began[pair] = json.loads(before)["createtime"]
        elif name == "tag" and not there:
            undone.tagged[pair] = bool(json.loads(before))
    return undone


def held(
    db: Database, days: DaySpan, store_of: Mapping[int, int], moved_at: Mapping[Pair, float]
) -> Held:
    """The people somebody followed at the end of the days.

    Who has one relation that did not change is counted by SQLite; the others one by one.

    Args:
        db: data.db.
        days: which.
        store_of: as `stores_then` gives it.
        moved_at: when relations really were handed over, Unix seconds, where that is known.
    """
    undone = _undo(db, days, moved_at)
    apart = undone.people()
    for sql in _APART:
        apart.update(row[0] for row in db.execute(sql))
    alone = Counter(dict(db.execute(_BY_STAFF, (days.end,)).fetchall()))
    tagged_alone = Counter(dict(db.execute(_TAGGED_BY_STAFF, (days.end,)).fetchall()))
    found = Held()
    rows = db.execute(_ONE_BY_ONE, (json.dumps(sorted(apart)),))
    for _customer, relations in groupby(rows, key=itemgetter(0)):
        there: list[tuple[int, bool | None]] = []
        for customer, staff, status, created, seen, known, tags in relations:
            pair = (customer, staff)
            if 0 < created < days.end:
                alone[staff] -= 1
                tagged_alone[staff] -= tags
            began = undone.began.get(pair, created) or seen
            if began < days.end and undone.status.get(pair, status) not in ENDED:
                there.append((staff, undone.tagged.get(pair, bool(tags) if known else None)))
        if there:
            _count_person(found, there, store_of)
    for staff, people in alone.items():
        store, bare = store_of.get(staff, 0), people - tagged_alone[staff]
        found.total += people
        found.untagged += bare
        found.by_staff[staff] += people
        found.untagged_by_staff[staff] += bare
        found.by_store[store] += people
        found.untagged_by_store[store] += bare
    return found


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


def flows(db: Database, days: DaySpan) -> Flows:
    """What happened to relations within the days."""
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
        if days.holds(source, at):
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


def per_day(db: Database, starts: Sequence[int]) -> list[tuple[int, int]]:
    """(added, lost) people of each of some days that follow each other.

    Args:
        db: data.db.
        starts: the first second of each day, and at the end that of the day after; Unix seconds.
    """
    added: dict[int, set[int]] = defaultdict(set)
    for (customer, _staff), began in _added(db, starts[0], starts[-1]):
        added[bisect_right(starts, began)].add(customer)
    endings = [each for each in _endings(db, starts[0]) if each.how != MOVED]
    found = []
    for number, (start, end) in enumerate(pairwise(starts), start=1):
        days = span(db, start, end)
        lost = {each.pair[0] for each in endings if each.within(days)}
        found.append((len(added[number]), len(lost)))
    return found


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
        return days.holds(self.source, self.at)


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
