"""Which part of a list is shown: `--limit`, `--all`, `--after`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from storeops.errors import UsageError
from storeops.i18n import _

Limit = Annotated[
    int, typer.Option("--limit", "-n", metavar="N", min=1, help=_("At most so many rows."))
]
All = Annotated[bool, typer.Option("--all", help=_("All rows, without a limit."))]
After = Annotated[
    str, typer.Option("--after", metavar="CURSOR", help=_("Go on after the `next` of a list."))
]
EVERY = 1 << 60  # rows that no list has; SQLite's LIMIT and slices take it


@dataclass(frozen=True, slots=True)
class PageOptions:
    """The part that was asked for, of a list whose cursor is a number.

    Attributes:
        limit: rows to show, unless all are.
        all_: show all that follow.
        after: cursor of the list before; "" from the beginning.
    """

    limit: Limit = 50
    all_: All = False
    after: After = ""

    @property
    def size(self) -> int:
        """Rows to show; `EVERY` for all."""
        return EVERY if self.all_ else self.limit

    @property
    def wanted(self) -> int:
        """Rows to read, so that one more than is shown says whether more follow."""
        return self.size + 1

    @property
    def start(self) -> int:
        """Rows that stand before it.

        Raises:
            UsageError: `after` is no cursor of a counted list.
        """
        return position(self.after)

    @property
    def end(self) -> int:
        """Rows to read of a list from its beginning, one more than is shown of it.

        Raises:
            UsageError: `after` is no cursor of a counted list.
        """
        return self.start + self.wanted

    @property
    def before(self) -> int | None:
        """Number below which it begins, of a list that grows at its beginning; None for its top.

        Raises:
            UsageError: `after` is no number.
        """
        return position(self.after) or None


def position(after: str) -> int:
    """The number that a cursor of a counted list is; 0 for "".

    Raises:
        UsageError: it is none.
    """
    if after and not (after.isascii() and after.isdecimal() and len(after) < 19):
        raise no_cursor(after)
    return int(after or 0)


def no_cursor(after: str) -> UsageError:
    """What to raise about an `--after` that cannot be one."""
    return UsageError(
        _("--after: “{value}” is no cursor of this list.").format(value=after[:40]),
        hint=_("Take the `next` that the list before gave."),
    )
