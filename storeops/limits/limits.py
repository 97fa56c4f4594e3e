"""The figures a governor keeps to."""

from __future__ import annotations

from dataclasses import dataclass, replace

ROBOTS = "webhook/send/"  # what a group's robot is counted under begins so, one name a robot
ROBOT_MINUTE = 20  # messages of a robot (doc 99110)

Api = tuple[str, str]  # the corp and the path, as `wecom.address.api_path` writes it


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one corp and API (doc 90312), and how careful we are.

    Attributes:
        per_minute: calls in any 60 s.
        per_hour: calls in any 3,600 s.
        in_flight: calls at a time; WeCom refuses above about 5 (45033).
        reserved: share of both windows that only urgent calls may use.
        first_pause_s: how long 45009 stops an API, seconds.
        long_pause_s: how long it does when it comes again soon after.
        again_within_s: what "soon" is, counted from the end of the first pause.
        grow_s: seconds after which a narrowed pool grows by one.
    """

    per_minute: int = 10_000
    per_hour: int = 150_000
    in_flight: int = 4
    reserved: float = 0.02
    first_pause_s: float = 60.0
    long_pause_s: float = 3600.0
    again_within_s: float = 600.0
    grow_s: float = 30.0

    def of(self, path: str) -> Limits:
        """The figures of one API: robots have limits of their own."""
        if not path.startswith(ROBOTS):
            return self
        # too many messages of a robot end with their minute, not with an hour
        most = min(ROBOT_MINUTE, self.per_minute)
        return replace(self, per_minute=most, in_flight=1, long_pause_s=self.first_pause_s)

    def window(self, whole: int, *, urgent: bool) -> int:
        """Calls of a window of `whole` that are open to an urgent or an ordinary call."""
        return whole if urgent else max(1, whole - int(whole * self.reserved))
