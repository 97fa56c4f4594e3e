"""Contact ways in filters, in a shell and in the morning."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.contact_way.ways import DEAD, STALE, listed
from storeops.i18n import N_, _, ngettext
from storeops.operations.completion_values import most
from storeops.reading.conditions import Condition, came_with

# a key is the id of the way that was named by its config_id, or of one of those of a state (all of
# them mean that state), or, below zero, the id of one of the ways of a name
_STATES = (
    "SELECT o.state FROM (SELECT ? AS id) k JOIN contact_way o ON o.id = k.id OR o.remark ="
    " (SELECT w.remark FROM contact_way w WHERE w.id = -k.id AND w.remark <> '')"
    " WHERE o.state <> ''"
)


def _named(connection: sqlite3.Connection) -> Mapping[str, int]:
    """config_id → the way's id, name → the id below zero of one of the ways called so, state → the
    id of one of those of it. What is an id is no name, and what is a name is no state."""
    ids: dict[str, int] = {}
    names: dict[str, int] = {}
    states: dict[str, int] = {}
    for number, config_id, remark, state in connection.execute(
        "SELECT id, config_id, remark, state FROM contact_way WHERE state <> '' ORDER BY id"
    ):
        ids[config_id] = number
        if remark:
            names.setdefault(remark, -number)
        states.setdefault(state, number)
    return {**states, **names, **ids}


CONTACT_WAY = Condition(
    named=_named,
    unknown=N_("no contact way with a state has the name, state or config_id “{value}”"),
    **came_with(_STATES),
    words=("活码", "渠道活码"),
    help=N_("Came by the contact way of this name, state or config_id: contact-way:poster."),
)


def completion(db: Database, start: str) -> Sequence[tuple[str, str]]:
    """Names of contact ways, with their states."""
    return most(
        db,
        "SELECT remark AS value, max(state) AS what FROM contact_way WHERE gone_at IS NULL"
        " AND remark LIKE :s AND remark <> '' GROUP BY remark",
        start,
    )


def today(db: Database, now: float) -> list[TodayLine]:
    """Codes that lead to who has left: a customer who scans one finds nobody, or fewer."""
    found = listed(db, now, statuses=(STALE, DEAD), count=False)
    if not found:
        return []
    dead = sum(each.status == DEAD for each in found)
    text = ngettext(
        "{count} contact way names somebody who cannot be added",
        "{count} contact ways name somebody who cannot be added",
        len(found),
    ).format(count=len(found))
    if dead:
        text += ngettext(
            ", {count} leads to nobody", ", {count} lead to nobody", dead
        ).format(count=dead)  # fmt: skip
    return [TodayLine(_("{text}.").format(text=text), "storeops contact-way list --stale", "warn")]
