"""From the tree of a filter to conditions in SQL: alternatives whose tests share one follow.

Text of a filter only ever becomes a bound parameter. In the fragments `{f}` is the follow, `{c}`
the customer and `{id}` the customer's key; the planner (`query_plan.py`) fills them in.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from json import dumps
from typing import TYPE_CHECKING, Any

from storeops.database.database import Database
from storeops.i18n import _
from storeops.mirror.column_store import DELETED, DESCRIPTION, PHONE, REMARK, UNIONID
from storeops.mirror.search import SearchWord
from storeops.reading import filter_dates
from storeops.reading.branch import NOBODY, OF_CUSTOMER, Branch, Driver, Test
from storeops.reading.conditions import Condition, condition_of, listed, tested
from storeops.reading.filter import (
    And,
    FieldTerm,
    FilterError,
    Node,
    Not,
    Or,
    Word,
    is_single,
    unparse,
)
from storeops.reading.filter_names import Names
from storeops.reading.search_functions import RegisteredWords

if TYPE_CHECKING:
    from storeops.mirror.column_store import Mask
    from storeops.reading.column_scan import ColumnScan

MAX_ALTERNATIVES = 64
MANY_IDS = 500
_CUSTOMER_KEYS = frozenset({"type", "gender", "owners", "group", "id"})
_CUSTOMER_HAS = frozenset({"unionid", "group"})
_COMPARE: dict[str, Any] = {
    "=": operator.eq, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


@dataclass
class Compiler:
    """Compiles one filter.

    Attributes:
        db: the mirror; the result may be used in any thread.
        names: looks up owners, shops, tags, chats and what domains know by name.
        now: WeCom's time, Unix seconds: what `7d` and `month` count from.
        registered: what Python functions in the SQL refer to; keep it as long as the SQL is used.
        text: the whole filter, for errors.
    """

    db: Database
    names: Names
    now: float
    registered: RegisteredWords
    text: str = ""
    _aliases: Iterable[int] = field(default_factory=itertools.count)

    def branches(self, node: Node) -> list[Branch]:
        """The alternatives of a tree.

        Raises:
            FilterError: an unknown name, or too many alternatives.
        """
        return [self._branch(each) for each in self._alternatives(node)]

    def _alternatives(self, node: Node) -> list[tuple[Node, ...]]:
        if isinstance(node, Or):
            ways = [way for each in merged(node) for way in self._alternatives(each)]
        elif isinstance(node, And):
            ways = [()]
            for each in node.items:
                more = self._alternatives(each)
                self._limit(len(ways) * len(more))
                ways = [(*left, *right) for left in ways for right in more]
        elif isinstance(node, Not) and isinstance(node.item, Or):
            inner = And(tuple(Not(each) for each in node.item.items))
            return self._alternatives(inner)
        else:
            ways = [(node,)]
        self._limit(len(ways))
        return ways

    def _limit(self, count: int) -> None:
        if count > MAX_ALTERNATIVES:
            raise FilterError(
                self.text,
                0,
                _("these are more than {limit} alternatives").format(limit=MAX_ALTERNATIVES),
            )

    def _branch(self, conjuncts: Sequence[Node]) -> Branch:
        follow: list[Test] = []
        customer: list[Test] = []
        since: int | None = None
        until: int | None = None
        one_owner = False
        for node in dict.fromkeys(conjuncts):
            if isinstance(node, Not):
                customer.append(self._negation(node))
                if isinstance(node.item, FieldTerm) and node.item.key == "since":
                    # no follow is that young, so each is older: a bound that an index can use
                    end = filter_dates.span(node.item.values[0], self.now)[0]
                    until = end if until is None else min(until, end)
                elif isinstance(node.item, FieldTerm) and node.item.key == "until":
                    start = filter_dates.span(node.item.values[0], self.now)[1]
                    since = start if since is None else max(since, start)
            elif isinstance(node, Word):
                customer.append(self._word(node))
            elif isinstance(node, FieldTerm):
                if node.key == "since":
                    start = filter_dates.span(node.values[0], self.now)[0]
                    since = start if since is None else max(since, start)
                elif node.key == "until":
                    end = filter_dates.span(node.values[0], self.now)[1]
                    until = end if until is None else min(until, end)
                else:
                    for test, on_follow in self._field(node):
                        (follow if on_follow else customer).append(test)
                        one_owner |= node.key == "owner" and len(test.params) == 1
            else:
                raise AssertionError(node)
        if since is not None and until is not None and since >= until:
            return NOBODY
        customer.sort(key=lambda test: test.word is not None)  # what Python must look at last
        return Branch(tuple(follow), tuple(customer), since, until, one_owner)

    def _negation(self, node: Not) -> Test:
        ways, params = [], []
        branches = self.branches(node.item)
        for branch in branches:
            parts, values = branch.customer_sql("{id}", "{c}")
            if branch.on_follow:
                alias = f"n{next(iter(self._aliases))}"
                inner, inner_values = branch.follow_sql(alias)
                where = " AND ".join([f"{alias}.customer_id = {{id}}", *inner])
                parts.append(f"EXISTS (SELECT 1 FROM follow {alias} {OF_CUSTOMER} WHERE {where})")
                values += inner_values
            ways.append(" AND ".join(parts) or "1")
            params += values
        item, label = node.item, unparse(node)
        inactive = isinstance(item, FieldTerm) and item.key == "status" and "active" in item.values
        return Test(
            label, f"NOT ({' OR '.join(ways)})", tuple(params),
            _inactive(label) if inactive else None,
            mask=lambda scan: ~scan.matching(branches),
        )  # fmt: skip

    def _word(self, node: Word) -> Test:
        word = SearchWord(self.db, node.text)
        key = self.registered.add(word)
        filled = "(w.remark <> '' OR w.mobiles <> '[]')" if word.digits else "w.remark <> ''"
        sql = (
            "(storeops_name(?, {c}.name, {c}.external_userid) OR EXISTS (SELECT 1 FROM follow w"
            f" {OF_CUSTOMER} WHERE w.customer_id = {{id}} AND {filled}"
            " AND storeops_follow(?, w.remark, w.mobiles)))"
        )
        return Test(unparse(node), sql, (key, key), word=word)

    def _field(self, node: FieldTerm) -> list[tuple[Test, bool]]:
        label = unparse(node)
        if node.key == "has":
            return self._has(node)
        if node.key in ("owner", "store", "tag", "group"):
            keys = self.names.resolve(self.text, node)
            return [(self._keyed(node.key, label, keys), node.key not in _CUSTOMER_KEYS)]
        if node.key == "status":
            return [(self._status(label, node.values), True)]
        if node.key == "way":
            ways = tuple(int(each) for each in node.values)
            return [(_in(label, "add_way", "follow_by_way", ways, "way"), True)]
        if node.key == "state":
            return [(_state(label, node.values), True)]
        if node.key in ("type", "gender"):
            numbers = tuple(int(each) for each in node.values)
            condition = f"{{c}}.{node.key} IN ({_marks(numbers)})"
            rare = None
            if node.key == "type" and 1 not in numbers:
                rare = Driver(label, "customer", "customer_of_wecom", "{d}.type <> 1", (), True)
            return [
                (Test(label, condition, numbers, rare,
                      mask=lambda scan: scan.columns.among(node.key, numbers, "customer")), False)
            ]  # fmt: skip
        if node.key == "owners":
            return [(_owners(label, node.values[0]), False)]
        if (own := condition_of(node.key)) is not None:
            values = node.values
            if own.named is not None:
                values = tuple(map(str, self.names.resolve(self.text, node)))
            return [(self._of_domain(label, own, values), False)]
        assert node.key == "id", node.key
        condition, ids = f"external_userid IN ({_marks(node.values)})", node.values
        if len(ids) > MANY_IDS:  # a file of them; SQLite allows only so many parameters
            condition, ids = "external_userid IN (SELECT value FROM json_each(?))", (dumps(ids),)
        source = f"SELECT id FROM customer WHERE {condition}"
        driver = Driver(label, "ids", "", source, ids, False)
        return [(Test(label, f"{{c}}.{condition}", ids, driver), False)]

    def _of_domain(self, label: str, condition: Condition, values: tuple[str, ...]) -> Test:
        source, params = listed(condition, values, self.now)
        sql, own_params = tested(condition, values, self.now)
        driver = Driver(label, "ids", "", source, params, False)
        at_hand = condition.at_hand
        mask = None if at_hand is None else (lambda scan: scan.at_hand(at_hand, values, driver))
        return Test(label, sql, own_params, driver, mask=mask)

    def _keyed(self, key: str, label: str, keys: tuple[int, ...]) -> Test:
        if key == "owner":
            return _in(label, "staff_id", "follow_by_staff", keys, "staff")
        if key == "store":
            return _in(label, "store_id", "follow_by_store", keys, "store")
        marks = _marks(keys)
        if key == "tag":
            alias = f"t{next(iter(self._aliases))}"
            condition = f"{{d}}.tag_id IN ({marks})"
            return Test(
                label,
                f"EXISTS (SELECT 1 FROM follow_tag {alias} WHERE {alias}.follow_id = {{f}}.id"
                f" AND {alias}.tag_id IN ({marks}))",
                keys,
                Driver(label, "follow_tag", "follow_tag_by_tag", condition, keys, len(keys) == 1),
                mask=lambda scan: scan.columns.tagged(keys),
            )
        source = (
            "SELECT m.id FROM group_member g JOIN customer m ON m.external_userid = g.member"
            f" WHERE g.group_id IN ({marks}) AND g.type = 2"
        )
        probe = (
            "SELECT 1 FROM group_member WHERE member = {c}.external_userid AND type = 2"
            f" AND group_id IN ({marks})"
        )
        return Test(label, f"EXISTS ({probe})", keys, Driver(label, "ids", "", source, keys, False))

    def _status(self, label: str, values: tuple[str, ...]) -> Test:
        stored = tuple(each for each in values if each != "deleted")
        ways = []
        if stored:
            rare = "active" not in stored
            ways.append(
                f"{{f}}.status IN ({_marks(stored)})" + (" AND {f}.status <> 'active'" * rare)
            )
        if "deleted" in values:
            ways.append("{f}.deleted_by_customer_at IS NOT NULL")
        driver = None
        if len(ways) == 1 and "active" not in stored:
            index = "follow_by_status" if stored else "follow_deleted"
            driver = Driver(
                label, "follow", index, ways[0].replace("{f}", "{d}"), stored, len(stored) < 2
            )

        def mask(scan: ColumnScan) -> Mask:
            found = scan.columns.text("status", stored.__contains__)
            return found | scan.columns.flagged(DELETED) if len(stored) < len(values) else found

        sql = "(" + " OR ".join(f"({way})" for way in ways) + ")"
        return Test(label, sql, stored, driver, mask=mask)

    def _has(self, node: FieldTerm) -> list[tuple[Test, bool]]:
        label = unparse(node)
        sql = {
            "phone": "{f}.mobiles <> '[]'",
            "remark": "{f}.remark <> ''",
            "description": "{f}.description <> ''",
            "state": "{f}.state <> ''",
            "tag": "EXISTS (SELECT 1 FROM follow_tag ht WHERE ht.follow_id = {f}.id)",
            "unionid": "{c}.unionid <> ''",
            "group": "{c}.external_userid IN (SELECT hg.member FROM group_member hg"
            " WHERE hg.member = {c}.external_userid AND hg.type = 2)",
        }
        customer = [each for each in node.values if each in _CUSTOMER_HAS]
        if customer and len(customer) < len(node.values):
            raise FilterError(
                self.text,
                node.at,
                _("write “has:{a} or has:{b}” for these two").format(
                    a=node.values[0], b=customer[0]
                ),
            )
        test = Test(
            label,
            "(" + " OR ".join(sql[each] for each in node.values) + ")",
            mask=lambda scan: _having(scan, node.values),
        )
        return [(test, not customer)]


def _having(scan: ColumnScan, values: Sequence[str]) -> Mask:
    columns = scan.columns
    ways = {
        "phone": lambda: columns.flagged(PHONE),
        "remark": lambda: columns.flagged(REMARK),
        "description": lambda: columns.flagged(DESCRIPTION),
        "state": lambda: columns.text("state", bool),
        "tag": lambda: columns.tagged(None),
        "unionid": lambda: columns.flagged(UNIONID, "customer"),
        "group": scan.in_groups,
    }
    return functools.reduce(operator.or_, (ways[each]() for each in values))


def merged(node: Or) -> list[Node]:
    """The items of an `or`, with alternatives of the same key joined into one condition."""
    lists: dict[str, list[str]] = {}
    first: dict[str, FieldTerm] = {}
    others: list[Node] = []
    for each in node.items:
        if isinstance(each, FieldTerm) and not is_single(each.key) and each.key != "has":
            lists.setdefault(each.key, []).extend(each.values)
            first.setdefault(each.key, each)
        else:
            others.append(each)
    joined = [replace(first[key], values=tuple(dict.fromkeys(lists[key]))) for key in lists]
    return [*joined, *others]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _in(label: str, column: str, index: str, keys: tuple[int, ...], name: str) -> Test:
    condition = f".{column} = ?" if len(keys) == 1 else f".{column} IN ({_marks(keys)})"
    driver = Driver(label, "follow", index, "{d}" + condition, keys, len(keys) == 1)
    return Test(
        label, "{f}" + condition, keys, driver, mask=lambda scan: scan.columns.among(name, keys)
    )


def _state(label: str, values: tuple[str, ...]) -> Test:
    ways, params = [], []
    for value in values:
        if value.endswith("*"):
            start = value[:-1]
            ways.append("({f}.state >= ? AND {f}.state < ?)")
            params += [start, start + "\U0010ffff"]
        else:
            ways.append("{f}.state = ?")
            params.append(value)
    sql = "{f}.state <> '' AND (" + " OR ".join(ways) + ")"
    aligned = len(values) == 1 and not values[0].endswith("*")
    driver = Driver(
        label, "follow", "follow_by_state", sql.replace("{f}", "{d}"), tuple(params),
        aligned, dated=aligned,
    )  # fmt: skip

    def matches(state: str) -> bool:
        return any(
            state == each if not each.endswith("*") else bool(state) and state.startswith(each[:-1])
            for each in values
        )

    return Test(
        label, f"({sql})", tuple(params), driver,
        mask=lambda scan: scan.columns.text("state", matches),
    )  # fmt: skip


def _inactive(label: str) -> Driver:
    """Lists the few among whom are all whose follows are not active."""
    source = "SELECT customer_id FROM follow WHERE status <> 'active'"
    return Driver(label, "ids", "", source, (), False)


def _owners(label: str, value: str) -> Test:
    operator_, number = "=", value
    for each in (">=", "<=", ">", "<"):
        if value.startswith(each):
            operator_, number = each, value[len(each) :]
            break
    return Test(
        label,
        f"(SELECT count(*) FROM follow o {OF_CUSTOMER}"
        " WHERE o.customer_id = {id} AND o.status = 'active')"
        f" {operator_} ?",
        (int(number),),
        _inactive(label) if value in ("0", "<1", "<=0") else None,
        mask=lambda scan: _COMPARE[operator_](scan.columns.owners(), int(number)),
    )
