"""WelcomeCodes: given with the event of a new customer, good for 20 s and one use (doc 92137).

Nothing of it is part of a saved state.
"""

from __future__ import annotations

import dataclasses

from storeops.sandbox.ids import digest

LIFE_S = 20


@dataclasses.dataclass(slots=True)
class Welcome:
    """The right to greet one customer in a member's name; `used_at` is 0 until it is used."""

    userid: str
    external_userid: str
    until: int
    used_at: int = 0


class Welcomes:
    """Every code that was given, by its text."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._given: dict[str, Welcome] = {}

    def give(self, userid: str, external_userid: str, now: int) -> str:
        """A new code."""
        code = f"WC{digest(self._seed, 'welcome', len(self._given), size=16).hex()}"
        self._given[code] = Welcome(userid, external_userid, now + LIFE_S)
        return code

    def find(self, code: str, now: int) -> Welcome | None:
        """What a code stands for; None for one that nobody gave or that is too old."""
        found = self._given.get(code)
        return None if found is None or now > found.until else found
