"""Contact ways in filters, in a shell and in the morning."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.contact_way.ways import DEAD, STALE, listed
from storeops.i18n import N_, ngettext
from storeops.operations.offers import most
from storeops.reading.conditions import Condition, Facet, Sql

_SAME = (
    "SELECT o.state FROM contact_way w JOIN contact_way o ON o.remark = w.remark AND o.remark <> ''"
    " OR o.id = w.id WHERE w.id = ? AND o.state <> ''"
)


def _named(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Name or config_id → contact_way.id; one name may stand for several ways."""
    found: dict[str, int] = {}
    for number, config_id, remark in connection.execute(
        "SELECT id, config_id, remark FROM contact_way WHERE state <> '' ORDER BY id"
    ):
        found[config_id] = number
        if remark:
            found.setdefault(remark, number)
    return found


def _source(key: str, _now: float) -> Sql:
    return f"SELECT customer_id FROM follow WHERE state IN ({_SAME})", (int(key),)


def _probe(key: str, _now: float) -> Sql:
    return (
        "EXISTS (SELECT 1 FROM follow cw WHERE cw.customer_id = {id}"
        f" AND cw.state <> '' AND cw.state IN ({_SAME}))",
        (int(key),),
    )


CONTACT_WAY = Condition(
    named=_named,
    unknown=N_("no contact way with a state is called “{value}”"),
    source=_source,
    probe=_probe,
    words=("活码", "渠道活码"),
    help=N_("Came by the contact way of this name (by its state): contact-way:poster."),
    facet=Facet(
        title=N_("Contact way"),
        pairs="SELECT DISTINCT f.customer_id, w.remark AS value FROM contact_way w"
        " JOIN follow f ON f.state = w.state WHERE w.state <> '' AND w.remark <> ''",
    ),
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
    dead = sum(each.status == DEAD for each in found)
    lines = []
    step = "storeops contact-way list --stale"
    if dead:
        text = ngettext(
            "{count} contact way leads to nobody.", "{count} contact ways lead to nobody.", dead
        ).format(count=dead)
        lines.append(TodayLine(text, step, "bad"))
    if len(found) > dead:
        count = len(found) - dead
        text = ngettext(
            "{count} contact way names somebody who cannot be added.",
            "{count} contact ways name somebody who cannot be added.",
            count,
        ).format(count=count)
        lines.append(TodayLine(text, step, "warn"))
    return lines
