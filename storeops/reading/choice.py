"""How one alternative of a filter is read, once it is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from storeops.mirror.bytemap import Source
from storeops.reading.branch import Driver, Test

# What part passes a condition that nobody counted.
GUESSES = {
    "has:phone": 0.25, "has:remark": 0.45, "has:description": 0.15, "has:tag": 0.7,
    "has:state": 0.4, "has:unionid": 0.95, "has:group": 0.05, "type:2": 0.02, "owners:0": 0.2,
    "owners:1": 0.5, "status:active": 0.95,
}  # fmt: skip
GUESS, GUESS_NOT = 0.3, 0.7


@dataclass(frozen=True, slots=True)
class AccessPath:
    """What drives one alternative.

    Attributes:
        how: "walk" (in order, page by page) or "gather" (all at once, then sorted).
        driver: None for the list of all customers or all follows.
        test: the test the driver stands for; it need not be made again.
        estimate: rows the driver gives; None when not counted.
        ids: customers to choose from: (subquery, parameters); None without.
        considered: (condition, rows or None) of every possible driver, for `--explain`.
        members: conditions on the customer's key {id} that narrow a walk.
        sets: tests that a bytemap answers, with the condition on the follow's key {key}.
        settled: tests on the customer that ids or members have answered already.
        sifted: the members have answered everything about follows.
        sifted_by: the condition whose customers the members are; "" when they are none.
    """

    how: Literal["walk", "gather"]
    driver: Driver | None = None
    test: Test | None = None
    estimate: int | None = None
    ids: Source | None = None
    considered: tuple[tuple[str, int | None], ...] = ()
    members: tuple[Source, ...] = ()
    sets: tuple[tuple[Test, Source], ...] = ()
    settled: tuple[Test, ...] = ()
    sifted: bool = False
    sifted_by: str = ""


def guess(test: Test) -> float:
    """What part of the follows or customers a test lets through, when nobody counted."""
    if not test.label.startswith("!"):
        return GUESSES.get(test.label, GUESS)
    of = GUESSES.get(test.label[1:])
    return GUESS_NOT if of is None else 1 - of
