"""How one alternative of a filter is read: one rule, and what ends its bad cases.

A list is ordered by (createtime, customer.id), newest first, where createtime is that of the newest
follow that passes all follow tests (of the customer's newest follow when nothing is said about
follows), or by (name, customer.id).

1. *Count.* The rows of every condition that an index can list are counted, as far as fetching them
   may pay.
2. *Gather.* The customers of conditions with so few rows are fetched, the rarest first, and
   intersected. Very few are sorted, and tested in that order until the page is full.
3. *Walk.* Else an index in the order of the list is walked, of the rarest condition where there is
   one, through a bytemap of those gathered where there is one, and each row is tested.
4. *Give up.* A walk that has taken BUDGET_S and has not filled the page met conditions that are
   frequent each and rare together, or all at the other end of the list. Whoever matches is found
   once, by columns (`column_scan.py`), in the list's order where they know it. Else they are
   gathered, or walked through; after a walk through a bytemap, gathered unless they are so many
   that the rest of the walk is shorter.

A walk for a condition with n of N rows looks at 50 N / n of them, fetching it at n. The costs of
both meet where n is some multiple of the root of N: that is what may pay, and what is very few.
"""

from __future__ import annotations

import heapq
import json
import math
import sqlite3
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from storeops.database.database import Database
from storeops.i18n import _
from storeops.mirror import column_store
from storeops.mirror.bytemap import Source, bytemap, flagged, keys_of
from storeops.reading.branch import OF_CUSTOMER, Branch, Driver, Test

if TYPE_CHECKING:
    from storeops.mirror.column_store import Mask
    from storeops.reading.column_scan import Moments

# Measured by benchmarks/pairs.py, in microseconds of processor a row: counting 0.03, asking a
# bytemap 0.1, fetching a key 0.4, testing a row of a walk 3, gathering and sorting a customer 8.
FETCHED = 20.0  # roots of N: 50 N / n * 3 = n * 0.4
SORTED = 0.8  # roots of N: 50 N / n * 0.1 = n * 8
TESTED = 3  # times as many, where others are tested, so that a walk would be longer
BUDGET_S = 0.012  # of processor: about what giving up costs
AT_ONCE = 4_000  # keys tested in one statement, at most
LOOK = 2_000  # steps of SQLite's machine between two looks at the clock

Order = Literal["newest", "name"]
Key = tuple[int | str, int]  # (createtime or name, customer.id)


@dataclass(frozen=True, slots=True)
class Span:
    """What part of a list is read.

    Attributes:
        after: the rows beyond this key; None from the start.
        within: none whose value lies beyond this key's; None to the end.
        descending: newest first, or names from their end.
    """

    after: Key | None
    within: Key | None
    descending: bool

    @property
    def way(self) -> str:
        """The word of ORDER BY."""
        return "DESC" if self.descending else "ASC"

    def bounds(self, value: str, key: str) -> tuple[list[str], list[Any]]:
        """Conditions on a list's value and key; the first lets an index begin there."""
        sign, other = ("<", ">") if self.descending else (">", "<")
        parts: list[str] = []
        params: list[Any] = []
        if self.after is not None:
            parts += [f"{value} {sign}= ?", f"({value} {sign} ? OR {key} {sign} ?)"]
            params += [self.after[0], self.after[0], self.after[1]]
        if self.within is not None:
            parts.append(f"{value} {other}= ?")
            params.append(self.within[0])
        return parts, params


@dataclass(frozen=True, slots=True)
class AccessPath:
    """What drives one alternative.

    Attributes:
        test: the condition whose index is walked; None for the list of all customers or follows.
        ids: the customers to gather; None for a walk.
        members: a bytemap on the customer's key {id} that a walk goes through; None without.
        among: how many customers `ids` or `members` hold.
        exact: who matches, when it is known, by customer.id.
        moments: the same in the list's order.
        sure: nothing is known that would be quicker, so that the walk may take its time.
    """

    test: Test | None = None
    ids: Source | None = None
    members: Source | None = None
    among: int = 0
    exact: Mask | None = None
    moments: Moments | None = None
    sure: bool = False

    @property
    def driver(self) -> Driver | None:
        """The index that is walked."""
        return self.test.driver if self.test is not None else None

    def __str__(self) -> str:
        if self.moments is not None:
            text = _("go through customers that columns have put in order ({rows})")
        elif self.ids is not None:
            text = _("gather {rows} candidates, then sort")
        elif self.driver is not None:
            text = _("walk {index} for {condition}")
        elif self.members is not None:
            text = _("walk the whole list through {rows} candidates")
        else:
            text = _("walk the whole list, testing each row")
        return text.format(
            rows=self.among,
            index=self.driver.index if self.driver else "",
            condition=self.driver.label if self.driver else "",
        )


class _BudgetSpent(Exception):
    """A walk has taken longer than it may."""


def planners(db: Database, branches: Sequence[Branch], order: Order) -> list[Planner]:
    """One planner per alternative; they ask each other's questions once."""
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
    indexes = frozenset(row[0] for row in rows)
    root = math.sqrt(db.execute("SELECT max(id) FROM follow").fetchone()[0] or 0)
    known: dict[Any, Any] = {}
    return [Planner(db, each, order, indexes, root, known) for each in branches]


class Planner:
    """Plans one alternative for one order; keeps its choice for all pages, in any thread.

    Args:
        db: the mirror; each thread reads by its own connection.
        branch: the alternative.
        order: "newest" or "name".
        indexes: names of the indexes that exist (none during a first load).
        root: of the number of follows.
        known: answers about the mirror, shared by the alternatives of a filter.

    Attributes:
        many: rows that are too many to be fetched.
        rows: the rows of each condition that can be listed, counted up to `many`.
        choice: what drives it.
    """

    def __init__(
        self,
        db: Database,
        branch: Branch,
        order: Order,
        indexes: frozenset[str],
        root: float,
        known: dict[Any, Any],
    ) -> None:
        self.db = db
        self.branch = branch
        self.order = order
        self.indexes = indexes
        self.few, self.many = int(SORTED * root), int(FETCHED * root) + 1
        self._known = known
        dates = (DATES,) if branch.dated else ()
        self.rows: dict[Test, int] = {
            test: self._once("rows", test, self._count)
            for test in (*branch.follow, *dates, *branch.customer)
            if test.word is not None or (test.driver is not None and self._there(test.driver))
        }
        self.choice = self._choose()

    @property
    def fewest(self) -> int:
        """Rows of the rarest condition, counted up to `many`."""
        return min(self.rows.values(), default=self.many)

    @property
    def considered(self) -> list[tuple[str, int | None]]:
        """(condition, rows or None for many) of all that could be listed."""
        return [
            (test.label, rows if rows < self.many else None)
            for test, rows in self.rows.items()
            if test.label
        ]

    # -- choosing -----------------------------------------------------------------------------

    def _choose(self) -> AccessPath:
        listed = sorted((test for test in self.rows if self.rows[test] < self.many), key=self._rows)
        ordered = [test for test in sorted(self.rows, key=self._rows) if self._in_order(test)]
        walked = AccessPath(ordered[0] if ordered else None)
        if not listed:
            return walked
        rarest = listed[0]
        alone = self.rows[rarest] <= self.few or len(listed) == 1
        if alone and walked.test is rarest:
            return walked
        found: Collection[int] = self._once("customers", rarest, self._customers)
        gathered = 1 if alone or len(found) <= self.few else len(listed)
        for test in listed[1:gathered]:
            found = set(found).intersection(self._once("customers", test, self._customers))
        all_ = len(self.branch.follow) + len(self.branch.customer) + self.branch.dated
        return self._among(walked, found, self.few * (1 if gathered == all_ else TESTED))

    def _rows(self, test: Test) -> int:
        return self.rows[test]

    def _in_order(self, test: Test) -> bool:
        """Whether the condition's index is in the order of the list."""
        driver = test.driver
        table = "follow" if self.branch.on_follow else "customer"
        return (
            self.order == "newest"
            and driver is not None
            and driver.aligned
            and driver.table.startswith(table)
        )

    def _among(
        self, walked: AccessPath, found: Collection[int], few: float, *, sure: bool = False
    ) -> AccessPath:
        """Gather these customers, or walk through them."""
        if len(found) <= few:
            each = set(found)
            return AccessPath(ids=_listed(each), among=len(each), sure=True)
        return replace(walked, members=bytemap("{id}", found), among=len(found), sure=sure)

    def _given_up(self) -> AccessPath:
        """Everybody who matches: in order, gathered, or walked through."""
        given_up, connection = self.choice, self.db.connection
        walked = replace(given_up, members=None)
        if column_store.small(self.db):
            keys = keys_of(connection, *self.everybody())
            return self._among(walked, keys, self.few, sure=True)
        people = given_up.exact
        if people is None:
            from storeops.reading.column_scan import ColumnScan

            scan = ColumnScan(connection, column_store.snapshot(self.db), [self.branch])
            in_order = self.order == "newest" and self.branch.on_follow
            if in_order and (found := scan.newest()) is not None:
                return AccessPath(among=len(found.keys), moments=found, sure=True)
            people = scan.customers
        many = int(people.sum())
        apart = given_up.members is not None  # they lie where the walk comes last
        if many <= (len(people) // 10 if apart else self.few):
            return self._among(walked, people.nonzero()[0].tolist(), many, sure=True)
        flags = flagged("{id}", people[1:].tobytes())
        return replace(walked, members=flags, among=many, exact=people, sure=apart)

    # -- what is known beforehand -------------------------------------------------------------

    def _once(self, question: str, test: Test, ask: Any) -> Any:
        key = (
            question,
            test,
            *((self.branch.since, self.branch.until) if _of_follow(test) else ()),
        )
        if key not in self._known:
            self._known[key] = ask(test)
        return self._known[key]

    def _there(self, driver: Driver) -> bool:
        return driver.table == "ids" or driver.index in self.indexes

    def _listing(self, test: Test) -> tuple[str, str, tuple[Any, ...]]:
        """The customer's key, FROM and WHERE, and parameters of what a condition's index lists."""
        driver = test.driver
        assert driver is not None
        if driver.table == "ids":
            return "*", f"({driver.sql})", driver.params
        dated = _of_follow(test) and driver.dated
        bounds, params = self.branch.time_bounds("d.createtime") if dated else ([], [])
        where = " AND ".join([driver.sql.replace("{d}", "d") or "1", *bounds])
        source = f"{driver.table} d INDEXED BY {driver.index} WHERE {where}"
        return ("d.customer_id" if _of_follow(test) else "d.id"), source, (*driver.params, *params)

    def _count(self, test: Test) -> int:
        if test.word is not None:
            return test.word.frequency(self.db.connection, self.many)
        _key, source, params = self._listing(test)
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {source} LIMIT {self.many})"
        return int(self.db.execute(sql, params).fetchone()[0])

    def _customers(self, test: Test) -> list[int]:
        """Those of whom a condition may hold, some more than once; not to be changed."""
        sources = [self._source(test)] if test.word is None else test.word.sources()
        return [key for each in sources for key in keys_of(self.db.connection, *each)]

    def _source(self, test: Test) -> Source:
        """A SELECT of the customers of whom a condition may hold, as `key`."""
        key, source, params = self._listing(test)
        return f"WITH listed (key) AS (SELECT {key} FROM {source}) SELECT key FROM listed", params

    # -- reading ------------------------------------------------------------------------------

    def keys(
        self,
        after: Key | None,
        limit: int,
        skip: int = 0,
        *,
        descending: bool,
        within: Key | None = None,
    ) -> list[Key]:
        """The keys of the rows after `after`, in order.

        Args:
            after: the last key before them; None from the start.
            limit: rows at most.
            skip: rows to leave out first.
            descending: newest first, or names from their end.
            within: no row whose value lies beyond this key's is wanted.
        """
        span = Span(after, within, descending)
        if self.choice.moments is not None:
            return self._ordered_keys(self.choice.moments, span, limit, skip)
        if self.choice.ids is not None:
            return self._gathered_keys(self.choice.ids, span, limit, skip)
        try:
            return self._walked(self.page(span, limit, skip), limit + skip)
        except _BudgetSpent:
            self.choice = self._given_up()
        return self.keys(after, limit, skip, descending=descending, within=within)

    def positions(self, ids: Sequence[int]) -> Source:
        """The keys of those of `ids` that pass, in no order."""
        return self._gathered(_listed(ids))

    def passing(self, ids: Sequence[int]) -> list[Key]:
        """The keys of those of `ids` that pass, in no order."""
        return self.db.execute(*self.positions(ids)).fetchall()

    def _walked(self, page: Source, rows: int) -> list[Key]:
        """A walk that ends when it has taken longer than so many rows may."""
        connection = self.db.connection
        ends = time.thread_time() + BUDGET_S * max(rows / 50, 1)
        spent = False

        def look() -> bool:
            nonlocal spent
            spent = not self.choice.sure and time.thread_time() > ends
            return spent

        connection.set_progress_handler(look, LOOK)
        try:
            return connection.execute(*page).fetchall()
        except sqlite3.OperationalError:
            if spent:
                raise _BudgetSpent from None
            raise
        finally:
            connection.set_progress_handler(None, 0)

    def _ordered_keys(self, moments: Moments, span: Span, limit: int, skip: int) -> list[Key]:
        """What was found in order is tested once more: it may have changed since."""
        within = None if span.within is None else int(span.within[0])
        found: list[Key] = []
        after: Any = span.after
        while len(found) < skip + limit and (
            keys := moments.page(after, within, skip + limit, descending=span.descending)
        ):
            passing = set(self.passing([key for _moment, key in keys]))
            found += [key for key in keys if key in passing]
            after = keys[-1]
        return found[skip : skip + limit]

    def _gathered_keys(self, ids: Source, span: Span, limit: int, skip: int) -> list[Key]:
        """What is gathered is sorted first and tested afterwards, as far as the page needs."""
        late = bool(self.branch.customer) or (self.order == "name" and self.branch.on_follow)
        sql, params = _sorted(self._gathered(ids, tested=not late), span)
        wanted, size = skip + limit, skip + limit + 16
        found: list[Key] = []
        tested = 0
        cursor = self.db.execute(sql, params)
        try:
            while len(found) < wanted and (keys := cursor.fetchmany(min(size, AT_ONCE))):
                if late:
                    passing = {key for _value, key in self.passing([each[1] for each in keys])}
                    found += [each for each in keys if each[1] in passing]
                else:
                    found += keys
                tested += len(keys)
                # as many as should do, judged by what passed so far
                size = (wanted - len(found)) * (tested + 16) // (len(found) + 1) + 16
        finally:
            cursor.close()
        return found[skip:wanted]

    # -- statements ---------------------------------------------------------------------------

    def page(self, span: Span, limit: int, offset: int) -> Source:
        """The keys (value, customer.id) of part of the list, in order, at most `limit`."""
        if self.choice.ids is not None:
            sql, params = _sorted(self._gathered(self.choice.ids), span)
        elif self.branch.on_follow and self.order == "newest":
            sql, params = self._follow_page(span)
        else:
            sql, params = self._customer_page(span)
        return f"{sql} LIMIT ? OFFSET ?", (*params, limit, offset)

    def everybody(self) -> Source:
        """The customer keys that pass, each once, in no order."""
        ids, known = self._rarest()
        if self.branch.on_follow:
            head, where, params = self._follows(ids, known)
            return f"SELECT DISTINCT f.customer_id AS key FROM {head} WHERE {where}", params
        parts, values = self.branch.customer_sql("c.id", without=known)
        if not parts:
            return ids
        sql = f"SELECT c.id AS key FROM {_CUSTOMERS.format(ids=ids[0])}"
        return f"{sql} WHERE {' AND '.join(parts)}", (*ids[1], *values)

    def pairs(self, column: str, table: str = "") -> Source:
        """(customer key, value) of the follows that pass: what facets count.

        Args:
            column: an expression on the follow `f`, or on `x` when a table is joined.
            table: " JOIN …" with alias x, or "".
        """
        head, where, params = self._follows(*self._rarest())
        select = f"SELECT f.customer_id AS key, {column} AS value"
        return f"{select} FROM {head}{table} WHERE {where}", params

    def _rarest(self) -> tuple[Source, tuple[Test, ...]]:
        """Customers among whom are all that match, each once; tests that need not be made again."""
        if self.choice.ids is not None:
            return self.choice.ids, ()
        if not self.rows:
            return ("SELECT id AS key FROM customer", ()), ()
        test = min(self.rows, key=self._rows)
        if test.word is not None:
            found = set(self._once("customers", test, self._customers))
            return _listed(found), (test,) if test.word.exact else ()
        sql, params = self._source(test)
        return (f"SELECT DISTINCT key FROM ({sql})", params), ()

    def _follows(
        self, ids: Source, known: Sequence[Test] = (), *, tested: bool = True
    ) -> tuple[str, str, tuple[Any, ...]]:
        """FROM and WHERE of the passing follows `f` of some customers; not `tested`: without the
        tests on these."""
        parts, params = self.branch.follow_sql("f")
        if tested:
            more, values = self.branch.customer_sql("f.customer_id", "k", without=known, apart=True)
            parts, params = [*parts, *more], [*params, *values]
        head = f"({ids[0]}) j CROSS JOIN follow f {OF_CUSTOMER} ON f.customer_id = +j.key"
        return head, " AND ".join(parts) or "1", (*ids[1], *params)

    def _gathered(self, ids: Source, *, tested: bool = True) -> Source:
        """SELECT value, id (one row a customer) of those of `ids` who pass; not `tested`: who pass
        as far as it shows on the way."""
        by_time = self.order == "newest"
        if self.branch.on_follow and (tested or by_time):
            head, where, params = self._follows(ids, tested=tested)
            value = "max(f.createtime)" if by_time else "c.name"
            if not by_time:
                head += " CROSS JOIN customer c ON c.id = f.customer_id"
            select = f"SELECT {value} AS value, f.customer_id AS id FROM {head}"
            return f"{select} WHERE {where} GROUP BY f.customer_id", params
        parts, values = self.branch.customer_sql("c.id") if tested else ([], [])
        select = f"SELECT c.{'createtime' if by_time else 'name'} AS value, c.id AS id"
        where = " AND ".join(parts) or "1"
        return f"{select} FROM {_CUSTOMERS.format(ids=ids[0])} WHERE {where}", (*ids[1], *values)

    def _customer_page(self, span: Span) -> Source:
        column, index = ("createtime", "customer_newest")
        if self.order == "name":
            column, index = "name", "customer_by_name"
        bound, params = span.bounds(f"c.{column}", "c.id")
        parts = list(bound)
        driver = self.choice.driver
        if driver is not None:
            index = driver.index
            parts.append(driver.sql.replace("{d}", "c"))
        self._through("c.id", parts, params)
        more, values = self.branch.customer_sql("c.id")
        parts, params = [*parts, *more], [*params, *values]
        if self.branch.on_follow:
            inner, values = self.branch.follow_sql("f")
            where = " AND ".join(["f.customer_id = c.id", *inner])
            parts.append(f"EXISTS (SELECT 1 FROM follow f {OF_CUSTOMER} WHERE {where})")
            params += values
        by = f"INDEXED BY {index}" if index in self.indexes else ""
        sql = (
            f"SELECT c.{column}, c.id FROM customer c {by} WHERE {' AND '.join(parts) or '1'}"
            f" ORDER BY c.{column} {span.way}, c.id {span.way}"
        )
        return sql, tuple(params)

    def _follow_page(self, span: Span) -> Source:
        driver = self.choice.driver or DATES.driver
        assert driver is not None
        by = f"INDEXED BY {driver.index}" if driver.index in self.indexes else ""
        row, head = "f", f"follow f {by}"
        if driver.table == "follow_tag":
            row, head = "d", f"follow_tag d {by} CROSS JOIN follow f ON f.id = d.follow_id"
        time_ = f"{row}.createtime"
        after, descending = span.after, span.descending
        until, since = self.branch.until, self.branch.since
        if after is not None and isinstance(after[0], int):
            outside = until is not None and after[0] >= until and descending
            if outside or (since is not None and after[0] < since and not descending):
                after = None  # the key lies before the list's first row
        up, down = after is not None, span.within is not None
        bound, bound_params = replace(span, after=after).bounds(time_, f"{row}.customer_id")
        dates, date_params = self.branch.time_bounds(
            time_, past=down if descending else up, below=up if descending else down
        )
        parts = [driver.sql.replace("{d}", row), *bound, *dates]
        params = [*driver.params, *bound_params, *date_params]
        self._through(f"{row}.customer_id", parts, params)
        without = () if self.choice.test is None else (self.choice.test,)
        for more, values in (  # what Python must look at last
            self.branch.follow_sql("f", without=without, dates=False),
            self._newest_only(),
            self.branch.customer_sql("f.customer_id", apart=True),
        ):
            parts += more
            params += values
        sql = (
            f"SELECT {time_}, {row}.customer_id FROM {head} WHERE {' AND '.join(parts)}"
            f" ORDER BY {time_} {span.way}, {row}.customer_id {span.way}"
        )
        return sql, tuple(params)

    def _through(self, key: str, parts: list[str], params: list[Any]) -> None:
        """Ask the bytemap before any row is looked up."""
        if self.choice.members is not None:
            parts.append(self.choice.members[0].replace("{id}", key))
            params += self.choice.members[1]

    def _newest_only(self) -> tuple[list[str], list[Any]]:
        """Keep a customer's newest passing follow only, so that nobody is listed twice."""
        if self.branch.one_owner:
            return [], []
        parts, params = self.branch.follow_sql("e")
        where = " AND ".join(
            [
                "e.customer_id = f.customer_id",
                "e.id <> f.id",
                "(e.createtime > f.createtime OR (e.createtime = f.createtime AND e.id > f.id))",
                *parts,
            ]
        )
        return [f"NOT EXISTS (SELECT 1 FROM follow e {OF_CUSTOMER} WHERE {where})"], params


def read_merged(
    planners: Sequence[Planner], after: Key | None, limit: int, *, descending: bool
) -> tuple[list[Key], Key | None]:
    """The next rows over several alternatives, and where to go on (None at the end).

    A customer stands where the best of the alternatives puts it; the others are passed over.
    What one alternative found bounds how far the next need look.
    """
    merged: list[Key] = []
    ends: list[Key] = []  # beyond the nearest of these the merge is not sure
    within: Key | None = None
    for planner in planners:
        keys = planner.keys(after, limit, descending=descending, within=within)
        if len(keys) == limit:
            ends.append(keys[-1])
        merged = list(dict.fromkeys(heapq.merge(merged, keys, reverse=descending)))
        if len(merged) >= limit:
            within = merged[limit - 1]
            ends.append(within)
    end = (max(ends) if descending else min(ends)) if ends else None
    if end is not None:
        merged = [key for key in merged if (key >= end if descending else key <= end)]
    best: dict[int, Key] = {}
    for planner in planners:
        for value, key in planner.passing([each[1] for each in merged]):
            if key not in best or (value, key) > best[key]:
                best[key] = (value, key)
    return [key for key in merged if best[key[1]] == key], end


# what stands for the bounds of time, and for no condition, among those that can be listed
DATES = Test("", "1", (), Driver("since until", "follow", "follow_newest", "1", (), True))
_CUSTOMERS = "({ids}) j CROSS JOIN customer c ON c.id = +j.key"


def _of_follow(test: Test) -> bool:
    return test.driver is not None and test.driver.table.startswith("follow")


def _listed(ids: Iterable[int]) -> Source:
    return "SELECT value AS key FROM json_each(?)", (json.dumps(sorted(ids)),)


def _sorted(gathered: Source, span: Span) -> Source:
    bound, params = span.bounds("value", "id")
    sql = (
        f"SELECT value, id FROM ({gathered[0]}) WHERE {' AND '.join(bound) or '1'}"
        f" ORDER BY value {span.way}, id {span.way}"
    )
    return sql, (*gathered[1], *params)
