"""Types of fields, as the contract promises them; what does not fit is read by `tolerant.py`.

A field without a default is one that WeCom always sends: when it is absent or unreadable, so is
its row, or the whole answer. A field with a default gives up its own value only, unless it is
`EXACT`: a cursor that cannot be read must not end a list, tags that cannot be read are not none.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from storeops.clock import MOST_SECONDS


class Exact:
    """Marks an optional field whose default would be a false word: absent is fine, odd is not."""


EXACT = Exact()
NUMERIC = "numeric"  # an exact text that may be a number
IDENTITY = "identity"  # a number that names its row

Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]  # what a database can keep
Seconds = Annotated[int, Meta(ge=0, le=MOST_SECONDS)]  # Unix time; milliseconds are recognised
Id = Annotated[str, Meta(min_length=1)]  # begins with letters: as a number it would be another's
UserId = Annotated[str, Meta(min_length=1), NUMERIC]  # of a member who was asked for
IdNumber = Annotated[int, Meta(ge=0, le=2**63 - 1), IDENTITY]
Cursor = Annotated[str, EXACT, NUMERIC]
