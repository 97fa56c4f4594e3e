"""What orders say of customers: conditions, facets, columns, the card, Today, completion."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from storeops import times
from storeops.database.database import Database
from storeops.domain import CardSection, TodayLine
from storeops.domains.orders import customer_sets, sources, values
from storeops.domains.orders.segments import SEGMENTS, segment_of_word
from storeops.durations import span
from storeops.i18n import N_, _, aside, ngettext
from storeops.mirror.bytemap import array_of
from storeops.reading.columns import CustomerColumn
from storeops.reading.conditions import Condition, Facet, Sql
from storeops.tables import typed

if TYPE_CHECKING:
    from storeops.mirror.column_store import Mask

DAY_S = 86_400
_SIGN = re.compile(r"(>=|<=|>|<|=)?\s*(.+)\Z", re.DOTALL)
_SPAN = re.compile(r"(\d{1,5})([hdwmy]?)\Z")
_UNITS = {"h": 3_600, "": DAY_S, "d": DAY_S, "w": 7 * DAY_S, "m": 30 * DAY_S, "y": 365 * DAY_S}


def _signed(text: str) -> tuple[str, str]:
    """(comparison, the rest) as typed: ＞, ≥ and the like mean the same."""
    text = typed.word(text.replace("≥", ">=").replace("≤", "<="))
    found = _SIGN.match(text)
    return (found[1] or "=", found[2]) if found else ("=", "")


def _amount(text: str) -> str | None:
    sign, rest = _signed(text)
    number = values.decimal(rest)
    return None if number is None or abs(number) > 10**12 else f"{sign}{number}"


def _number(text: str) -> str | None:
    sign, rest = _signed(text)
    return f"{sign}{int(rest)}" if rest.isdecimal() and len(rest) < 10 else None


def _length(text: str) -> str | None:
    sign, rest = _signed(text)
    if sign == "=":
        sign = "<"
    return f"{sign}{rest}" if sign in "<>" and _SPAN.match(rest) else None


def _seconds(value: str) -> tuple[str, int]:
    found = _SPAN.match(value[1:])
    assert found is not None
    return value[0], int(found[1]) * _UNITS[found[2]]


def _compared(column: str, convert: Callable[[str], Any]) -> dict[str, Any]:
    """Source and probe of a comparison with a column of orders_customer."""

    def test(value: str) -> tuple[str, Any]:
        sign, rest = _signed(value)
        return sign, convert(rest)

    def source(value: str, _now: float) -> Sql:
        sign, number = test(value)
        return f"SELECT customer_id FROM orders_customer WHERE {column} {sign} ?", (number,)

    def probe(value: str, _now: float) -> Sql:
        sign, number = test(value)
        return (
            "EXISTS (SELECT 1 FROM orders_customer oc WHERE oc.customer_id = {id}"
            f" AND oc.{column} {sign} ?)",
            (number,),
        )

    return {"source": source, "probe": probe}


SPENT = Condition(
    **_compared("spent_fen", lambda rest: values.fen(values.decimal(rest) or values.decimal("0"))),  # type: ignore[arg-type]  # a number: `_amount` read it
    values=_amount, single=True, examples=(">1000", "<=99.50"), words=("消费", "消费额"),
    help=N_("Spent in all, less returns, in yuan: >1000"),
)  # fmt: skip
ORDERS = Condition(
    **_compared("orders", int), values=_number, single=True, examples=(">=3", "1"),
    words=("订单数", "购买次数"), help=N_("Number of purchases: >=3"),
)  # fmt: skip


def _last(value: str, now: float) -> tuple[str, int]:
    sign, length = _seconds(value)
    return ("<" if sign == ">" else ">="), int(now) - length


def _last_source(value: str, now: float) -> Sql:
    sign, at = _last(value, now)
    return (
        f"SELECT customer_id FROM orders_customer WHERE last_at {sign} ? AND last_at > 0",
        (at,),
    )


def _last_probe(value: str, now: float) -> Sql:
    sign, at = _last(value, now)
    return (
        "EXISTS (SELECT 1 FROM orders_customer oc WHERE oc.customer_id = {id}"
        f" AND oc.last_at {sign} ? AND oc.last_at > 0)",
        (at,),
    )


LAST_ORDER = Condition(
    source=_last_source, probe=_last_probe, values=_length, single=True,
    examples=(">60d", "<7d"), words=("最近购买", "上次购买"),
    help=N_("How long ago the last purchase was: >60d"),
)  # fmt: skip

_BOUGHT = (
    "(a.code = ? OR a.code IN (SELECT p.code FROM orders_product p"
    " WHERE p.category = ? OR (p.category >= ? AND p.category < ?)))"
)


def _bought(value: str) -> tuple[str, ...]:
    return (value, value, f"{value}/", f"{value}0")  # "0" follows "/"


def _who_bought(connection: sqlite3.Connection, value: str, size: int) -> Mask | None:
    found = customer_sets.mask(connection, customer_sets.CATEGORY, value, size)
    if found is not None:  # an article may be called the same
        sql = "SELECT customer_id AS key FROM orders_article WHERE code = ?"
        keys = array_of(connection, sql, (value,))
        found[keys[keys < size]] = True
    return found


BOUGHT = Condition(
    source=lambda value, _now: (
        "SELECT a.customer_id FROM orders_article a WHERE a.code = ?"
        " UNION ALL SELECT a.customer_id FROM orders_product p JOIN orders_article a"
        " ON a.code = p.code WHERE p.category = ? OR (p.category >= ? AND p.category < ?)",
        _bought(value),
    ),
    probe=lambda value, _now: (
        "EXISTS (SELECT 1 FROM orders_article a WHERE a.customer_id = {id}"
        f" AND {_BOUGHT})",
        _bought(value),
    ),
    values=lambda text: typed.word(text).strip("/") or None,
    examples=("6901234567892", "phones/5G"), words=("买过", "购买过"), at_hand=_who_bought,
    help=N_("Bought this article or anything of this category: phones/5G"),
)  # fmt: skip


def _set_of(what: str) -> Callable[[sqlite3.Connection, str, int], Mask | None]:
    return lambda connection, value, size: customer_sets.mask(connection, what, value, size)


def _sets_of(what: str) -> Callable[[sqlite3.Connection, int], Any]:
    return lambda connection, size: customer_sets.every(connection, what, size)


def _place(what: str) -> dict[str, Any]:
    return {
        "source": lambda value, _now: (
            "SELECT customer_id FROM orders_place WHERE what = ? AND value = ?",
            (what, value),
        ),
        "probe": lambda value, _now: (
            "EXISTS (SELECT 1 FROM orders_place op WHERE op.what = ? AND op.value = ?"
            " AND op.customer_id = {id})",
            (what, value),
        ),
        "values": lambda text: typed.word(text) or None,
        "at_hand": _set_of(what),
    }


CHANNEL = Condition(
    **_place("channel"), examples=("till", "mini-program"), words=("销售渠道", "购买渠道"),
    help=N_("Bought through this channel: till"),
    facet=Facet(
        N_("Channel"), "SELECT customer_id, value FROM orders_place WHERE what = 'channel'",
        at_hand=_sets_of(customer_sets.CHANNEL),
    ),
)  # fmt: skip
SHOP_BOUGHT = Condition(
    **_place("shop"), examples=("N001",), words=("购买门店",),
    help=N_("Bought in this shop, as the order names it: N001"),
    facet=Facet(
        N_("Shop of purchases"), "SELECT customer_id, value FROM orders_place WHERE what = 'shop'",
        at_hand=_sets_of(customer_sets.SHOP),
    ),
)  # fmt: skip


def _warranty(value: str, now: float) -> tuple[str, tuple[Any, ...]]:
    sign, length = _seconds(value)
    if sign == "<":  # ends soon, and has not ended
        return "a.warranty_until >= ? AND a.warranty_until < ?", (int(now), int(now) + length)
    return "a.warranty_until >= ?", (int(now) + length,)


def _next(value: str, now: float) -> tuple[str, tuple[Any, ...]]:
    sign, length = _seconds(value)
    if sign == "<":
        return "a.next_until > ? AND +a.next_at < ?", (int(now), int(now) + length)  # by_until
    return "a.next_at >= ?", (int(now) + length,)


def _of_article(test: Callable[[str, float], tuple[str, tuple[Any, ...]]]) -> dict[str, Any]:
    def source(value: str, now: float) -> Sql:
        sql, params = test(value, now)
        return f"SELECT a.customer_id FROM orders_article a WHERE {sql}", params

    def probe(value: str, now: float) -> Sql:
        sql, params = test(value, now)
        return (
            "EXISTS (SELECT 1 FROM orders_article a WHERE a.customer_id = {id}" + f" AND {sql})",
            params,
        )

    return {"source": source, "probe": probe, "values": _length, "single": True}


WARRANTY = Condition(
    **_of_article(_warranty), examples=("<30d", ">90d"), words=("保修", "质保"),
    help=N_("A warranty ends within: <30d"),
)  # fmt: skip
NEXT = Condition(
    **_of_article(_next), examples=("<7d",), words=("复购", "下次购买"),
    help=N_("The next purchase of an article is due within: <7d"),
)  # fmt: skip

SEGMENT = Condition(
    source=lambda value, _now: (
        "SELECT customer_id FROM orders_value WHERE segment = ?",
        (value,),
    ),
    probe=lambda value, _now: (
        "EXISTS (SELECT 1 FROM orders_value ov WHERE ov.customer_id = {id} AND ov.segment = ?)",
        (value,),
    ),
    values=segment_of_word, examples=tuple(SEGMENTS), words=("客户价值", "价值"),
    help=N_("Segment of value, as `value run` found it: champion"),
    facet=Facet(
        N_("Segment"), "SELECT customer_id, segment AS value FROM orders_value",
        lambda _db: {key: _(each.name) for key, each in SEGMENTS.items()},
        at_hand=_sets_of(customer_sets.SEGMENT),
    ),
    at_hand=_set_of(customer_sets.SEGMENT),
)  # fmt: skip


def _column(column: str, table: str = "orders_customer") -> Callable[..., Mapping[int, Any]]:
    def read(db: Database, ids: Sequence[int]) -> Mapping[int, Any]:
        rows = db.execute(
            f"SELECT customer_id, {column} FROM {table} WHERE customer_id IN"
            " (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        return dict(rows.fetchall())

    return read


def _last_orders(db: Database, ids: Sequence[int]) -> Mapping[int, str | None]:
    found = _column("last_at")(db, ids)
    return {key: times.iso(at) for key, at in found.items() if at}


SPENT_COLUMN = CustomerColumn(
    N_("Spent"),
    _column("spent_fen"),
    values.yuan,
    right=True,
    width=10,
    kind=int,
    number=lambda fen: fen / 100,
)
ORDERS_COLUMN = CustomerColumn(N_("Orders"), _column("orders"), right=True, width=6, kind=int)
LAST_COLUMN = CustomerColumn(
    N_("Last order"),
    _last_orders,
    lambda text: times.day(times.seconds_of(text)),
    width=10,
    moment=True,
)
SEGMENT_COLUMN = CustomerColumn(
    N_("Segment"), _column("segment", "orders_value"),
    lambda key: _(SEGMENTS[key].name) if key in SEGMENTS else key, width=12,
)  # fmt: skip


# -- the card -------------------------------------------------------------------------------------


def last_purchases(db: Database, customer: int, limit: int = 3) -> list[dict[str, Any]]:
    """A customer's newest orders that are not cancelled, with the names of what was bought."""
    rows = db.execute(
        "SELECT id, order_no, status, paid_at, amount_fen, currency, channel, shop"
        " FROM orders_order WHERE customer_id = ? AND status <> 'cancelled'"
        " ORDER BY paid_at DESC, id DESC LIMIT ?",
        (customer, limit),
    ).fetchall()
    found = []
    for key, order_no, status, paid_at, amount, currency, channel, shop in rows:
        names = [name for (name,) in db.execute(
            "SELECT CASE WHEN coalesce(p.name, '') <> '' THEN p.name"
            " WHEN l.name <> '' THEN l.name ELSE l.code END"
            " FROM orders_line l LEFT JOIN orders_product p ON p.code = l.code"
            " WHERE l.order_id = ? ORDER BY abs(l.amount_fen) DESC, l.line LIMIT 3", (key,)
        )]  # fmt: skip
        found.append(
            {"order_no": order_no, "status": status, "paid_at": paid_at, "amount_fen": amount,
             "currency": currency, "channel": channel, "shop": shop,
             "articles": [each for each in names if each]}
        )  # fmt: skip
    return found


def due(db: Database, customer: int, now: float) -> list[dict[str, Any]]:
    """What a customer is about to need: articles with the facts that make them due."""
    rows = db.rows(
        "SELECT a.code, CASE WHEN coalesce(p.name, '') <> '' THEN p.name ELSE a.code END AS name,"
        " a.days, a.last_at, a.gap_s, a.next_at, a.warranty_until"
        " FROM orders_article a LEFT JOIN orders_product p ON p.code = a.code"
        " WHERE a.customer_id = ? AND ((a.next_at < ? AND a.next_until > ?)"
        " OR (a.warranty_until >= ? AND a.warranty_until < ?))"
        " ORDER BY coalesce(a.next_at, a.warranty_until) LIMIT 5",
        (customer, now + 7 * DAY_S, now, now, now + 30 * DAY_S),
    )
    for row in rows:
        if row["next_at"] is not None and row["next_at"] >= now + 7 * DAY_S:
            row["next_at"] = None
    return rows


def _due_text(row: Mapping[str, Any], now: float) -> str:
    if row["next_at"] is None:
        return _("{name}: warranty ends on {day}").format(
            name=row["name"], day=times.day(row["warranty_until"])
        )
    if row["gap_s"]:
        return _("{name}: bought {several} times, every {gap}, last {ago} ago").format(
            name=row["name"], several=row["days"], gap=span(row["gap_s"]),
            ago=span(now - row["last_at"]),
        )  # fmt: skip
    return _("{name}: last bought {ago} ago").format(
        name=row["name"], ago=span(now - row["last_at"])
    )


def card(db: Database, customer: int, now: float) -> CardSection | None:
    """What a customer bought, is worth, and is about to need; for programs: `in_words` stands in
    the lines that say how to serve the customer."""
    row = db.execute(
        "SELECT orders, returns, spent_fen, first_at, last_at FROM orders_customer"
        " WHERE customer_id = ?",
        (customer,),
    ).fetchone()
    if row is None:
        return None
    orders, returns, spent, first_at, last_at = row
    data: dict[str, Any] = {
        "orders": orders, "returns": returns, "spent_fen": spent,
        "currency": sources.home_currency(db.connection),
        "first_at": times.iso(first_at), "last_at": times.iso(last_at or None),
    }  # fmt: skip
    value = db.execute(
        "SELECT segment, r, f, m FROM orders_value WHERE customer_id = ?", (customer,)
    ).fetchone()
    if value is not None and value[0] in SEGMENTS:
        data |= {"segment": value[0], "r": value[1], "f": value[2], "m": value[3]}
    bought = last_purchases(db, customer)
    data["last"] = [{**each, "paid_at": times.iso(each["paid_at"])} for each in bought]
    found = due(db, customer, now)
    data["due"] = [
        {**each, **{key: times.iso(each[key]) for key in ("last_at", "next_at", "warranty_until")}}
        for each in found
    ]
    return CardSection(_("Purchases"), (), data)


def in_words(db: Database, customer: int, now: float) -> list[tuple[str, str]]:
    """The same in at most three lines (name, text): worth, bought last, due."""
    section = card(db, customer, now)
    if section is None:
        return []
    lines = [
        (_("Worth"), _worth(section.data)),
        (_("Bought"), _("; ").join(map(_bought_text, last_purchases(db, customer)))),
        (_("Due"), _("; ").join(_due_text(each, now) for each in due(db, customer, now))),
    ]
    return [each for each in lines if each[1]]


def _worth(data: Mapping[str, Any]) -> str:
    """Value and segment in one line."""
    parts = []
    if "segment" in data:
        scores = f"R{data['r']} F{data['f']} M{data['m']}"
        parts.append(aside(_(SEGMENTS[data["segment"]].name), scores))
    parts.append(f"{values.yuan(data['spent_fen'])} {data['currency']}")
    orders, returns = data["orders"], data["returns"]
    parts.append(ngettext("{count} purchase", "{count} purchases", orders).format(count=orders))
    if returns:
        parts.append(ngettext("{count} return", "{count} returns", returns).format(count=returns))
    return _(", ").join(parts)


def _bought_text(order: Mapping[str, Any]) -> str:
    what = _(", ").join(order["articles"]) if order["articles"] else order["order_no"]
    kind = _("returned") + " " if order["status"] == values.RETURN else ""
    place = order["shop"] or order["channel"]
    day, amount = times.day(order["paid_at"]), values.yuan(order["amount_fen"])
    text = f"{day} {kind}{what} {amount}"
    return aside(text, place) if place else text


def today(db: Database, now: float) -> list[TodayLine]:
    """Orders that wait for their customer, and sources that fell silent."""
    ambiguous = db.execute(
        "SELECT count(*) FROM orders_buyer WHERE reason = 'ambiguous'"
    ).fetchone()[0]
    lines = []
    if ambiguous:
        text = ngettext(
            "{count} buyer fits several customers: say who it is.",
            "{count} buyers fit several customers: say who they are.",
            ambiguous,
        ).format(count=ambiguous)
        step = "storeops order list --ambiguous"
        lines.append(TodayLine(text, step, "warn", screen="orders", request="unmatched"))
    silent = [
        name
        for name, at, last in db.execute(
            "SELECT name, imported_at, (SELECT max(imported_at) FROM orders_source)"
            " FROM orders_source WHERE imported_at IS NOT NULL ORDER BY name"
        )
        if at < now - 3 * DAY_S and last > now - 30 * DAY_S
    ]
    if silent:
        names = _(", ").join(silent[:3])
        text = _("No orders for three days from {names}.").format(names=names)
        lines.append(TodayLine(text, "storeops order sources", "warn"))
    return lines


# -- completion -----------------------------------------------------------------------------------


def complete_source(db: Database, start: str) -> list[tuple[str, str]]:
    """Names of sources."""
    return [
        (name, channel)
        for name, channel in db.execute("SELECT name, channel FROM orders_source ORDER BY name")
        if name.casefold().startswith(start.casefold())
    ]


def complete_channel(db: Database, start: str) -> list[tuple[str, str]]:
    """Channels that orders came through."""
    rows = db.execute(
        "SELECT DISTINCT value FROM orders_place WHERE what = 'channel' AND value >= ?"
        " AND value < ? ORDER BY value LIMIT 50",
        (start, start + "\U0010ffff"),
    )
    return [(value, "") for (value,) in rows]


def complete_shop(db: Database, start: str) -> list[tuple[str, str]]:
    """Shops as orders name them."""
    rows = db.execute(
        "SELECT DISTINCT value FROM orders_place WHERE what = 'shop' AND value >= ?"
        " AND value < ? ORDER BY value LIMIT 50",
        (start, start + "\U0010ffff"),
    )
    return [(value, "") for (value,) in rows]


def complete_article(db: Database, start: str) -> list[tuple[str, str]]:
    """Codes and categories of products."""
    rows = db.execute(
        "SELECT code, name FROM orders_product WHERE code >= ? AND code < ? LIMIT 50",
        (start, start + "\U0010ffff"),
    ).fetchall()
    paths = db.execute(
        "SELECT DISTINCT category, '' FROM orders_product WHERE category >= ? AND category < ?"
        " AND category <> '' LIMIT 50",
        (start, start + "\U0010ffff"),
    ).fetchall()
    return [*rows, *paths]


def complete_segment(_db: Database, start: str) -> list[tuple[str, str]]:
    """Segments of value."""
    return [(key, _(each.name)) for key, each in SEGMENTS.items() if key.startswith(start)]
