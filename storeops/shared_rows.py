"""Which rows of head office a back office gets: declared by the rooms that own the tables.

A *thing* is what travels as one message: a customer with all that hangs on it, a member, a group
chat. Its owner says in SQL which shops get it, what these get of each table, and which changes of
rows concern it. Whoever carries it (storeops.hub) knows no table.

In all SQL `:key` is the thing's number and `:store` the department id of a shop; `{departments}`
stands for a table of (department_id, store, below): departments of a shop (below = 1) and those
above it (below = 0).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedTable:
    """What a shop gets of one table, for one thing.

    Attributes:
        name: the table.
        rows: SELECT that names every column; by :key and :store.
        held: condition on the rows that a back office holds of the thing; by :key.
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
        every: SELECT of the numbers of all things that a shop gets, by :store.
        noted: which changes concern it.
        stores: SELECT of the shops that get one, by :key; "": all get the same.
        last: shown only when everything before it has arrived: how fresh the rest is.
        search: numbers are those of customers, whose text is searched.
    """

    kind: str
    tables: tuple[SharedTable, ...]
    every: str
    noted: tuple[Noted, ...]
    stores: str = ""
    last: bool = False
    search: bool = False
