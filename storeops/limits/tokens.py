"""One access token per corp and app for all processes, fetched by one of them at a time.

A token belongs to the secret it was got with: beside it stands its HMAC under that secret, which
nobody can turn round, and a process with another secret fetches its own.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable

from storeops.clock import Clock
from storeops.database.database import Database
from storeops.errors import StoreOpsError
from storeops.limits.lease_owners import is_alive, new_lease_owner
from storeops.wecom.ports import Fetch

MARGIN_S = 60.0  # a token about to end is not handed out
HOLD_S = 120.0  # longer than a fetch with all its tries; a dead fetcher is noticed at once
SECRET_S = 2.0  # how long a process believes that its secret is still the same
LOOK_S = 0.05  # how often others look whether the fetcher is done


# tables that tell the token; the second shows whole pages of a file
SECRET = frozenset({"token", "sqlite_dbpage"})


class RunTokenStore:
    """A TokenStore over run.db.

    Args:
        db: run.db (0600: it holds the token).
        corp_id: the corp.
        agent_id: the app; tokens of two apps are two tokens.
        secret: the app's secret; asked when a token is needed, and again every few seconds.
        clock: sleeps, and tells this machine's time (WeCom's offset is taken off).
        alive: tells whether a fetcher's process lives.
    """

    def __init__(
        self,
        db: Database,
        corp_id: str,
        agent_id: str | int,
        clock: Clock,
        secret: Callable[[], str],
        *,
        alive: Callable[[str], bool] = is_alive,
    ) -> None:
        self._db = db
        self._key = (corp_id, str(agent_id))
        self._clock = clock
        self._secret_of = secret
        self._secret = b""
        self._secret_at = float("-inf")  # monotonic
        self._alive = alive
        self._owner = new_lease_owner()
        self._lock = threading.Lock()
        self._value = ""  # a copy in memory, so that a call needs no look into the file
        self._until = 0.0
        self._failures = 0
        self._failed: StoreOpsError | None = None

    def __repr__(self) -> str:
        return f"RunTokenStore({self._key[0]}, {self._key[1]})"

    def _now(self) -> float:
        offset: float = getattr(self._clock, "offset", 0.0)
        return self._clock.now() - offset

    def _look_at_secret(self) -> None:
        """Forget the copy in memory when the secret is another one now."""
        now = self._clock.monotonic()
        if now - self._secret_at < SECRET_S:
            return
        secret = self._secret_of().encode()
        self._secret_at = now
        if secret != self._secret:
            self._secret, self._value = secret, ""

    def _mark(self, token: str) -> str:
        return hmac.new(self._secret, token.encode(), hashlib.sha256).hexdigest()

    def get(self, fetch: Fetch) -> str:
        """The token in use; see `wecom.ports.TokenStore.get`.

        Raises:
            ConfigError: there is no secret.
            StoreOpsError: whatever `fetch` raised; threads that waited for it get the same error.
        """
        self._look_at_secret()
        token = self._value  # read once: another thread may be replacing it
        if token and self._now() < self._until:
            return token
        return self._one_at_a_time("", fetch)

    def replace(self, bad: str, fetch: Fetch) -> str:
        """The token after `bad`; see `wecom.ports.TokenStore.replace`."""
        return self._one_at_a_time(bad, fetch)

    def forget(self) -> None:
        """Drop the token (the secret was changed); the next call fetches one."""
        with self._lock:
            self._value = ""
            with self._db.atomic() as connection:
                connection.execute(
                    "UPDATE token SET value = '', expires_at = 0"
                    " WHERE corp_id = ? AND agent_id = ?",
                    self._key,
                )

    def _one_at_a_time(self, bad: str, fetch: Fetch) -> str:
        failures = self._failures
        with self._lock:
            if self._failed is not None and self._failures != failures:
                raise self._failed  # it failed while we waited; asking again would fail again
            try:
                token = self._find_or_fetch(bad, fetch)
            except StoreOpsError as error:
                self._failures += 1
                self._failed = error
                raise
            self._failed = None
            return token

    def _find_or_fetch(self, bad: str, fetch: Fetch) -> str:
        while not self._hold(bad):
            if self._value:
                return self._value
            self._clock.sleep(LOOK_S)
        try:
            token, lifetime_s = fetch()
        except BaseException:
            self._let_go()
            raise
        until = self._now() + max(lifetime_s - MARGIN_S, lifetime_s / 2)
        with self._db.atomic() as connection:
            connection.execute(
                "UPDATE token SET value = ?, expires_at = ?, mark = ?, fetches = fetches + 1,"
                " holder = '', held_until = 0 WHERE corp_id = ? AND agent_id = ?",
                (token, until, self._mark(token), *self._key),
            )
        self._value, self._until = token, until
        return token

    def _hold(self, bad: str) -> bool:
        """Whether we are to fetch; when not, the copy in memory is the token, or "" to wait."""
        now = self._now()
        self._value = ""
        with self._db.atomic() as connection:
            row = connection.execute(
                "SELECT value, expires_at, mark, holder, held_until FROM token"
                " WHERE corp_id = ? AND agent_id = ?",
                self._key,
            ).fetchone()
            value, expires_at, mark, owner, held_until = row or ("", 0.0, "", "", 0.0)
            ours = hmac.compare_digest(mark, self._mark(value))
            if value and ours and value != bad and now < expires_at:
                self._value, self._until = value, expires_at
                return False
            if owner and held_until > now and self._alive(owner):
                return False
            connection.execute(
                "INSERT INTO token (corp_id, agent_id, holder, held_until) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET holder = excluded.holder,"
                " held_until = excluded.held_until",
                (*self._key, self._owner, now + HOLD_S),
            )
            return True

    def _let_go(self) -> None:
        with self._db.atomic() as connection:
            connection.execute(
                "UPDATE token SET holder = '', held_until = 0"
                " WHERE corp_id = ? AND agent_id = ? AND holder = ?",
                (*self._key, self._owner),
            )
