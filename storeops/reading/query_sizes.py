"""What is counted before the way to read one alternative of a filter is chosen.

Conditions that an index can list are counted (40 million index rows a second), search words and
lists of customers too; those with few customers are fetched at once.
"""

from __future__ import annotations

from typing import Literal

from storeops.mirror.bytemap import Source, keys_of
from storeops.mirror.search import Word
from storeops.reading.branch import Branch, Driver, Test
from storeops.reading.counts import FilterCounts

Order = Literal["newest", "name"]

CANDIDATES = 60_000  # so many candidates of a search are worth having; else rows are tested
ALONE = 25_000  # the same for a word alone, newest first: the walk soon meets one of so many
COUNTED = 60_000  # rows counted for an estimate; more is "many"


class Sizes:
    """What is known of one alternative in one order.

    Args:
        counts: answers about the mirror, shared by the alternatives of a filter.
        branch: the alternative.
        order: "newest" or "name".
        indexes: names of the indexes that exist (none during a first load).

    Attributes:
        listed: the conditions that an index can list.
        rows: how many rows each of them has, counted or guessed.
        none: the one of them that has no row; None when each has one.
        found: the customers that words and lists leave over; None when these say too little.
        exact: words that need no test on these.
        frequent: customers that each word with many of them may mean.
        beginning: customers whose name begins with one of these words, by name only.
        of_customers: rows of conditions that an index of customers lists.
        follows, customers: about how many there are, follows within the bounds of time.
        considered: (condition, rows or None for many), for `--explain`.
    """

    def __init__(
        self, counts: FilterCounts, branch: Branch, order: Order, indexes: frozenset[str]
    ) -> None:
        self.counts = counts
        self.connection = counts.connection
        self.branch = branch
        self.order = order
        self.indexes = indexes
        self.considered: list[tuple[str, int | None]] = []
        self.of_customers: dict[Test, int] = {}
        self.frequent: list[int] = []
        self.beginning = 0
        self.found: set[int] | None = None
        self.exact: tuple[Test, ...] = ()
        self.listed = [
            each
            for each in self._listable()
            if each.driver is not None and each.driver.index in self.indexes
        ]
        self.rows = {test: self._size(test) for test in self.listed}
        self.none = next((test for test, rows in self.rows.items() if not rows), None)
        if self.none is not None:
            return
        fewest = min(self.rows.values(), default=COUNTED)
        alone = len(branch.customer) == 1 and not branch.on_follow
        most = ALONE if alone and order == "newest" else CANDIDATES
        found, self.exact = self._candidates(min(most, 20 * fewest + 50))
        self.found = self._listed_ids(found)
        self.follows, self.customers = self._totals()

    def _listable(self) -> list[Test]:
        found = list(self.branch.follow)
        if self.order == "name" and self.branch.dated:
            found.append(DATES)
        return found

    def _size(self, test: Test) -> int:
        """Rows that a test's index lists: counted, or guessed from how close the first ones lie."""
        driver = test.driver
        assert driver is not None
        source, values = self.source(test, (), alone=True)
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
            if self.order == "name":
                self.beginning = max(self.beginning, self._beginning(test.word))
            if test.word.exact:
                exact.append(test)
        return common, tuple(exact)

    def _beginning(self, word: Word) -> int:
        """How many names begin with a word: they stand together in the list."""
        if "customer_by_name" not in self.indexes:
            return 0
        source = "customer INDEXED BY customer_by_name WHERE name >= ? AND name < ?"
        return self.counts.rows((source, (word.raw, word.raw + "\U0010ffff")), CANDIDATES)

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
            if driver.table == "customer" and not many and self.order == "newest":
                self.of_customers[test] = max(len(ids), 1)
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

    def covered(self, driver: Test | None) -> list[Test]:
        """The other tests that the driver's index answers without the follow's row."""
        if driver is None or driver.driver is None or driver.driver.index != "follow_by_way":
            return []
        return [test for test in self.branch.follow if test.column == "state"]

    def follows_of(self, test: Test) -> Source:
        """A bytemap of the follows that a test's index lists."""
        assert test.driver is not None
        sql, params = self.source(test, (), alone=True)
        column = "follow_id" if is_tag(test.driver) else "id"
        return self.counts.map("{key}", f"d.{column}", (sql, params))

    def customers_of(self, test: Test, sets: tuple[tuple[Test, Source], ...]) -> list[int]:
        """Those found whose follows a test's index lists, some more than once."""
        assert test.driver is not None
        sql, params = self.source(test, sets)
        column = "d.customer_id"
        if self.found is not None:
            condition, members = self.counts.members("{id}", self.found)
            sql, params = f"{sql} AND {condition.replace('{id}', column)}", (*params, *members)
        return keys_of(self.connection, f"SELECT {column} AS key FROM {sql}", params)

    def source(
        self, test: Test, sets: tuple[tuple[Test, Source], ...], *, alone: bool = False
    ) -> Source:
        """FROM and WHERE of a test's index as `d`, with what it covers and with bytemaps."""
        driver = test.driver
        assert driver is not None
        bounds, params = self.branch.time_bounds("d.createtime")
        covered = [] if alone else self.covered(test)
        key = "d.follow_id" if is_tag(driver) else "d.id"
        where = [driver.sql.replace("{d}", "d"), *bounds]
        where += [each.sql.replace("{f}", "d") for each in covered]
        where += [condition.replace("{key}", key) for _test, (condition, _values) in sets]
        params += [value for each in covered for value in each.params]
        params += [value for _test, (_condition, values) in sets for value in values]
        source = f"{driver.table} d INDEXED BY {driver.index} WHERE {' AND '.join(where)}"
        return source, (*driver.params, *params)


# what stands for the bounds of time among the drivers of the walk by name
DATES = Test("", "1", (), Driver("since until", "follow", "follow_newest", "1", (), True))


def is_tag(driver: Driver) -> bool:
    """Whether it lists by tag, so that the follow's own columns must be looked up."""
    return driver.table == "follow_tag"
