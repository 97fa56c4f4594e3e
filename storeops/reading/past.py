"""Figures of a past day: today's mirror with everything undone that the timeline noted since."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from storeops import times
from storeops.database.database import Database
from storeops.errors import UsageError
from storeops.i18n import _
from storeops.mirror import meta
from storeops.reading.customers import names_of
from storeops.reading.facets import NO_MONTH
from storeops.reading.filter import one_of
from storeops.reading.filter_dates import normal, span
from storeops.reading.flows import known_since
from storeops.reading.query_rows import STATUS_ORDER
from storeops.reading.stats import StatsBar, named

WAYS = ("store", "owner", "tag", "way", "status", "state", "month")  # what the timeline keeps

_FOLLOWS = """
SELECT f.customer_id, f.staff_id, f.status, f.createtime, f.add_way, f.state, f.first_seen_at
    {tags}
FROM follow f ORDER BY f.customer_id, f.staff_id
"""
_TAGS = ", (SELECT group_concat(x.tag_id) FROM follow_tag x WHERE x.follow_id = f.id)"
_CHANGES = (
    "SELECT customer_id, staff_id, field, before FROM timeline WHERE at >= ?"
    " AND field IN ('status', 'tag', 'follow', 'store', 'state') ORDER BY id DESC"
)


@dataclass(frozen=True, slots=True)
class Past:
    """What a past day's figures are, and how far they can be trusted.

    Attributes:
        end: the second after the day, Unix seconds.
        bars: customers per value, most first.
        total: customers of that day, each once.
        more: there are more values than asked for.
        known_since: when the first complete reading of follows began; None: never. Relations that
            ended before are not known.
        read_later: relations of that day that the mirror first read after it; their store, tags
            and status are as first read.
    """

    end: int
    bars: tuple[StatsBar, ...]
    total: int
    more: bool
    known_since: int | None
    read_later: int


@dataclass(slots=True)
class _StateThen:
    """What was true at the end of the day, where it differs from now."""

    status: dict[tuple[int, int], str] = field(default_factory=dict)
    tags: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    created: dict[tuple[int, int], int] = field(default_factory=dict)
    way: dict[tuple[int, int], int] = field(default_factory=dict)
    state: dict[tuple[int, int], str] = field(default_factory=dict)
    store: dict[int, int] = field(default_factory=dict)


def end_of(word: str, now: float) -> int:
    """The second after a day, month or year of the calendar (`storeops.times`), Unix seconds.

    Raises:
        UsageError: not a date, or one that has not begun.
    """
    date = normal(word)
    if date is None:
        raise UsageError(
            _("“{text}” is not a date.").format(text=word),
            hint=_("Write 2026-05-01, 2026-05 or yesterday."),
        )
    start, end = span(date, now)
    if start > now:
        raise UsageError(
            _("{text} has not come yet.").format(text=word),
            hint=_("Write 2026-05-01, 2026-05 or yesterday."),
        )
    return end


def figures(
    db: Database,
    by: str,
    end: int,
    *,
    statuses: Sequence[str] = (),
    stores: Sequence[str] = (),
    limit: int = 50,
) -> Past:
    """Count the customers of a past day by store, owner, tag, way, status, state or month.

    Reads every follow once, in the order of customers; memory grows with what changed since the
    day and with the values, not with the customers.

    Args:
        db: data.db.
        by: one of WAYS.
        end: the second after the day, Unix seconds (`end_of`).
        statuses: relations that had one of these statuses only; () for all.
        stores: relations of members who then were in one of these shops only, named as in the
            filter language; () for all.
        limit: values.

    Raises:
        UsageError: a way to count, or a status, that the timeline does not keep.
        FilterError: no such shop.
        PolicyError: this is a back office, which knows no past.
    """
    meta.must_have_past(db.connection)
    if by not in WAYS:
        raise UsageError(
            _("A past day cannot be counted by {way}.").format(way=by),
            hint=_("Use one of: {words}.").format(words=_(", ").join(WAYS)),
        )
    for each in statuses:
        if each not in STATUS_ORDER:
            raise UsageError(
                _("A past day knows no status {status}.").format(status=each),
                hint=_("Use one of: {words}.").format(words=_(", ").join(STATUS_ORDER)),
            )
    shops = set(names_of(db).resolve("", one_of("store", stores, "--store"))) if stores else None
    then = _undo(db, end)
    store_of = dict(db.execute("SELECT id, main_department FROM staff").fetchall()) | then.store
    keys = {tag_id: str(key) for key, tag_id in db.execute("SELECT id, tag_id FROM tag")}
    counts: Counter[int | str] = Counter()
    total = later = 0
    person, values, there = None, set[int | str](), False
    sql = _FOLLOWS.format(tags=_TAGS if by == "tag" else ", NULL")
    for (
        customer, staff, status_now, created_now, way_now, state_now, first_seen, tags_now
    ) in db.execute(sql):  # fmt: skip
        pair = (customer, staff)
        created = then.created.get(pair, created_now)
        if (created or first_seen) >= end:
            continue
        status = then.status.get(pair, status_now)
        if statuses and status not in statuses:
            continue
        store = store_of.get(staff, 0)
        if shops is not None and store not in shops:
            continue
        if customer != person:
            counts.update(values)
            total += there
            person, values, there = customer, set(), False
        there = True
        later += first_seen >= end
        if by == "store":
            values.add(store)
        elif by == "owner":
            values.add(staff)
        elif by == "status":
            values.add(status)
        elif by == "way":
            values.add(then.way.get(pair, way_now))
        elif by == "state":
            values.update({then.state.get(pair, state_now)} - {""})
        elif by == "month":
            values.add(times.month(created) or NO_MONTH)
        elif pair in then.tags:
            values.update(int(keys[each]) for each in then.tags[pair] if each in keys)
        elif tags_now:
            values.update(map(int, tags_now.split(",")))
    counts.update(values)
    total += there
    if by == "month":  # the latest, in their order, as today's
        most = sorted(counts.items(), reverse=True)
    else:
        most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    bars = tuple(named(db, by, most[:limit]))
    return Past(
        end,
        bars[::-1] if by == "month" else bars,
        total,
        len(most) > limit,
        known_since(db),
        later,
    )


def _undo(db: Database, end: int) -> _StateThen:
    """The first `before` after the day is what was true at its end: the latest undone wins."""
    then = _StateThen()
    for customer, staff, name, text in db.execute(_CHANGES, (end,)):
        before = None if text is None else json.loads(text)
        if before is None or staff is None:
            continue
        if customer is None:
            if name == "store":
                then.store[staff] = before
        elif name == "status":
            then.status[customer, staff] = before
        elif name == "tag":
            then.tags[customer, staff] = before
        elif name == "follow":
            then.created[customer, staff] = before["createtime"]
            then.way[customer, staff] = before["add_way"]
        elif name == "state":
            then.state[customer, staff] = before
    return then
