"""Who was it: buyers as orders name them, and the customers they are, never guessed.

A buyer is what an order says of the person: external_userid, unionid, phone (whole, masked or
hashed), member number. The first of these that any customer has decides, in this order. One
customer: matched. Several: ambiguous, and listed. None: the buyer waits, and is looked at again
when a customer appears, gets a number or loses one. An order keeps the customer it was matched
with. Of a buyer by whose number somebody bought before, only that customer is certain: when it has
passed to another one, new orders are ambiguous. An order that was paid before a number passed on
is of whoever is known to have had it then, and else ambiguous. What a person said stands until
somebody fits who did not then, or the customer does not any more.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from storeops.changes.seal import keyed_hash
from storeops.database.database import Database
from storeops.domains.orders import cards, summary
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import N_, _
from storeops.mirror import meta
from storeops.reading import identities

BuyerKey = tuple[str, str, str, str, str]  # external_userid, unionid, phone, phone_hash, member

REASONS = {
    "no_key": N_("the order names nobody"),
    "bad_phone": N_("its phone number cannot be read"),
    "unknown": N_("no customer is known by it yet"),
    "ambiguous": N_("several customers fit"),
    "new": N_("not looked for yet"),
}
WAYS = {
    "external_userid": N_("customer id"),
    "unionid": N_("unionid"),
    "phone": N_("phone"),
    "phone_hash": N_("phone hash"),
    "masked_phone": N_("masked phone"),
    "member": N_("member number"),
    "person": N_("by hand"),
}
WHY = "coalesce(nullif(b.reason, ''), 'ambiguous')"  # of an order without a customer, buyer b
_FRESH_S = 3 * 86_400  # of orders that were paid so lately and fit nobody the past is not asked
_BATCH = 5_000
_DIGESTS = {32: hashlib.md5, 40: hashlib.sha1, 64: hashlib.sha256}


@dataclass(frozen=True, slots=True)
class MatchReport:
    """Whose the orders are.

    Attributes:
        orders: all of them.
        matched, unmatched, ambiguous: by whether their customer is certain.
        new: matched by the look that reports; 0 of a report alone.
        by: way → orders matched by it.
        why_not: reason → orders.
        examples: reason → some order numbers.
    """

    orders: int
    matched: int
    unmatched: int
    ambiguous: int
    new: int
    by: dict[str, int]
    why_not: dict[str, int]
    examples: dict[str, list[str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The object of `order match --json`."""
        return {
            "orders": self.orders,
            "matched": self.matched,
            "unmatched": self.unmatched,
            "ambiguous": self.ambiguous,
            "new": self.new,
            "by": self.by,
            "why_not": [
                {
                    "reason": reason,
                    "message": _(REASONS[reason]),
                    "orders": orders,
                    "order_nos": self.examples.get(reason, []),
                }
                for reason, orders in self.why_not.items()
            ],
        }


def buyers(
    connection: sqlite3.Connection, keys: Collection[BuyerKey]
) -> dict[BuyerKey, tuple[int, int | None]]:
    """Buyer → (orders_buyer.id, customer.id or None); new ones are added, in a transaction."""
    connection.executemany(
        "INSERT INTO orders_buyer (external_userid, unionid, phone, phone_hash, member)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        keys,
    )
    rows = connection.execute(
        "SELECT j.value, b.id, b.customer_id FROM json_each(?) j JOIN orders_buyer b"
        " ON b.external_userid = json_extract(j.value, '$[0]')"
        " AND b.unionid = json_extract(j.value, '$[1]')"
        " AND b.phone = json_extract(j.value, '$[2]')"
        " AND b.phone_hash = json_extract(j.value, '$[3]')"
        " AND b.member = json_extract(j.value, '$[4]')",
        (json.dumps(list(keys)),),
    )
    return {tuple(json.loads(key)): (buyer, customer) for key, buyer, customer in rows}


# -- looking for customers ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Buyer:
    id: int
    external_userid: str
    unionid: str
    phone: str
    phone_hash: str
    member: str
    customer: int | None
    by_hand: bool
    candidates: str = "[]"  # JSON customer.id: who fitted when it was looked for, or a person spoke

    def stands(self, found: set[int]) -> bool:
        """Whether what a person said still does, now that these fit."""
        if not self.by_hand or self.customer is None:
            return False
        then = set(json.loads(self.candidates))
        still = self.customer in found or self.customer not in then or not found
        return still and found <= then | {self.customer}

    @property
    def nameless(self) -> bool:
        return not (
            self.external_userid or self.unionid or self.phone or self.phone_hash or self.member
        )


_SELECT = (
    "SELECT id, external_userid, unionid, phone, phone_hash, member, customer_id,"
    " matched_by = 'person', candidates FROM orders_buyer"
)


class _Finder:
    """The customers that buyers may be: everything that is asked for is looked up once."""

    def __init__(self, db: Database, wanted: Collection[_Buyer]) -> None:
        connection = db.connection
        members = self._members(connection, {each.member for each in wanted} - {""})
        keys = [(each.external_userid, each.unionid, each.phone, each.phone_hash)
                for each in wanted] + list(members.values())  # fmt: skip
        self.members = members
        self.externals = identities.ids_of(connection, {each[0] for each in keys} - {""})
        self.unionids: dict[str, set[int]] = defaultdict(set)
        unionids = {each[1] for each in keys} - {""}
        for unionid, customer in identities.with_unionids(connection, unionids) if unionids else ():
            self.unionids[unionid].add(customer)
        phones = {each[2] for each in keys} - {"", "?"}
        hashes = {each[3] for each in keys} - {""}
        self.phones: dict[str, set[int]] = defaultdict(set)
        if phones or hashes:
            forms = spelled(phones, hashes, keyed_hash(db.path.parent, "phone"))
            for customer, number in identities.numbers(connection):
                for form in forms(number):
                    if form in phones or form in hashes:
                        self.phones[form].add(customer)

    @staticmethod
    def _members(
        connection: sqlite3.Connection, numbers: Collection[str]
    ) -> dict[str, tuple[str, str, str, str]]:
        if not numbers:
            return {}
        rows = connection.execute(
            "SELECT number, external_userid, unionid, phone, phone_hash FROM orders_member"
            " WHERE number IN (SELECT value FROM json_each(?))",
            (json.dumps(list(numbers)),),
        )
        return {row[0].casefold(): tuple(row[1:]) for row in rows}

    def find(self, buyer: _Buyer) -> tuple[set[int], str]:
        """(customers, by which way)."""
        if found := self._by_keys(
            buyer.external_userid, buyer.unionid, buyer.phone, buyer.phone_hash
        ):
            return found
        member = self.members.get(buyer.member.casefold())
        if member is not None and (found := self._by_keys(*member)):
            return found[0], "member"
        return set(), ""

    def _by_keys(
        self, external: str, unionid: str, phone: str, phone_hash: str
    ) -> tuple[set[int], str] | None:
        if (customer := self.externals.get(external)) is not None:
            return {customer}, "external_userid"
        if found := self.unionids.get(unionid):
            return found, "unionid"
        if phone and (found := self.phones.get(phone)):
            return found, "masked_phone" if "*" in phone else "phone"
        if phone_hash and (found := self.phones.get(phone_hash)):
            return found, "phone" if phone_hash.startswith("k:") else "phone_hash"
        return None


def spelled(
    phones: Iterable[str], hashes: Iterable[str], keyed: Callable[[str], str] | None
) -> Callable[[str], list[str]]:
    """What makes of a number every form in which any of these may mean it: masks and hashes.

    Args:
        phones: numbers, whole or masked.
        hashes: hex digests, or `k:` and the profile's keyed hash.
        keyed: makes the latter; None without a key.
    """
    masks = {(len(each.partition("*")[0]), len(each.rpartition("*")[2]), len(each))
             for each in phones if "*" in each}  # fmt: skip
    hashes = list(hashes)
    digests = [make for size, make in _DIGESTS.items()
               if any(len(each) == size and ":" not in each for each in hashes)]  # fmt: skip
    ours = keyed if keyed is not None and any(each[:2] == "k:" for each in hashes) else None

    def forms(number: str) -> list[str]:
        found = [number]
        for front, back, size in masks:
            if len(number) == size:
                stars = "*" * (size - front - back)
                found.append(f"{number[:front]}{stars}{number[size - back :] if back else ''}")
        raw = number.encode()
        found += [make(raw).hexdigest() for make in digests]
        if ours is not None:
            found.append(f"k:{ours(number)}")
        return found

    return forms


# -- keeping what was found -----------------------------------------------------------------------


def match_new(db: Database, now: int) -> None:
    """Look for the buyers nobody looked for yet."""
    at = identities.position(db.connection)
    _resolve(db, _waiting(db, ("new",)), now)
    if _kept_position(db) is None:
        _keep_position(db, at)  # from here on only what is new need be looked at


def match_all(db: Database, now: int) -> set[int]:
    """Look for everybody who waits, once more; returns customers whose orders changed."""
    at = identities.position(db.connection)
    touched = _resolve(db, _waiting(db, ("new", "unknown", "ambiguous")), now)
    _keep_position(db, at)
    return touched


def _waiting(db: Database, reasons: Collection[str]) -> list[_Buyer]:
    marks = ",".join("?" * len(reasons))
    rows = db.execute(f"{_SELECT} WHERE reason IN ({marks}) ORDER BY id", tuple(reasons))
    return [_Buyer(*row) for row in rows]


def _resolve(db: Database, wanted: list[_Buyer], now: int) -> set[int]:
    touched: set[int] = set()
    if not wanted:
        return touched
    finder = _Finder(db, wanted)
    for start in range(0, len(wanted), _BATCH):
        updates, orders = [], []
        ids = [each.id for each in wanted[start : start + _BATCH]]
        with db.atomic() as connection:
            # read again: a person may have said meanwhile whose they are
            rows = connection.execute(
                f"{_SELECT} WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
            ).fetchall()
            before = _bought_before(connection, ids)
            for buyer in (_Buyer(*row) for row in rows):
                customer, way, reason, candidates = _verdict(finder, buyer, before[buyer.id])
                if customer is not None:
                    touched.add(customer)
                    orders.append((customer, now, buyer.id))
                updates.append((customer, reason, json.dumps(candidates), way, buyer.id))
            connection.executemany(
                "UPDATE orders_buyer SET customer_id = ?, reason = ?, candidates = ?,"
                " matched_by = coalesce(nullif(?, ''), matched_by) WHERE id = ?",
                updates,
            )
            connection.executemany(
                "UPDATE orders_order SET customer_id = ?, matched_at = ?"
                " WHERE buyer_id = ? AND customer_id IS NULL AND paid_at >="
                " coalesce((SELECT b.since FROM orders_buyer b WHERE b.id = buyer_id), paid_at)",
                orders,
            )
            summary.note_stale(connection, {customer for customer, _now, _buyer in orders})
    return touched


def _bought_before(connection: sqlite3.Connection, buyers: Sequence[int]) -> dict[int, set[int]]:
    """Buyer → the customers whose orders are certain to be of it."""
    found: dict[int, set[int]] = defaultdict(set)
    for buyer, customer in connection.execute(
        "SELECT DISTINCT o.buyer_id, o.customer_id FROM orders_order o"
        " JOIN orders_buyer b ON b.id = o.buyer_id"
        " WHERE o.buyer_id IN (SELECT value FROM json_each(?)) AND o.customer_id IS NOT NULL"
        # a member number says itself when it passed on
        " AND (b.matched_by <> 'member' OR o.paid_at >= coalesce(b.since, 0))",
        (json.dumps(list(buyers)),),
    ):
        found[buyer].add(customer)
    return found


def _verdict(
    finder: _Finder, buyer: _Buyer, before: set[int]
) -> tuple[int | None, str, str, list[int]]:
    """(customer, way, why not, candidates)."""
    if buyer.nameless:
        return None, "", "no_key", []
    found, way = finder.find(buyer)
    if buyer.stands(found):
        return buyer.customer, "person", "", json.loads(buyer.candidates)
    fitting = found | before if found else found
    if len(fitting) == 1:
        return next(iter(fitting)), way, "", []
    if fitting:
        return None, "", "ambiguous", sorted(fitting)
    others = buyer.external_userid or buyer.unionid or buyer.phone_hash or buyer.member
    return None, "", "bad_phone" if buyer.phone == "?" and not others else "unknown", []


# -- orders that come late -------------------------------------------------------------------------


def settle_early(db: Database, imported_at: int) -> None:
    """Of orders that were just taken in: those that were paid before a number passed on are of
    whoever is known to have had it then; of nobody where that is not one customer.

    Args:
        db: data.db.
        imported_at: `updated_at` of these orders, Unix seconds.
    """
    rows = db.execute(
        "SELECT o.id, o.buyer_id, o.paid_at, o.customer_id, coalesce(nullif(b.phone, ''),"
        " b.phone_hash) FROM orders_order o JOIN orders_buyer b ON b.id = o.buyer_id"
        " WHERE o.updated_at >= ? AND (b.phone NOT IN ('', '?') OR b.phone_hash <> '')"
        " AND (o.customer_id IS NULL AND b.reason IN ('ambiguous', 'unknown') AND o.paid_at < ?"
        " OR o.customer_id IS NOT NULL"
        " AND b.matched_by IN ('phone', 'phone_hash', 'masked_phone'))",
        (imported_at, imported_at - _FRESH_S),  # strangers' orders of every night are many
    ).fetchall()
    certain: dict[int, int] = {}
    customers = sorted({row[3] for row in rows} - {None})
    for start in range(0, len(customers), _BATCH):
        certain |= identities.certain_since(db.connection, customers[start : start + _BATCH])
    early = [row for row in rows if row[3] is None or row[2] < certain[row[3]]]
    settled = _of_former_cards(db, imported_at)
    if not (early or settled):
        return
    wanted = {row[4] for row in early}
    masks = {each for each in wanted if "*" in each}
    hashes = {each for each in wanted if each.strip("0123456789*")}
    forms = spelled(masks, hashes, keyed_hash(db.path.parent, "phone"))
    had = identities.holdings(db.connection, wanted, forms)
    for key, buyer, paid_at, customer, form in early:
        spans = had.get(form, [])
        if not any(each.end is not None and each.customer != customer for each in spans):
            continue
        then = [each for each in spans if each.covers(paid_at)]
        whose = then[0].customer if len({each.customer for each in then}) == 1 else None
        if customer is None and any(each.end is None for each in then):
            continue  # after it passed on: whose it is was asked already
        if whose != customer:
            settled.append((whose, key, buyer, paid_at, customer))
    for start in range(0, len(settled), _BATCH):
        piece = settled[start : start + _BATCH]
        with db.atomic() as connection:
            connection.executemany(
                "UPDATE orders_order SET customer_id = ?, matched_at = ? WHERE id = ?",
                [(whose, None if whose is None else imported_at, key)
                 for whose, key, _buyer, _paid_at, _before in piece],
            )  # fmt: skip
            connection.executemany(
                "UPDATE orders_buyer SET since = max(coalesce(since, 0), ?),"
                " matched_by = coalesce(nullif(matched_by, ''),"
                " CASE WHEN phone <> '' OR phone_hash <> '' THEN 'phone' ELSE 'member' END)"
                " WHERE id = ?",
                [(paid_at + 1, buyer) for _whose, _key, buyer, paid_at, _before in piece],
            )
            touched = {each for row in piece for each in (row[0], row[4])} - {None}
            summary.note_stale(connection, [each for each in touched if each is not None])


def _of_former_cards(
    db: Database, imported_at: int
) -> list[tuple[int | None, int, int, int, int | None]]:
    """(customer, order, buyer, paid at, customer before) of orders by a member number that was
    somebody else's when they were paid."""
    rows = cards.former(db.connection, imported_at)
    holders = [_Buyer(0, *card.keys, "", None, False) for *_order, card in rows]
    finder = _Finder(db, holders)
    found = []
    for (key, buyer, paid_at, customer, _card), holder in zip(rows, holders, strict=True):
        fitting, _way = finder.find(holder)
        whose = next(iter(fitting)) if len(fitting) == 1 else None
        if whose != customer:
            found.append((whose, key, buyer, paid_at, customer))
    return found


# -- customers who appear -------------------------------------------------------------------------


def _kept_position(db: Database) -> identities.MirrorPosition | None:
    row = db.execute("SELECT value FROM orders_meta WHERE key = 'position'").fetchone()
    return identities.MirrorPosition(*json.loads(row[0])) if row else None


def _keep_position(db: Database, at: identities.MirrorPosition) -> None:
    with db.atomic() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO orders_meta VALUES ('position', ?)",
            (json.dumps([at.customer, at.follow, at.timeline]),),
        )


def refreshed(db: Database, now: float) -> None:
    """Facts came in: match the orders that waited for customers who are new or got a number; who
    lost one is not certain to be its buyer any more."""
    before = _kept_position(db)
    if before is None or meta.is_fed(db.connection):
        return  # nothing was imported yet; or head office matches
    after = identities.position(db.connection)
    if before != after:
        touched = _resolve(db, _appeared(db, before), int(now))
        summary.refresh(db, touched, int(now))
        _keep_position(db, after)


def _appeared(db: Database, before: identities.MirrorPosition) -> list[_Buyer]:
    """Buyers that a customer who is new, or a number that came or went, may be."""
    connection = db.connection
    found: dict[int, _Buyer] = {}
    forms = _forms_of_all(db)
    by_member = connection.execute("SELECT 1 FROM orders_member LIMIT 1").fetchone() is not None

    def take(columns: Sequence[str], words: Iterable[str]) -> None:
        """Buyers that name one of these words, by themselves or by their member number."""
        text = json.dumps(list(words))
        for column in columns:
            # said twice, so that the partial indexes are known to fit
            wanted = f"{column} <> '' AND {column} IN (SELECT value FROM json_each(?))"
            rows = connection.execute(f"{_SELECT} WHERE {wanted}", (text,)).fetchall()
            if by_member:
                rows += connection.execute(
                    f"{_SELECT} WHERE member <> '' AND member IN"
                    f" (SELECT number FROM orders_member WHERE {wanted})",
                    (text,),
                ).fetchall()
            found.update((row[0], _Buyer(*row)) for row in rows)

    come = identities.newcomers(connection, before.customer)
    while piece := list(islice(come, _BATCH)):
        take(("external_userid",), [external for _key, external, _unionid in piece])
        take(("unionid",), [unionid for _key, _external, unionid in piece if unionid])
    later = _later(connection, before)
    while numbers := list(islice(later, _BATCH)):
        take(("phone", "phone_hash"), {form for _key, number in numbers for form in forms(number)})
    return list(found.values())


def _later(
    connection: sqlite3.Connection, before: identities.MirrorPosition
) -> Iterator[tuple[int, str]]:
    yield from identities.numbers(connection, before.follow)
    yield from identities.changed_numbers(connection, before.timeline)


def _forms_of_all(db: Database) -> Callable[[str], list[str]]:
    """The forms in which any buyer at all may write a number."""
    masked = [each for (each,) in db.execute(
        "SELECT DISTINCT phone FROM orders_buyer WHERE phone <> '' AND instr(phone, '*')"
    )]  # fmt: skip
    hashes = [each for (each,) in db.execute(
        "SELECT min(phone_hash) FROM orders_buyer WHERE phone_hash <> ''"
        " GROUP BY length(phone_hash), substr(phone_hash, 1, 2) = 'k:'")]  # fmt: skip
    return spelled(masked, hashes, keyed_hash(db.path.parent, "phone"))


def born_on(db: Database, days: Collection[str]) -> dict[int, str]:
    """customer.id → birthday (05-01) of those whose member card says one of these days; left out
    where a card fits several customers, or none."""
    rows = db.execute(
        "SELECT external_userid, unionid, phone, phone_hash, birthday FROM orders_member"
        " WHERE birthday <> '' AND birthday IN (SELECT value FROM json_each(?))",
        (json.dumps(list(days)),),
    ).fetchall()
    if not rows:
        return {}
    cards = [
        (_Buyer(0, external, unionid, phone, phone_hash, "", None, False), birthday)
        for external, unionid, phone, phone_hash, birthday in rows
    ]
    finder = _Finder(db, [card for card, _birthday in cards])
    found: dict[int, str] = {}
    for card, birthday in cards:
        fitting, _way = finder.find(card)
        if len(fitting) == 1:
            found[next(iter(fitting))] = birthday
    return found


# -- by hand, and what is so ----------------------------------------------------------------------


def find_order(db: Database, order_no: str, source: str = "") -> int:
    """orders_order.id of a number, of one source or of any.

    Raises:
        NotFoundError: there is none.
        UsageError: several sources have one of that number.
    """
    rows = db.execute(
        "SELECT o.id, s.name FROM orders_order o JOIN orders_source s ON s.id = o.source_id"
        " WHERE o.order_no = ? AND (? = '' OR s.name = ? COLLATE NOCASE)",
        (order_no, source, source),
    ).fetchall()
    if not rows:
        raise NotFoundError(
            _("There is no order {order}.").format(order=order_no),
            hint=_("`storeops order list` names them."),
        )
    if len(rows) > 1:
        names = _(", ").join(name for _key, name in rows)
        raise UsageError(
            _("Several sources have an order {order}: {names}.").format(
                order=order_no, names=names
            ),
            hint=_("Say which one: --source NAME"),
        )
    return int(rows[0][0])


def assign(db: Database, order_no: str, external_userid: str, now: float, source: str = "") -> int:
    """Say whose an order is; its buyer means this customer from now on.

    Orders of the same buyer that are uncertain, or had the same customer, go with it.

    Returns:
        How many orders that are.

    Raises:
        NotFoundError: no such order or customer.
        UsageError: several sources have an order of that number.
    """
    meta.must_be_kept_here(db.connection)
    order = find_order(db, order_no, source)
    customer = identities.ids_of(db.connection, [external_userid]).get(external_userid)
    if customer is None:
        raise NotFoundError(
            _("The mirror knows no customer {who}.").format(who=external_userid),
            hint=_("`storeops customer list` names them."),
        )
    buyer, before = db.execute(
        "SELECT buyer_id, customer_id FROM orders_order WHERE id = ?", (order,)
    ).fetchone()
    with db.atomic() as connection:
        nameless, meant, candidates = connection.execute(
            "SELECT reason = 'no_key', customer_id, candidates FROM orders_buyer WHERE id = ?",
            (buyer,),
        ).fetchone()
        where, own = ("id = ?", order) if nameless else ("buyer_id = ?", buyer)
        if not nameless:
            fitted = {*json.loads(candidates), meant} - {None}
            connection.execute(
                "UPDATE orders_buyer SET customer_id = ?, matched_by = 'person', reason = '',"
                " candidates = ? WHERE id = ?",
                (customer, json.dumps(sorted(fitted)), buyer),
            )
        changed = connection.execute(
            "UPDATE orders_order SET customer_id = ?, matched_at = ?"
            f" WHERE {where} AND (customer_id IS ? OR customer_id IS NULL)",
            (customer, int(now), own, before),
        ).rowcount
        summary.refresh(db, {customer, *([before] if before is not None else [])}, int(now))
    return int(changed)


def look_again(db: Database, now: float) -> MatchReport:
    """Look for everybody who waits, once more; what is so then, with how many are new."""
    meta.must_be_kept_here(db.connection)
    before = report(db).matched
    summary.refresh(db, match_all(db, int(now)), int(now))
    found = report(db)
    return replace(found, new=found.matched - before)


def report(db: Database) -> MatchReport:
    """How many orders have their customer, by which way, and why others have none."""
    by: Counter[str] = Counter()
    why: Counter[str] = Counter()
    for matched, way, reason, orders in db.execute(
        f"SELECT o.customer_id IS NOT NULL, b.matched_by, {WHY}, count(*) FROM orders_order o"
        " JOIN orders_buyer b ON b.id = o.buyer_id GROUP BY 1, 2, 3"
    ):
        if matched:
            by[way or "person"] += orders
        else:
            why[reason or "new"] += orders
    examples = {
        reason: [
            order
            for (order,) in db.execute(
                "SELECT o.order_no FROM orders_buyer b JOIN orders_order o ON o.buyer_id = b.id"
                f" WHERE {WHY} = ? AND o.customer_id IS NULL LIMIT 5",
                (reason,),
            )
        ]
        for reason in why
    }
    unmatched = sum(why.values()) - why["ambiguous"]
    total = sum(by.values()) + sum(why.values())
    return MatchReport(
        total, sum(by.values()), unmatched, why["ambiguous"], 0, dict(by),
        {each: why[each] for each in REASONS if why[each]}, examples,
    )  # fmt: skip
