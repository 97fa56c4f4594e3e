"""Cursor paging: "" begins, "" or nothing ends, and a cursor that comes twice is an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from storeops.i18n import _
from storeops.wecom.errors import AnswerError


class CursorPage(Protocol):
    """Any page that names the next one."""

    @property
    def next_cursor(self) -> str:
        """Where the next page begins; "" ends the list."""


P = TypeVar("P", bound=CursorPage)


def pages(path: str, read: Callable[[str], P]) -> Iterator[P]:
    """Pages until the cursor is empty; a page may hold fewer rows than asked for, even none.

    Args:
        path: the API, for the error.
        read: reads the page that begins at a cursor.

    Raises:
        AnswerError: WeCom named the same cursor twice, so that the list would never end.
    """
    cursor = ""
    seen: set[str] = set()
    while True:
        page = read(cursor)
        yield page
        cursor = page.next_cursor
        if not cursor:
            return
        if cursor in seen:
            raise AnswerError(
                _("{path} repeats its cursor and would never end.").format(path=path),
                hint=_("Try again; report it if it stays."),
                details={"path": path},
            )
        seen.add(cursor)
