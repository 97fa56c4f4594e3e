"""Customers as flat rows: one a customer, `; ` between what its follows say, newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from storeops.reading.columns import columns

_Row = dict[str, Any]


def _joined(key: str) -> Callable[[_Row], str]:
    return lambda row: "; ".join([each[key] for each in row["follows"]])


def _said(key: str) -> Callable[[_Row], str]:
    return lambda row: "; ".join([each[key] for each in row["follows"] if each[key]])


def _tags(row: _Row) -> str:
    return "; ".join(
        [
            f"{tag['group_name']}/{tag['name']}" if tag["group_name"] else tag["name"]
            for each in row["follows"]
            for tag in each["tags"]
            if tag["group_name"] or tag["name"]  # else only its id is known yet
        ]
    )


# name → the value of a row of a list (`CustomerRows.load`)
_VALUES: dict[str, Callable[[_Row], Any]] = {
    **{
        name: itemgetter(name)
        for name in ("external_userid", "name", "type", "gender", "unionid", "status")
    },
    "createtime": lambda row: row["follows"][0]["createtime"] if row["follows"] else 0,
    "userid": _joined("userid"),
    "staff_name": _joined("staff_name"),
    "store": _joined("store"),
    "remark": _said("remark"),
    "remark_mobiles": lambda row: "; ".join(
        dict.fromkeys([phone for each in row["follows"] for phone in each["remark_mobiles"]])
    ),
    "add_way": lambda row: "; ".join([str(each["add_way"]) for each in row["follows"]]),
    "state": _said("state"),
    "follow_status": _joined("status"),
    "tags": _tags,
}
COLUMNS = tuple(_VALUES)
NUMBERS = frozenset({"type", "gender", "createtime"})


def flat_columns() -> tuple[str, ...]:
    """Names of the columns of a flat row: ours, then those that domains bring."""
    return (*COLUMNS, *columns())


def flattening(names: Sequence[str]) -> Callable[[_Row], list[Any]]:
    """What makes of a row of a list (`CustomerRows.load`) the values of these columns."""
    values = [_VALUES.get(name) or itemgetter(name) for name in names]
    return lambda row: [value(row) for value in values]


def flat(row: _Row) -> _Row:
    """A row of a list with the columns of an export."""
    names = flat_columns()
    return dict(zip(names, flattening(names)(row), strict=True))
