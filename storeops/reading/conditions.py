"""Conditions of the filter language that domains bring: what one is, and how it becomes SQL.

```python
SPENT = Condition(
    words=("消费",), help=N_("Spent so much: >1000 in yuan."), values=read_amount, single=True,
    source=lambda value, now: ("SELECT customer_id FROM acme_total WHERE fen > ?", (fen(value),)),
)
```
It is named in `Domain.conditions`; it then works in lists, views, rules, plans and screens.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from storeops.domain import registry
from storeops.i18n import N_, _
from storeops.reading.filter_words import KEYS

if TYPE_CHECKING:
    from storeops.mirror.column_store import Mask

Sql = tuple[str, tuple[Any, ...]]
_OWN = frozenset(KEYS.values())


@dataclass(frozen=True, slots=True)
class Facet:
    """How customers are counted by a condition's values.

    Attributes:
        title: English heading, translated when shown.
        pairs: a SELECT that gives `customer_id` and `value`, at most one row for each pair.
        names: function(db) → value → name for people; a value that is not in it is shown itself.
        at_hand: function(connection, size) → (value, who has it) of every value where the domain
            keeps that: an array of yes and no by customer.id, of that size, or of some that are
            below it; None where `pairs` is to be asked.
    """

    title: str
    pairs: str
    names: Callable[[Any], Mapping[Any, str]] = lambda _db: {}
    at_hand: Callable[[sqlite3.Connection, int], Sequence[tuple[int | str, Any]] | None] = (
        lambda _connection, _size: None
    )


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the customer.

    Attributes:
        source: (canonical value, WeCom's time) → SELECT of one column `customer_id` and its
            parameters: the customers of whom it holds, each as often as it likes. Of a `named`
            condition the value is the key.
        probe: the same as a condition that uses {id} for the customer's key, where testing one
            customer is much cheaper than listing all; None: the list is asked.
        values: the canonical form of a value as typed, None when it is not understood.
        examples: values that are understood, offered when one is not.
        words: other words that may stand before the colon, Chinese ones among them.
        help: one line in English for the help of filters, translated when shown.
        single: takes one value, as `>1000` does.
        named: function(connection) → name → key, where a value is the name that people gave to
            something; None where values speak for themselves.
        unknown: English clause for a name that nothing has, with {value}.
        facet: how to count by it; None when that makes no sense.
        at_hand: function(connection, canonical value, size) → array of yes and no by customer.id,
            of that size, where the domain keeps it; None where `source` is to be asked.
    """

    source: Callable[[str, float], Sql]
    probe: Callable[[str, float], Sql] | None = None
    values: Callable[[str], str | None] = str
    examples: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    help: str = ""
    single: bool = False
    named: Callable[[Any], Mapping[str, int]] | None = None
    unknown: str = N_("nothing is called “{value}”")
    facet: Facet | None = None
    at_hand: Callable[[sqlite3.Connection, str, int], Mask | None] | None = None


@cache
def conditions() -> dict[str, Condition]:
    """The conditions of all domains by key; a domain whose condition does not load is left out."""
    found: dict[str, Condition] = {}
    for key, (domain, where) in registry().named("conditions").items():
        condition = registry().loaded(domain, where, Condition)
        if condition is None:
            continue
        taken = {*KEYS, *(word for other, each in found.items() for word in (other, *each.words))}
        twice = next((word for word in (key, *condition.words) if word in taken), "")
        if twice:
            registry().leave_out(domain, _("“{word}:” is a condition already").format(word=twice))
        else:
            found[key] = condition
    return found


def condition_of(key: str) -> Condition | None:
    """A domain's condition; None for any other key. For one of the language's own no domain is
    loaded."""
    return None if key in _OWN else conditions().get(key)


@cache
def words() -> dict[str, str]:
    """What may stand before the colon → key, of all domains."""
    return {word: key for key, each in conditions().items() for word in (key, *each.words)}


def came_with(states: str) -> dict[str, Any]:
    """`source` and `probe` of a named condition: a follow came with one of some states.

    Args:
        states: a SELECT of states, none of them empty, with the key as its one parameter.
    """
    return {
        "source": lambda key, _now: (
            f"SELECT customer_id FROM follow WHERE state IN ({states})",
            (int(key),),
        ),
        "probe": lambda key, _now: (
            "EXISTS (SELECT 1 FROM follow cw WHERE cw.customer_id = {id}"
            f" AND cw.state <> '' AND cw.state IN ({states}))",
            (int(key),),
        ),
    }


def listed(condition: Condition, values: tuple[str, ...], now: float) -> Sql:
    """A SELECT of the customers of whom it holds for one of `values`, some more than once: to sort
    out who was named before would cost more than all else, and keep a look at the first from
    ending early."""
    parts = [condition.source(value, now) for value in values]
    sql = " UNION ALL ".join(f"SELECT * FROM ({sql})" for sql, _params in parts)
    return sql, tuple(param for _sql, params in parts for param in params)


def tested(condition: Condition, values: tuple[str, ...], now: float) -> Sql:
    """The same as a condition on {id}."""
    if condition.probe is None:
        sql, params = listed(condition, values, now)
        return f"{{id}} IN ({sql})", params
    parts = [condition.probe(value, now) for value in values]
    sql = " OR ".join(f"({sql})" for sql, _params in parts)
    return f"({sql})", tuple(param for _sql, params in parts for param in params)
