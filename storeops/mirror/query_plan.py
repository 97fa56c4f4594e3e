"""How one alternative of a filter is read: which index drives, and the SQL that follows from it.

A list is ordered by (createtime, customer.id), newest first, where createtime is that of the newest
follow that passes all follow tests (of the customer's newest follow when nothing is said about
follows), or by (name, customer.id). Either an ordered index is walked and each row tested, or,
when a driver gives few rows, all of them are gathered and sorted.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

from storeops.mirror.compile import Branch, Driver, Test
from storeops.mirror.live import Live

Order = Literal["newest", "name"]
Key = tuple[int | str, int]  # (createtime or name, customer.id)
Source = tuple[str, tuple[Any, ...]]  # SQL and its parameters

CANDIDATES = 40_000  # so many candidates of a search are worth having; else rows are tested
COUNTED = 20_000  # rows counted for an estimate; more is "many"
GATHER_IDS = 1_500  # so few candidates of a search are sorted rather than met on a walk
GATHER = 6_000
GATHER_FILTERED = 20_000  # the same when other conditions thin a walk out


@dataclass(frozen=True, slots=True)
class Choice:
    """What drives one alternative.

    Attributes:
        how: "walk" (in order, page by page) or "gather" (all at once, then sorted).
        driver: None for the list of all customers or all follows.
        test: the test the driver stands for; it need not be made again.
        estimate: rows the driver gives; None when not counted.
        ids: candidates of a search: (subquery, parameters); None without.
        considered: (condition, rows or None) of every possible driver, for `--explain`.
    """

    how: Literal["walk", "gather"]
    driver: Driver | None
    test: Test | None
    estimate: int | None
    ids: Source | None
    considered: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its parameters."""

    sql: str
    params: tuple[Any, ...]


class Planner:
    """Plans one alternative for one order; keeps its choice for all pages.

    Args:
        connection: reads the mirror.
        branch: the alternative.
        order: "newest" or "name".
        live: holds the sets the SQL refers to.
        indexes: names of the indexes that exist (none during a first load).
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        branch: Branch,
        order: Order,
        live: Live,
        indexes: frozenset[str],
    ) -> None:
        self.connection = connection
        self.branch = branch
        self.order = order
        self.live = live
        self.indexes = indexes
        self._membership: list[Source] = []
        self.choice = self._choose()

    # -- choosing -----------------------------------------------------------------------------

    def _choose(self) -> Choice:
        considered: list[tuple[str, int | None]] = []
        best: Test | None = None
        best_count = COUNTED + 1
        for test in self.branch.follow:
            if test.driver is not None and test.driver.index in self.indexes:
                count = self._count(test.driver)
                considered.append((test.driver.label, count if count <= COUNTED else None))
                if best is None or count < best_count:
                    best, best_count = test, count
        ids, ids_count = self._candidates(min(CANDIDATES, 20 * best_count + 50), considered)
        for test in self.branch.customer:
            if test.driver is not None and test.driver.table == "ids":
                count = self._count_ids(test.driver)
                considered.append((test.driver.label, count if count <= COUNTED else None))
                if count <= COUNTED and (ids is None or count < ids_count):
                    ids, ids_count = (test.driver.sql, test.driver.params), count
        seen = tuple(considered)
        by_ids = Choice("gather", None, None, ids_count, ids, seen)
        driver = best.driver if best is not None else None
        counted = best_count if best_count <= COUNTED else None
        by_best = Choice("gather", driver, best, counted, None, seen)
        alone = len(self.branch.follow) == 1 and not self.branch.customer
        few = GATHER if alone else GATHER_FILTERED
        if self.order == "newest":
            # Many candidates of a search are met sooner on a walk, where `storeops_in` knows them.
            if ids is not None and ids_count <= min(best_count, GATHER):
                return by_ids
            if driver is not None and driver.aligned:
                return Choice("walk", driver, best, counted, None, seen)
            if ids is not None and ids_count <= best_count:
                return by_ids
        elif ids is not None and ids_count <= min(best_count, GATHER_FILTERED):
            return by_ids
        if driver is not None and best_count <= few:
            return by_best
        return Choice("walk", None, None, None, None, seen)

    def _candidates(
        self, limit: int, considered: list[tuple[str, int | None]]
    ) -> tuple[Source | None, int]:
        """The customers that the search words may mean, when they are fewer than `limit`."""
        common: set[int] | None = None
        for test in self.branch.customer:
            if test.word is None:
                continue
            many = test.word.is_frequent(self.connection, limit)
            found = set() if many else test.word.candidates(self.connection)
            considered.append((test.label, None if many else len(found)))
            if not many:
                common = found if common is None else common & found
        if common is None:
            return None, 0
        if len(common) > GATHER_IDS:
            self._membership.append(("storeops_in(?, {id})", (self.live.add(common),)))
            if self.order == "newest" or len(common) > GATHER_FILTERED:
                return None, 0
        return ("SELECT value FROM json_each(?)", (json.dumps(sorted(common)),)), len(common)

    def _count(self, driver: Driver) -> int:
        bounds, params = _bounds(self.branch, "d.createtime")
        where = " AND ".join([driver.sql.replace("{d}", "d"), *bounds])
        sql = (
            f"SELECT count(*) FROM (SELECT 1 FROM {driver.table} d {self._by(driver)}"
            f" WHERE {where} LIMIT {COUNTED + 1})"
        )
        return int(self.connection.execute(sql, (*driver.params, *params)).fetchone()[0])

    def _count_ids(self, driver: Driver) -> int:
        sql = f"SELECT count(*) FROM (SELECT 1 FROM ({driver.sql}) LIMIT {COUNTED + 1})"
        return int(self.connection.execute(sql, driver.params).fetchone()[0])

    def _by(self, driver: Driver) -> str:
        return f"INDEXED BY {driver.index}" if driver.index in self.indexes else ""

    # -- statements ---------------------------------------------------------------------------

    def page(self, after: Key | None, limit: int, offset: int, *, descending: bool) -> Statement:
        """The keys (value, customer.id) of the rows after `after`, in order, at most `limit`.

        Args:
            after: the last key before the page, None for the first page.
            limit: rows; -1 for all.
            offset: rows to skip first.
            descending: newest first, or names from their end.
        """
        if self.choice.how == "gather" or (self.branch.on_follow and self.order == "newest"):
            return self._follow_page(after, limit, offset, descending)
        return self._customer_page(after, limit, offset, descending)

    def positions(self, ids: list[int]) -> Statement:
        """The keys of those of `ids` that pass."""
        source = ("SELECT value FROM json_each(?)", (json.dumps(ids),))
        sql, params = self._gathered(None, None, source)
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
        branch, choice = self.branch, self._unordered_choice()
        head, head_params, own, own_params = self._follow_from(choice.driver, choice.ids)
        parts, params = branch.follow_sql("f", without=choice.test)
        more, more_params = branch.customer_sql("f.customer_id")
        if branch.needs_customer:
            head += " CROSS JOIN customer c ON c.id = f.customer_id"
        where = " AND ".join([*own, *parts, *more]) or "1"
        sql = f"SELECT f.customer_id AS id, {column} AS value FROM {head}{table} WHERE {where}"
        return Statement(sql, (*head_params, *own_params, *params, *more_params))

    def _unordered_choice(self) -> Choice:
        """The cheapest driver when order does not matter; never a guess that leaves rows out."""
        choice = self.choice
        if choice.driver is not None or choice.ids is not None:
            return choice
        common: set[int] | None = None
        for test in self.branch.customer:
            if test.word is not None:
                found = test.word.candidates(self.connection)
                common = found if common is None else common & found
        if common is not None:
            ids = ("SELECT value FROM json_each(?)", (json.dumps(sorted(common)),))
            return Choice("gather", None, None, len(common), ids, ())
        for test in self.branch.follow:
            if test.driver is not None and test.driver.index in self.indexes:
                return Choice("gather", test.driver, test, None, None, ())
        return choice

    def _unordered(self) -> tuple[str, tuple[Any, ...]]:
        branch = self.branch
        choice = self._unordered_choice()
        if branch.on_follow or choice.ids is not None or choice.driver is not None:
            return self._gathered(choice.driver, choice.test, choice.ids, ordered=False)
        parts, params = self._customer_tests("c.id")
        where = " AND ".join(parts) or "1"
        return f"SELECT c.id AS id FROM customer c WHERE {where}", tuple(params)

    def _customer_tests(self, key: str) -> tuple[list[str], list[Any]]:
        """Memberships first (cheap), then everything on the customer."""
        parts = [sql.replace("{id}", key) for sql, _params in self._membership]
        params = [value for _sql, values in self._membership for value in values]
        more, more_params = self.branch.customer_sql(key)
        return [*parts, *more], [*params, *more_params]

    def _customer_page(
        self, after: Key | None, limit: int, offset: int, descending: bool
    ) -> Statement:
        column, index = ("createtime", "customer_newest")
        if self.order == "name":
            column, index = "name", "customer_by_name"
        parts, params = self._customer_tests("c.id")
        for test in self.branch.customer:
            if self.order == "newest" and test.driver and test.driver.table == "customer":
                index = test.driver.index
                parts.append(test.driver.sql.replace("{d}", "c"))
        if self.branch.on_follow:
            inner, inner_params = self.branch.follow_sql("f")
            where = " AND ".join(["f.customer_id = c.id", *inner])
            parts.append(f"EXISTS (SELECT 1 FROM follow f WHERE {where})")
            params += inner_params
        bound, bound_params = _after(f"c.{column}", "c.id", after, descending)
        way = "DESC" if descending else "ASC"
        by = f"INDEXED BY {index}" if index in self.indexes else ""
        where = " AND ".join([*bound, *parts]) or "1"
        sql = (
            f"SELECT c.{column}, c.id FROM customer c {by} WHERE {where}"
            f" ORDER BY c.{column} {way}, c.id {way} LIMIT ? OFFSET ?"
        )
        return Statement(sql, (*bound_params, *params, limit, offset))

    def _follow_page(
        self, after: Key | None, limit: int, offset: int, descending: bool
    ) -> Statement:
        choice, way = self.choice, "DESC" if descending else "ASC"
        if choice.how == "gather":
            inner, inner_params = self._gathered(choice.driver, choice.test, choice.ids)
            bound, bound_params = _after("value", "id", after, descending)
            where = " AND ".join(bound) or "1"
            sql = (
                f"SELECT value, id FROM ({inner}) WHERE {where}"
                f" ORDER BY value {way}, id {way} LIMIT ? OFFSET ?"
            )
            return Statement(sql, (*inner_params, *bound_params, limit, offset))
        driver = choice.driver or Driver("", "follow", "follow_newest", "", (), True)
        time = "d.createtime" if driver.table == "follow_tag" else "f.createtime"
        head, _none, own, own_params = self._follow_from(driver, None)
        until, since = self.branch.until, self.branch.since
        if after is not None and isinstance(after[0], int):
            outside = until is not None and after[0] >= until and descending
            if outside or (since is not None and after[0] < since and not descending):
                after = None  # the key lies before the list's first row
        bound, bound_params = _after(time, "f.customer_id", after, descending)
        dates, date_params = _bounds(self.branch, time, after, descending)
        parts, params = self.branch.follow_sql("f", without=choice.test, dates=False)
        more, more_params = self._customer_tests("f.customer_id")
        if self.branch.needs_customer:
            head += " CROSS JOIN customer c ON c.id = f.customer_id"
        once, once_params = self._newest_only()
        where = " AND ".join([*own, *bound, *dates, *parts, *more, *once]) or "1"
        sql = (
            f"SELECT {time}, f.customer_id FROM {head} WHERE {where}"
            f" ORDER BY {time} {way}, f.customer_id {way} LIMIT ? OFFSET ?"
        )
        values = (*own_params, *bound_params, *date_params, *params, *more_params, *once_params)
        return Statement(sql, (*values, limit, offset))

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
        return [f"NOT EXISTS (SELECT 1 FROM follow e WHERE {where})"], params

    def _follow_from(
        self, driver: Driver | None, ids: Source | None
    ) -> tuple[str, tuple[Any, ...], list[str], tuple[Any, ...]]:
        """FROM with the follow as `f`, driven as chosen.

        Returns:
            its text and parameters, and the driver's own conditions and parameters for WHERE.
        """
        if ids is not None:
            text = f"({ids[0]}) j CROSS JOIN follow f ON f.customer_id = +j.{_column(ids[0])}"
            return text, ids[1], [], ()
        if driver is None:
            return "follow f", (), [], ()
        if driver.table == "follow_tag":
            text = f"follow_tag d {self._by(driver)} CROSS JOIN follow f ON f.id = d.follow_id"
            return text, (), [driver.sql.replace("{d}", "d")], driver.params
        own = [driver.sql.replace("{d}", "f")] if driver.sql else []
        return f"follow f {self._by(driver)}", (), own, driver.params

    def _gathered(
        self,
        driver: Driver | None,
        test: Test | None,
        ids: Source | None,
        *,
        ordered: bool = True,
    ) -> tuple[str, tuple[Any, ...]]:
        """SELECT value, id (one row a customer) of everything that passes."""
        branch = self.branch
        value = "max(f.createtime)" if self.order == "newest" else "c.name"
        if not branch.on_follow and ids is not None:
            column = "c.createtime" if self.order == "newest" else "c.name"
            parts, params = branch.customer_sql("c.id")
            where = " AND ".join(parts) or "1"
            sql = (
                f"SELECT {column} AS value, c.id AS id FROM ({ids[0]}) j"
                f" CROSS JOIN customer c ON c.id = +j.{_column(ids[0])} WHERE {where}"
            )
            return sql, (*ids[1], *params)
        head, head_params, own, own_params = self._follow_from(driver, ids)
        parts, params = branch.follow_sql("f", without=test)
        more, more_params = branch.customer_sql("f.customer_id")
        if branch.needs_customer or (ordered and self.order == "name"):
            head += " CROSS JOIN customer c ON c.id = f.customer_id"
        where = " AND ".join([*own, *parts, *more]) or "1"
        select = f"{value} AS value, f.customer_id AS id" if ordered else "f.customer_id AS id"
        sql = f"SELECT {select} FROM {head} WHERE {where} GROUP BY f.customer_id"
        return sql, (*head_params, *own_params, *params, *more_params)


def _column(source: str) -> str:
    """The column name of an ids subquery."""
    return source.split("FROM", 1)[0].removeprefix("SELECT").strip().rpartition(".")[2]


def _bounds(
    branch: Branch, column: str, after: Key | None = None, descending: bool = True
) -> tuple[list[str], list[Any]]:
    """Bounds of time; one that the key makes needless must not be where the index begins."""
    parts: list[str] = []
    params: list[Any] = []
    if branch.since is not None:
        parts.append(f"{'+' if after and not descending else ''}{column} >= ?")
        params.append(branch.since)
    if branch.until is not None:
        parts.append(f"{'+' if after and descending else ''}{column} < ?")
        params.append(branch.until)
    return parts, params


def _after(
    value: str, key: str, after: Key | None, descending: bool
) -> tuple[list[str], list[Any]]:
    """Rows beyond a key; the first part lets the index begin there."""
    if after is None:
        return [], []
    sign = "<" if descending else ">"
    return [f"{value} {sign}= ?", f"({value} {sign} ? OR {key} {sign} ?)"], [
        after[0],
        after[0],
        after[1],
    ]
