"""Chasing pictures that are owed: one message a shop, once for each spot and reason."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.notify import outbox, shops
from storeops.domains.notify.messages import TEXT, OutMessage
from storeops.domains.notify.shops import ShopReceiver
from storeops.domains.stock import photos
from storeops.domains.stock.words import photo_why
from storeops.errors import ConflictError, NotFoundError, UsageError
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.operations.wiring import Wiring

SEND_S = 60.0


@dataclass(frozen=True, slots=True)
class Chase:
    """What one shop is told.

    Attributes:
        store, name: the shop; day: YYYY-MM-DD.
        owed: rows of `photos.of_day` that are owed, all of them.
        receiver: where the message goes.
        text: of the message.
        message: its id.
    """

    store: str
    name: str
    day: str
    owed: Sequence[dict[str, Any]]
    receiver: ShopReceiver
    text: str
    message: str


def due(db: Database, now: float, stores: Sequence[str] = ()) -> list[Chase]:
    """Shops that owe something today of which they were not told yet.

    Args:
        db: data.db.
        now: Unix seconds.
        stores: only these; () for all.
    """
    day = times.day(now)
    owed: dict[str, list[dict[str, Any]]] = {}
    for each in photos.of_day(db, day, now, stores=stores):
        if each["status"] in photos.OWED and each["due"]:
            owed.setdefault(each["store"], []).append(each)
    told = {
        (store.casefold(), spot, status)
        for store, spot, status in db.execute(
            "SELECT store, spot, status FROM stock_chased WHERE day = ?", (day,)
        )
    }
    fresh = {
        store: rows
        for store, rows in owed.items()
        if any((store.casefold(), row["spot"], row["status"]) not in told for row in rows)
    }
    people = shops.staff(db, fresh)
    where = shops.receivers(db, {store: people.get(store, []) for store in fresh})
    found = []
    for store, rows in fresh.items():
        before = db.execute(
            "SELECT count(DISTINCT message) FROM stock_chased WHERE day = ? AND store = ?",
            (day, store),
        ).fetchone()[0]
        name = rows[0]["name"] or store
        found.append(
            Chase(store, name, day, rows, where[store], _text(name, day, rows),
                  f"photos-{day}-{store}-{before + 1}")
        )  # fmt: skip
    return found


def _text(name: str, day: str, rows: Sequence[dict[str, Any]]) -> str:
    head = _("Shelf photos of {day} that {shop} still owes:").format(day=day, shop=name)
    foot = _("Send the pictures to this app, in this order.")
    lines = []
    for number, row in enumerate(rows, 1):
        why = photo_why(row["status"], row["why"], row["of_day"])
        lines.append(f"{number}. {row['spot']}" + (_(" ({reason})").format(reason=why) if why
                                                   else ""))  # fmt: skip
    return "\n".join([outbox.cut(head, 300), outbox.cut("\n".join(lines), 1500), foot])


def chase(app: Wiring, stores: Sequence[str] = ()) -> tuple[list[Chase], list[str]]:
    """Tell them; (messages that were handed over, names of shops where nobody can be told).

    Raises:
        PolicyError: read-only; nothing was sent.
    """
    db, now = app.data, app.clock.now()
    app.ledger.policy.may_write()
    done: list[Chase] = []
    unreachable: list[str] = []
    try:
        for each in due(db, now, stores):
            try:
                if not each.receiver.target:
                    raise NotFoundError(each.name)
                _hand_over(app, each, now)
                done.append(each)
            except (NotFoundError, UsageError):  # one shop must not keep the others from knowing
                unreachable.append(each.name)
    finally:
        if done:
            outbox.deliver(app, seconds=SEND_S)
    return done, unreachable


def _hand_over(app: Wiring, each: Chase, now: float) -> None:
    """Keep the message, and that the shop has it.

    Raises:
        NotFoundError, UsageError: nothing can be sent there.
    """
    shops.keep(app.data, each.receiver, now)
    with suppress(ConflictError):  # a round that was cut off handed it over, in other words
        outbox.post(app, each.receiver.target, OutMessage(TEXT, each.text, fold=False),
                    id=each.message)  # fmt: skip
    with app.data.atomic() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO stock_chased (day, store, spot, status, message, at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(each.day, each.store, row["spot"], row["status"], each.message, now)
             for row in each.owed],
        )  # fmt: skip
