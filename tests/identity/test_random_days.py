"""Random days of a chain: after each calm, every follow's status is the one the sandbox's own
record says."""

from __future__ import annotations

import random
from typing import Any

import pytest

from storeops.sandbox import local


class Days:
    """Acts drawn by one dice, and what they did to whom."""

    def __init__(self, chain: Any, seed: int) -> None:
        self.chain, self.dice, self.names = chain, random.Random(seed), 0

    def present(self, anybody: bool) -> list[str]:
        """Members at work that WeCom tells of; anybody: also hidden ones and without contact."""
        if not anybody:
            return self.chain.staff()
        _creator, *people = self.chain.control.export("staff")  # the creator of a corp cannot leave
        return [each["userid"] for each in people if not each["left_at"]]

    def act(self) -> None:
        """One act; an act that nobody fits is no act."""
        kind = self.dice.choice(
            ["staff_leave", "staff_return", "return_empty", "return_away", "console_assign",
             "userid_change", "follow_delete", "follow_add", "scope_hide", "scope_show",
             "contact_off", "contact_on"]
        )  # fmt: skip
        about: dict[str, Any] = {"seed": self.dice.randrange(1 << 30)}
        people = self.present(kind == "staff_leave")
        after = ""
        if kind == "return_empty":
            kind, about["customers"] = "staff_return", False
        elif kind == "return_away":  # before anybody sees them again
            kind, after = "staff_return", self.dice.choice(["scope_hide", "contact_off"])
        if kind in ("staff_leave", "scope_hide", "contact_off") and len(people) < 5:
            return
        if kind in ("staff_leave", "userid_change", "scope_hide") and people:
            about["userid"] = self.dice.choice(people)
        if kind == "userid_change":
            self.names += 1
            about["new_userid"] = f"renamed.{self.names}"
        if kind == "console_assign":
            about["count"] = self.dice.randrange(1, 9)
        try:
            done = self.chain.act(kind, **about)
            if after:
                self.chain.act(after, userid=done["userid"])
        except local.ControlError:
            return  # nobody fits this act just now

    def day(self) -> None:
        """Some acts, sometimes a scope that WeCom does not tell, and a sync."""
        for _act in range(self.dice.randrange(1, 5)):
            self.act()
        self.chain.control.advance(self.dice.randrange(3_600, 40_000))
        fault = None
        if self.dice.random() < 0.3:
            path = self.dice.choice(["externalcontact/get_unassigned_list", "user/list"])
            fault = self.chain.control.fault("errcode", path, errcode=-1)
        self.chain.sync()
        if fault is not None:
            self.chain.control.clear_faults(fault)


def hidden(chain: Any) -> set[str]:
    """Members of whom WeCom tells nothing now: what is known of them stays out of scope.

    Who leaves while hidden, with nobody left to be listed, is one of them: nothing ever says so.
    """
    unseen = {
        userid
        for (userid,) in chain.app.data.execute(
            "SELECT userid FROM staff WHERE status = 'out_of_scope'"
        )
    }
    return {
        each["userid"]
        for each in chain.control.export("staff")
        if (
            each["userid"] in unseen
            if each["left_at"]
            else not (each["visible"] and each["customer_contact"])
        )
    }


def expected(chain: Any) -> dict[tuple[str, str], str]:
    """The status of every living relation that WeCom tells of, by the sandbox's own record."""
    return {
        (row["userid"], row["external_userid"]): row["status"]
        for row in chain.control.export("follows")
        if row["listed"] or row["status"] == "unassigned"
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_status_is_the_truth_after_random_days(make_chain: Any, seed: int) -> None:
    live(make_chain, seed, days=4)


def live(make_chain: Any, seed: int, days: int) -> None:
    """Days of a small chain, then the comparison."""
    chain = make_chain(stores=1, staff=8, follows=40, seed=seed)
    chain.sync()
    acts = Days(chain, seed)
    for _day in range(days):
        acts.day()
    chain.sync(3)
    truth, dark, mirror = expected(chain), hidden(chain), chain.mirror()
    assert {pair: mirror.get(pair) for pair in truth} == truth
    ended = {pair: status for pair, status in mirror.items() if pair not in truth}
    seen = {pair: status for pair, status in ended.items() if pair[0] not in dark}
    assert set(seen.values()) <= {"lost", "handed_over"}, seen
    unseen = {pair: status for pair, status in ended.items() if pair[0] in dark}
    assert set(unseen.values()) <= {"lost", "handed_over", "missing", "out_of_scope"}, unseen
    held = chain.known_of(dark)  # what they have, and had when WeCom last told of it
    assert {pair: status for pair, status in unseen.items() if pair in held} == dict.fromkeys(
        held & unseen.keys(), "out_of_scope"
    )
