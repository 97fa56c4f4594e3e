"""Rows of a forecast that was written to a file."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from storeops import os_errors
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _

COLUMNS = ("store_id", "product_id", "dt", "forecast", "q50", "q80", "q90", "q95")


def rows(
    path: str, *, stores: Collection[str] = (), product: str = "", day: str = ""
) -> Iterator[Any]:
    """Rows of a forecast file, in its order.

    Args:
        path: the file.
        stores, product, day: only of these; () and "" for all.

    Raises:
        NotFoundError: no such file.
        UsageError: it is no forecast.
    """
    try:
        with Path(path).expanduser().open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            if tuple(next(reader, ())) != COLUMNS:
                raise UsageError(
                    _("{file} is no forecast.").format(file=path),
                    hint=_("Make one: storeops forecast run --data DIR --out FILE"),
                )
            for number, row in enumerate(reader, 2):
                if (
                    (stores and row[:1] and row[0] not in stores)
                    or (product and row[1:2] != [product])
                    or (day and row[2:3] != [day])
                ):
                    continue
                try:
                    numbers = [float(each) for each in row[3:]]
                    yield dict(zip(COLUMNS, [*row[:3], *numbers], strict=True))
                except ValueError:
                    raise UsageError(
                        _("{file}, line {line}: {reason}.").format(
                            file=path, line=number, reason=_("it is no row of a forecast")
                        )
                    ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(
            _("{file} cannot be read: {error}.").format(
                file=path,
                error=os_errors.reason(error) if isinstance(error, OSError) else _("it is no text"),
            ),
            hint=_("Make one: storeops forecast run --data DIR --out FILE"),
        ) from None
