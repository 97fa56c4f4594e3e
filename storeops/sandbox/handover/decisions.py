"""What a customer does when told that somebody else will look after them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from storeops.sandbox.ids import digest

if TYPE_CHECKING:
    from storeops.sandbox.settings import Settings

ACCEPT, WAIT, REFUSE, DELETE = "accept", "wait", "refuse", "delete"
ACTS = (ACCEPT, WAIT, REFUSE, DELETE)


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """`accept`, `refuse` or `delete` (the former owner) after some seconds, or `wait` it out."""

    act: str
    after_s: int = 0

    @classmethod
    def read(cls, spec: dict[str, Any]) -> Decision:
        """From JSON `{"act", "after_s"}`; ValueError says what is wrong."""
        act, after = spec.get("act"), spec.get("after_s", 0)
        if act not in ACTS:
            raise ValueError(f"act must be one of {', '.join(ACTS)}")
        if not isinstance(after, int) or isinstance(after, bool) or after < 0:
            raise ValueError("after_s must be a number of seconds, 0 or more")
        return cls(act, after)


def natural_decision(seed: int, external_userid: str, nth: int, settings: Settings) -> Decision:
    """What this person does the nth time they are asked: the same for the same seed.

    The shares come from the settings; whoever is in none of them lets the time run out.
    """
    raw = digest(seed, "will", external_userid, nth, size=12)
    share = int.from_bytes(raw[:8], "big") / 2**64
    after = int.from_bytes(raw[8:], "big") % max(1, settings.handover_hours * 3600)
    for act, rate, delay in (
        (ACCEPT, settings.handover_at_once_rate, 0),
        (ACCEPT, settings.handover_early_rate, after),
        (REFUSE, settings.handover_refuse_rate, after),
        (DELETE, settings.handover_delete_rate, after),
    ):
        if share < rate:
            return Decision(act, delay)
        share -= rate
    return Decision(WAIT)
