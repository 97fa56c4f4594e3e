"""Before a command reads at a back office: what is new at head office, when that is near.

A command waits for a fraction of a second and no longer, and not again while it is fresh, or while
head office was away a moment ago. `hub follow` as a service does the same all the time.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from storeops.errors import ConflictError, StoreOpsError
from storeops.hub import arriving, state
from storeops.hub.settings import PORT
from storeops.hub.wiring import OfficeWiring

WITHIN_S = 0.3  # for the line and what comes over it
FRESH_S = 5.0  # after it had everything it is not asked again
SERVED_S = 60.0  # a service that follows says at least so often that it has everything
AWAY_S = 60.0  # after it was not reached it is left alone


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Whether a command may speak of now.

    Attributes:
        fresh: everything that head office had published is here.
        at: when that was last so, Unix seconds; None never.
        word_at: until when some of what head office published since is here, Unix seconds; None
            for nothing of it.
        turned_away: the server does not let this back office in: its key was revoked or changed.
    """

    fresh: bool
    at: float | None
    word_at: float | None = None
    turned_away: bool = False


def catch_up(app: OfficeWiring) -> CaughtUp:
    """Fetch what is new at head office, for at most WITHIN_S; never raises for a line that is cut.

    A mirror that was never filled, or must be filled anew, is left to `hub follow`: that takes
    longer than a command may wait.

    Args:
        app: a back office.
    """
    db, now = app.data, app.clock.now()
    here = arriving.follow_state(db)
    age = None if here.caught_up_at is None else now - here.caught_up_at
    late = CaughtUp(False, here.caught_up_at, here.word_at, arriving.turned_away(db))
    if age is not None and 0 <= age <= FRESH_S and not late.turned_away:
        return CaughtUp(True, here.caught_up_at)
    if db.readonly or here.stream == 0 or state.read(db.connection, "refill"):
        return late
    if 0 <= now - state.number(db.connection, "away_at") <= AWAY_S:
        return late
    url = urlsplit(app.profile.head_office)
    try:
        if _near(url.hostname or "", url.port or PORT):
            from storeops.hub import following

            following.follow(app, once=True, within=WITHIN_S)
    except ConflictError:  # a service follows
        return CaughtUp(age is not None and age <= SERVED_S, here.caught_up_at)
    except StoreOpsError:
        pass
    after = arriving.follow_state(db)
    if after.caught_up_at is None or after.caught_up_at == here.caught_up_at:
        with suppress(StoreOpsError), db.atomic() as connection:
            state.write(connection, "away_at", int(now))
        return replace(late, word_at=after.word_at, turned_away=arriving.turned_away(db))
    return CaughtUp(True, after.caught_up_at)


def _near(host: str, port: int) -> bool:
    """Whether a server takes a connection within WITHIN_S; a name that nobody resolves may take
    longer to fail than that, so it is asked for beside."""
    found: list[bool] = []

    def probe() -> None:
        with suppress(OSError), socket.create_connection((host, port), WITHIN_S):
            found.append(True)

    asking = threading.Thread(target=probe, daemon=True)
    asking.start()
    asking.join(WITHIN_S)
    return bool(found)
