"""Telling shops and customers of a recall: messages to shops, tasks for the guides of buyers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.care import tasks
from storeops.domains.care.tasks import AskedTask
from storeops.domains.lots import buyers, gs1, recall
from storeops.domains.lots.buyers import LotBuyer
from storeops.domains.lots.gs1 import Thing
from storeops.domains.lots.words import amount
from storeops.domains.notify import log, outbox, shops
from storeops.domains.notify.messages import TEXT, OutMessage
from storeops.domains.notify.shops import ShopReceiver
from storeops.domains.orders import products
from storeops.errors import ConflictError, NotFoundError, UsageError
from storeops.i18n import _
from storeops.wecom.messages import TEXT_BYTES

if TYPE_CHECKING:
    from storeops.operations.wiring import Wiring

SEND_S = 60.0
MOST_LINES = 20  # lots named in one message
_ALL_CLEAR = (("", ""),)


@dataclass(frozen=True, slots=True)
class RecallNotice:
    """What one shop is told.

    Attributes:
        place: GLN or own number; store: the shop's number; name: as people call it.
        receiver: where the message goes.
        text: of the message.
        message: its id.
        lots: (item, lot) of what the shop was not told of yet; () when it was told of all. Of a
            false alarm ("", "") stands for that.
    """

    place: str
    store: str
    name: str
    receiver: ShopReceiver
    text: str
    message: str
    lots: tuple[Thing, ...]

    @property
    def target(self) -> str:
        """Name of the target; "" where there is nobody to tell."""
        return self.receiver.target


@dataclass(frozen=True, slots=True)
class Notified:
    """What a round of telling did.

    Attributes:
        messages: handed over now, by shop.
        unreachable: names of places that hold pieces and have nobody who can be told.
        customers: who bought of the lot; proved: of them surely.
        tasks: new care tasks.
        told: status by id of all messages of the recall.
    """

    messages: tuple[RecallNotice, ...]
    unreachable: tuple[str, ...]
    customers: int
    proved: int
    tasks: int
    told: dict[str, str]


def notices(db: Database, number: int) -> list[RecallNotice]:
    """What each place of a recall is told, and where (`notify.shops.receivers`).

    Of a false alarm: what those are told that were told of the recall.

    Raises:
        NotFoundError: there is no recall of that number.
    """
    return _notices(db, recall.show(db, number))


def _notices(db: Database, found: dict[str, Any]) -> list[RecallNotice]:
    number = found["recall"]
    all_clear = found["status"] == recall.FALSE_ALARM
    bad = recall.called_back(db) if all_clear else None
    cleared = {place for item, lot, place in recall.told(db, number) if not (item or lot)}
    receivers = shops.receivers(db, {each["store"]: each["staff"] for each in found["items"]})
    names = products.names(db)
    by_place: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in found["items"]:
        by_place[each["place"]].append(each)
    result = []
    for place, lines in by_place.items():
        first = lines[0]
        told = {each["message"] for each in lines if each["message"]}
        if bad is not None:
            if told:
                still = sorted({each["lot"] for each in lines if bad(each["item"], each["lot"])})
                result.append(
                    RecallNotice(
                        place, first["store"], first["name"], receivers[first["store"]],
                        _all_clear(found, first["name"] or place, still),
                        f"recall-{number}-{place}-false-alarm",
                        () if place in cleared else _ALL_CLEAR,
                    )
                )  # fmt: skip
            continue
        fresh = [each for each in lines if not each["message"]]
        text = _text(found, first["name"] or place, fresh or lines, names)
        id = f"recall-{number}-{place}" + (f"-{len(told) + 1}" if told else "")
        result.append(
            RecallNotice(
                place, first["store"], first["name"], receivers[first["store"]], text, id,
                tuple((each["item"], each["lot"]) for each in fresh),
            )
        )  # fmt: skip
    return result


def _all_clear(found: dict[str, Any], name: str, still: Sequence[str]) -> str:
    """What a shop is told of a false alarm; `still` names lots that another recall calls back."""
    text = (
        _("Recall {number} ({shop}) was a false alarm: {reason}. Another recall calls back lots of"
          " it, which you still keep apart: {lots}.")
        if still else
        _("Recall {number} ({shop}) was a false alarm: {reason}. What you keep apart for it may be"
          " sold again.")
    )  # fmt: skip
    short = outbox.cut(found["false_alarm_why"], TEXT_BYTES // 2).rstrip(".。")
    lots = _(", ").join([*still[:MOST_LINES], *("…" for _lot in still[MOST_LINES:][:1])])
    return text.format(number=found["recall"], shop=name, reason=short, lots=lots)


def _text(
    found: dict[str, Any], name: str, lines: Iterable[dict[str, Any]], names: dict[str, str]
) -> str:
    rows = [
        _("{article}, lot {lot}: hold back {pieces}, sold {sold}").format(
            article=names.get(each["item"].lstrip("0"), each["item"]), lot=each["lot"],
            pieces=amount(each["to_block"], each["unit"]), sold=amount(each["sold"], each["unit"]),
        )
        for each in lines
    ]  # fmt: skip
    head = _("Recall {number} ({shop}): {reason}").format(
        number=found["recall"], shop=name, reason=found["reason"]
    )
    foot = _("Take it off the shelf now, keep it apart, and answer how many pieces you hold back.")
    # what is to be done stands in every message, however long the reason and the list are
    head = outbox.cut(head, TEXT_BYTES // 2)
    for most in range(min(len(rows), MOST_LINES), -1, -1):
        some = [*rows[:most], "…"] if most < len(rows) else rows
        text = "\n".join([head, *some, foot])
        if len(text.encode("utf-8", "replace")) <= TEXT_BYTES:
            break
    return text


def notify(app: Wiring, number: int) -> Notified:
    """Tell the shops that were not told yet, and give the guides of buyers their tasks.

    Said again it tells nobody twice; who appeared among the buyers meanwhile is added. Of a false
    alarm the shops that were told are told so.

    Raises:
        NotFoundError: there is no recall of that number.
        ConflictError: it is closed.
        PolicyError: read-only; nothing was sent.
    """
    db, now = app.data, app.clock.now()
    app.ledger.policy.may_write()
    found = recall.show(db, number)
    if found["status"] == recall.CLOSED:
        raise ConflictError(_("Recall {number} is closed.").format(number=number))
    every = _notices(db, found)
    fresh = [each for each in every if each.target and each.lots]
    unreachable = [each for each in every if each.lots and not each.target]
    handed = []
    try:
        for each in fresh:
            try:
                if _hand_over(app, number, each, now):
                    handed.append(each)
            except (NotFoundError, UsageError):  # one shop must not keep the others from knowing
                unreachable.append(each)
        reached, new = [], 0
        if found["status"] == recall.OPEN:
            reached = buyers.buyers(db, gs1.asked(found["lot"]))
            with db.atomic():
                if not recall.is_false_alarm(db, number):  # said meanwhile
                    asked = [_task(each) for each in reached]
                    new = tasks.ask(db, recall.reason_of(number), asked, now)
    finally:  # also what an earlier round left waiting
        outbox.deliver(app, seconds=SEND_S)
    messages = recall.told(db, number).values()
    return Notified(
        tuple(handed),
        tuple(each.name or each.place for each in unreachable),
        buyers.count(reached),
        buyers.count([each for each in reached if each.proved]),
        new,
        dict.fromkeys(messages, log.SENT) | log.statuses(db, messages),
    )


def _hand_over(app: Wiring, number: int, notice: RecallNotice, now: float) -> bool:
    """Keep the message of a shop, and that the shop has one: both or none.

    False where another round told it meanwhile, perhaps of fewer lots: the next one tells more;
    and where the recall turned out a false alarm meanwhile.

    Raises:
        NotFoundError, UsageError: nothing can be sent there.
    """
    with app.data.atomic() as connection:
        here = {(item, lot) for item, lot, place in recall.told(app.data, number)
                if place == notice.place}  # fmt: skip
        over = recall.is_false_alarm(app.data, number) and notice.lots != _ALL_CLEAR
        if over or here & set(notice.lots):
            return False
        shops.keep(app.data, notice.receiver, now)
        with suppress(ConflictError):  # a round of an older version was cut off in between
            outbox.post(app, notice.target, OutMessage(TEXT, notice.text, fold=False, urgent=True),
                        id=notice.message)  # fmt: skip
        connection.executemany(
            "INSERT INTO lots_recall_told (recall, place, item, lot, target, message, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(number, notice.place, *lot, notice.target, notice.message, now)
             for lot in notice.lots],
        )  # fmt: skip
    return True


def _task(buyer: LotBuyer) -> AskedTask:
    return AskedTask(
        buyer.customer, "recall" if buyer.proved else "recall-possible", buyers.label(buyer),
        {"article": buyer.article, "day": times.day(buyer.at), "lot": buyer.lot,
         "order_no": buyer.order_no},
    )  # fmt: skip
