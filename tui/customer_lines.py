"""Customers as lines of the list: what each column says of a row of `CustomerRows`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from typing import Any

from storeops.i18n import _
from storeops.reading.columns import columns as domain_columns
from storeops.reading.filter_words import STATUSES, WAYS
from storeops.times import day
from tui.cells import chip, shown
from tui.widgets.rows import Line

_Row = Mapping[str, Any]
_Follows = Sequence[_Row]  # the newest first, or those that a filter means
_Cell = Callable[[_Row, _Follows], str]
GONE = ("missing", "lost", "handed_over")


class CustomerLines:
    """Makes lines with the same columns.

    Args:
        keys: of the columns, in order.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._tags = keys.index("tags") if "tags" in keys else None
        statuses = {each.value: each.label for each in STATUSES}
        ways = {int(each.value): each.label for each in WAYS}

        def way(_row: _Row, follows: _Follows) -> str:
            return ways.get(follows[0]["add_way"]) or str(follows[0]["add_way"]) if follows else ""

        ours: dict[str, _Cell] = {
            "status": lambda row, _follows: statuses[row["status"]],
            "added": lambda _row, follows: day(follows[0]["createtime"]) if follows else "",
            "follows": lambda _row, follows: str(len(follows)),
            "way": way,
        }  # words of ours; all others are strangers'
        self._cells = [ours.get(key) or partial(_shown, _cell_of(key)) for key in keys]

    def line(self, customer: int, row: _Row, meant: Set[tuple[int, str]] = frozenset()) -> Line:
        """A customer as a line.

        Args:
            customer: customer.id.
            row: of `CustomerRows.keyed`.
            meant: (customer.id, userid) of relations that come first.
        """
        follows = row["follows"]
        if meant and len(follows) > 1:
            follows = sorted(follows, key=lambda each: (customer, each["userid"]) not in meant)
        status = row["status"]
        tone = "" if status == "active" else "gone" if status in GONE else "warn"
        return Line(
            customer,
            tuple([cell(row, follows) for cell in self._cells]),
            tone,
            row["external_userid"],
            {} if self._tags is None else {self._tags: _chips(follows)},
        )


def _shown(cell: _Cell, row: _Row, follows: _Follows) -> str:
    return shown(cell(row, follows))


def _cell_of(key: str) -> _Cell:
    return _STRANGERS.get(key) or partial(_brought, key)


def _name(row: _Row, _follows: _Follows) -> str:
    return row["name"] or _("(no name)")


def _newest(key: str, _row: _Row, follows: _Follows) -> str:
    return str(follows[0][key]) if follows else ""


def _owner(_row: _Row, follows: _Follows) -> str:
    return _first([each["staff_name"] or each["userid"] for each in follows]) or "-"


def _store(_row: _Row, follows: _Follows) -> str:
    return _first(list(dict.fromkeys([each["store"] for each in follows if each["store"]])))


def _tag_names(_row: _Row, follows: _Follows) -> str:
    tags = (tag["name"] for each in follows for tag in each["tags"])
    return " ".join(dict.fromkeys(filter(None, tags)))


def _phones(_row: _Row, follows: _Follows) -> str:
    phones = (phone for each in follows for phone in each["remark_mobiles"])
    return " ".join(dict.fromkeys(phones))


def _brought(key: str, row: _Row, _follows: _Follows) -> str:
    """A column of a domain; "" once the domain is gone."""
    value, column = row.get(key), domain_columns().get(key)
    return "" if value is None or column is None else column[1].show(value)


_STRANGERS: dict[str, _Cell] = {
    "name": _name,
    "remark": partial(_newest, "remark"),
    "state": partial(_newest, "state"),
    "owner": _owner,
    "store": _store,
    "tags": _tag_names,
    "phone": _phones,
    "external_userid": lambda row, _follows: row["external_userid"],
}


def _chips(follows: _Follows) -> list[tuple[str, str]]:
    """Tags in the colour of their group, each once."""
    found = {tag["name"]: tag["group_name"] for each in follows for tag in each["tags"]}
    return [(shown(name), chip(group)) for name, group in found.items() if name]


def _first(names: Sequence[str]) -> str:
    """The first name, and how many more there are."""
    return names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "") if names else ""
