"""Calling a lot back: which shops hold pieces of it, who has confirmed, what is still open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any

from storeops import times
from storeops.changes.journal import JournalLine
from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.care import tasks
from storeops.domains.lots import gs1, trace
from storeops.domains.lots.gs1 import Thing
from storeops.domains.lots.places import places
from storeops.domains.notify import log, shops
from storeops.domains.orders import products
from storeops.errors import ConflictError, NotFoundError, UsageError
from storeops.i18n import _, ngettext

if TYPE_CHECKING:
    from storeops.changes.ledger import Ledger

OPEN, CLOSED, FALSE_ALARM = "open", "closed", "false_alarm"
LineKey = tuple[str, str, str]  # item, lot, place
RecallLine = dict[str, Any]  # a row of lots_recall_place without its recall
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
    lines, doubts = _lines_now(db, which)
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
    with db.atomic() as connection:
        number: int = (
            connection.execute(
                "INSERT INTO lots_recall (lot, reason, made_at, made_by) VALUES (?, ?, ?, ?)",
                (name, reason, now, who),
            ).lastrowid
            or 0
        )
        _keep(connection, number, lines.values())
    return {**show(db, number), "doubts": doubts}


def _lines_now(db: Database, which: Thing) -> tuple[dict[LineKey, RecallLine], list[str]]:
    """(line by (item, lot, place), doubts): where pieces are or were sold, by what is known now."""
    numbers = trace.related(db, which)
    names = trace.things(db, numbers)
    found = trace.balance(trace.lines(db, numbers))
    result: dict[LineKey, RecallLine] = {}
    for each in trace.standing(found, names):
        if each.state not in (*HELD, trace.SOLD):
            continue
        key = (*names[each.lot], each.place)
        line = result.setdefault(key, {
            "item": key[0], "lot": key[1], "place": key[2], "to_block": 0.0, "sold": 0.0,
            "unit": each.line.unit, "confirmed_at": None, "confirmed_by": "", "blocked": None,
        })  # fmt: skip
        line["to_block" if each.state in HELD else "sold"] += each.qty or 0.0
    return result, found.doubts


def _lines(db: Database, row: dict[str, Any]) -> list[RecallLine]:
    """The lines of a recall by place; of one that is open as events say by now.

    Pieces go on while a recall is open and papers come late: a place that none knew of is a line
    too, and one that gets more than it had when it confirmed is open again.
    """
    kept = db.rows(
        "SELECT item, lot, place, to_block, sold, unit, confirmed_at, confirmed_by, blocked"
        " FROM lots_recall_place WHERE recall = ?",
        (row["id"],),
    )
    found: dict[LineKey, RecallLine] = {(each["item"], each["lot"], each["place"]): each
                                        for each in kept}  # fmt: skip
    if row["closed_at"] is None:
        now = _lines_now(db, gs1.asked(row["lot"]))[0]
        for key, line in now.items():
            before = found.setdefault(key, line)
            if before is line:
                continue
            more = line["to_block"] + line["sold"] - before["to_block"] - before["sold"]
            if before["confirmed_at"] is None or more > 1e-6:
                found[key] = {**line, "blocked": before["blocked"]}
        for key, line in found.items():
            if key not in now and line["confirmed_at"] is None:
                found[key] = {**line, "to_block": 0.0, "sold": 0.0}
    return sorted(found.values(), key=lambda each: (each["place"], each["item"], each["lot"]))


def _keep(connection: Connection, number: int, lines: Iterable[RecallLine]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO lots_recall_place (recall, item, lot, place, to_block, sold, unit,"
        " confirmed_at, confirmed_by, blocked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (number, each["item"], each["lot"], each["place"], each["to_block"], each["sold"],
             each["unit"], each["confirmed_at"], each["confirmed_by"], each["blocked"])
            for each in lines
        ],
    )  # fmt: skip


def called_back(db: Database) -> Callable[[str, str], bool]:
    """Tells of an article (GTIN, or the code of a product that has one) and a lot whether they
    were ever called back, or made of what was, also by papers that came when the recall had
    ended. What was a false alarm does not count."""
    rows = db.execute("SELECT DISTINCT lot FROM lots_recall WHERE false_alarm_at IS NULL")
    called = [number for (lot,) in rows.fetchall() for number in trace.lots_of(db, gs1.asked(lot))]
    things = list(trace.things(db, list(trace.downstream(db, called))).values()) if called else []
    things += db.execute(  # events of it may have been declared wrong since
        "SELECT DISTINCT p.item, p.lot FROM lots_recall_place p"
        " JOIN lots_recall r ON r.id = p.recall WHERE r.false_alarm_at IS NULL"
    )
    bad = {(item.lstrip("0"), lot) for item, lot in things}
    gtins = products.gtins(db) if bad else {}

    def is_bad(item: str, lot: str) -> bool:
        code = item.lstrip("0")
        return bool(lot) and (gtins.get(code, code), lot) in bad

    return is_bad


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
    lines = _lines(db, row)
    known = places(db, {each["place"] for each in lines})
    staff = shops.staff(db, {each.store for each in known.values() if each.store})
    messages = told(db, number)
    status = log.statuses(db, messages.values())
    # a message that the log has no more was handed over
    sent = {key: status.get(message, log.SENT) for key, message in messages.items()}
    items = []
    for each in lines:
        key = (each["item"], each["lot"], each["place"])
        items.append({
            "place": each["place"], "name": known[each["place"]].name,
            "store": known[each["place"]].store,
            "staff": staff.get(known[each["place"]].store, []),
            "item": each["item"], "lot": each["lot"], "to_block": _plain(each["to_block"]),
            "sold": _plain(each["sold"]), "unit": each["unit"],
            "blocked": None if each["blocked"] is None else _plain(each["blocked"]),
            "status": "open" if each["confirmed_at"] is None else "confirmed",
            "confirmed_at": times.iso(each["confirmed_at"]), "confirmed_by": each["confirmed_by"],
            "told": sent.get(key, ""), "message": messages.get(key, ""),
        })  # fmt: skip
    asked = tasks.asked(db, reason_of(number))
    return {
        **_summary(row, lines),
        "customers": sum(asked.values()), "customers_open": asked["open"], "items": items,
    }  # fmt: skip


def is_false_alarm(db: Database, number: int) -> bool:
    """Whether it is known by now that the lots were never bad."""
    return _row(db, number)["false_alarm_at"] is not None


def reason_of(number: int) -> str:
    """The reason of the care tasks of a recall."""
    return f"recall {number}"


def told(db: Database, number: int) -> dict[LineKey, str]:
    """(item, lot, place) → id of the message by which the place was told of it; ("", "", place) →
    of the one by which it was told that all was a false alarm."""
    rows = db.execute(
        "SELECT item, lot, place, message FROM lots_recall_told WHERE recall = ?", (number,)
    )
    return {(item, lot, place): message for item, lot, place, message in rows}


def _summary(row: dict[str, Any], lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A recall without its places; sums are of pieces, not of litres."""
    counted = [each for each in lines if not each["unit"]]
    return {
        "recall": row["id"], "lot": row["lot"], "reason": row["reason"],
        "made_at": times.iso(row["made_at"]), "made_by": row["made_by"],
        "status": _status(row),
        "closed_at": times.iso(row["closed_at"]), "closed_by": row["closed_by"],
        "closed_why": row["closed_why"],
        "false_alarm_at": times.iso(row["false_alarm_at"]),
        "false_alarm_by": row["false_alarm_by"], "false_alarm_why": row["false_alarm_why"],
        "places": len({each["place"] for each in lines}),
        "to_block": _plain(sum(each["to_block"] for each in counted)),
        "blocked": _plain(sum(each["blocked"] or 0 for each in counted)),
        "sold": _plain(sum(each["sold"] for each in counted)),
        "open": sum(each["confirmed_at"] is None for each in lines),
    }  # fmt: skip


def _status(row: dict[str, Any]) -> str:
    if row["false_alarm_at"] is not None:
        return FALSE_ALARM
    return OPEN if row["closed_at"] is None else CLOSED


def _plain(number: float) -> float | int:
    return int(number) if float(number).is_integer() else round(number, 3)


def listed(db: Database) -> list[dict[str, Any]]:
    """Every recall, the newest first, without its places."""
    rows = db.rows("SELECT * FROM lots_recall ORDER BY id DESC")
    return [_summary(row, _lines(db, row)) for row in rows]


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
    lines = _lines(db, row)
    known = places(db, {each["place"] for each in lines})
    items = [
        each for each in lines
        if place in (each["place"], known[each["place"]].store) and lot in ("", each["lot"])
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
            said = {"confirmed_at": now, "confirmed_by": who, "blocked": mine}
            _keep(connection, number, [{**each, **said}])
    return len(items)


def close(db: Database, number: int, who: str, now: float, why: str = "") -> dict[str, Any]:
    """End a recall.

    Args:
        why: a reason to end it though places have not confirmed.

    Raises:
        NotFoundError: there is none of that number.
        ConflictError: it is closed, or places or customers are open and no reason was given.
    """
    row = _row(db, number)
    if row["closed_at"] is not None:
        raise ConflictError(_("Recall {number} is closed.").format(number=number))
    lines = _lines(db, row)
    open_lines = sum(each["confirmed_at"] is None for each in lines)
    if open_lines and not why:
        raise ConflictError(
            ngettext(
                "{count} line of recall {number} is not confirmed yet.",
                "{count} lines of recall {number} are not confirmed yet.",
                open_lines,
            ).format(count=open_lines, number=number),
            hint=_("Confirm them, or say why it ends all the same: --reason TEXT"),
            next_steps=[f"storeops trace recall list {number}"],
        )
    waiting = tasks.asked(db, reason_of(number))["open"]
    if waiting and not why:
        raise ConflictError(
            ngettext(
                "{count} customer of recall {number} was not spoken to yet.",
                "{count} customers of recall {number} were not spoken to yet.",
                waiting,
            ).format(count=waiting, number=number),
            hint=_("End the tasks of their guides, or say why it ends all the same:"
                   " --reason TEXT"),
            next_steps=["storeops care list --all-days"],
        )  # fmt: skip
    with db.atomic() as connection:
        _keep(connection, number, lines)
        connection.execute(
            "UPDATE lots_recall SET closed_at = ?, closed_by = ?, closed_why = ? WHERE id = ?",
            (now, who, why, number),
        )
    return show(db, number)


def end_as_false_alarm(ledger: Ledger, number: int, why: str) -> tuple[dict[str, Any], int]:
    """End a recall, or say of one that has ended, that the lots were never bad.

    They count as good again, save what another recall calls back; guides are not to speak to
    customers any more; the journal keeps who said so and why.

    Args:
        ledger: the profile's ledger.
        number: of the recall.
        why: how it is known that they are good.

    Returns:
        The recall (`show`), and how many tasks of guides were ended.

    Raises:
        NotFoundError: there is none of that number.
        UsageError: no reason.
        ConflictError: it was said before.
    """
    db, now = ledger.db, ledger.clock.now()
    if not why.strip():
        raise UsageError(_("Say how it is known that the lots are good: --reason TEXT"))
    row = _row(db, number)
    lines = _lines(db, row)
    with db.atomic() as connection:
        if not connection.execute(
            "UPDATE lots_recall SET false_alarm_at = ?, false_alarm_by = ?, false_alarm_why = ?"
            " WHERE id = ? AND false_alarm_at IS NULL",
            (now, ledger.who, why, number),
        ).rowcount:
            raise ConflictError(_("Recall {number} is a false alarm already.").format(
                number=number))  # fmt: skip
        if row["closed_at"] is None:
            _keep(connection, number, lines)
            connection.execute(
                "UPDATE lots_recall SET closed_at = ?, closed_by = ? WHERE id = ?",
                (now, ledger.who, number),
            )
        ended = tasks.withdraw(db, reason_of(number), ledger.who, now, why)
        payload = {"recall": number, "lot": row["lot"], "reason": why, "tasks": ended}
        ledger.journal.append(connection, [JournalLine("recall.false_alarm", payload=payload)], now)
    ledger.journal.seal(db, now)
    return show(db, number), ended


def today(db: Database, _now: float) -> Sequence[TodayLine]:
    """Recalls that are not closed."""
    return [
        TodayLine(
            ngettext(
                "Recall {number}, lot {lot}: {open} of {all} line is not confirmed.",
                "Recall {number}, lot {lot}: {open} of {all} lines are not confirmed.",
                len(lines),
            ).format(
                number=row["id"], lot=row["lot"], all=len(lines),
                open=sum(each["confirmed_at"] is None for each in lines),
            ),
            f"storeops trace recall list {row['id']}",
            tone="bad" if any(each["confirmed_at"] is None for each in lines) else "warn",
            screen="tracing",
            request=row["lot"],
        )
        for row in db.rows("SELECT * FROM lots_recall WHERE closed_at IS NULL ORDER BY id")
        for lines in [_lines(db, row)]
    ]  # fmt: skip
