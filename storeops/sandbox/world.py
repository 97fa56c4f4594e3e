"""Everything one running sandbox holds."""

from __future__ import annotations

import os
import random

from storeops.sandbox.call_counters import CallCounters
from storeops.sandbox.callback.delivery import Callbacks
from storeops.sandbox.clock import Clock
from storeops.sandbox.corp import Corp
from storeops.sandbox.cursors import Cursors
from storeops.sandbox.faults import Faults
from storeops.sandbox.mail import Mail
from storeops.sandbox.settings import Settings
from storeops.sandbox.throttle import Throttle
from storeops.sandbox.tokens import Tokens


class World:
    """The corp with the rules, faults, tokens and counters around it."""

    def __init__(self, corp: Corp, settings: Settings) -> None:
        self.corp = corp
        self.settings = settings
        self.tokens = Tokens()
        self.throttle = Throttle()
        self.faults = Faults()
        self.counters = CallCounters()
        self.cursors = Cursors(os.urandom(16))
        self.callbacks = Callbacks()
        self.mail = Mail(corp.seed)
        self._dice = random.Random(corp.seed)
        self._hints = 0

    @property
    def clock(self) -> Clock:
        """The corp's time."""
        return self.corp.clock

    def catch_up(self) -> None:
        """Let everything happen whose moment has come, before anybody looks."""
        self.corp.handovers.conclude(self.corp, self.settings, self.clock.now())

    def chance(self, rate: float) -> bool:
        """True for about this share of the calls, deterministic by seed."""
        return rate > 0 and self._dice.random() < rate

    def shuffled(self, rows: list[bytes]) -> list[bytes]:
        """The same rows in another order."""
        rows = list(rows)
        self._dice.shuffle(rows)
        return rows

    def pick(self, length: int) -> int:
        """An index below length."""
        return self._dice.randrange(length)

    def hint(self, now: int) -> str:
        """The 25 digits of an errmsg: epoch seconds and a run that never repeats."""
        self._hints += 1
        return f"{now}{self._hints * 7919 % 10**15:015d}"

    def move_in(self, corp: Corp) -> None:
        """Another corp takes the place: tokens, cursors, bans, faults and counts go."""
        fresh = World(corp, self.settings)
        self.corp = corp
        self.tokens = fresh.tokens
        self.throttle.clear()
        self.faults = fresh.faults
        self.counters.reset()
        self.cursors = fresh.cursors
        self.callbacks.move_in(corp)
        self.mail = fresh.mail
        self._dice = fresh._dice
