"""Names that stand for the members of a shop."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from storeops.domains.notify.shops import target_name

NUMBERS = (
    "A/1", "A 1", "A-1", "A#1", "A\\1", "../1", "..", "É1", "é1", "门店１", "门店1", "S001", "001",
    f"{'9' * 60}1", f"{'9' * 60}2", "x\x1b[31m", "x\u202e", "x",
)  # fmt: skip


@pytest.mark.parametrize(("one", "other"), combinations(NUMBERS, 2))
def test_no_two_shops_share_a_name(one: str, other: str) -> None:
    assert target_name(one).casefold() != target_name(other).casefold()


def test_names_can_be_typed() -> None:
    assert all(re.fullmatch(r"\w[\w.-]{0,39}", target_name(each)) for each in NUMBERS)
    assert target_name("S001") == "shop-S001"
    assert target_name("门店1") == "shop-门店1"
