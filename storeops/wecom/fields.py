"""Types of fields, as the contract promises them; what does not fit is read by `tolerant.py`.

A field without a default is one that WeCom always sends: when it is absent or unreadable, so is
its row, or the whole answer. A field with a default gives up its own value only, and a
`DecodedRow` says so, unless it is `EXACT`: a cursor that cannot be read must not end a list, tags
that cannot be read are not none.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Annotated, Any, ClassVar, TypeVar

from msgspec import Meta

from storeops.clock import MOST_SECONDS


class Exact:
    """Marks an optional field whose default would be a false word: absent is fine, odd is not.

    Args:
        null: whether null is as good as absent.
    """

    def __init__(self, *, null: bool = True) -> None:
        self.null = null


EXACT = Exact()
NUMERIC = "numeric"  # an exact text that may be a number
IDENTITY = "identity"  # a number that names its row

Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]  # what a database can keep
Seconds = Annotated[int, Meta(ge=0, le=MOST_SECONDS)]  # Unix time; milliseconds are recognised
Id = Annotated[str, Meta(min_length=1)]  # begins with letters: as a number it would be another's
UserId = Annotated[str, Meta(min_length=1), NUMERIC]  # of a member who was asked for
IdNumber = Annotated[int, Meta(ge=0, le=2**63 - 1), IDENTITY]
Cursor = Annotated[str, Exact(null=False), NUMERIC]  # null would end a list unsaid


class DecodedRow:
    """A thing that WeCom tells about.

    Attributes:
        always_sent: its fields that the contract always sends and that are not worth a row: when
            one is absent it is unread, and what is known stays.
        label: the field by which people know it, "" when there is none to be told to anybody.
        unread: its fields whose values could not be read; they hold defaults, or in a list what
            could be read, and say nothing about what WeCom knows.
    """

    __slots__ = ()
    always_sent: ClassVar[Collection[str]] = ()
    label: ClassVar[str] = ""
    unread: ClassVar[Collection[str]] = ()


R = TypeVar("R", bound=DecodedRow)


def partly(shape: type[R], unread: Collection[str]) -> type[R]:
    """The class of rows of `shape` of which `unread` could not be read; `shape` when nothing."""
    if not unread:
        return shape
    whole: Any = shape
    return _partly(whole, frozenset(unread))


@lru_cache(1000)
def _partly(shape: type[Any], unread: frozenset[str]) -> type[Any]:
    # the class says it and not the object: rows that are whole, almost all, pay nothing for it
    return type(shape.__name__, (shape,), {"__slots__": (), "unread": unread})
