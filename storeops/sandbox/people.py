"""Invented people: Chinese names in real frequencies, nicknames, remarks, phone numbers."""

from __future__ import annotations

import random
from itertools import accumulate
from typing import Any

from storeops.sandbox import fixtures


class _Weighted:
    """A weighted choice that costs one random number."""

    def __init__(self, rows: list[list[Any]]) -> None:
        self._items = [row[0] for row in rows]
        self._cumulated = list(accumulate(row[1] for row in rows))

    def pick(self, dice: random.Random) -> str:
        """One item."""
        chosen: str = dice.choices(self._items, cum_weights=self._cumulated)[0]
        return chosen


class People:
    """Names from `fixtures/names.json`, drawn with the dice of the seed."""

    def __init__(self, dice: random.Random) -> None:
        self.data: dict[str, Any] = fixtures.load("names.json")
        self._dice = dice
        self._surnames = _Weighted(self.data["surnames"])
        self._given = {1: _Weighted(self.data["male"]), 2: _Weighted(self.data["female"])}

    def surname(self) -> str:
        """By frequency."""
        return self._surnames.pick(self._dice)

    def given(self, gender: int) -> str:
        """One or two characters."""
        given = self._given.get(gender) or self._given[2]
        first = given.pick(self._dice)
        return first if self._dice.random() < 0.22 else first + given.pick(self._dice)

    def full_name(self, gender: int) -> str:
        """Surname and given name."""
        return self.surname() + self.given(gender)

    def nickname(self, gender: int) -> tuple[str, str]:
        """(WeChat nickname, surname behind it); half the people use their own name."""
        dice, data = self._dice, self.data
        surname = self._surnames.pick(dice)
        roll = dice.random()
        if roll < 0.5:
            name = surname + self.given(gender)
        elif roll < 0.72:
            name = dice.choice(data["nick_words"])
        elif roll < 0.82:
            name = "A" + surname + self.given(gender)
        elif roll < 0.92:
            name = dice.choice(data["latin_names"])
        else:
            name = "小" + surname
        if dice.random() < 0.08:
            name += dice.choice(data["emoji"])
        return name, surname

    def remark(self, surname: str, gender: int) -> str:
        """What a guide writes beside a customer; at most 20 characters."""
        dice, data = self._dice, self.data
        suffix = dice.choice(data["remark_suffixes"])
        form = dice.choice(data["honorifics"][str(gender)])
        text = f"{surname}{form} {suffix}" if form else f"{surname}-{suffix}"
        return text[:20]

    def mobile(self) -> str:
        """Eleven digits in the shape of a Chinese mobile number."""
        return f"1{self._dice.choice('3456789')}{self._dice.randrange(10**9):09d}"


def nasty_nicknames() -> list[str]:
    """Nicknames that hurt careless programs."""
    return [row["name"] for row in fixtures.load("nicknames.json")]
