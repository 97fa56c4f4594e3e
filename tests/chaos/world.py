"""A sandbox, a client and a mirror in this process, wired as an App would."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storeops.app import DATA_ROOMS, migrations
from storeops.clock import SystemClock
from storeops.database.database import Database, open_database
from storeops.limits.memory import MemoryLimiter, MemoryTokenStore
from storeops.retrying import Waits
from storeops.sandbox import local
from storeops.sync.results import ScopeResult, SyncResult
from storeops.sync.run import run_sync
from storeops.wecom.client import WeComClient
from storeops.wecom.transport import Timeouts


class QuickClock(SystemClock):
    """Waits take no time, and count as passed."""

    def __init__(self) -> None:
        super().__init__()
        self._skipped = 0.0

    def now(self) -> float:
        return super().now() + self._skipped

    def monotonic(self) -> float:
        return super().monotonic() + self._skipped

    def sleep(self, seconds: float) -> None:
        if seconds <= 0.05:
            super().sleep(seconds)  # turns between threads
        else:
            self._skipped += seconds


@dataclass
class World:
    """One sandbox and one mirror of it."""

    sandbox: local.SandboxHandle
    data: Database
    client: WeComClient
    clock: QuickClock
    read_s: float = 5.0

    def sync(self, **how: Any) -> SyncResult:
        return run_sync(self, **how)

    def close(self) -> None:
        self.client.close()
        self.sandbox.stop()
        self.data.close()

    def fresh(self, path: Path) -> World:
        """The same sandbox with a new mirror; close its `data` and `client` only."""
        data = open_database(path, migrations(DATA_ROOMS))
        return World(
            self.sandbox,
            data,
            make_client(self.sandbox, self.clock, self.read_s),
            self.clock,
            self.read_s,
        )

    def other(self) -> World:
        """The same mirror, opened once more, as another process would."""
        again = open_database(self.data.path, migrations(DATA_ROOMS))
        return World(
            self.sandbox,
            again,
            make_client(self.sandbox, self.clock, self.read_s),
            self.clock,
            self.read_s,
        )


def scope(result: SyncResult, name: str) -> ScopeResult:
    return next(each for each in result.scopes if each.scope == name)


def make_client(
    sandbox: local.SandboxHandle, clock: QuickClock, read_s: float = 5.0
) -> WeComClient:
    return WeComClient(
        base_url=sandbox.base_url,
        corp_id=sandbox.corp_id,
        agent_id=sandbox.agent_id,
        secret=lambda: sandbox.secret,
        tokens=MemoryTokenStore(clock),
        limiter=MemoryLimiter(clock),
        clock=clock,
        stop=threading.Event(),
        timeouts=Timeouts(connect_s=2.0, read_s=read_s),
        retries=Waits(3, 0.1, 0.2),
    )


def make_world(path: Path, *, read_s: float = 5.0, **shape: Any) -> World:
    """A new sandbox of that shape, and a new mirror at `path`."""
    sandbox = local.start(**{"stores": 6, "staff": 30, "follows": 600, "seed": 11, **shape})
    clock = QuickClock()
    data = open_database(path, migrations(DATA_ROOMS))
    return World(sandbox, data, make_client(sandbox, clock, read_s), clock, read_s)
