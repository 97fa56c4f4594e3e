"""From the tree of a filter to conditions in SQL: alternatives whose tests share one follow.

Text of a filter only ever becomes a bound parameter. In the fragments `{f}` is the follow, `{c}`
the customer and `{id}` the customer's key; the planner (`query_plan.py`) fills them in.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from json import dumps

from storeops.i18n import _
from storeops.mirror.search import Word
from storeops.reading import filter_dates
from storeops.reading.branch import NOBODY, OF_CUSTOMER, Branch, Driver, Test
from storeops.reading.conditions import Condition, conditions, listed, tested
from storeops.reading.conjuncts import NOT_ACTIVE, joined, nobody_active
from storeops.reading.filter import And, Field, FilterError, Node, Not, Or, is_single, unparse
from storeops.reading.filter import Word as WordNode
from storeops.reading.filter_names import Names
from storeops.reading.live import Live

MAX_ALTERNATIVES = 64
MANY_IDS = 500
FEW = 8  # alternatives, when each may become one per value
MOST_SPREAD = 6  # that one may become
_CUSTOMER_KEYS = frozenset({"type", "gender", "owners", "group", "id"})
_SPREAD = frozenset({"status", "way"})
_CUSTOMER_HAS = frozenset({"unionid", "group"})


@dataclass
class Compiler:
    """Compiles one filter.

    Attributes:
        connection: reads the mirror, in the thread that uses the result.
        names: looks up owners, shops, tags, chats and what domains know by name.
        now: WeCom's time, Unix seconds: what `7d` and `month` count from.
        live: what Python functions in the SQL refer to; keep it as long as the SQL is used.
        text: the whole filter, for errors.
        in_time: the list is in the order of createtime.
    """

    connection: sqlite3.Connection
    names: Names
    now: float
    live: Live
    text: str = ""
    in_time: bool = True
    _aliases: Iterable[int] = field(default_factory=itertools.count)

    def branches(self, node: Node) -> list[Branch]:
        """The alternatives of a tree.

        Raises:
            FilterError: an unknown name, or too many alternatives.
        """
        ways = [joined(each, self._resolve) for each in self._alternatives(node)]
        found: list[Branch] = []
        for each in ways:
            if each is not None:
                found += self._spread(each, few=len(ways) <= FEW)
        return found or [NOBODY]

    def _resolve(self, node: Field) -> tuple[int, ...]:
        return self.names.resolve(self.text, node)

    def _spread(self, conjuncts: list[Node], *, few: bool) -> list[Branch]:
        """One branch; or, for a list in time, one per value: an index is in order for one only."""
        says = any(isinstance(each, Field) and each.key == "status" for each in conjuncts)
        if not says and nobody_active(conjuncts):
            conjuncts = [*conjuncts, Field("status", NOT_ACTIVE)]
        ways = [conjuncts]
        if self.in_time and few:
            for each in conjuncts:
                if isinstance(each, Field) and each.key in _SPREAD and "active" not in each.values:
                    single = [replace(each, values=(value,)) for value in each.values]
                    if len(ways) * len(single) <= MOST_SPREAD:
                        ways = [
                            [one if node is each else node for node in way]
                            for way in ways
                            for one in single
                        ]
        possible = [way for each in ways if (way := joined(each, self._resolve)) is not None]
        return [self._branch(each) for each in possible]

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
                if isinstance(node.item, Field) and node.item.key == "since":
                    # no follow is that young, so each is older: a bound that an index can use
                    end = filter_dates.span(node.item.values[0], self.now)[0]
                    until = end if until is None else min(until, end)
                elif isinstance(node.item, Field) and node.item.key == "until":
                    start = filter_dates.span(node.item.values[0], self.now)[1]
                    since = start if since is None else max(since, start)
            elif isinstance(node, WordNode):
                customer.append(self._word(node))
            elif isinstance(node, Field):
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
        for branch in self.branches(node.item):
            parts, values = branch.customer_sql("{id}", "{c}")
            if branch.on_follow:
                alias = f"n{next(iter(self._aliases))}"
                inner, inner_values = branch.follow_sql(alias)
                where = " AND ".join([f"{alias}.customer_id = {{id}}", *inner])
                parts.append(f"EXISTS (SELECT 1 FROM follow {alias} {OF_CUSTOMER} WHERE {where})")
                values += inner_values
            ways.append(" AND ".join(parts) or "1")
            params += values
        return Test(unparse(node), f"NOT ({' OR '.join(ways)})", tuple(params))

    def _word(self, node: WordNode) -> Test:
        word = Word(self.connection, node.text)
        key = self.live.add(word)
        filled = "(w.remark <> '' OR w.mobiles <> '[]')" if word.digits else "w.remark <> ''"
        sql = (
            "(storeops_name(?, {c}.name, {c}.external_userid) OR EXISTS (SELECT 1 FROM follow w"
            f" {OF_CUSTOMER} WHERE w.customer_id = {{id}} AND {filled}"
            " AND storeops_follow(?, w.remark, w.mobiles)))"
        )
        return Test(unparse(node), sql, (key, key), word=word)

    def _field(self, node: Field) -> list[tuple[Test, bool]]:
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
            return [(_in(label, "add_way", "follow_by_way", ways), True)]
        if node.key == "state":
            return [(_state(label, node.values), True)]
        if node.key in ("type", "gender"):
            numbers = tuple(int(each) for each in node.values)
            condition = f"{{c}}.{node.key} IN ({_marks(numbers)})"
            rare = None
            if node.key == "type" and 1 not in numbers:
                rare = Driver(label, "customer", "customer_of_wecom", "{d}.type <> 1", (), True)
            return [(Test(label, condition, numbers, rare), False)]
        if node.key == "owners":
            return [(_owners(label, node.values[0]), False)]
        if (own := conditions().get(node.key)) is not None:
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
        return Test(label, sql, own_params, Driver(label, "ids", "", source, params, False))

    def _keyed(self, key: str, label: str, keys: tuple[int, ...]) -> Test:
        if key == "owner":
            return _in(label, "staff_id", "follow_by_staff", keys)
        if key == "store":
            return _in(label, "store_id", "follow_by_store", keys)
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
        return Test(label, "(" + " OR ".join(f"({way})" for way in ways) + ")", stored, driver)

    def _has(self, node: Field) -> list[tuple[Test, bool]]:
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
        return [
            (
                Test(
                    label,
                    "(" + " OR ".join(sql[each] for each in node.values) + ")",
                    column="state" if node.values == ("state",) else "",
                ),
                not customer,
            )
        ]


def merged(node: Or) -> list[Node]:
    """The items of an `or`, with alternatives of the same key joined into one condition."""
    lists: dict[str, list[str]] = {}
    first: dict[str, Field] = {}
    others: list[Node] = []
    for each in node.items:
        if isinstance(each, Field) and not is_single(each.key) and each.key != "has":
            lists.setdefault(each.key, []).extend(each.values)
            first.setdefault(each.key, each)
        else:
            others.append(each)
    joined = [replace(first[key], values=tuple(dict.fromkeys(lists[key]))) for key in lists]
    return [*joined, *others]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _in(label: str, column: str, index: str, keys: tuple[int, ...]) -> Test:
    condition = f".{column} = ?" if len(keys) == 1 else f".{column} IN ({_marks(keys)})"
    driver = Driver(label, "follow", index, "{d}" + condition, keys, len(keys) == 1)
    return Test(label, "{f}" + condition, keys, driver)


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
        label, "follow", "follow_by_state", sql.replace("{f}", "{d}"), tuple(params), aligned
    )
    return Test(label, f"({sql})", tuple(params), driver, column="state")


def _owners(label: str, value: str) -> Test:
    operator, number = "=", value
    for each in (">=", "<=", ">", "<"):
        if value.startswith(each):
            operator, number = each, value[len(each) :]
            break
    return Test(
        label,
        f"(SELECT count(*) FROM follow o {OF_CUSTOMER}"
        " WHERE o.customer_id = {id} AND o.status = 'active')"
        f" {operator} ?",
        (int(number),),
    )
