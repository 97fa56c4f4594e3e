"""What drives one alternative of a filter: the cheapest way, by rows counted beforehand.

From the counts follows how many rows each way would look at before a page is full. A condition with
few follows is fetched once as a bytemap rather than probed row by row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Literal

from storeops.mirror.bytemap import Source, bytemap
from storeops.reading.branch import Branch, Test
from storeops.reading.choice import AccessPath, guess
from storeops.reading.counts import FilterCounts
from storeops.reading.query_sizes import COUNTED, DATES, Order, Sizes, is_tag

PAGE = 60  # rows a walk is planned for: a page, and a little for values that are not spread evenly
# Microseconds of processor per row (benchmarks/pairs.py); only their ratios matter.
SCANNED = 0.12  # a row of an index
MAPPED = 0.06  # asking a bytemap
FETCHED = 0.13  # a key of an index fetched into a bytemap
LOOKED_UP = 1.3  # a row of a table by key
NAMED = 4.0  # a customer of the walk by name: its follows, and what they point at
SPELT = 7.0  # testing a search word against name and remarks
GROUPED = 0.1  # a key put into a set
ROW_OF_GATHER = 1.7  # grouped and sorted
SORTED_ROW = 0.5  # sorted only
SORTED = 4_500  # so few customers are sorted by name rather than met on a walk
TRUE = 0.2  # what part of the candidates of an inexact word passes, at worst
TOGETHER = 0.75  # what part of all names is passed before those that begin alike
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
        self, counts: FilterCounts, branch: Branch, order: Order, indexes: frozenset[str]
    ) -> None:
        self.branch = branch
        self.order = order
        self.sizes = Sizes(counts, branch, order, indexes)

    def choose(self) -> AccessPath:
        """The cheapest way."""
        none = self.sizes.none
        if none is not None:
            return AccessPath(
                "gather", none.driver, none, 0, considered=tuple(self.sizes.considered)
            )
        return self._made(min(self._ways(), key=lambda each: each.cost))

    # -- weighing -----------------------------------------------------------------------------

    def _ways(self) -> Iterable[_Way]:
        found, exact = self.sizes.found, self.sizes.exact
        of_follow = {test: self._passing(test) for test in self.branch.follow}
        self._count_together(of_follow)
        part = self._part_of_customers()
        inexact = [each for each in self.branch.customer if each.word and each not in exact]
        if found is not None and inexact:
            part *= TRUE  # of what pinyin and long words propose, many fail the test
        spelt = len(inexact)
        all_follows = prod(of_follow.values())
        for test in (None, *self.sizes.listed):
            others = all_follows / of_follow[test] if test in of_follow else all_follows
            size = self.sizes.rows[test] if test is not None else self.sizes.follows
            if self.order == "newest":
                yield self._walk(test, size, others * part, spelt, of_follow)
            if test is not None:
                yield self._gather(test, size, spelt, part, of_follow)
                if self.order == "name":
                    yield self._sieve(test, size, max(size * others * part, 1), of_follow)
        customers = max(min(self.sizes.follows * all_follows, self.sizes.customers) * part, 1)
        if self.order == "name":
            rows = min(self.sizes.customers, PAGE * self.sizes.customers / customers)
            tests = rows * self._part_of_mapped
            if found and self.sizes.beginning:  # who begins with the word stands together
                spread = max(1 - self.sizes.beginning / len(found), 1e-9)
                rows = min(rows / spread, max(rows, self.sizes.customers * TOGETHER))
            tested = self.branch.on_follow or len(self.branch.customer) > spelt + len(exact)
            each = NAMED * tested + spelt * SPELT
            scanned = rows * (MAPPED if found is not None else SCANNED)
            yield _Way(scanned + tests * each, "walk")
            sets, cost, left = self._sets(None, tests, of_follow)
            if sets:  # one of the customer's follows by key, the rest for those that have one
                left = min(left * self.sizes.follows / self.sizes.customers, tests)
                cost += tests * LOOKED_UP + left * each
                yield _Way(scanned + cost, "walk", sets=sets)
        if found is not None:
            rows, on_follow = len(found), self.branch.on_follow
            lists_follows = on_follow and self.order == "newest"
            cost = rows * (LOOKED_UP * (2 if lists_follows else 1) + SORTED_ROW)
            late = part / self._part_of_mapped * (all_follows if on_follow else 1)
            yield _Way(cost + self._late(rows, late, spelt), "gather", by_ids=True)

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
            rows = min(float(self.sizes.customers), PAGE / max(passing, 1e-9))
            for own in self.branch.customer:
                if own in self.sizes.of_customers:  # their index is walked
                    rows = min(rows * self.sizes.of_customers[own] / self.sizes.customers, rows)
                    mapped = 1.0
            cost = rows * (SCANNED + mapped * residual * (LOOKED_UP + spelt * SPELT))
            return _Way(cost, "walk")
        sets, cost, left = self._sets(test, rows, of_follow)
        covered = self.sizes.covered(test)
        rest = len(self.branch.follow) - len(sets) - len(covered) > (test is not None)
        rest = rest or bool(self.branch.customer)
        tag = driver is not None and is_tag(driver)
        each = LOOKED_UP * tag + self._part_of_mapped * (LOOKED_UP * rest + spelt * SPELT)
        return _Way(cost + left * each, "walk", test, sets)

    def _gather(
        self, test: Test, size: int, spelt: int, part: float, of_follow: dict[Test, float]
    ) -> _Way:
        sets, cost, left = self._sets(test, float(size), of_follow)
        driver = test.driver
        tag = driver is not None and is_tag(driver) and len(self.branch.follow) > len(sets) + 1
        grouped = LOOKED_UP * (not tag) + ROW_OF_GATHER * (1 if self.order == "name" else 0.5)
        each = LOOKED_UP * tag + self._part_of_mapped * grouped
        late = self._late(left * self._part_of_mapped, part / self._part_of_mapped, spelt)
        return _Way(cost + left * (MAPPED + each) + late, "gather", test, sets)

    def _late(self, rows: float, passing: float, spelt: int) -> float:
        """What the tests cost that are made in order, until a page is full."""
        tested = min(rows, 2 * PAGE + PAGE / max(passing, 1e-9))
        return tested * (NAMED + spelt * SPELT) if passing < 1 else 0.0

    def _sieve(self, test: Test, size: int, customers: float, of_follow: dict[Test, float]) -> _Way:
        """Gather the driver's customers as a bytemap, then walk by name through it."""
        sets, cost, left = self._sets(test, float(size), of_follow)
        cost += left * (MAPPED + self._part_of_mapped * (FETCHED + GROUPED))
        rows = min(self.sizes.customers, PAGE * self.sizes.customers / customers)
        covered = self.sizes.covered(test)
        tested = len(self.branch.follow) - len(sets) - len(covered) > (test is not DATES)
        tested = tested or bool(self.branch.customer)
        through = left * self._part_of_mapped
        walked = rows * (SCANNED + min(through / self.sizes.customers, 1) * tested * NAMED)
        cost += min(walked, through * (2 * LOOKED_UP + tested * NAMED))
        return _Way(cost, "sieve", test, sets)

    def _sets(
        self, driver: Test | None, rows: float, of_follow: dict[Test, float]
    ) -> tuple[tuple[Test, ...], float, float]:
        """Which other tests to answer by a bytemap when so many rows are looked at, what the rows
        and the bytemaps cost, and how many rows are left then."""
        chosen: list[Test] = []
        cost = rows * SCANNED
        covered = self.sizes.covered(driver)
        for test in covered:
            rows *= of_follow[test]
        for test, size in sorted(self.sizes.rows.items(), key=lambda each: each[1]):
            if test is driver or test is DATES or test in covered or size > COUNTED:
                continue
            fetched = size * FETCHED + rows * MAPPED
            if fetched < rows * LOOKED_UP:
                chosen.append(test)
                cost += fetched
                rows *= of_follow[test]
        return tuple(chosen), cost, rows

    def _passing(self, test: Test) -> float:
        size = self.sizes.rows.get(test)
        return guess(test) if size is None else min(1.0, max(size, 1) / self.sizes.follows)

    def _count_together(self, of_follow: dict[Test, float]) -> None:
        """Ways and states hang together (a state comes by scanning), so that the part of one says
        little about the other: count up to some thousand rows of both."""
        for test in self.sizes.listed:
            covered = self.sizes.covered(test)
            fewest = min((self.sizes.rows.get(each, COUNTED) for each in covered), default=0)
            if fewest <= CORRELATED or self.sizes.rows[test] <= CORRELATED:
                continue
            sql, params = self.sizes.source(test, ())
            rows = self.sizes.counts.rows((sql, params), CORRELATED)
            if rows < CORRELATED:
                for each in covered:
                    of_follow[each] = max(rows, 1) / self.sizes.rows[test]

    def _part_of_customers(self) -> float:
        """About what part of all customers passes the tests on the customer."""
        found = self.sizes.found
        part = 1.0 if found is None else max(len(found), 1) / self.sizes.customers
        self._part_of_mapped = part
        for frequency in self.sizes.frequent:
            part *= min(1.0, frequency / self.sizes.customers)
        for test in self.branch.customer:
            if test.word is None and (test.driver is None or found is None):
                part *= guess(test)
        return part

    # -- making -------------------------------------------------------------------------------

    def _made(self, way: _Way) -> AccessPath:
        found, exact = self.sizes.found, self.sizes.exact
        seen = tuple(self.sizes.considered)
        if way.by_ids and found is not None:
            ids = ("SELECT value FROM json_each(?)", (json.dumps(sorted(found)),))
            return AccessPath("gather", None, None, len(found), ids, seen, settled=exact)
        members: list[Source] = []
        settled: tuple[Test, ...] = ()
        if found is not None:
            members.append(self.sizes.counts.members("{id}", found))
            settled = exact
        sets = tuple((each, self.sizes.follows_of(each)) for each in way.sets)
        size = self.sizes.rows[way.test] if way.test is not None else None
        count = size if size is not None and size <= COUNTED else None
        driver = way.test.driver if way.test is not None else None
        if way.how == "sieve" and way.test is not None:
            through = set(self.sizes.customers_of(way.test, sets))
            if len(through) < SORTED:  # sooner sorted than met on the walk
                ids = ("SELECT value FROM json_each(?)", (json.dumps(sorted(through)),))
                return AccessPath("gather", None, None, len(through), ids, seen, settled=settled)
            members = [bytemap("{id}", through)]
            known = len(sets) + len(self.sizes.covered(way.test)) + (way.test is not DATES)
            sifted = len(self.branch.follow) == known
            return AccessPath(
                "walk", estimate=len(through), considered=seen, members=tuple(members),
                settled=settled, sifted=sifted, sifted_by=driver.label if driver else "",
            )  # fmt: skip
        how: Literal["walk", "gather"] = "gather" if way.how == "gather" else "walk"
        return AccessPath(how, driver, way.test, count, None, seen, tuple(members), sets, settled)
