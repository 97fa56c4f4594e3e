"""How one alternative of a filter is read: which index drives, and the SQL that follows from it.

A list is ordered by (createtime, customer.id), newest first, where createtime is that of the newest
follow that passes all follow tests (of the customer's newest follow when nothing is said about
follows), or by (name, customer.id). Either an ordered index is walked and each row tested, or,
when a driver gives few rows, all of them are gathered and sorted.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from storeops.mirror.bytemap import Source
from storeops.reading.branch import OF_CUSTOMER, Branch, Driver, Test
from storeops.reading.choice import AccessPath
from storeops.reading.counts import FilterCounts
from storeops.reading.query_choice import Chooser
from storeops.reading.query_sizes import Order

Key = tuple[int | str, int]  # (createtime or name, customer.id)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its parameters."""

    sql: str
    params: tuple[Any, ...]


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


def planners(
    connection: sqlite3.Connection, branches: Sequence[Branch], order: Order
) -> list[Planner]:
    """One planner per alternative; they ask each other's questions once."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
    indexes = frozenset(row[0] for row in rows)
    counts = FilterCounts(connection)
    return [Planner(counts, each, order, indexes) for each in branches]


class Planner:
    """Plans one alternative for one order; keeps its choice for all pages.

    Args:
        counts: answers about the mirror, shared by the alternatives of a filter.
        branch: the alternative.
        order: "newest" or "name".
        indexes: names of the indexes that exist (none during a first load).
    """

    def __init__(
        self,
        counts: FilterCounts,
        branch: Branch,
        order: Order,
        indexes: frozenset[str],
    ) -> None:
        self.connection = counts.connection
        self.branch = branch
        self.order = order
        self.indexes = indexes
        self.choice = Chooser(counts, branch, order, indexes).choose()

    def _by(self, driver: Driver) -> str:
        return f"INDEXED BY {driver.index}" if driver.index in self.indexes else ""

    # -- statements ---------------------------------------------------------------------------

    def page(
        self,
        after: Key | None,
        limit: int,
        offset: int,
        *,
        descending: bool,
        within: Key | None = None,
    ) -> Statement:
        """The keys (value, customer.id) of the rows after `after`, in order, at most `limit`.

        Args:
            after: the last key before the page, None for the first page.
            limit: rows; -1 for all.
            offset: rows to skip first.
            descending: newest first, or names from their end.
            within: no row whose value lies beyond this key's is wanted.
        """
        span = Span(after, within, descending)
        if self.choice.how == "gather":
            return self._sorted(self._gathered(self.choice), span, limit, offset)
        if self.branch.on_follow and self.order == "newest":
            return self._follow_page(span, limit, offset)
        return self._customer_page(span, limit, offset)

    def proposals(
        self, after: Key | None, *, descending: bool, within: Key | None = None
    ) -> Statement | None:
        """The keys after `after`, in order, before the tests that few of them need: whoever looks
        at the first ones only asks `positions` which of them pass.

        Returns:
            None when every test is part of the reading, so that `page` is as quick.
        """
        choice = self.choice
        late = any(test not in choice.settled for test in self.branch.customer)
        late = late or (self._by_name_alone(choice) and self.branch.on_follow)
        if choice.how != "gather" or not late:
            return None
        span = Span(after, within, descending)
        return self._sorted(self._gathered(choice, tested=False), span, -1, 0)

    def positions(self, ids: list[int]) -> Statement:
        """The keys of those of `ids` that pass."""
        source = ("SELECT value FROM json_each(?)", (json.dumps(ids),))
        sql, params = self._gathered(AccessPath("gather", ids=source))
        return Statement(sql, params)

    def everybody(self) -> Statement:
        """The customer keys that pass, each once, in no order."""
        sql, params = self._unordered()
        return Statement(f"SELECT id FROM ({sql})", params)

    def pairs(self, column: str, table: str = "") -> Statement:
        """(customer key, value) of the follows that pass: what facets count.

        Args:
            column: an expression on the follow `f`, or on `x` when a table is joined.
            table: " JOIN …" with alias x, or "".
        """
        choice = self._unordered_choice()
        head, head_params, own, own_params = self._follow_from(choice.driver, choice.ids)
        narrowed, params = self._narrowed(choice)
        where = " AND ".join([*own, *narrowed]) or "1"
        sql = f"SELECT f.customer_id AS id, {column} AS value FROM {head}{table} WHERE {where}"
        return Statement(sql, (*head_params, *own_params, *params))

    def _unordered_choice(self) -> AccessPath:
        """The cheapest driver when order does not matter; never a guess that leaves rows out."""
        choice = self.choice
        if choice.driver is not None or choice.ids is not None:
            return choice
        common: set[int] | None = None
        exact: list[Test] = []
        for test in self.branch.customer:
            if test.word is not None:
                found = test.word.candidates(self.connection)
                common = found if common is None else common & found
                exact += [test] if test.word.exact else []
        if common is not None:
            ids = ("SELECT value FROM json_each(?)", (json.dumps(sorted(common)),))
            return AccessPath("gather", None, None, len(common), ids, (), settled=tuple(exact))
        for test in self.branch.follow:
            if test.driver is not None and test.driver.index in self.indexes:
                return AccessPath("gather", test.driver, test, None, None, ())
        return choice

    def _unordered(self) -> Source:
        branch = self.branch
        choice = self._unordered_choice()
        if branch.on_follow or choice.ids is not None or choice.driver is not None:
            return self._gathered(choice, ordered=False)
        parts, params = self._customer_tests("c.id")
        where = " AND ".join(parts) or "1"
        return f"SELECT c.id AS id FROM customer c WHERE {where}", tuple(params)

    def _customer_tests(self, key: str, *, apart: bool = False) -> tuple[list[str], list[Any]]:
        """Memberships first (cheap), then everything on the customer they leave open."""
        parts, params = _filled(self.choice.members, "{id}", key)
        more, more_params = self.branch.customer_sql(key, without=self.choice.settled, apart=apart)
        return [*parts, *more], [*params, *more_params]

    def _customer_page(self, span: Span, limit: int, offset: int) -> Statement:
        column, index = ("createtime", "customer_newest")
        if self.order == "name":
            column, index = "name", "customer_by_name"
        parts, params = self._customer_tests("c.id")
        for test in self.branch.customer:
            if self.order == "newest" and test.driver and test.driver.table == "customer":
                index = test.driver.index
                parts.append(test.driver.sql.replace("{d}", "c"))
        if self.branch.on_follow and not self.choice.sifted:
            sets, set_params = self._sets(self.choice)
            inner, inner_params = self.branch.follow_sql("f", without=_settled(self.choice))
            where = " AND ".join(["f.customer_id = c.id", *sets, *inner])
            has = f"EXISTS (SELECT 1 FROM follow f {OF_CUSTOMER} WHERE {where})"
            if sets:  # cheaper than any test on the customer
                parts.insert(0, has)
                params[:0] = [*set_params, *inner_params]
            else:
                parts.append(has)
                params += inner_params
        bound, bound_params = span.bounds(f"c.{column}", "c.id")
        way = "DESC" if span.descending else "ASC"
        by = f"INDEXED BY {index}" if index in self.indexes else ""
        where = " AND ".join([*bound, *parts]) or "1"
        sql = (
            f"SELECT c.{column}, c.id FROM customer c {by} WHERE {where}"
            f" ORDER BY c.{column} {way}, c.id {way} LIMIT ? OFFSET ?"
        )
        return Statement(sql, (*bound_params, *params, limit, offset))

    def _sorted(self, gathered: Source, span: Span, limit: int, offset: int) -> Statement:
        way = "DESC" if span.descending else "ASC"
        bound, bound_params = span.bounds("value", "id")
        sql = (
            f"SELECT value, id FROM ({gathered[0]}) WHERE {' AND '.join(bound) or '1'}"
            f" ORDER BY value {way}, id {way} LIMIT ? OFFSET ?"
        )
        return Statement(sql, (*gathered[1], *bound_params, limit, offset))

    def _by_name_alone(self, choice: AccessPath) -> bool:
        """Whether candidates are known by their keys and sorted without a look at a follow."""
        return choice.ids is not None and self.order == "name"

    def _follow_page(self, span: Span, limit: int, offset: int) -> Statement:
        choice, way = self.choice, "DESC" if span.descending else "ASC"
        after, descending = span.after, span.descending
        driver = choice.driver or Driver("", "follow", "follow_newest", "", (), True)
        time = "d.createtime" if driver.table == "follow_tag" else "f.createtime"
        head, _none, own, own_params = self._follow_from(driver, None)
        until, since = self.branch.until, self.branch.since
        if after is not None and isinstance(after[0], int):
            outside = until is not None and after[0] >= until and descending
            if outside or (since is not None and after[0] < since and not descending):
                after = None  # the key lies before the list's first row
        bound, bound_params = replace(span, after=after).bounds(time, "f.customer_id")
        up, down = after is not None, span.within is not None
        dates, date_params = self.branch.time_bounds(
            time, past=down if descending else up, below=up if descending else down
        )
        sets, set_params = self._sets(choice)
        parts, params = self.branch.follow_sql("f", without=_settled(choice), dates=False)
        more, more_params = self._customer_tests("f.customer_id", apart=True)
        once, once_params = self._newest_only()
        where = " AND ".join([*own, *bound, *dates, *sets, *parts, *more, *once]) or "1"
        sql = (
            f"SELECT {time}, f.customer_id FROM {head} WHERE {where}"
            f" ORDER BY {time} {way}, f.customer_id {way} LIMIT ? OFFSET ?"
        )
        values = (*own_params, *bound_params, *date_params, *set_params, *params)
        return Statement(sql, (*values, *more_params, *once_params, limit, offset))

    def _sets(self, choice: AccessPath, tag: str = "d") -> tuple[list[str], list[Any]]:
        """Tests on the follow that bytemaps answer, asked before the follow's row is read."""
        by_tag = choice.driver is not None and choice.driver.table == "follow_tag"
        sources = [source for _test, source in choice.sets]
        return _filled(sources, "{key}", f"{tag}.follow_id" if by_tag else "f.id")

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

    def _follow_from(
        self, driver: Driver | None, ids: Source | None
    ) -> tuple[str, tuple[Any, ...], list[str], tuple[Any, ...]]:
        """FROM with the follow as `f`, driven as chosen.

        Returns:
            its text and parameters, and the driver's own conditions and parameters for WHERE.
        """
        if ids is not None:
            text = (
                f"({ids[0]}) j CROSS JOIN follow f {OF_CUSTOMER}"
                f" ON f.customer_id = +j.{_column(ids[0])}"
            )
            return text, ids[1], [], ()
        if driver is None:
            return "follow f", (), [], ()
        if driver.table == "follow_tag":
            text = f"follow_tag d {self._by(driver)} CROSS JOIN follow f ON f.id = d.follow_id"
            return text, (), [driver.sql.replace("{d}", "d")], driver.params
        own = [driver.sql.replace("{d}", "f")] if driver.sql else []
        return f"follow f {self._by(driver)}", (), own, driver.params

    def _gathered(self, choice: AccessPath, *, ordered: bool = True, tested: bool = True) -> Source:
        """SELECT value, id (one row a customer) of everything that passes; not `tested`: of what
        passes as far as it shows on the way."""
        branch, ids = self.branch, choice.ids
        value = "max(f.createtime)" if self.order == "newest" else "c.name"
        on_follow = branch.on_follow and (tested or not self._by_name_alone(choice))
        if not on_follow and ids is not None:
            column = "c.createtime" if self.order == "newest" else "c.name"
            parts, params = branch.customer_sql("c.id", without=choice.settled)
            if not tested:
                parts, params = [], []
            where = " AND ".join(parts) or "1"
            sql = (
                f"SELECT {column} AS value, c.id AS id FROM ({ids[0]}) j"
                f" CROSS JOIN customer c ON c.id = +j.{_column(ids[0])} WHERE {where}"
            )
            return sql, (*ids[1], *params)
        head, head_params, own, own_params = self._follow_from(choice.driver, ids)
        tag = "d"
        if choice.driver is not None and choice.driver.table == "follow_tag":
            if all(test in _settled(choice) for test in branch.follow):
                tag = "f"  # its index knows all that is asked of the follow
                head = f"follow_tag f {self._by(choice.driver)}"
            bounds, bound_params = branch.time_bounds(f"{tag}.createtime")
            own = [choice.driver.sql.replace("{d}", tag), *bounds]
            own_params = (*own_params, *bound_params)
        narrowed, params = self._narrowed(choice, tested=tested, tag=tag)
        if ordered and self.order == "name":
            head += " CROSS JOIN customer c ON c.id = f.customer_id"
        where = " AND ".join([*own, *narrowed]) or "1"
        values = (*head_params, *own_params, *params)
        if not ordered:  # without GROUP BY: who wants the first rows only need not wait for all
            return f"SELECT DISTINCT f.customer_id AS id FROM {head} WHERE {where}", values
        select = f"SELECT {value} AS value, f.customer_id AS id FROM {head}"
        return f"{select} WHERE {where} GROUP BY f.customer_id", values

    def _narrowed(
        self, choice: AccessPath, *, tested: bool = True, tag: str = "d"
    ) -> tuple[list[str], list[Any]]:
        """Every condition that the driver does not stand for, on a follow `f`; not `tested`: but
        for those on the customer. `tag`: the alias of the row of a tag's index."""
        sets, set_params = self._sets(choice, tag)
        parts, params = self.branch.follow_sql("f", without=_settled(choice))
        members, member_params = _filled(choice.members, "{id}", "f.customer_id")
        more, more_params = self.branch.customer_sql(
            "f.customer_id", "k", without=choice.settled, apart=True
        )
        if not tested:
            more, more_params = [], []
        return (
            [*sets, *parts, *members, *more],
            [*set_params, *params, *member_params, *more_params],
        )


def _one(test: Test | None) -> tuple[Test, ...]:
    return () if test is None else (test,)


def _settled(choice: AccessPath) -> tuple[Test, ...]:
    """Tests on the follow that the driver or a bytemap stands for."""
    return (*_one(choice.test), *(test for test, _source in choice.sets))


def _filled(sources: Sequence[Source], blank: str, key: str) -> tuple[list[str], list[Any]]:
    parts = [sql.replace(blank, key) for sql, _params in sources]
    return parts, [value for _sql, params in sources for value in params]


def _column(source: str) -> str:
    """The column name of an ids subquery."""
    return source.split("FROM", 1)[0].removeprefix("SELECT").strip().rpartition(".")[2]
