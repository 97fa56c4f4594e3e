"""What the mirror keeps of a row when WeCom's answer could not be read in full."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any


def kept(
    fields: Sequence[str], values: Sequence[Any], stored: Sequence[Any], unread: Collection[str]
) -> tuple[Any, ...]:
    """`values` with the stored one wherever the field could not be read.

    Args:
        fields: WeCom's field of each value.
        values: as read.
        stored: the same columns of the mirror.
        unread: fields that could not be read (`Row.unread`).
    """
    return tuple(
        old if name in unread else new
        for name, new, old in zip(fields, values, stored, strict=True)
    )
