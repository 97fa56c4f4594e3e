"""What the client and the governor cost per call, beside the call itself.

Run: python benchmarks/client.py
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from storeops.clock import SystemClock
from storeops.database.database import open_database
from storeops.limits.governor import Governor
from storeops.limits.limits import Limits
from storeops.limits.memory import MemoryTokenStore
from storeops.limits.schema import MIGRATIONS
from storeops.sandbox.local import start
from storeops.wecom import customers
from storeops.wecom.client import WeComClient
from storeops.wecom.envelope import open_envelope

RUNS = 7
PATH = "externalcontact/batch/get_by_user"


def median_us(work: Callable[[], None], times: int) -> float:
    """Median over RUNS of the mean cost of one `work`, microseconds of wall time."""
    figures = []
    for _run in range(RUNS):
        began = time.perf_counter()
        for _each in range(times):
            work()
        figures.append((time.perf_counter() - began) / times * 1e6)
    return statistics.median(figures)


def main() -> None:
    """Print one table."""
    import json

    import msgspec

    sandbox = start(stores=4, staff=14, follows=2000, seed=7)
    folder = tempfile.TemporaryDirectory()
    db = open_database(Path(folder.name) / "run.db", MIGRATIONS)
    clock = SystemClock()
    governor = Governor(
        db, sandbox.corp_id, Limits(per_minute=10**9, per_hour=10**9, in_flight=8), clock=clock
    )
    client = WeComClient(
        base_url=sandbox.base_url,
        corp_id=sandbox.corp_id,
        secret=lambda: sandbox.secret,
        tokens=MemoryTokenStore(clock),
        limiter=governor,
        clock=clock,
    )
    members = list(customers.list_follow_users(client))
    raw = client.raw("post", PATH, None, {"userid_list": members, "limit": 100}, write=False)
    body = msgspec.json.encode(raw)

    def call() -> None:
        with governor.acquire(PATH):
            pass

    def crew() -> None:
        threads = [threading.Thread(target=lambda: [call() for _ in range(500)]) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    rows = [
        (
            f"decode a page of {len(raw['external_contact_list'])} follows",
            lambda: open_envelope(body, customers.FollowPage),
            200,
        ),
        ("the same by json.loads alone", lambda: json.loads(body), 200),
        ("governor, one call, one thread", call, 2000),
    ]
    print(f"{'what':<44}{'µs':>10}")
    for name, work, times in rows:
        print(f"{name:<44}{median_us(work, times):>10.1f}")
    print(f"{'governor, one call, 4 threads at once':<44}{median_us(crew, 1) / 2000:>10.1f}")
    page = median_us(lambda: customers.get_by_user(client, members), 50)
    print(f"{'a whole page from the sandbox, 0 ms latency':<44}{page:>10.1f}")
    client.close()
    db.close()
    sandbox.stop()
    folder.cleanup()


if __name__ == "__main__":
    main()
