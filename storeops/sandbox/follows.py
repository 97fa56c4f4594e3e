"""Follows: one member's relation to one customer, in columns."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from storeops.sandbox.customers import Customers
from storeops.sandbox.jsontext import EMPTY, dumps

GONE = 1  # the member deleted the customer, or the relation was handed on
BY_CUSTOMER = 2  # the customer began
ADMIN = 4  # the admin assigned it (add_way 201, 202)

NO_TAGS: tuple[int, ...] = ()


class Follows:
    """Columns over follow numbers, which only grow and are never used twice.

    Each member keeps the sorted numbers of what they hold; follows of one customer are chained
    by `next_same`. A follow that ended keeps its row with the GONE flag.
    """

    __slots__ = (
        "_state_numbers",
        "add_way",
        "channels",
        "company",
        "created",
        "customer",
        "deleted_by_customer_at",
        "description",
        "flags",
        "held",
        "member",
        "mobiles",
        "next_same",
        "personal",
        "remark",
        "state",
        "states",
        "tag_sets",
        "tags",
    )

    def __init__(self) -> None:
        self.customer = array("I")
        self.member = array("I")
        self.created = array("I")  # Unix seconds
        self.add_way = array("B")
        self.flags = array("B")
        self.state = array("H")  # index into states
        self.next_same = array("i")
        self.remark: list[bytes] = []  # encoded JSON strings
        self.tags: list[tuple[int, ...]] = []  # tag numbers, tuples shared through tag_sets
        self.tag_sets: dict[tuple[int, ...], tuple[int, ...]] = {NO_TAGS: NO_TAGS}
        self.states: list[str] = [""]
        self._state_numbers = {"": 0}
        self.held: list[array[int]] = []  # by member number: follow numbers, ascending
        # what few follows have lives outside the columns
        self.description: dict[int, bytes] = {}
        self.mobiles: dict[int, tuple[str, ...]] = {}
        self.company: dict[int, bytes] = {}
        self.personal: dict[int, tuple[str, ...]] = {}
        self.channels: dict[int, tuple[str, int]] = {}
        self.deleted_by_customer_at: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.customer)

    def add_member(self) -> int:
        """A place for one more member; returns the member number."""
        self.held.append(array("I"))
        return len(self.held) - 1

    def state_number(self, state: str) -> int:
        """The number of a `state` text, new ones are kept."""
        number = self._state_numbers.get(state)
        if number is None:
            number = self._state_numbers[state] = len(self.states)
            self.states.append(state)
        return number

    def add(
        self,
        people: Customers,
        customer: int,
        member: int,
        created: int,
        add_way: int = 0,
        flags: int = 0,
        state: int = 0,
    ) -> int:
        """A new relation; returns its number."""
        follow = len(self.customer)
        self.customer.append(customer)
        self.member.append(member)
        self.created.append(created)
        self.add_way.append(add_way)
        self.flags.append(flags)
        self.state.append(state)
        self.next_same.append(people.first_follow[customer])
        people.first_follow[customer] = follow
        self.remark.append(EMPTY)
        self.tags.append(NO_TAGS)
        self.held[member].append(follow)
        return follow

    def end(self, follow: int) -> None:
        """The relation is over: the member no longer holds it."""
        self.flags[follow] |= GONE
        held = self.held[self.member[follow]]
        at = bisect_left(held, follow)
        if at < len(held) and held[at] == follow:
            del held[at]

    def of_customer(self, people: Customers, customer: int) -> Iterator[int]:
        """Living follows of one customer, newest first."""
        follow = people.first_follow[customer]
        while follow >= 0:
            if not self.flags[follow] & GONE:
                yield follow
            follow = self.next_same[follow]

    def between(self, people: Customers, member: int, customer: int) -> int:
        """The living follow of this pair, or -1."""
        for follow in self.of_customer(people, customer):
            if self.member[follow] == member:
                return follow
        return -1

    def set_tags(self, follow: int, tags: tuple[int, ...]) -> None:
        """Replace the tag numbers; equal sets share one tuple."""
        self.tags[follow] = self.tag_sets.setdefault(tags, tags)

    def set_remark(self, follow: int, text: str) -> None:
        """Replace the remark."""
        self.remark[follow] = dumps(text) if text else EMPTY

    def set_description(self, follow: int, text: str) -> None:
        """Replace the description."""
        _put(self.description, follow, dumps(text) if text else None)

    def set_company(self, follow: int, text: str) -> None:
        """Replace remark_corp_name."""
        _put(self.company, follow, dumps(text) if text else None)

    def set_mobiles(self, follow: int, numbers: tuple[str, ...]) -> None:
        """Replace remark_mobiles."""
        _put(self.mobiles, follow, numbers or None)


def _put(column: dict[int, Any], key: int, value: Any) -> None:
    if value is None:
        column.pop(key, None)
    else:
        column[key] = value
