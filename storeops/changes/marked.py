"""Whose follows are meant by marks on a screen, and how many may be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from storeops.changes import relations
from storeops.changes.follow_requests import ALL, NEWEST, OWNER, SelectedFollows
from storeops.changes.ledger import Ledger
from storeops.database.database import Database
from storeops.errors import PolicyError
from storeops.i18n import _
from storeops.notebook import marks

OWNERS = 5  # members who are offered by name


@dataclass(frozen=True, slots=True)
class MarkedCustomers:
    """Whom it is about.

    Attributes:
        customers: customer.id of each, in order.
        several: how many of them several members follow.
        owners: (userid, name) of the members who follow most of them, at most `OWNERS`.
    """

    customers: tuple[int, ...]
    several: int
    owners: tuple[tuple[str, str], ...]


def subjects(ledger: Ledger, under_cursor: int | None) -> MarkedCustomers:
    """The marked customers, or the one under the cursor when none is marked.

    Raises:
        PolicyError: more are marked than one plan may have rows.
    """
    db = ledger.db
    count = marks.count(db, marks.DEFAULT)
    most = ledger.policy.max_rows_per_plan
    if most is not None and count > most:
        raise PolicyError(
            _("{several} customers are marked; one plan may have {limit} rows.").format(
                several=f"{count:,}", limit=f"{most:,}"
            ),
            hint=_("Mark fewer of them, or make several plans one after the other."),
        )
    if count:
        selected = tuple(marks.ids_of(db, marks.DEFAULT))
    else:
        selected = () if under_cursor is None else (under_cursor,)
    several, owners = 0, Counter[tuple[str, str]]()
    for follows in relations.of_customers(db, selected):
        active = _active(follows)
        several += len(active) > 1
        owners.update((each.userid, each.staff_name) for each in active)
    offered = tuple(who for who, _count in owners.most_common(OWNERS))
    return MarkedCustomers(selected, several, offered)


def only(userid: str) -> str:
    """The `follows` that means one member's alone."""
    return f"{OWNER}:{userid}"


def carried(db: Database, whom: MarkedCustomers, most: int = 2_000) -> dict[str, int]:
    """tag_id → how many of these customers carry it; nothing for more than `most` customers."""
    if len(whom.customers) > most:
        return {}
    selected = follows_of(db, whom, ALL).relations
    tags = relations.tags_of(db, [each.follow_id for each in selected])
    found: dict[str, set[str]] = {}
    for each in selected:
        for tag_id in tags[each.follow_id]:
            found.setdefault(tag_id, set()).add(each.external_userid)
    return {tag_id: len(people) for tag_id, people in found.items()}


def _active(follows: list[relations.Relation]) -> list[relations.Relation]:
    return [each for each in follows if each.status == "active"] or follows


def follows_of(db: Database, whom: MarkedCustomers, follows: str) -> SelectedFollows:
    """The follows meant.

    Args:
        db: data.db.
        whom: the customers.
        follows: all | newest | what `only` makes of a member.
    """
    selected = SelectedFollows()
    way, _colon, userid = follows.partition(":")
    owners = (userid,) if way == OWNER else ()
    for found in relations.of_customers(db, whom.customers, owners=owners):
        active = _active(found)
        selected.relations += active[:1] if follows == NEWEST else active
    return selected
