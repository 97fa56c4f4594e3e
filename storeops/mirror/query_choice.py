"""What drives one alternative of a filter: the cheapest way, by rows counted beforehand.

Conditions that an index can list are counted (40 million index rows a second); from that follows
how many rows each way would look at before a page is full. A condition with few follows is fetched
once as a bytemap rather than probed row by row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Literal

from storeops.mirror.branch import Branch, Driver, Test
from storeops.mirror.bytemap import Source, bytemap
from storeops.mirror.choice import Choice, guess
from storeops.mirror.counts import Counts

Order = Literal["newest", "name"]

CANDIDATES = 60_000  # so many candidates of a search are worth having; else rows are tested
ALONE = 25_000  # the same for a word alone, newest first: the walk soon meets one of so many
COUNTED = 60_000  # rows counted for an estimate; more is "many"
PAGE = 60  # rows a walk is planned for: a page, and a little for values that are not spread evenly
# Microseconds of processor per row (benchmarks/pairs.py); only their ratios matter.
SCANNED = 0.12  # a row of an index
MAPPED = 0.06  # asking a bytemap
FETCHED = 0.27  # a key of an index fetched into a bytemap
LOOKED_UP = 1.3  # a row of a table by key
NAMED = 4.0  # a customer of the walk by name: its follows, and what they point at
SPELT = 7.0  # testing a search word against name and remarks
ROW_OF_GATHER = 1.7  # grouped and sorted
SORTED = 3_000_000  # so few customers (squared) are sorted by name rather than met on a walk
TRUE = 0.2  # what part of the candidates of an inexact word passes, at worst
CORRELATED = 5_000  # rows from which on two conditions of one index are counted together


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to read an alternative, before it is chosen."""

    cost: float
    how: Literal["walk", "gather", "sieve"]
    test: Test | None = None
    sets: tuple[Test, ...] = ()
    by_ids: bool = False


class Chooser:
    """Chooses for one alternative in one order.

    Args:
        counts: answers about the mirror, shared by the alternatives of a filter.
        branch: the alternative.
        order: "newest" or "name".
        indexes: names of the indexes that exist (none during a first load).
    """

    def __init__(
        self, counts: Counts, branch: Branch, order: Order, indexes: frozenset[str]
    ) -> None:
        self.counts = counts
        self.connection = counts.connection
        self.branch = branch
        self.order = order
        self.indexes = indexes
        self.considered: list[tuple[str, int | None]] = []
        self.sizes: dict[Test, int] = {}
        self.frequent: list[int] = []  # customers that each word with many of them may mean

    def choose(self) -> Choice:
        """The cheapest way."""
        listed = [
            each
            for each in self._listable()
            if each.driver is not None and each.driver.index in self.indexes
        ]
        for test in listed:
            self.sizes[test] = self._size(test)
        fewest = min(self.sizes.values(), default=COUNTED)
        if fewest == 0:
            driver = next(test for test in listed if not self.sizes[test])
            return Choice("gather", driver.driver, driver, 0, considered=tuple(self.considered))
        alone = len(self.branch.customer) == 1 and not self.branch.on_follow
        most = ALONE if alone and self.order == "newest" else CANDIDATES
        found, exact = self._candidates(min(most, 20 * fewest + 50))
        found = self._listed_ids(found)
        self.follows, self.customers = self._totals()
        way = min(self._ways(listed, found, exact), key=lambda each: each.cost)
        return self._made(way, found, exact)

    # -- counting -----------------------------------------------------------------------------

    def _listable(self) -> list[Test]:
        found = list(self.branch.follow)
        if self.order == "name" and self.branch.dated:
            found.append(DATES)
        return found

    def _size(self, test: Test) -> int:
        """Rows that a test's index lists: counted, or guessed from how close the first ones lie."""
        driver = test.driver
        assert driver is not None
        source, values = self._source(test, (), alone=True)
        count = self.counts.rows((source, values), COUNTED + 1)
        if test is not DATES:
            self.considered.append((test.label, count if count <= COUNTED else None))
        if count <= COUNTED:
            return count
        if not driver.aligned:
            return 4 * COUNTED
        newest, here, oldest = self.connection.execute(
            f"SELECT (SELECT d.createtime FROM {source} ORDER BY d.createtime DESC LIMIT 1),"
            f" (SELECT d.createtime FROM {source} ORDER BY d.createtime DESC"
            f" LIMIT 1 OFFSET {COUNTED}),"
            f" (SELECT d.createtime FROM {source} ORDER BY d.createtime LIMIT 1)",
            values * 3,
        ).fetchone()
        return int(COUNTED * max(1.0, (newest - oldest) / max(newest - here, 1)))

    def _candidates(self, limit: int) -> tuple[set[int] | None, tuple[Test, ...]]:
        """The customers whom words with at most `limit` may mean; words that need no test then."""
        common: set[int] | None = None
        exact: list[Test] = []
        for test in self.branch.customer:
            if test.word is None:
                continue
            frequency = self.counts.frequency(test, 2 * CANDIDATES + 1)
            if frequency > limit:
                self.considered.append((test.label, None))
                self.frequent.append(frequency)
                continue
            found = self.counts.candidates(test)
            self.considered.append((test.label, len(found)))
            common = found if common is None else common & found
            if test.word.exact:
                exact.append(test)
        return common, tuple(exact)

    def _listed_ids(self, found: set[int] | None) -> set[int] | None:
        """The same, narrowed by the lists of customers: marks, group chats, ids."""
        for test in self.branch.customer:
            driver = test.driver
            if driver is None or driver.table not in ("ids", "customer"):
                continue
            source = driver.sql
            if driver.table == "customer":
                alone = not self.branch.on_follow and len(self.branch.customer) == 1
                if driver.index not in self.indexes or (alone and self.order == "newest"):
                    continue
                source = (
                    f"SELECT id FROM customer d INDEXED BY {driver.index}"
                    f" WHERE {driver.sql.replace('{d}', 'd')}"
                )
            ids = self.counts.ids((source, driver.params), CANDIDATES + 1)
            many = len(ids) > CANDIDATES
            if driver.label:
                self.considered.append((driver.label, None if many else len(ids)))
            if not many:
                found = ids if found is None else found & ids
        return found

    def _totals(self) -> tuple[int, int]:
        """About how many follows (within the bounds of time) and customers there are."""
        follows, customers, newest, oldest = self.connection.execute(
            "SELECT (SELECT max(id) FROM follow), (SELECT max(id) FROM customer),"
            " (SELECT max(createtime) FROM follow), (SELECT min(createtime) FROM follow)"
            if "follow_newest" in self.indexes
            else "SELECT (SELECT max(id) FROM follow), (SELECT max(id) FROM customer), NULL, NULL"
        ).fetchone()
        if self.branch.dated and newest is not None and newest > oldest:
            since, until = self.branch.since or oldest, self.branch.until or newest
            part = (min(until, newest) - max(since, oldest)) / (newest - oldest)
            follows = (follows or 0) * max(part, 0)
        return max(int(follows or 0), 1), max(customers or 0, 1)

    # -- weighing -----------------------------------------------------------------------------

    def _ways(
        self, listed: list[Test], found: set[int] | None, exact: tuple[Test, ...]
    ) -> Iterable[_Way]:
        of_follow = {test: self._passing(test) for test in self.branch.follow}
        self._count_together(listed, of_follow)
        part = self._part_of_customers(found)
        if found is not None and not exact:
            part *= TRUE  # of what pinyin and long words propose, many fail the test
        spelt = sum(each.word is not None and each not in exact for each in self.branch.customer)
        all_follows = prod(of_follow.values())
        for test in (None, *listed):
            others = all_follows / of_follow[test] if test in of_follow else all_follows
            size = self.sizes[test] if test is not None else self.follows
            if self.order == "newest":
                yield self._walk(test, size, others * part, spelt, of_follow)
            if test is not None:
                yield self._gather(test, size, spelt, part, of_follow)
                if self.order == "name":
                    yield self._sieve(test, size, max(size * others * part, 1), of_follow)
        customers = max(min(self.follows * all_follows, self.customers) * part, 1)
        if self.order == "name":
            rows = min(self.customers, PAGE * self.customers / customers)
            tests = rows * self._part_of_mapped
            if found is not None and any(each.word for each in self.branch.customer):
                rows = max(rows, self.customers / 2)  # who has it in the name stands together
            tested = self.branch.on_follow or len(self.branch.customer) > spelt + len(exact)
            each = NAMED * tested + spelt * SPELT
            scanned = rows * (MAPPED if found is not None else SCANNED)
            yield _Way(scanned + tests * each, "walk")
            sets, cost, left = self._sets(None, tests, of_follow)
            if sets:  # one of the customer's follows by key, the rest for those that have one
                left = min(left * self.follows / self.customers, tests)
                cost += tests * LOOKED_UP + left * each
                yield _Way(scanned + cost, "walk", sets=sets)
        if found is not None:
            each = LOOKED_UP * (2 if self.branch.on_follow or spelt else 1) + spelt * SPELT
            yield _Way(len(found) * (each + 0.5), "gather", by_ids=True)

    def _walk(
        self,
        test: Test | None,
        size: int,
        passing: float,
        spelt: int,
        of_follow: dict[Test, float],
    ) -> _Way:
        driver = test.driver if test is not None else None
        if driver is not None and not driver.aligned:
            return _Way(float("inf"), "walk")
        rows = min(float(size), PAGE / max(passing, 1e-9))
        if test is None and not self.branch.on_follow:  # customers themselves
            mapped = self._part_of_mapped
            residual = len(self.branch.customer) > 0
            rows = min(float(self.customers), PAGE / max(passing, 1e-9))
            cost = rows * (SCANNED + mapped * residual * (LOOKED_UP + spelt * SPELT))
            return _Way(cost, "walk")
        sets, cost, left = self._sets(test, rows, of_follow)
        covered = self._covered(test)
        rest = len(self.branch.follow) - len(sets) - len(covered) > (test is not None)
        rest = rest or bool(self.branch.customer)
        tag = driver is not None and _is_tag(driver)  # its index does not know the customer
        each = LOOKED_UP * tag + self._part_of_mapped * (LOOKED_UP * rest + spelt * SPELT)
        return _Way(cost + left * each, "walk", test, sets)

    def _gather(
        self, test: Test, size: int, spelt: int, part: float, of_follow: dict[Test, float]
    ) -> _Way:
        sets, cost, left = self._sets(test, float(size), of_follow)
        driver = test.driver
        tag = driver is not None and _is_tag(driver)  # its index does not know the customer
        grouped = LOOKED_UP * (not tag) + ROW_OF_GATHER * (1 if self.order == "name" else 0.5)
        each = LOOKED_UP * tag + self._part_of_mapped * grouped
        return _Way(cost + left * (MAPPED + each + part * spelt * SPELT), "gather", test, sets)

    def _sieve(self, test: Test, size: int, customers: float, of_follow: dict[Test, float]) -> _Way:
        """Gather the driver's customers as a bytemap, then walk by name through it."""
        sets, cost, left = self._sets(test, float(size), of_follow)
        driver = test.driver
        cost += left * (FETCHED + (LOOKED_UP if driver is not None and _is_tag(driver) else 0))
        rows = min(self.customers, PAGE * self.customers / customers)
        covered = self._covered(test)
        tested = len(self.branch.follow) - len(sets) - len(covered) > (test is not DATES)
        tested = tested or bool(self.branch.customer)
        through = left * self._part_of_mapped
        walked = rows * (SCANNED + min(through / self.customers, 1) * tested * NAMED)
        cost += min(walked, through * (2 * LOOKED_UP + tested * NAMED))
        return _Way(cost, "sieve", test, sets)

    def _sets(
        self, driver: Test | None, rows: float, of_follow: dict[Test, float]
    ) -> tuple[tuple[Test, ...], float, float]:
        """Which other tests to answer by a bytemap when so many rows are looked at, what the rows
        and the bytemaps cost, and how many rows are left then."""
        chosen: list[Test] = []
        cost = rows * SCANNED
        covered = self._covered(driver)
        for test in covered:
            rows *= of_follow[test]
        for test, size in sorted(self.sizes.items(), key=lambda each: each[1]):
            if test is driver or test is DATES or test in covered or size > COUNTED:
                continue
            fetched = size * FETCHED + rows * MAPPED
            if fetched < rows * LOOKED_UP:
                chosen.append(test)
                cost += fetched
                rows *= of_follow[test]
        return tuple(chosen), cost, rows

    def _covered(self, driver: Test | None) -> list[Test]:
        """The other tests that the driver's index answers without the follow's row."""
        if driver is None or driver.driver is None or driver.driver.index != "follow_by_way":
            return []
        return [test for test in self.branch.follow if test.column == "state"]

    def _passing(self, test: Test) -> float:
        size = self.sizes.get(test)
        return guess(test) if size is None else min(1.0, max(size, 1) / self.follows)

    def _count_together(self, listed: list[Test], of_follow: dict[Test, float]) -> None:
        """Ways and states hang together (a state comes by scanning), so that the part of one says
        little about the other: count up to some thousand rows of both."""
        for test in listed:
            covered = self._covered(test)
            fewest = min((self.sizes.get(each, COUNTED) for each in covered), default=0)
            if fewest <= CORRELATED or self.sizes[test] <= CORRELATED:
                continue
            sql, params = self._source(test, ())
            rows = self.counts.rows((sql, params), CORRELATED)
            if rows < CORRELATED:
                for each in covered:
                    of_follow[each] = max(rows, 1) / self.sizes[test]

    def _part_of_customers(self, found: set[int] | None) -> float:
        """About what part of all customers passes the tests on the customer."""
        part = 1.0 if found is None else max(len(found), 1) / self.customers
        self._part_of_mapped = part
        for frequency in self.frequent:
            part *= min(1.0, frequency / self.customers)
        for test in self.branch.customer:
            if test.word is None and (test.driver is None or found is None):
                part *= guess(test)
        return part

    # -- making -------------------------------------------------------------------------------

    def _made(self, way: _Way, found: set[int] | None, exact: tuple[Test, ...]) -> Choice:
        seen = tuple(self.considered)
        if way.by_ids and found is not None:
            ids = ("SELECT value FROM json_each(?)", (json.dumps(sorted(found)),))
            return Choice("gather", None, None, len(found), ids, seen, settled=exact)
        members: list[Source] = []
        settled: tuple[Test, ...] = ()
        if found is not None:
            members.append(bytemap("{id}", found))
            settled = exact
        sets = tuple((each, self._follows_of(each)) for each in way.sets)
        size = self.sizes[way.test] if way.test is not None else None
        count = size if size is not None and size <= COUNTED else None
        driver = way.test.driver if way.test is not None else None
        if way.how == "sieve" and way.test is not None:
            through = set(self._customers_of(way.test, sets))
            if found is not None:
                through &= found
            if len(through) ** 2 < SORTED:  # sooner sorted than met on the walk
                ids = ("SELECT value FROM json_each(?)", (json.dumps(sorted(through)),))
                return Choice("gather", None, None, len(through), ids, seen, settled=settled)
            members = [bytemap("{id}", through)]
            known = len(sets) + len(self._covered(way.test)) + (way.test is not DATES)
            sifted = len(self.branch.follow) == known
            return Choice(
                "walk", estimate=len(through), considered=seen, members=tuple(members),
                settled=settled, sifted=sifted, sifted_by=driver.label if driver else "",
            )  # fmt: skip
        how: Literal["walk", "gather"] = "gather" if way.how == "gather" else "walk"
        return Choice(how, driver, way.test, count, None, seen, tuple(members), sets, settled)

    def _follows_of(self, test: Test) -> Source:
        assert test.driver is not None
        sql, params = self._source(test, (), alone=True)
        column = "follow_id" if _is_tag(test.driver) else "id"
        return self.counts.map("{key}", f"d.{column}", (sql, params))

    def _customers_of(self, test: Test, sets: tuple[tuple[Test, Source], ...]) -> Iterable[int]:
        assert test.driver is not None
        sql, params = self._source(test, sets)
        column = "d.customer_id"
        if _is_tag(test.driver):
            column = "f.customer_id"
            sql = sql.replace(" WHERE ", " CROSS JOIN follow f ON f.id = d.follow_id WHERE ", 1)
        return chain.from_iterable(self.connection.execute(f"SELECT {column} FROM {sql}", params))

    def _source(
        self, test: Test, sets: tuple[tuple[Test, Source], ...], *, alone: bool = False
    ) -> Source:
        """FROM and WHERE of a test's index as `d`, with what it covers and with bytemaps."""
        driver = test.driver
        assert driver is not None
        bounds, params = self.branch.time_bounds("d.createtime")
        covered = [] if alone else self._covered(test)
        key = "d.follow_id" if _is_tag(driver) else "d.id"
        where = [driver.sql.replace("{d}", "d"), *bounds]
        where += [each.sql.replace("{f}", "d") for each in covered]
        where += [condition.replace("{key}", key) for _test, (condition, _values) in sets]
        params += [value for each in covered for value in each.params]
        params += [value for _test, (_condition, values) in sets for value in values]
        source = f"{driver.table} d INDEXED BY {driver.index} WHERE {' AND '.join(where)}"
        return source, (*driver.params, *params)


# what stands for the bounds of time among the drivers of the walk by name
DATES = Test("", "1", (), Driver("since until", "follow", "follow_newest", "1", (), True))


def _is_tag(driver: Driver) -> bool:
    return driver.table == "follow_tag"
