"""Which rows of head office a back office gets: declared by the rooms that own the tables.

A *thing* is what travels as one message: a customer with all that hangs on it, a member, a group
chat. Its owner says in SQL which shops get it, what these get of each table, and which changes of
rows concern it. Whoever carries it (storeops.hub) knows no table.

Many things are read at once. In the SQL `{keys}` stands for a table of (key), numbers of things,
`{wanted}` for one of (key, store), things and a shop that gets each (its department id, 0 for all
shops), and `{departments}` for one of (department_id, store, below): departments of a shop
(below = 1) and those above it (below = 0). `{keys} AS k CROSS JOIN …` lets SQLite begin with the
few things that are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedTable:
    """What a shop gets of one table, for one thing.

    Attributes:
        name: the table.
        rows: SELECT of key, store, then every column by its name, of all things in {wanted}; in an
            order that is always the same.
        held: condition on the rows that a back office holds of the thing whose number is :key.
    """

    name: str
    rows: str
    held: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Changes of a table's rows that concern a thing.

    Attributes:
        table: the table.
        keys: SELECT of the things' numbers, `{row}` being the row as it was or as it is.
        columns: only updates of these, "" for all.
    """

    table: str
    keys: str = "SELECT {row}.id"
    columns: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedThing:
    """A kind of thing that flows down.

    Attributes:
        kind: its name, letters only; a domain's begins with the domain's name.
        tables: parents first.
        every: SELECT of the numbers of all things that a shop gets whose department id is :store.
        noted: which changes concern it.
        stores: SELECT of (key, store), who gets which of the things in {keys}; "": all get the
            same.
        last: shown only when everything before it has arrived: how fresh the rest is.
        search: numbers are those of customers, whose text is searched.
        at_once: how many are read at once; few where each holds rows of every shop.
    """

    kind: str
    tables: tuple[SharedTable, ...]
    every: str
    noted: tuple[Noted, ...]
    stores: str = ""
    last: bool = False
    search: bool = False
    at_once: int = 2000
