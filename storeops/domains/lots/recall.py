"""Calling a lot back: which shops hold pieces of it, who has confirmed, what is still open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.care import tasks
from storeops.domains.lots import gs1, trace
from storeops.domains.lots.gs1 import Thing
from storeops.domains.lots.places import places
from storeops.domains.notify import log, shops
from storeops.errors import ConflictError, NotFoundError, UsageError
from storeops.i18n import _, ngettext

HELD = (trace.ON_SHELF, trace.IN_STOCK, trace.ON_THE_WAY)


def plan(db: Database, which: Thing, reason: str, who: str, now: float) -> dict[str, Any]:
    """Begin a recall: every place that has, expects, had or sold pieces of the lot.

    Args:
        db: data.db.
        which: the lot or pallet that was found bad.
        reason: why, in the words of whoever found it.
        who: who decides it.
        now: Unix seconds.

    Raises:
        NotFoundError: nothing is known of the lot.
        ConflictError: it is being called back already.
    """
    items, doubts = trace.forward(db, which)
    name = gs1.label(*which)
    open_one = db.execute(
        "SELECT id FROM lots_recall WHERE lot = ? AND closed_at IS NULL", (name,)
    ).fetchone()
    if open_one is not None:
        raise ConflictError(
            _("{lot} is being called back already: recall {number}.").format(
                lot=name, number=open_one[0]
            ),
            next_steps=[f"storeops trace recall list {open_one[0]}"],
        )
    rows: dict[tuple[str, str, str], list[float]] = {}
    for each in items:
        if each["state"] not in (*HELD, trace.SOLD):
            continue
        sums = rows.setdefault((each["item"], each["lot"], each["place"]), [0.0, 0.0])
        sums[0 if each["state"] in HELD else 1] += each["qty"] or 0.0
    with db.atomic() as connection:
        number: int = (
            connection.execute(
                "INSERT INTO lots_recall (lot, reason, made_at, made_by) VALUES (?, ?, ?, ?)",
                (name, reason, now, who),
            ).lastrowid
            or 0
        )
        connection.executemany(
            "INSERT INTO lots_recall_place (recall, item, lot, place, to_block, sold)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(number, *key, *sums) for key, sums in rows.items()],
        )
    return {**show(db, number), "doubts": doubts}


def _row(db: Database, number: int) -> dict[str, Any]:
    rows = db.rows("SELECT * FROM lots_recall WHERE id = ?", (number,))
    if not rows:
        raise NotFoundError(
            _("There is no recall {number}.").format(number=number),
            next_steps=["storeops trace recall list"],
        )
    return rows[0]


def show(db: Database, number: int) -> dict[str, Any]:
    """One recall: its places with the shop and staff to tell, what is confirmed, what is open.

    Raises:
        NotFoundError: there is none of that number.
    """
    row = _row(db, number)
    lines = db.rows(
        "SELECT * FROM lots_recall_place WHERE recall = ? ORDER BY place, item, lot", (number,)
    )
    known = places(db, {each["place"] for each in lines})
    staff = shops.staff(db, {each.store for each in known.values() if each.store})
    messages = _told(db, number)
    status = log.statuses(db, messages.values())
    # a message that the log has no more was handed over
    sent = {place: status.get(message, log.SENT) for place, message in messages.items()}
    items = [
        {
            "place": each["place"], "name": known[each["place"]].name,
            "store": known[each["place"]].store,
            "staff": staff.get(known[each["place"]].store, []),
            "item": each["item"], "lot": each["lot"], "to_block": _plain(each["to_block"]),
            "sold": _plain(each["sold"]),
            "blocked": None if each["blocked"] is None else _plain(each["blocked"]),
            "status": "open" if each["confirmed_at"] is None else "confirmed",
            "confirmed_at": times.iso(each["confirmed_at"]), "confirmed_by": each["confirmed_by"],
            "told": sent.get(each["place"], ""), "message": messages.get(each["place"], ""),
        }
        for each in lines
    ]  # fmt: skip
    asked = tasks.asked(db, reason_of(number))
    return {
        **_summary(row, lines),
        "customers": sum(asked.values()), "customers_open": asked["open"], "items": items,
    }  # fmt: skip


def reason_of(number: int) -> str:
    """The reason of the care tasks of a recall."""
    return f"recall {number}"


def _told(db: Database, number: int) -> dict[str, str]:
    """Place → id of the message by which it was told of a recall."""
    rows = db.execute("SELECT place, message FROM lots_recall_told WHERE recall = ?", (number,))
    return dict(rows.fetchall())


def _summary(row: dict[str, Any], lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A recall without its places."""
    return {
        "recall": row["id"], "lot": row["lot"], "reason": row["reason"],
        "made_at": times.iso(row["made_at"]), "made_by": row["made_by"],
        "status": "open" if row["closed_at"] is None else "closed",
        "closed_at": times.iso(row["closed_at"]), "closed_by": row["closed_by"],
        "closed_why": row["closed_why"], "places": len({each["place"] for each in lines}),
        "to_block": _plain(sum(each["to_block"] for each in lines)),
        "blocked": _plain(sum(each["blocked"] or 0 for each in lines)),
        "sold": _plain(sum(each["sold"] for each in lines)),
        "open": sum(each["confirmed_at"] is None for each in lines),
    }  # fmt: skip


def _plain(number: float) -> float | int:
    return int(number) if float(number).is_integer() else round(number, 3)


def listed(db: Database) -> list[dict[str, Any]]:
    """Every recall, the newest first, without its places."""
    lines: dict[int, list[dict[str, Any]]] = {}
    for each in db.rows("SELECT * FROM lots_recall_place"):
        lines.setdefault(each["recall"], []).append(each)
    rows = db.rows("SELECT * FROM lots_recall ORDER BY id DESC")
    return [_summary(row, lines.get(row["id"], ())) for row in rows]


def confirm(
    db: Database, number: int, place: str, blocked: float, who: str, now: float, lot: str = ""
) -> int:
    """A place says what it holds back; returns the lines that are confirmed by it.

    Args:
        db: data.db.
        number: of the recall.
        place: GLN or own number of the place, or the shop's number.
        blocked: pieces that it holds back, of all lots of the recall together.
        who: who says so.
        now: Unix seconds.
        lot: of one lot only, where a place has several.

    Raises:
        NotFoundError: no such recall, or it does not concern the place.
        UsageError: a negative number of pieces.
        ConflictError: the recall is closed.
    """
    row = _row(db, number)
    if row["closed_at"] is not None:
        raise ConflictError(_("Recall {number} is closed.").format(number=number))
    if not 0 <= blocked < 1e9:
        raise UsageError(_("--blocked is a number of pieces, 0 or more."))
    items = [
        each for each in show(db, number)["items"]
        if place in (each["place"], each["store"]) and lot in ("", each["lot"])
    ]  # fmt: skip
    if not items:
        raise NotFoundError(
            _("Recall {number} does not concern {place}.").format(number=number, place=place),
            next_steps=[f"storeops trace recall list {number}"],
        )
    left = blocked
    with db.atomic() as connection:
        for at, each in enumerate(items):
            mine = left if at == len(items) - 1 else min(left, float(each["to_block"]))
            left -= mine
            connection.execute(
                "UPDATE lots_recall_place SET confirmed_at = ?, confirmed_by = ?, blocked = ?"
                " WHERE recall = ? AND item = ? AND lot = ? AND place = ?",
                (now, who, mine, number, each["item"], each["lot"], each["place"]),
            )
    return len(items)


def close(db: Database, number: int, who: str, now: float, why: str = "") -> dict[str, Any]:
    """End a recall.

    Args:
        why: a reason to end it though places have not confirmed.

    Raises:
        NotFoundError: there is none of that number.
        ConflictError: it is closed, or places or customers are open and no reason was given.
    """
    found = show(db, number)
    if found["status"] == "closed":
        raise ConflictError(_("Recall {number} is closed.").format(number=number))
    if found["open"] and not why:
        raise ConflictError(
            ngettext(
                "{count} line of recall {number} is not confirmed yet.",
                "{count} lines of recall {number} are not confirmed yet.",
                found["open"],
            ).format(count=found["open"], number=number),
            hint=_("Confirm them, or say why it ends all the same: --reason TEXT"),
            next_steps=[f"storeops trace recall list {number}"],
        )
    if found["customers_open"] and not why:
        raise ConflictError(
            ngettext(
                "{count} customer of recall {number} was not spoken to yet.",
                "{count} customers of recall {number} were not spoken to yet.",
                found["customers_open"],
            ).format(count=found["customers_open"], number=number),
            hint=_("End the tasks of their guides, or say why it ends all the same:"
                   " --reason TEXT"),
            next_steps=["storeops care list --all-days"],
        )  # fmt: skip
    with db.atomic() as connection:
        connection.execute(
            "UPDATE lots_recall SET closed_at = ?, closed_by = ?, closed_why = ? WHERE id = ?",
            (now, who, why, number),
        )
    return show(db, number)


def today(db: Database, _now: float) -> Sequence[TodayLine]:
    """Recalls that are not closed."""
    rows = db.execute(
        "SELECT r.id, r.lot, sum(p.confirmed_at IS NULL), count(*) FROM lots_recall r"
        " LEFT JOIN lots_recall_place p ON p.recall = r.id WHERE r.closed_at IS NULL"
        " GROUP BY r.id ORDER BY r.id"
    )
    return [
        TodayLine(
            _("Recall {number}, lot {lot}: {open} of {all} lines are not confirmed.").format(
                number=number, lot=lot, open=left or 0, all=count
            ),
            f"storeops trace recall list {number}",
            tone="bad" if left else "warn",
            screen="tracing",
            request=lot,
        )
        for number, lot, left, count in rows
    ]
