"""Limits of lists that the contract names; breaking one is a bug of ours, not of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def at_most(items: Sequence[T], most: int, what: str, *, least: int = 1) -> list[T]:
    """`items` as a list for the body.

    Raises:
        ValueError: fewer than `least` or more than `most` of them (WeCom: 40058, and nothing done).
    """
    if isinstance(items, str) or not least <= len(items) <= most:
        raise ValueError(f"{what}: {least} to {most} items per call, not {len(items)}")
    return list(items)
