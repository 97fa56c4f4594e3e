"""Cursor paging: "" begins, "" or nothing ends; what would never end is an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, Protocol, TypeVar

from storeops.i18n import _
from storeops.wecom.errors import ResponseError


class CursorPage(Protocol):
    """Any page that names the next one."""

    @property
    def next_cursor(self) -> str:
        """Where the next page begins; "" ends the list."""


EMPTY_PAGES = 200  # empty pages in a row before a list counts as endless
P = TypeVar("P", bound=CursorPage)


def pages(path: str, read: Callable[[str], P]) -> Iterator[P]:
    """Pages until the cursor is empty; a page may hold fewer rows than asked for, even none.

    Args:
        path: the API, for the error.
        read: reads the page that begins at a cursor.

    Raises:
        ResponseError: WeCom named the same cursor twice, or sent empty pages for ever.
    """
    cursor = ""
    seen: set[str] = set()
    empty = 0
    while True:
        page = read(cursor)
        yield page
        cursor = page.next_cursor
        if not cursor:
            return
        empty = 0 if _has_rows(page) else empty + 1
        if cursor in seen or empty > EMPTY_PAGES:
            raise endless(path)
        seen.add(cursor)


def _has_rows(page: Any) -> bool:
    values = (getattr(page, each.name) for each in fields(page))
    return any(value for value in values if isinstance(value, tuple))


def endless(path: str) -> ResponseError:
    """The error of a list that would never end."""
    return ResponseError(
        _("The list of {path} would never end: the same cursor again, or no rows for ever.").format(
            path=path
        ),
        hint=_("Try again; report it if it stays."),
        details={"path": path},
    )
