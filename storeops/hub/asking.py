"""A back office asks head office: the request, kept until that has it, and what became of it.

What is asked for stands in data.db from the transaction that made the plan asked for; it is signed
with the shop's key when it is sent, as often as it takes. Head office knows it by its number, so
that twice is once. What head office decides and how each row ends comes down as things do; `settle`
brings the plan here to that.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from storeops.changes import elsewhere, plans, submissions
from storeops.changes import shared as changes_shared
from storeops.changes.action import ASKED, QUEUED, UNKNOWN, Row
from storeops.changes.journal import dump
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.database.database import Database
from storeops.errors import ConflictError, NetworkError, NotFoundError, StoreOpsError
from storeops.hub import decisions, joining, rights, state
from storeops.hub.connection import connected
from storeops.hub.joining import JoinFile
from storeops.i18n import _

if TYPE_CHECKING:
    from nats.aio.client import Client

    from storeops.hub.wiring import OfficeWiring

VERSION = 1  # of a request
PART_BYTES = 400_000  # of one message, well under what a server takes
REPLY_S = 8.0
ABOUT = frozenset(each.kind for each in (*decisions.THINGS, *changes_shared.THINGS))
AGAIN_S = 120.0  # before what head office has, and says nothing about, is sent once more


@dataclass(frozen=True, slots=True)
class SentRequests:
    """What sending came to.

    Attributes:
        sent: requests that head office has now.
        waiting: requests that still wait here.
        trouble: why they do, in words; "" when none does.
        hint: what to do about that.
    """

    sent: int = 0
    waiting: int = 0
    trouble: str = ""
    hint: str = ""


def request_id(plan: Plan) -> str:
    """What a request is known by: its plan, and what exactly it said."""
    return f"{plan.name}-{plan.hash[:8]}"


def ask(
    ledger: Ledger,
    connection: sqlite3.Connection,
    plan: Plan,
    rows: Sequence[Row],
    *,
    reason: str,
    skip_changed: bool,
) -> None:
    """Keep a request to head office; see `changes.ledger.Ask`."""
    undoes = None
    if plan.undo_of is not None:
        found = connection.execute(
            "SELECT request_id FROM hub_asked WHERE plan_id = ?", (plan.undo_of,)
        ).fetchone()
        undoes = found[0] if found else None
    now = ledger.clock.now()
    body = {
        "v": VERSION,
        "request_id": request_id(plan),
        "kind": plan.kind,
        "title": plan.title,
        "params": plan.params,
        "reason": reason,
        "by": ledger.who,
        "machine": ledger.journal.machine,
        "asked_at": now,
        "skip_changed": skip_changed,
        "undoes": undoes,
        "rows": [
            [each.row, each.subject, each.external_userid, each.userid, each.before, each.after,
             each.extra]
            for each in rows
        ],
    }  # fmt: skip
    connection.execute(
        "INSERT INTO hub_asked (plan_id, request_id, body, at) VALUES (?, ?, ?, ?)",
        (plan.id, body["request_id"], zlib.compress(dump(body).encode("utf-8", "surrogatepass")),
         now),
    )  # fmt: skip
    came(connection)


def waiting(db: Database) -> int:
    """How many requests head office does not have yet."""
    found: int = db.execute(
        "SELECT count(*) FROM hub_asked WHERE sent_at IS NULL AND refused = ''"
        " AND withdrawn_at IS NULL"
    ).fetchone()[0]
    return found


def is_over(db: Database, plan: int) -> bool:
    """Whether nothing of a plan is left for head office to decide or to send.

    Args:
        db: data.db of the back office.
        plan: plan.id.
    """
    if plans.by_id(db, plan).status in (plans.REFUSED, plans.CANCELLED):
        return True
    return {ASKED, QUEUED, UNKNOWN}.isdisjoint(plans.row_counts(db, plan))


def messages(join: JoinFile, name: str, body: bytes) -> Iterator[bytes]:
    """A request as it is sent: parts, each with a head and the signature of the shop's key.

    Args:
        join: of the back office.
        name: request_id.
        body: compressed.
    """
    parts = [body[at : at + PART_BYTES] for at in range(0, len(body), PART_BYTES)]
    for number, data in enumerate(parts):
        head = dump(
            {
                "v": VERSION, "store": join.store, "request_id": name,
                "digest": blake2b(body, digest_size=32).hexdigest(),
                "part": number, "parts": len(parts),
            }
        ).encode()  # fmt: skip
        signature = base64.b64encode(join.key.sign(head + b"\n" + data))
        yield b"\n".join((head, signature, data))


def submission_message(join: JoinFile, name: str, kind: str, data: bytes) -> bytes:
    """The message that brings a submission (`changes.submissions`)."""
    head = dump(
        {
            "v": VERSION, "store": join.store, "request_id": name, "part": 0, "parts": 1,
            "digest": blake2b(data, digest_size=32).hexdigest(), "submission": kind,
        }
    ).encode()  # fmt: skip
    return b"\n".join((head, base64.b64encode(join.key.sign(head + b"\n" + data)), data))


async def send_submissions(db: Database, client: Client, join: JoinFile, now: float) -> int:
    """Send submissions that wait; returns how many head office has now.

    Args:
        db: data.db of the back office.
        client: connected as that.
        join: of the back office.
        now: WeCom's time, Unix seconds.

    Raises:
        NetworkError: head office does not answer; what waits goes on waiting.
    """
    sent = 0
    for number, name, kind, body, by, at in submissions.waiting(db):
        data = dump({"body": json.loads(body), "by": by, "at": at}).encode("utf-8", "surrogatepass")
        answer = await _answer(client, join, submission_message(join, name, kind, data))
        if not answer.get("submitted"):
            break  # too many today, or a head office that knows no submissions: they wait
        with db.atomic() as connection:
            submissions.sent(connection, number, now, str(answer.get("refused") or ""))
        sent += 1
    return sent


def withdrawal(join: JoinFile, name: str, by: str, why: str) -> bytes:
    """The message that takes a request back."""
    head = dump(
        {
            "v": VERSION, "store": join.store, "request_id": name, "digest": "00" * 32,
            "part": 0, "parts": 1, "withdraw": True, "by": by, "why": why,
        }
    ).encode()  # fmt: skip
    signature = base64.b64encode(join.key.sign(head + b"\n"))
    return b"\n".join((head, signature, b""))


async def send_waiting(db: Database, client: Client, join: JoinFile, now: float) -> int:
    """Send what waits, and what head office seems to have lost; returns how many it has now.

    Args:
        db: data.db of the back office.
        client: connected as that.
        join: of the back office.
        now: WeCom's time, Unix seconds.

    Raises:
        NetworkError: head office does not answer; what waits goes on waiting.
    """
    due = db.execute(
        "SELECT plan_id, request_id, body FROM hub_asked WHERE body IS NOT NULL AND refused = ''"
        " AND (sent_at IS NULL OR (sent_at < ? AND NOT EXISTS (SELECT 1 FROM hub_decision AS d"
        "  WHERE d.request_id = hub_asked.request_id))) ORDER BY at, plan_id",
        (now - AGAIN_S,),
    ).fetchall()
    sent = 0
    for plan_id, name, body in due:
        answer: dict[str, Any] = {}
        for message in messages(join, name, body):
            answer = await _answer(client, join, message)
            if answer.get("refused"):
                break
        if not answer.get("refused") and not answer.get("taken"):
            continue  # a head office that does not say so has not taken it
        with db.atomic() as connection:
            connection.execute(
                "UPDATE hub_asked SET sent_at = ?, refused = ? WHERE plan_id = ?",
                (now, str(answer.get("refused") or ""), plan_id),
            )
            came(connection)
        sent += 1
    return sent


async def _answer(client: Client, join: JoinFile, message: bytes) -> dict[str, Any]:
    """What head office says to a message.

    Raises:
        NetworkError: it says nothing.
    """
    from nats.errors import Error

    try:
        reply = await client.request(rights.ask_subject(join.store), message, REPLY_S)
        answer = json.loads(reply.data)
    except (Error, TimeoutError, ValueError) as error:
        raise NetworkError("head office does not answer") from error
    return answer if isinstance(answer, dict) else {}


def send(app: OfficeWiring) -> SentRequests:
    """Send what waits, if there is a line; never fails for want of one.

    Args:
        app: the back office.
    """
    if not waiting(app.data):
        return SentRequests()
    sent, trouble, hint = 0, "", ""
    try:
        sent = asyncio.run(_send(app))
    except StoreOpsError as error:
        trouble, hint = error.message, error.hint
    settle(app)
    return SentRequests(sent, waiting(app.data), trouble, hint)


async def _send(app: OfficeWiring) -> int:
    join = joining.of_profile(app.profile)
    async with connected(
        join.url, join.key, join.token, f"{join.store_code} {app.profile.name}", join.ca
    ) as client:
        try:
            sent = await send_waiting(app.data, client, join, app.clock.now())
            await withdraw_waiting(app, client, join)
            return sent
        except NetworkError:
            raise NetworkError(
                _("Head office does not serve its hub now."),
                hint=_("The request is sent by the next `storeops hub follow`."),
            ) from None


# -- taking back -----------------------------------------------------------------------------------


def take_back(app: OfficeWiring, ledger: Ledger, plan: Plan, reason: str) -> int:
    """Take a request back, unless head office has decided it; see `changes.ledger.TakeBack`.

    What head office has is taken back there first. What it never had is cancelled at once; should
    it be on its way at this moment, it is taken back behind that.
    """
    with app.data.atomic() as connection:
        connection.execute(
            "UPDATE hub_asked SET withdrawn_at = ?, withdrawn_why = ?, withdrawn_by = ?"
            " WHERE plan_id = ?",
            (ledger.clock.now(), reason[:500], ledger.who, plan.id),
        )
        unsent = connection.execute(
            "SELECT 1 FROM hub_asked WHERE plan_id = ? AND sent_at IS NULL AND request_id NOT IN"
            " (SELECT request_id FROM hub_decision)",
            (plan.id,),
        ).fetchone()
        if unsent:
            connection.execute("UPDATE hub_asked SET body = NULL WHERE plan_id = ?", (plan.id,))
            rows = elsewhere.cancelled(ledger, connection, plan, reason)
    if unsent:
        ledger.journal.seal(app.data, ledger.clock.now())
        return rows
    asked = plans.row_counts(app.data, plan.id).get(ASKED, 0)
    trouble: StoreOpsError | None = None
    try:
        asyncio.run(_send(app))
    except StoreOpsError as error:
        trouble = error
    settle(app)
    now = plans.by_id(app.data, plan.id)
    if now.status == plans.CANCELLED:
        return asked
    if trouble is not None:
        raise NetworkError(
            _("{message} Plan {plan} is not taken back yet, and may be carried out.").format(
                message=trouble.message, plan=plan.name
            ),
            hint=_("Head office hears of it by the next `storeops hub follow`."),
            next_steps=["storeops hub follow --once", f"storeops plan show {plan.name}"],
        )
    raise ConflictError(
        _("Head office has decided plan {plan} already.").format(plan=plan.name),
        hint=_("See how it stands: storeops plan show {plan}; what is left of it, head office"
               " can stop.").format(plan=plan.name),
        next_steps=["storeops hub follow --once", f"storeops plan show {plan.name}"],
    )  # fmt: skip


async def withdraw_waiting(app: OfficeWiring, client: Client, join: JoinFile) -> int:
    """Tell head office what was taken back and it does not know of; returns how much.

    Args:
        app: the back office.
        client: connected as that.
        join: of the back office.

    Raises:
        NetworkError: head office does not answer; it is told the next time.
    """
    due = app.data.execute(
        "SELECT plan_id, request_id, withdrawn_by, withdrawn_why FROM hub_asked AS a"
        " WHERE withdrawn_at IS NOT NULL AND withdrawn_told = 0 AND (sent_at IS NOT NULL"
        "  OR EXISTS (SELECT 1 FROM hub_decision AS d WHERE d.request_id = a.request_id))"
    ).fetchall()
    for plan_id, name, by, why in due:
        answer = await _answer(client, join, withdrawal(join, name, by, why))
        with app.data.atomic() as connection:
            connection.execute(
                "UPDATE hub_asked SET withdrawn_told = 1, body = NULL WHERE plan_id = ?",
                (plan_id,),
            )
            if answer.get("withdrawn") or answer.get("unknown"):
                with suppress(NotFoundError):  # the plan is pruned
                    plan = plans.by_id(app.data, plan_id)
                    elsewhere.cancelled(app.ledger, connection, plan, why)
        app.ledger.journal.seal(app.data, app.clock.now())
    return len(due)


def came(connection: sqlite3.Connection) -> None:
    """Note, in a write transaction, that `settle` has something to look at."""
    state.write(connection, "news", str(state.number(connection, "news") + 1))


def settle(app: OfficeWiring) -> int:
    """Bring plans that were asked for to what has come down about them; returns how many changed.

    Args:
        app: the back office.
    """
    ledger = app.ledger
    news = state.read(app.data.connection, "news") or "0"
    if state.read(app.data.connection, "settled") == news:
        return 0
    found = app.data.execute(
        "SELECT a.plan_id, a.refused, d.id, d.status, d.reason FROM hub_asked AS a"
        " LEFT JOIN hub_decision AS d ON d.request_id = a.request_id"
        " WHERE d.id IS NOT NULL OR a.refused <> '' ORDER BY a.plan_id"
    ).fetchall()
    changed = 0
    for plan_id, turned_away, request, status, reason in found:
        with suppress(NotFoundError):  # the plan is pruned
            if request is None:
                changed += elsewhere.settle(ledger, plan_id, None, plans.REFUSED, turned_away)
            else:
                changed += elsewhere.settle(ledger, plan_id, request, status, reason)
    with app.data.atomic() as connection:
        # what is known to be with head office need not be kept to be sent again
        connection.execute(
            "UPDATE hub_asked SET body = NULL WHERE body IS NOT NULL AND (refused <> ''"
            " OR request_id IN (SELECT request_id FROM hub_decision))"
        )
        state.write(connection, "settled", news)  # what came meanwhile has counted on
    if changed:
        ledger.journal.seal(app.data, ledger.clock.now())
    return changed
