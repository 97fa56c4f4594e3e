"""Member numbers: whose each one is, and whose it was until it passed on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from storeops.domains.orders import summary

_KEYS = "external_userid, unionid, phone, phone_hash"


@dataclass(frozen=True, slots=True)
class MemberCard:
    """A member number is somebody's.

    Attributes:
        number: of the chain's own membership.
        external_userid, unionid, phone, phone_hash: whose it is, "" not said.
        birthday: 05-01, "" not said.
        since: Unix seconds; 0 since ever, None not said.
    """

    number: str
    external_userid: str
    unionid: str
    phone: str
    phone_hash: str
    birthday: str = ""
    since: int | None = None

    @property
    def keys(self) -> tuple[str, str, str, str]:
        """What names the person."""
        return self.external_userid, self.unionid, self.phone, self.phone_hash


def keep(
    connection: sqlite3.Connection,
    cards: Iterable[MemberCard],
    now: int,
    hash_phone: Callable[[str], str] | None = None,
) -> None:
    """Keep whose the numbers are, in a transaction.

    One that was somebody else's is the new one's from the day that the card says, else from now
    on: orders that were paid before stay, or become, the former one's.

    Args:
        connection: in a write transaction.
        cards: what a table says.
        now: Unix seconds.
        hash_phone: given where phones are kept as hashes only, those of before too.
    """
    for card in cards:
        if hash_phone is not None:
            _hide(connection, card.number, hash_phone)
        held = _held(connection, card.number)
        current = held[-1] if held else None
        if current is None or current.keys != card.keys or card.since is not None:
            begin = card.since if card.since is not None else now if held else 0
            held = _in_turn([*held, replace(card, since=begin)])
            _write(connection, held, now)
            begin = held[-1].since or 0
            if len(held) > 1 and current is not None and (
                held[-1].keys != current.keys or begin < (current.since or 0)
            ):  # fmt: skip
                _pass_on(connection, card.number, begin)
        if card.birthday:  # a file that does not say it, or wrongly, does not deny it
            connection.execute(
                "UPDATE orders_member SET birthday = ? WHERE number = ?",
                (card.birthday, card.number),
            )


def _hide(connection: sqlite3.Connection, number: str, hash_phone: Callable[[str], str]) -> None:
    for table in ("orders_member", "orders_member_former"):
        for (phone,) in connection.execute(
            f"SELECT DISTINCT phone FROM {table} WHERE number = ? AND phone <> ''", (number,)
        ).fetchall():
            connection.execute(
                f"UPDATE {table} SET phone = '', phone_hash = ? WHERE number = ? AND phone = ?",
                (f"k:{hash_phone(phone)}", number, phone),
            )


def _held(connection: sqlite3.Connection, number: str) -> list[MemberCard]:
    """Everybody whose it was, the last one's now."""
    return [
        MemberCard(name, external, unionid, phone, phone_hash, since=since)
        for name, external, unionid, phone, phone_hash, since in connection.execute(
            f"SELECT number, {_KEYS}, since FROM orders_member_former WHERE number = ?"
            f" UNION ALL SELECT number, {_KEYS}, since FROM orders_member WHERE number = ?"
            " ORDER BY since",
            (number, number),
        )
    ]


def _in_turn(held: Sequence[MemberCard]) -> list[MemberCard]:
    """By time; what is said later of a moment counts, and nobody follows herself."""
    at = {each.since: each for each in held}
    found: list[MemberCard] = []
    for _since, each in sorted(at.items(), key=lambda pair: pair[0] or 0):
        if not found or found[-1].keys != each.keys:
            found.append(each)
    return found


def _write(connection: sqlite3.Connection, held: Sequence[MemberCard], now: int) -> None:
    current = held[-1]
    connection.execute("DELETE FROM orders_member_former WHERE number = ?", (current.number,))
    connection.executemany(
        f"INSERT INTO orders_member_former (number, {_KEYS}, since, until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(each.number, *each.keys, each.since, after.since)
         for each, after in pairwise(held)],
    )  # fmt: skip
    connection.execute(
        f"INSERT INTO orders_member (number, {_KEYS}, updated_at, since)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET number = excluded.number,"
        " external_userid = excluded.external_userid, unionid = excluded.unionid,"
        " phone = excluded.phone, phone_hash = excluded.phone_hash,"
        " updated_at = excluded.updated_at, since = excluded.since,"
        # the birthday is the person's, and this one may be another
        " birthday = CASE WHEN (orders_member.external_userid, orders_member.unionid,"
        " orders_member.phone, orders_member.phone_hash) = (excluded.external_userid,"
        " excluded.unionid, excluded.phone, excluded.phone_hash) THEN birthday ELSE '' END",
        (current.number, *current.keys, now, current.since),
    )


def _pass_on(connection: sqlite3.Connection, number: str, since: int) -> None:
    """Buyers who are known by this number are looked for anew, for what was paid since then."""
    buyers = [key for (key,) in connection.execute(
        "SELECT id FROM orders_buyer WHERE member = ? AND (matched_by = 'member' OR matched_by = ''"
        " AND external_userid || unionid || phone || phone_hash = '')",
        (number,),
    )]  # fmt: skip
    ids = json.dumps(buyers)
    wrong = connection.execute(
        "SELECT DISTINCT customer_id FROM orders_order WHERE paid_at >= ? AND customer_id NOT NULL"
        " AND buyer_id IN (SELECT value FROM json_each(?))",
        (since, ids),
    ).fetchall()
    connection.execute(
        "UPDATE orders_order SET customer_id = NULL, matched_at = NULL WHERE paid_at >= ?"
        " AND buyer_id IN (SELECT value FROM json_each(?))",
        (since, ids),
    )
    connection.execute(
        "UPDATE orders_buyer SET customer_id = NULL, reason = 'new', since = ?"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (since, ids),
    )
    summary.note_stale(connection, [key for (key,) in wrong])


def former(
    connection: sqlite3.Connection, imported_at: int
) -> list[tuple[int, int, int, int | None, MemberCard]]:
    """(orders_order.id, orders_buyer.id, paid_at, customer.id, whose the number was then) of orders
    taken in since a moment that only a member number names, paid before that passed on."""
    rows = connection.execute(
        "SELECT o.id, o.buyer_id, o.paid_at, o.customer_id, f.number, f.external_userid,"
        " f.unionid, f.phone, f.phone_hash FROM orders_order o"
        " JOIN orders_buyer b ON b.id = o.buyer_id"
        " JOIN orders_member_former f ON f.number = b.member"
        " WHERE o.updated_at >= ? AND o.paid_at >= f.since AND o.paid_at < f.until"
        " AND (b.matched_by = 'member' OR b.matched_by = '' AND b.reason = 'unknown')",
        (imported_at,),
    )
    return [(*row[:4], MemberCard(*row[4:])) for row in rows]
