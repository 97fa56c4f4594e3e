"""By what customers are known outside: ids, unionids and the phone numbers of their relations."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from storeops.tables import typed


@dataclass(frozen=True, slots=True)
class MirrorPosition:
    """How far somebody has read: the newest customer, follow and line of the timeline."""

    customer: int = 0
    follow: int = 0
    timeline: int = 0


def position(connection: sqlite3.Connection) -> MirrorPosition:
    """The newest of everything; three looks at the end of a table."""
    found = (
        connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]
        for table in ("customer", "follow", "timeline")
    )
    return MirrorPosition(*found)


def ids_of(connection: sqlite3.Connection, external_userids: Iterable[str]) -> dict[str, int]:
    """external_userid → customer.id of those that are known."""
    rows = connection.execute(
        "SELECT external_userid, id FROM customer"
        " WHERE external_userid IN (SELECT value FROM json_each(?))",
        (json.dumps(list(external_userids)),),
    )
    return dict(rows.fetchall())


def people(connection: sqlite3.Connection, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """customer.id → (external_userid, name)."""
    rows = connection.execute(
        "SELECT id, external_userid, name FROM customer WHERE id IN"
        " (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    )
    return {key: (external, name) for key, external, name in rows}


def newcomers(connection: sqlite3.Connection, after: int) -> Iterator[tuple[int, str, str]]:
    """(customer.id, external_userid, unionid) of customers whose id is larger, at flat memory."""
    while rows := connection.execute(
        "SELECT id, external_userid, unionid FROM customer WHERE id > ? ORDER BY id LIMIT 5000",
        (after,),
    ).fetchall():
        yield from rows
        after = rows[-1][0]


def with_unionids(
    connection: sqlite3.Connection, wanted: Collection[str]
) -> Iterator[tuple[str, int]]:
    """(unionid, customer.id) of customers that have one of `wanted`; reads every customer."""
    for key, unionid in connection.execute("SELECT id, unionid FROM customer WHERE unionid <> ''"):
        if unionid in wanted:
            yield unionid, key


def numbers(connection: sqlite3.Connection, after: int = 0) -> Iterator[tuple[int, str]]:
    """(customer.id, digits) of every phone number in a relation, at flat memory.

    Args:
        connection: on data.db.
        after: only follows whose id is larger; 0 reads every one.
    """
    while rows := connection.execute(
        "SELECT id, customer_id, mobiles FROM follow WHERE id > ? ORDER BY id LIMIT 5000", (after,)
    ).fetchall():
        for _follow, customer, mobiles in rows:
            if mobiles != "[]":
                for each in json.loads(mobiles):
                    yield customer, typed.phone(each)
        after = rows[-1][0]


def changed_numbers(connection: sqlite3.Connection, after: int) -> Iterator[tuple[int, str]]:
    """(customer.id, digits) of numbers that came to a relation or went, behind a line of the
    timeline."""
    for customer, *texts in connection.execute(
        "SELECT customer_id, before, after FROM timeline WHERE id > ? AND field = 'mobiles'"
        " AND customer_id IS NOT NULL",
        (after,),
    ).fetchall():
        for text in filter(None, texts):
            for each in json.loads(text):
                yield customer, typed.phone(each)


def certain_since(connection: sqlite3.Connection, customers: Iterable[int]) -> dict[int, int]:
    """customer.id → the moment (Unix seconds) from which on its numbers are those of today."""
    rows = connection.execute(
        "SELECT j.value, coalesce((SELECT min(f.createtime) FROM follow f"
        " WHERE f.customer_id = j.value), 0), coalesce((SELECT max(t.at) FROM timeline t"
        " WHERE t.customer_id = j.value AND t.field = 'mobiles'), 0) FROM json_each(?) j",
        (json.dumps(sorted(set(customers))),),
    )
    return {key: max(begun, changed) for key, begun, changed in rows}


@dataclass(frozen=True, slots=True)
class NumberHolding:
    """A customer had a number: from when the relation began, or the number was noted, until it was
    noted that it is gone; Unix seconds, `end` exclusive, None while it lasts."""

    customer: int
    start: int
    end: int | None = None

    def covers(self, at: int) -> bool:
        """Whether the customer had it at a moment."""
        return self.start <= at and (self.end is None or at < self.end)


def holdings(
    connection: sqlite3.Connection, wanted: Collection[str], forms: Callable[[str], list[str]]
) -> dict[str, list[NumberHolding]]:
    """Form of a number → who had it when, by what was noted; reads every relation and every change
    of numbers.

    Args:
        connection: on data.db.
        wanted: forms that are looked for.
        forms: number → all its forms.
    """
    found: dict[str, list[NumberHolding]] = defaultdict(list)
    since: dict[tuple[int, int, str], int] = {}  # (customer, member, number) → noted at
    begun: dict[tuple[int, int], int] = {}

    def keep(customer: int, staff: int, number: str, end: int | None) -> None:
        start = since.pop((customer, staff, number), begun.get((customer, staff), 0))
        for form in forms(number):
            if form in wanted:
                found[form].append(NumberHolding(customer, start, end))

    now: list[tuple[int, int, set[str]]] = []
    for customer, staff, created, mobiles in connection.execute(
        "SELECT customer_id, staff_id, createtime, mobiles FROM follow"
    ):
        begun[customer, staff] = created
        if mobiles != "[]":
            now.append((customer, staff, _digits(mobiles)))
    for customer, staff, at, before, after in connection.execute(
        "SELECT customer_id, coalesce(staff_id, 0), at, before, after FROM timeline"
        " WHERE field = 'mobiles' AND customer_id IS NOT NULL ORDER BY at, id"
    ):
        had, has = _digits(before), _digits(after)
        for number in had - has:
            keep(customer, staff, number, at)
        since.update({(customer, staff, number): at for number in has - had})
    for customer, staff, numbers_ in now:
        for number in numbers_:
            keep(customer, staff, number, None)
    return found


def _digits(mobiles: str | None) -> set[str]:
    return {typed.phone(each) for each in json.loads(mobiles)} if mobiles else set()
