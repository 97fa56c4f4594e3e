"""What guides must know before they speak to a customer: complaints until they are settled, and
who asked to be left in peace."""

from __future__ import annotations

import json
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.care.rules import ASKED
from storeops.errors import ConflictError, NotFoundError, UsageError
from storeops.i18n import N_, _
from storeops.reading import identities

COMPLAINT, QUIET = "complaint", "quiet"
KINDS = {COMPLAINT: N_("complaint"), QUIET: N_("asked for quiet")}
MAX_LENGTH = 1_000
_COLUMNS = (
    "id, kind, external_userid, customer_id, text, opened_at, opened_by, until, closed_at,"
    " closed_by, result"
)
_OPEN = "closed_at IS NULL AND (until IS NULL OR until > ?)"


def open_matter(
    db: Database,
    external_userid: str,
    kind: str,
    text: str,
    who: str,
    now: float,
    *,
    until: int | None = None,
) -> dict[str, Any]:
    """Say that a customer complained, or asked for quiet; then open tasks, save those of
    complaints and of other domains, are skipped.

    Args:
        db: data.db.
        external_userid: the customer.
        kind: one of `KINDS`.
        text: what it is about; a complaint needs it.
        who: who says so.
        now: Unix seconds.
        until: when quiet ends, Unix seconds; None until it is closed.

    Raises:
        NotFoundError: the mirror knows no such customer.
        UsageError: a complaint about nothing, or too long a text.
        ConflictError: the customer has asked for quiet already.
    """
    text = text.strip()
    if kind == COMPLAINT and not text:
        raise UsageError(_("Say what the complaint is about."))
    if len(text) > MAX_LENGTH:
        raise UsageError(
            _("The text has {length} characters; {limit} is the most.").format(
                length=len(text), limit=MAX_LENGTH
            )
        )
    customer = customer_key(db, external_userid)
    if kind == QUIET and customer in quiet(db, now):
        raise ConflictError(_("This customer has asked for quiet already."))
    with db.atomic() as connection:
        key = connection.execute(
            "INSERT INTO care_matter (kind, external_userid, customer_id, text, opened_at,"
            " opened_by, until) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (kind, external_userid, customer, text, int(now), who, until),
        ).lastrowid
        if kind == QUIET:
            connection.execute(
                "UPDATE care_task SET status = 'skipped', ended_at = ?, ended_by = ?, note = ?"
                " WHERE customer_id = ? AND status = 'open'"
                " AND kind NOT IN (SELECT value FROM json_each(?))",
                (int(now), who, _(KINDS[QUIET]), customer, json.dumps([COMPLAINT, *ASKED])),
            )
    assert key is not None
    return show_matter(db, key, kind)


def customer_key(db: Database, external_userid: str) -> int:
    """customer.id of an external_userid.

    Raises:
        NotFoundError: the mirror knows none.
    """
    found = identities.ids_of(db.connection, [external_userid]).get(external_userid)
    if found is None:
        raise NotFoundError(
            _("The mirror knows no customer {who}.").format(who=external_userid),
            hint=_("`storeops customer list` names them."),
        )
    return found


def close_matter(
    db: Database, matter: int, kind: str, result: str, who: str, now: float
) -> dict[str, Any]:
    """Say that a complaint is settled, or that quiet is over; the complaint's task is done then.

    Raises:
        NotFoundError: there is none of that kind and number.
        ConflictError: it was closed before.
        UsageError: a complaint is closed without a word.
    """
    found = show_matter(db, matter, kind)
    if kind == COMPLAINT and not result.strip():
        raise UsageError(_("Say how the complaint was settled: --result TEXT"))
    with db.atomic() as connection:
        changed = connection.execute(
            "UPDATE care_matter SET closed_at = ?, closed_by = ?, result = ?"
            " WHERE id = ? AND closed_at IS NULL",
            (int(now), who, result.strip()[:MAX_LENGTH], matter),
        ).rowcount
        if not changed:
            raise ConflictError(_("Number {number} was closed before.").format(number=matter))
        connection.execute(
            "UPDATE care_task SET status = 'done', ended_at = ?, ended_by = ?, note = ?"
            " WHERE customer_id = ? AND status = 'open' AND kind = 'complaint'"
            " AND subject LIKE ?",
            (int(now), who, result.strip()[:MAX_LENGTH], found["customer_id"],
             f"complaint {matter} %"),
        )  # fmt: skip
    return show_matter(db, matter, kind)


def show_matter(db: Database, matter: int, kind: str) -> dict[str, Any]:
    """One of them.

    Raises:
        NotFoundError: there is none of that kind.
    """
    where = "WHERE id = ? AND kind = ?"
    rows = db.rows(f"SELECT {_COLUMNS} FROM care_matter {where}", (matter, kind))
    if not rows:
        raise NotFoundError(
            _("There is no complaint {number}.").format(number=matter),
            hint=_("`storeops care complaint list` names them."),
        )
    return _described(db, rows)[0]


def list_matters(
    db: Database,
    now: float,
    *,
    kind: str = "",
    customer: int | None = None,
    closed: bool = False,
) -> list[dict[str, Any]]:
    """Those that are open, the oldest first; or those that are over, the newest first.

    Args:
        db: data.db.
        now: Unix seconds.
        kind: one of `KINDS`; "" for both.
        customer: customer.id; None for all.
        closed: those that are over.
    """
    where = f"({_OPEN})" if not closed else f"NOT ({_OPEN})"
    params: list[Any] = [int(now)]
    if kind:
        where += " AND kind = ?"
        params.append(kind)
    if customer is not None:
        where += " AND customer_id = ?"
        params.append(customer)
    order = "coalesce(closed_at, until) DESC" if closed else "opened_at, id"
    rows = db.rows(f"SELECT {_COLUMNS} FROM care_matter WHERE {where} ORDER BY {order}", params)
    return _described(db, rows)


def _described(db: Database, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = identities.people(db.connection, {row["customer_id"] for row in rows})
    for row in rows:
        row["customer"] = names.get(row["customer_id"], ("", ""))[1]
    return rows


def quiet(db: Database, now: float) -> set[int]:
    """customer.id of those who asked to be left in peace."""
    return {key for (key,) in db.execute(
        f"SELECT customer_id FROM care_matter WHERE kind = 'quiet' AND {_OPEN}", (int(now),)
    )}  # fmt: skip


def to_avoid(db: Database, customer: int, now: float) -> list[str]:
    """What stands in the way of a friendly word, as sentences; complaints first."""
    found = []
    for row in sorted(list_matters(db, now, customer=customer), key=lambda each: each["kind"]):
        if row["kind"] == COMPLAINT:
            text = _("open complaint of {day}: {about}").format(
                day=times.day(row["opened_at"]), about=row["text"]
            )
        elif row["until"]:
            text = _("asked for quiet until {day}").format(day=times.day(row["until"] - 1))
        else:
            text = _("asked for quiet")
        found.append(text)
    return found
