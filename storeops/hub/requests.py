"""Requests of back offices as head office keeps them: taken in once, listed, found."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from storeops.changes import control, plans
from storeops.changes.journal import JournalLine
from storeops.changes.ledger import Ledger
from storeops.database.database import Database
from storeops.errors import NotFoundError, UsageError
from storeops.hub import attempts, submitted
from storeops.hub.credentials import signed
from storeops.i18n import N_, _, kept, said

TAKEN, ASKED, APPROVED, REFUSED = "taken", "asked", "approved", "refused"
WITHDRAWN = "withdrawn"
STATUSES = (ASKED, APPROVED, REFUSED, WITHDRAWN)
MOST_PARTS = 100
MOST_BYTES = 64 * 1024 * 1024  # of a request once it is unpacked
MOST_OPEN = 500  # requests of a shop that wait
MOST_DAY = 2000  # requests of a shop in a day, whatever became of them
AHEAD_S = 86_400.0  # that a shop's clock may go before ours
_NAME = re.compile(r"\w[\w-]{2,79}")  # of a request; it is typed and printed in commands
_COLUMNS = (
    "r.id, r.store, s.code, r.request_id, r.asked_by, r.machine, r.kind, r.rows, r.asked_at, r.at,"
    " r.status, r.reason, r.decided_by, r.decided_at, r.skip_changed, r.plan_id, r.plan, r.applied,"
    " r.repeats"
)
_FROM = "FROM hub_request AS r LEFT JOIN hub_store AS s ON s.department_id = r.store"


@dataclass(frozen=True, slots=True)
class HubRequest:
    """One request of a back office.

    Attributes:
        id: its number here.
        store: department id of the shop.
        store_code: its number.
        request_id: as the back office calls it.
        by: who asked.
        machine: on which machine.
        kind: of plan.
        rows: how many it asks for.
        asked_at: by the shop's clock; Unix seconds, as all here.
        at: when it was taken in.
        status: taken (not looked at yet) | asked (waits for approval) | approved | refused |
            withdrawn (by the shop, before it was decided).
        reason: why it waits, or was refused; "" when there is nothing to say.
        decided_by: who decided, "" for the rules.
        decided_at: when, None while it waits.
        skip_changed: rows that changed since may be left out.
        plan: plan.id here, None while there is none.
        plan_id: what people type for that.
        applied: whether its calls were queued.
        repeats: how often it came again.
    """

    id: int
    store: int
    store_code: str
    request_id: str
    by: str
    machine: str
    kind: str
    rows: int
    asked_at: float
    at: float
    status: str
    reason: str
    decided_by: str
    decided_at: float | None
    skip_changed: bool
    plan: int | None
    plan_id: str | None
    applied: bool
    repeats: int

    def as_dict(self) -> dict[str, Any]:
        """The item of `hub requests list --json`; `at` in Unix seconds."""
        return {
            "request_id": self.request_id,
            "store_code": self.store_code,
            "by": self.by,
            "kind": self.kind,
            "rows": self.rows,
            "status": ASKED if self.status == TAKEN else self.status,
            "plan_id": self.plan_id,
            "at": self.at,
            "reason": said(self.reason) or None,
        }


def _of(row: Sequence[Any]) -> HubRequest:
    values = list(row)
    values[2] = values[2] or str(values[1])
    values[14], values[17] = bool(values[14]), bool(values[17])
    return HubRequest(*values)


def listing(
    db: Database,
    *,
    statuses: Sequence[str] = (),
    stores: Sequence[int] = (),
    before: int | None = None,
    limit: int = 50,
) -> list[HubRequest]:
    """Requests, the newest first.

    Args:
        db: data.db of head office.
        statuses: only these of STATUSES; nothing for all.
        stores: only of these shops, by their departments; () for all.
        before: only older than this number (paging).
        limit: how many.
    """
    wanted = [*statuses, *((TAKEN,) if ASKED in statuses else ())]
    marks = f" AND r.status IN ({','.join('?' * len(wanted))})" if wanted else ""
    marks += f" AND r.store IN ({','.join('?' * len(stores))})" if stores else ""
    found = db.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE r.id < ?{marks} ORDER BY r.id DESC LIMIT ?",
        (before or 2**62, *wanted, *stores, limit),
    )
    return [_of(row) for row in found]


def by_id(db: Database, number: int) -> HubRequest:
    """A request by its number here.

    Raises:
        NotFoundError: there is none.
    """
    row = db.execute(f"SELECT {_COLUMNS} {_FROM} WHERE r.id = ?", (number,)).fetchone()
    if row is None:
        raise NotFoundError(_("There is no request {request}.").format(request=number))
    return _of(row)


def find(db: Database, word: str) -> HubRequest:
    """The request that a person means: its whole id, the beginning of it, or its plan here.

    Raises:
        NotFoundError: there is none.
        UsageError: several begin so.
    """
    like = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    for condition, value, least in (
        ("r.request_id = ?", word, 1), ("r.plan = ?", word, 1),
        ("r.request_id LIKE ? ESCAPE '\\'", like, 3),
    ):  # fmt: skip
        if len(word) < least:
            continue
        rows = db.execute(
            f"SELECT {_COLUMNS} {_FROM} WHERE {condition} ORDER BY r.id DESC LIMIT 6", (value,)
        ).fetchall()
        if len(rows) > 1:
            raise UsageError(
                _("Several requests are meant by {word}: {names}.").format(
                    word=word, names=_(", ").join(row[16] or row[3] for row in rows)
                ),
                hint=_("Write the whole number of the request, or head office's plan of it."),
            )
        if rows:
            return _of(rows[0])
    raise NotFoundError(
        _("There is no request {request}.").format(request=word),
        hint=_("See all: storeops hub requests list"),
        next_steps=["storeops hub requests list"],
    )


def to_go_on(db: Database) -> list[HubRequest]:
    """Requests that are to be looked at, or to be applied, oldest first."""
    return [
        _of(row)
        for row in db.execute(
            f"SELECT {_COLUMNS} {_FROM} WHERE r.status = 'taken'"
            " OR (r.status = 'approved' AND r.applied = 0) ORDER BY r.id"
        )
    ]


def waiting(db: Database) -> int:
    """How many requests wait for approval."""
    found: int = db.execute(
        "SELECT count(*) FROM hub_request WHERE status IN (?, ?)", (ASKED, TAKEN)
    ).fetchone()[0]
    return found


def body_of(db: Database, request: HubRequest) -> dict[str, Any]:
    """What was asked, as the back office wrote it.

    Raises:
        ValueError: it cannot be read.
    """
    (data,) = db.execute("SELECT body FROM hub_request WHERE id = ?", (request.id,)).fetchone()
    return _unpacked(data)


def _unpacked(data: bytes) -> dict[str, Any]:
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(data, MOST_BYTES)
        if unpacking.unconsumed_tail or not unpacking.eof:
            raise ValueError("too large")
        body = json.loads(text.decode("utf-8", "surrogatepass"))
    except (zlib.error, RecursionError) as error:
        raise ValueError("no request") from error
    if not isinstance(body, dict):
        raise ValueError("no request")
    return body


# -- taking in -------------------------------------------------------------------------------------


class _TurnedAway(Exception):
    """What came is not taken: what it was, of whom, in English, and what the back office hears."""

    def __init__(self, what: str, detail: str, answer: str) -> None:
        super().__init__(what)
        self.what, self.detail, self.answer = what, detail, answer


def receive(ledger: Ledger, store: int, message: bytes) -> dict[str, Any]:
    """Take in one message of a back office; what is taken in is on the disk when this returns.

    Args:
        ledger: of head office.
        store: department id of the shop, by the subject that the server let it publish to.
        message: as `asking.messages` makes it.

    Returns:
        What the back office hears: `taken`, or `more` parts are expected, or `refused` and why; of
        one that takes a request back `withdrawn`, or how it was decided before (`late`), or that
        there is none (`unknown`).
    """
    db = ledger.db
    row = db.execute(
        "SELECT code, user, status FROM hub_store WHERE department_id = ?", (store,)
    ).fetchone()
    code, user, status = row or (str(store), "", "revoked")
    try:
        if status != "active":
            raise _TurnedAway("revoked", "", N_("Head office has revoked this back office."))
        head, data = _opened(message, store, user)
        with db.atomic() as connection:
            if head.get("withdraw"):
                answer = _withdraw(ledger, connection, store, code, head)
            elif head.get("submission"):
                answer = submitted.take(ledger, connection, store, code, head, data)
            else:
                answer = _take(ledger, connection, store, code, head, data)
        if answer.get("taken") == "new" or answer.get("withdrawn"):
            ledger.journal.seal(db, ledger.clock.now())
        return answer
    except _TurnedAway as error:
        with db.atomic() as connection:
            attempts.record(ledger, connection, error.what, code, error.detail)
        ledger.journal.seal(db, ledger.clock.now())
        return {"refused": kept(error.answer)}


_NOT_OURS = N_("Head office does not believe that this back office asked it.")


def _opened(message: bytes, store: int, user: str) -> tuple[dict[str, Any], bytes]:
    """Head and data of a message, once its signature is the shop's.

    Raises:
        _TurnedAway: it is none, not signed by the shop, or in another's name.
    """
    odd = N_("Head office does not understand the request: it may be of another version.")
    try:
        text, signature, data = message.split(b"\n", 2)
        head = json.loads(text)
        named = int(head["store"])
        fits = (
            head["v"] == 1
            and 1 <= int(head["parts"]) <= MOST_PARTS
            and 0 <= int(head["part"]) < int(head["parts"])
            and isinstance(head["request_id"], str)
            and _NAME.fullmatch(head["request_id"]) is not None
        )
        digest = bytes.fromhex(head["digest"])
        signature_bytes = base64.b64decode(signature, validate=True)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise _TurnedAway("unreadable", "", odd) from None
    if not signed(user, text + b"\n" + data, signature_bytes):
        raise _TurnedAway("forged", head["request_id"], _NOT_OURS)
    if named != store:
        raise _TurnedAway("another_shop", f"{head['request_id']} of {named}", _NOT_OURS)
    if not fits or len(digest) != 32:
        raise _TurnedAway("unreadable", "", odd)
    return {**head, "digest": digest}, data


def _withdraw(
    ledger: Ledger,
    connection: sqlite3.Connection,
    store: int,
    code: str,
    head: dict[str, Any],
) -> dict[str, Any]:
    """Take a request back for the shop that asked, unless it was decided."""
    found = connection.execute(
        "SELECT id, status, plan FROM hub_request WHERE store = ? AND request_id = ?",
        (store, head["request_id"]),
    ).fetchone()
    if found is None:
        return {"unknown": True}
    number, status, plan = found
    if status == WITHDRAWN:
        return {"withdrawn": True}
    if status not in (TAKEN, ASKED):
        return {"late": status}
    by, why = str(head.get("by") or "")[:120], str(head.get("why") or "")[:500]
    now = ledger.clock.now()
    connection.execute(
        "UPDATE hub_request SET status = ?, reason = ?, decided_by = ?, decided_at = ?,"
        " body = NULL WHERE id = ?",
        (WITHDRAWN, why or kept(N_("The shop took it back.")), f"{code}/{by}", now, number),
    )
    if plan is not None and plans.get(ledger.db, plan).status == plans.MADE:
        control.cancel_plan(ledger, plan, f"{code}/{by}")
    payload = {"request": head["request_id"], "shop": code, "by": by, "reason": why}
    line = JournalLine("plan.withdrawn", plan or "", payload=payload)
    ledger.journal.append(connection, [line], now)
    return {"withdrawn": True}


def _take(
    ledger: Ledger,
    connection: sqlite3.Connection,
    store: int,
    code: str,
    head: dict[str, Any],
    data: bytes,
) -> dict[str, Any]:
    now = ledger.clock.now()
    name, digest, parts = head["request_id"], head["digest"], int(head["parts"])
    known = connection.execute(
        "SELECT id, digest FROM hub_request WHERE store = ? AND request_id = ?", (store, name)
    ).fetchone()
    if known is not None and known[1] != digest:
        raise _TurnedAway(
            "replayed", name, N_("Head office knows this request with another content.")
        )
    if known is not None:
        if int(head["part"]) == parts - 1:
            connection.execute(
                "UPDATE hub_request SET repeats = repeats + 1 WHERE id = ?", (known[0],)
            )
        return {"taken": "known"}
    place = (store, name, digest)
    # of what a shop never ends, no more is kept than one request can have
    connection.execute(
        "DELETE FROM hub_request_part WHERE store = ? AND (at < ? OR (request_id = ? AND digest"
        " <> ?) OR (request_id <> ? AND (SELECT count(*) FROM hub_request_part WHERE store = ?)"
        "  >= ?))",
        (store, now - 86_400, name, digest, name, store, MOST_PARTS),
    )
    connection.execute(
        "INSERT OR REPLACE INTO hub_request_part (store, request_id, digest, part, data, at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (*place, int(head["part"]), data, now),
    )
    here = connection.execute(
        "SELECT data FROM hub_request_part WHERE store = ? AND request_id = ? AND digest = ?"
        " ORDER BY part",
        place,
    ).fetchall()
    if len(here) < parts:
        return {"more": parts - len(here)}
    open_, today = connection.execute(
        "SELECT count(*) FILTER (WHERE status IN (?, ?)), count(*) FILTER (WHERE at >= ?)"
        " FROM hub_request WHERE store = ?",
        (TAKEN, ASKED, now - 86_400, store),
    ).fetchone()
    if today >= MOST_DAY:
        return {"refused": kept(N_("This shop has asked too often today: ask again tomorrow."))}
    if open_ >= MOST_OPEN:
        return {"refused": kept(N_("Too many requests of this shop wait at head office."))}
    body = b"".join(row[0] for row in here)
    if blake2b(body, digest_size=32).digest() != digest:
        raise _TurnedAway("forged", name, _NOT_OURS)
    try:
        told = _unpacked(body)
        by, machine, kind = (str(told[each])[:120] for each in ("by", "machine", "kind"))
        rows, asked_at = len(told["rows"]), float(told["asked_at"])
        if told["request_id"] != name or not 0 < asked_at < now + AHEAD_S:
            raise ValueError("another request's body, or of no time")
        f"{by}{machine}{kind}".encode()  # a lone surrogate cannot be kept
    except (ValueError, KeyError, TypeError, OverflowError):
        raise _TurnedAway(
            "unreadable", name,
            N_("Head office does not understand the request: it may be of another version."),
        ) from None  # fmt: skip
    connection.execute(
        "INSERT INTO hub_request (store, request_id, digest, asked_by, machine, kind, rows,"
        " asked_at, at, status, skip_changed, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*place, by, machine, kind, rows, asked_at, now, TAKEN,
         int(bool(told.get("skip_changed"))), body),
    )  # fmt: skip
    connection.execute("DELETE FROM hub_request_part WHERE store = ? AND request_id = ?", place[:2])
    payload = {
        "request": name, "shop": code, "by": by, "machine": machine, "kind": kind, "rows": rows,
        "reason": str(told.get("reason") or "")[:500],
    }  # fmt: skip
    ledger.journal.append(connection, [JournalLine("plan.requested", payload=payload)], now)
    return {"taken": "new"}
