"""Counting a filter over columns: every condition is an array of yes and no.

Where the columns know nothing (words, marks, group chats, conditions of domains) an index lists the
customers, or the few that are left are tested by SQL.
"""

from __future__ import annotations

import functools
import json
import operator
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from storeops import times
from storeops.clock import MOST_SECONDS
from storeops.mirror.bytemap import array_of
from storeops.mirror.column_store import ColumnSnapshot
from storeops.reading.branch import Branch
from storeops.reading.facets import NO_MONTH, Counts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storeops.mirror.column_store import Mask
    from storeops.reading.branch import Driver, Test
    from storeops.reading.conditions import Facet


class ColumnScan:
    """Counts one filter at one moment.

    Args:
        connection: reads the mirror.
        columns: its columns.
        branches: the alternatives of the filter.
    """

    def __init__(
        self, connection: sqlite3.Connection, columns: ColumnSnapshot, branches: Sequence[Branch]
    ) -> None:
        self.connection = connection
        self.columns = columns
        self.branches = branches

    @cached_property
    def customers(self) -> Mask:
        """Who matches, by customer.id."""
        return self.matching(self.branches)

    def matching(self, branches: Iterable[Branch]) -> Mask:
        """Who matches one of some alternatives."""
        import numpy as np

        found = np.zeros(len(self.columns.everybody), bool)
        for branch in branches:
            follows, people = self._branch(branch)
            if follows is None:
                found |= self.columns.everybody if people is None else people
            else:
                mine = self.columns.customers_of(follows)
                found |= mine if people is None else people & mine
        return found

    @cached_property
    def follows(self) -> Mask:
        """The follows through which somebody matches, by follow.id."""
        import numpy as np

        customer = self.columns.follow["customer"]
        found = np.zeros(len(customer), bool)
        for branch in self.branches:
            follows, people = self._branch(branch)
            if people is None:
                found |= customer != 0 if follows is None else follows
            elif follows is None:
                found |= people.take(customer)
            else:
                rows = np.flatnonzero(follows)
                found[rows.compress(people.take(customer.take(rows)))] = True
        return found

    def newest(self) -> Moments | None:
        """Who matches by when they last became a customer through a follow by which they match;
        None when moments and keys do not fit into one number."""
        import numpy as np

        columns, rows = self.columns, np.flatnonzero(self.follows)
        if not len(rows):
            return Moments(rows, 0, 1)
        customer = columns.follow["customer"].take(rows)
        created = columns.follow["createtime"].take(rows)
        low, size = int(created.min()), len(columns.everybody)
        if (int(created.max()) - low + 1) * size >= 1 << 63:
            return None
        moments = np.full(size, low, created.dtype)
        np.maximum.at(moments, customer, created)
        people = np.zeros(size, bool)
        people[customer] = True
        ids = np.flatnonzero(people)
        keys = (moments.take(ids).astype(np.int64) - low) * size + ids
        keys.sort()
        return Moments(keys, low, size)

    def by(self, name: str) -> Counts:
        """Customers per value of store, owner, tag, way, status, state or month, in no order."""
        import numpy as np

        columns, follows = self.columns, self.follows
        customer = columns.follow["customer"]
        if name == "tag":
            of, values = columns.tags
            of, values = of[mine := follows[of]], values[mine]
            return list(distinct(customer[of], values).items())
        rows = np.flatnonzero(follows)
        values = columns.follow[_COLUMN.get(name, name)][rows]
        if name == "month":
            names, values = _months(values)
            by_month = distinct(customer[rows], values)
            return [(names[value], count) for value, count in by_month.items()]
        found = distinct(customer[rows], values)
        if name in ("status", "state"):
            words = {code: text for text, code in columns.words.items()}
            return [(words[code], count) for code, count in found.items() if words[code]]
        return list(found.items())

    def pairs(self, facet: Facet) -> Counts:
        """Customers per value of a domain's facet, in no order."""
        import numpy as np

        if all(branch == Branch() for branch in self.branches):
            people = self._once("followed", lambda: self.columns.customers_of(self.follows))
        else:
            people = self.columns.customers_of(self.follows)
        sets = self._sets(facet)
        found: Counts = [(value, int(np.count_nonzero(people & who))) for value, who in sets.many]
        passed = np.zeros(len(sets.keys) + 1, np.int32)
        np.cumsum(people.take(sets.keys), out=passed[1:])
        counts = np.diff(passed.take(sets.ends), prepend=0).tolist()
        found += zip(sets.values, counts, strict=True)
        return [each for each in found if each[1]]

    def _sets(self, facet: Facet) -> _Sets:
        """The values of a facet; kept with the columns until anybody writes anything."""
        import numpy as np

        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        # the connection itself: a thread's new one may lie where one that was closed did
        at = (self.connection, version, self.connection.total_changes)
        known: dict[str, Any] = self.columns.known
        sql = facet.pairs
        if known.get(sql, (None,))[0] != at:
            size = len(self.columns.everybody)
            every = facet.at_hand(self.connection, size)
            if every is None:
                every = [
                    (value, keys[keys < size])
                    for value, text in self.connection.execute(
                        f"SELECT value, json_group_array(customer_id) FROM ({sql}) GROUP BY value"
                    )
                    for keys in [np.fromstring(text[1:-1], np.int64, sep=",")]
                ]
            few = [(value, who) for value, who in every if who.dtype != bool]
            keys = [np.zeros(0, np.int32), *(who.astype(np.int32, copy=False) for _, who in few)]
            known[sql] = (
                at,
                _Sets(
                    [(value, who) for value, who in every if who.dtype == bool],
                    [value for value, _who in few],
                    np.concatenate(keys),
                    np.cumsum([len(who) for _value, who in few], dtype=np.int64),
                ),
            )
        found: _Sets = known[sql][1]
        return found

    def _once(self, question: str, ask: Callable[[], Mask]) -> Mask:
        """An answer about this moment, looked up once for all filters."""
        if question not in self.columns.known:
            self.columns.known[question] = ask()
        found: Mask = self.columns.known[question]
        return found

    def in_groups(self) -> Mask:
        """The members of group chats."""
        return self._once("groups", lambda: self.listed(
            "SELECT m.id AS key FROM group_member g JOIN customer m"
            " ON m.external_userid = g.member WHERE g.type = 2"
        ))  # fmt: skip

    def listed(self, sql: str, params: tuple[Any, ...] = ()) -> Mask:
        """The customers that a SELECT gives as `key`, some more than once."""
        import numpy as np

        found = np.zeros(len(self.columns.everybody), bool)
        keys = array_of(self.connection, sql, params)
        found[keys[keys < len(found)]] = True  # who came this very moment is not in it yet
        return found

    def at_hand(
        self,
        of: Callable[[sqlite3.Connection, str, int], Mask | None],
        values: Sequence[str],
        driver: Driver,
    ) -> Mask:
        """Who has one of some values of a domain's condition, by what the domain keeps at hand;
        all of it is listed where it keeps one of them not."""
        import numpy as np

        found = np.zeros(len(self.columns.everybody), bool)
        for value in values:
            mask = of(self.connection, value, len(found))
            if mask is None:
                return self._driven(driver)
            found |= mask
        return found

    def _driven(self, driver: Driver) -> Mask:
        with_key = f"WITH listed (key) AS ({driver.sql}) SELECT key FROM listed"
        return self.listed(with_key, driver.params)

    # -- one alternative ----------------------------------------------------------------------

    def _branch(self, branch: Branch) -> tuple[Mask | None, Mask | None]:
        """The follows that pass its tests on a follow, and the customers that pass those on the
        customer; None when there is no such test."""
        columns = self.columns
        follows = people = None
        if branch.on_follow:
            created = columns.follow["createtime"]
            follows = columns.follow["customer"] != 0
            if branch.since is not None:
                follows &= created >= branch.since
            if branch.until is not None:
                follows &= created < branch.until
            for test in branch.follow:
                assert test.mask is not None, test.label
                follows &= test.mask(self)
        # what the columns know first, what Python must look at last
        for test in sorted(
            branch.customer, key=lambda each: (each.mask is None, each.word is not None)
        ):
            among = columns.everybody if people is None else people
            people = among & self._customers(test, among, follows)
        return follows, people

    def _customers(self, test: Test, among: Mask, follows: Mask | None) -> Mask:
        """Who passes a test on the customer; those may be left out who are not `among` them, or
        without one of `follows`."""
        if test.mask is not None:
            return test.mask(self)
        found = among
        if test.word is not None:
            listed = (self.listed(*source) for source in test.word.sources())
            found = functools.reduce(operator.or_, listed)
            if test.word.exact:
                return found
        elif test.driver is not None and test.driver.table == "ids":
            return self._driven(test.driver)
        if follows is not None:
            found = found & self.columns.customers_of(follows)
        return self._tested(test, found & among)

    def _tested(self, test: Test, among: Mask) -> Mask:
        import numpy as np

        ids = json.dumps(np.flatnonzero(among).tolist())
        sql = test.sql.replace("{id}", "c.id").replace("{c}", "c")
        return self.listed(
            "SELECT c.id AS key FROM json_each(?) j CROSS JOIN customer c ON c.id = j.value"
            f" WHERE {sql}",
            (ids, *test.params),
        )


class _Sets(NamedTuple):
    """The values of a facet.

    Attributes:
        many: (value, who has it, by customer.id).
        values: those that few have.
        keys: the customers of these, one value behind the other.
        ends: where each ends there.
    """

    many: list[tuple[int | str, Mask]]
    values: list[int | str]
    keys: NDArray[np.int32]
    ends: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Customers in the order of a moment: (moment - low) * size + customer.id, sorted.

    Attributes:
        keys: one number a customer.
        low: the least moment that there can be.
        size: more than any customer.id.
    """

    keys: NDArray[np.int64]
    low: int
    size: int

    def page(
        self, after: tuple[int, int] | None, within: int | None, limit: int, *, descending: bool
    ) -> list[tuple[int, int]]:
        """The (moment, customer.id) after one, none beyond the moment `within`."""
        import numpy as np

        def place(moment: int, key: int, side: Literal["left", "right"]) -> int:
            wanted = (moment - self.low) * self.size + min(max(key, 0), self.size)
            bounded = min(max(wanted, -1), (1 << 63) - 1)
            return int(np.searchsorted(self.keys, bounded, side))

        first, last = 0, len(self.keys)
        if descending:
            last = place(*after, "left") if after is not None else last
            first = place(within, 0, "left") if within is not None else first
            found = self.keys[max(first, last - limit) : last][::-1]
        else:
            first = place(*after, "right") if after is not None else first
            last = place(within + 1, 0, "left") if within is not None else last
            found = self.keys[first : min(last, first + limit)]
        keys = [divmod(key, self.size) for key in found.tolist()]
        return [(moment + self.low, key) for moment, key in keys]


_COLUMN = {"owner": "staff", "month": "createtime"}


def distinct(customers: NDArray[Any], values: NDArray[Any]) -> dict[int, int]:
    """Customers per value, each once."""
    import numpy as np

    if not len(values):
        return {}
    low = int(values.min())
    size = int(customers.max()) + 1
    pairs = (values.astype(np.int64) - low) * size + customers
    pairs.sort()
    first = np.ones(len(pairs), bool)
    first[1:] = pairs[1:] != pairs[:-1]
    found, counts = np.unique(pairs[first] // size, return_counts=True)
    return {
        value + low: count for value, count in zip(found.tolist(), counts.tolist(), strict=True)
    }


def _months(moments: NDArray[Any]) -> tuple[list[str], NDArray[Any]]:
    """The months of Unix seconds, and the number of each one's month; odd times cost nothing."""
    import numpy as np

    ordered = np.sort(moments)
    names: dict[str, int] = {}
    ends: list[int] = []
    numbers: list[int] = []
    at = 0
    while at < len(ordered):
        first = int(ordered[at])
        numbers.append(names.setdefault(times.month(first) or NO_MONTH, len(names)))
        ends.append(_month_end(first))
        at = int(np.searchsorted(ordered, ends[-1]))
    steps = np.searchsorted(np.array(ends, np.int64), moments, side="right")
    return list(names), np.array(numbers, np.int64)[steps]


def _month_end(moment: int) -> int:
    """The first second after a moment's month; what counts in other units than seconds, and what
    has no time, is a step of its own."""
    if moment <= 0:
        return 1
    month = times.local(moment).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    year, following = month.year + month.month // 12, month.month % 12 + 1
    end = int(month.replace(year=year, month=following).timestamp())
    return max(end, moment + 1 if moment > MOST_SECONDS else 0)
