"""One alternative of a filter: its conditions as SQL, and the indexes that could list what passes.

In the fragments `{f}` is the follow, `{c}` the customer, `{id}` the customer's key and `{d}` the
row of an index that drives; the planner (`query_plan.py`) fills them in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storeops.mirror.search import SearchWord

if TYPE_CHECKING:
    from storeops.mirror.column_store import Mask
    from storeops.reading.column_scan import ColumnScan

# Probes of a customer's follows name their index: without statistics SQLite might take one that is
# good for lists and reads a million rows for a customer.
OF_CUSTOMER = "INDEXED BY sqlite_autoindex_follow_1"


@dataclass(frozen=True, slots=True)
class Driver:
    """An index that can list the follows (or customers) of one condition.

    Attributes:
        label: the condition as text, for `--explain`.
        table: "follow", "follow_tag", "customer" or "ids".
        index: name of the index; "" for ids.
        sql: the condition on the alias {d}; for ids a subquery that gives customer keys.
        params: its parameters.
        aligned: the index gives the rows newest first.
        dated: it gives those of each value so, and bounds of time are looked up.
    """

    label: str
    table: str
    index: str
    sql: str
    params: tuple[Any, ...]
    aligned: bool
    dated: bool = True


@dataclass(frozen=True, slots=True)
class Test:
    """A condition in SQL with its parameters.

    Attributes:
        label: the condition as text.
        sql: with {f}, {c} or {id}.
        params: in the order of the question marks.
        driver: the index that could list what passes; None when there is none.
        word: the search word behind it; None for others.
        mask: what passes, over columns; None for tests on the customer of which these know nothing.
    """

    label: str
    sql: str
    params: tuple[Any, ...] = ()
    driver: Driver | None = None
    word: SearchWord | None = None
    mask: Callable[[ColumnScan], Mask] | None = field(default=None, compare=False)

    @property
    def needs_customer(self) -> bool:
        """Whether it reads the customer's own row."""
        return "{c}." in self.sql


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative: all follow tests hold on one follow, all customer tests on the customer.

    Attributes:
        follow: tests on one and the same follow.
        customer: tests on the customer, negations among them.
        since, until: bounds of that follow's createtime, seconds, until exclusive; None unbounded.
        one_owner: at most one follow of a customer can pass.
    """

    follow: tuple[Test, ...] = ()
    customer: tuple[Test, ...] = ()
    since: int | None = None
    until: int | None = None
    one_owner: bool = False

    @property
    def on_follow(self) -> bool:
        """Whether the alternative says anything about a follow."""
        return bool(self.follow) or self.dated

    @property
    def dated(self) -> bool:
        """Whether the follow's createtime is bounded."""
        return self.since is not None or self.until is not None

    def follow_sql(
        self, alias: str, without: Sequence[Test] = (), *, dates: bool = True
    ) -> tuple[list[str], list[Any]]:
        """Conditions on a follow under `alias`; `dates`: its bounds of time too."""
        parts: list[str] = []
        params: list[Any] = []
        for test in self.follow:
            if test not in without:
                parts.append(test.sql.replace("{f}", alias))
                params += test.params
        if dates and self.since is not None:
            parts.append(f"{alias}.createtime >= ?")
            params.append(self.since)
        if dates and self.until is not None:
            parts.append(f"{alias}.createtime < ?")
            params.append(self.until)
        return parts, params

    def customer_sql(
        self, key: str, alias: str = "c", without: Sequence[Test] = (), *, apart: bool = False
    ) -> tuple[list[str], list[Any]]:
        """Conditions on the customer whose key is `key`.

        Args:
            key: the customer's key.
            alias: the customer's row.
            without: tests to leave out.
            apart: the row is not in FROM. (Joined and tested there, SQLite would make a Bloom
                filter of a million customers for a page of 50.)
        """
        left = [test for test in self.customer if test not in without]
        own = [test for test in left if test.needs_customer]
        plain = [test for test in left if not test.needs_customer]
        parts = [test.sql.replace("{id}", key) for test in plain]
        params = [value for test in (*plain, *own) for value in test.params]
        tests = [test.sql.replace("{id}", key).replace("{c}", alias) for test in own]
        if tests and apart:
            where = " AND ".join([f"{alias}.id = {key}", *tests])
            tests = [f"EXISTS (SELECT 1 FROM customer {alias} WHERE {where})"]
        return [*parts, *tests], params

    def time_bounds(
        self, column: str, *, past: bool = False, below: bool = False
    ) -> tuple[list[str], list[Any]]:
        """Bounds of time on a column.

        Args:
            column: of the follow's createtime.
            past: the key of a page stands before the lower bound already; below: before the upper
                one. A bound that is needless must not be where the index begins.
        """
        parts: list[str] = []
        params: list[Any] = []
        if self.since is not None:
            parts.append(f"{'+' * past}{column} >= ?")
            params.append(self.since)
        if self.until is not None:
            parts.append(f"{'+' * below}{column} < ?")
            params.append(self.until)
        return parts, params


NOBODY = Branch(
    customer=(
        Test("", "0", (), Driver("", "ids", "", "SELECT value FROM json_each('[]')", (), False)),
    )
)
