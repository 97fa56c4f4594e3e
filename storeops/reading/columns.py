"""Columns of a customer that domains bring: in lists, screens, JSON and exports.

```python
ORDERS = CustomerColumn(
    title=N_("Orders"), values=count_orders, show=str, right=True, width=6,
)
```
It is named in `Domain.columns`; its key stands in JSON beside WeCom's own fields.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from storeops.domain import Domain, guarded, registry


@dataclass(frozen=True, slots=True)
class CustomerColumn:
    """A column.

    Attributes:
        title: English heading, translated when shown.
        values: (data.db, customer.id of a page, at most some thousands) → value of each that has
            one: JSON types, one statement for all of them.
        show: a value as text for people.
        right: aligned right.
        width: least cells of it on a screen.
        kind: type of its values, which Parquet keeps: int, float, bool; everything else is text.
        number: a value as a workbook's number, such as yuan of fen; None where `show` says it.
        moment: whether values are moments (ISO 8601), which a workbook shows as dates.
    """

    title: str
    values: Callable[[Any, Sequence[int]], Mapping[int, Any]]
    show: Callable[[Any], str] = str
    right: bool = False
    width: int = 10
    kind: type[Any] = str
    number: Callable[[Any], float] | None = None
    moment: bool = False


@cache
def columns() -> dict[str, tuple[Domain, CustomerColumn]]:
    """The columns of all domains by key; a domain whose column does not load is left out."""
    found: dict[str, tuple[Domain, CustomerColumn]] = {}
    for key, (domain, where) in registry().named("columns").items():
        column = registry().loaded(domain, where, CustomerColumn)
        if column is not None:
            found[key] = (domain, replace(column, show=_careful(domain, column.show)))
    return found


def _careful(domain: Domain, show: Callable[[Any], str]) -> Callable[[Any], str]:
    """`show`, and "?" for a value at which it fails."""
    if show is str:
        return show

    def shown(value: Any) -> str:
        with guarded(domain):
            return show(value)
        return "?"

    return shown


def add_values(
    db: Any, rows: Mapping[int, dict[str, Any]], wanted: Container[str] | None = None
) -> None:
    """Give customers the values of columns, None where there is none.

    Args:
        db: data.db.
        rows: customer.id → row.
        wanted: keys of the columns; None for all.
    """
    if wanted is not None and not any(key in wanted for key in registry().named("columns")):
        return  # no domain is loaded for nothing
    for key, (domain, column) in columns().items():
        if wanted is not None and key not in wanted:
            continue
        values: Mapping[int, Any] = {}
        with guarded(domain):
            values = column.values(db, list(rows))
        for customer, row in rows.items():
            row[key] = values.get(customer)
