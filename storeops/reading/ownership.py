"""Who had a customer when: the spans of relations, from what WeCom tells and the timeline kept.

WeCom tells when a relation began, never when one ended; the end is when it was noticed. What was
over before the first reading of a customer is not known, and nobody's guess.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

ASSIGNED = 202  # add_way of whom an administrator assigned to a colleague (doc 92114)
_GIVEN = ("handed_over", "unassigned", "left")  # how the span of who gave a customer away ends


@dataclass(frozen=True, slots=True)
class OwnerSpan:
    """A member had a customer.

    Attributes:
        userid: of the member, as it is today.
        start: Unix seconds; when the customer was added.
        end: Unix seconds, exclusive; None while it lasts.
        ended: why it is over: lost, missing, handed_over, unassigned, out_of_scope, left; "".
    """

    userid: str
    start: int
    end: int | None = None
    ended: str = ""

    def covers(self, at: int) -> bool:
        """Whether the member had the customer at a moment."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class CustomerOwners:
    """Everybody who had a customer.

    Attributes:
        first_seen_at: when the customer was read first; ends before it are not known.
        spans: the first added first.
    """

    first_seen_at: int
    spans: tuple[OwnerSpan, ...] = ()


def owners_of(
    connection: sqlite3.Connection, customers: Iterable[int]
) -> dict[int, CustomerOwners]:
    """customer.id → who had it when.

    Args:
        connection: on data.db.
        customers: customer.id, at most some thousands at once.
    """
    ids = json.dumps(sorted(set(customers)))
    seen = dict(connection.execute(
        "SELECT id, first_seen_at FROM customer WHERE id IN (SELECT value FROM json_each(?))",
        (ids,)).fetchall())  # fmt: skip
    changes: dict[tuple[int, int], list[tuple[int, str, str]]] = defaultdict(list)
    begun: dict[tuple[int, int], list[int]] = defaultdict(list)
    for customer, staff, at, field, before, after in connection.execute(
        "SELECT customer_id, staff_id, at, field, before, after FROM timeline"
        " WHERE customer_id IN (SELECT value FROM json_each(?)) AND staff_id IS NOT NULL"
        " AND field IN ('status', 'follow') ORDER BY at, id",
        (ids,),
    ):
        if field == "status":
            changes[customer, staff].append((at, _text(before), _text(after)))
        for each in (before, after) if field == "follow" else ():
            created = json.loads(each).get("createtime", 0) if each else 0
            if created > 0:
                begun[customer, staff].append(created)
    spans: dict[int, list[OwnerSpan]] = defaultdict(list)
    for customer, staff, userid, created, status, updated, left_at in connection.execute(
        "SELECT f.customer_id, f.staff_id, s.userid, f.createtime, f.status, f.updated_at,"
        " CASE WHEN s.status = 'left' THEN s.left_at END"
        " FROM follow f JOIN staff s ON s.id = f.staff_id"
        " WHERE f.customer_id IN (SELECT value FROM json_each(?))",
        (ids,),
    ):
        found = _spans(userid, created, status, updated, changes[customer, staff],
                       sorted(begun[customer, staff]))  # fmt: skip
        if left_at is not None:
            found = [_until(each, left_at) for each in found]
        spans[customer] += found
    return {
        key: CustomerOwners(at, tuple(sorted(
            spans[key], key=lambda each: (each.start, each.userid.casefold()))))
        for key, at in seen.items()
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class AssignedCustomer:
    """Somebody assigned a customer to a colleague, in the console or through us.

    Attributes:
        external_userid: of the customer.
        at: Unix seconds.
        former, present: userids, as they are today.
        lasts: whether the colleague still has the customer.
    """

    external_userid: str
    at: int
    former: str
    present: str
    lasts: bool


def assigned_of(connection: sqlite3.Connection, customers: Iterable[int]) -> list[AssignedCustomer]:
    """Assignments of these customers (customer.id), the oldest first; left out where nobody knows
    whose they were."""
    return _assigned(connection, "f.customer_id IN (SELECT value FROM json_each(?))",
                     json.dumps(sorted(set(customers))))  # fmt: skip


def assigned_between(
    connection: sqlite3.Connection, start: int, until: int
) -> list[AssignedCustomer]:
    """The same of those in [start, until), Unix seconds."""
    return _assigned(connection, "f.createtime >= ? AND f.createtime < ?", start, until)


def _assigned(
    connection: sqlite3.Connection, where: str, *values: int | str
) -> list[AssignedCustomer]:
    rows = connection.execute(
        "SELECT f.customer_id, c.external_userid, f.createtime, s.userid, f.status FROM follow f"
        " JOIN customer c ON c.id = f.customer_id JOIN staff s ON s.id = f.staff_id"
        f" WHERE f.add_way = {ASSIGNED} AND {where} ORDER BY f.createtime, f.id",
        values,
    ).fetchall()
    customers = sorted({row[0] for row in rows})
    owners: dict[int, CustomerOwners] = {}
    for piece in range(0, len(customers), 2_000):
        owners |= owners_of(connection, customers[piece : piece + 2_000])
    found = []
    for customer, external, at, userid, status in rows:
        # the end was noticed by a later sync, or is when the former owner left before
        gave = [
            each for each in owners[customer].spans
            if each.start < at and each.ended in _GIVEN and each.userid != userid
        ]  # fmt: skip
        if gave:
            former = min(gave, key=lambda each: abs((each.end or at) - at)).userid
            found.append(AssignedCustomer(external, at, former, userid, status == "active"))
    return found


def _until(span: OwnerSpan, left_at: int) -> OwnerSpan:
    """A span that ends at the latest when its member left; who was lost after that stays lost."""
    if span.end is not None and span.end <= left_at:
        return span
    how = span.ended if span.ended == "lost" else "left"
    return replace(span, end=max(span.start, left_at), ended=how)


def _text(value: str | None) -> str:
    return str(json.loads(value)) if value else ""


def _spans(
    userid: str,
    created: int,
    status: str,
    updated: int,
    changes: list[tuple[int, str, str]],
    begun: list[int],
) -> list[OwnerSpan]:
    start = min([each for each in (created, *begun) if each > 0], default=0)
    found: list[OwnerSpan] = []
    open_ = True
    for at, _before, after in changes:
        if after == "active":
            if not open_:
                again = max((each for each in (created, *begun) if each <= at), default=at)
                last = found[-1].end if found else None
                start, open_ = again if last is None or again > last else at, True
        elif open_:
            found.append(OwnerSpan(userid, start, max(start, at), after))
            open_ = False
        elif after == "lost":  # nobody waits for another owner any more
            found[-1] = replace(found[-1], ended=after)
    if open_:
        if status == "active":
            found.append(OwnerSpan(userid, start))
        else:
            found.append(OwnerSpan(userid, start, max(start, updated), status))
    return found
