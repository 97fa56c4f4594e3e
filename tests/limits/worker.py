"""A process of its own that calls through the governor and writes down when."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from pathlib import Path

from storeops.clock import SystemClock
from storeops.database.database import Database, open_database
from storeops.limits.governor import Governor
from storeops.limits.limits import Limits
from storeops.limits.schema import MIGRATIONS
from storeops.limits.tokens import RunTokenStore
from storeops.wecom import customers
from storeops.wecom.client import WeComClient
from storeops.wecom.errors import StoppedError

PATH = "externalcontact/batch/get_by_user"


def main() -> None:
    """Arguments: run.db, output file, seconds, calls a minute, threads, what to do."""
    db_path, out, seconds, per_minute, threads, task = sys.argv[1:7]
    clock = SystemClock()
    db = open_database(Path(db_path), MIGRATIONS)
    log = Path(out).open("a", encoding="ascii")  # noqa: SIM115
    lock = threading.Lock()

    def note(*words: object) -> None:
        with lock:
            log.write(" ".join(map(str, words)) + "\n")
            log.flush()

    if task == "token":

        def fetch() -> tuple[str, int]:
            note("fetch", time.time())
            time.sleep(0.3)
            return f"token-{time.time_ns()}", 7200

        store = RunTokenStore(db, "ww1", "1", clock, lambda: "s3cret")
        token = store.get(fetch)
        note("got", token)
        while Path(out).read_text(encoding="ascii").count("got ") < 4:
            time.sleep(0.02)  # everybody has the first token before anybody finds it bad
        note("new", store.replace(token, fetch))
        return
    if task.startswith("http"):
        call_wecom(db, task, int(per_minute), float(seconds), int(threads))
        return
    governor = Governor(db, "ww1", Limits(per_minute=int(per_minute)), clock=clock)
    if task == "hold":
        with governor.acquire(PATH):
            note("held", time.time())
            time.sleep(600)
    stop = threading.Event()

    def work() -> None:
        with contextlib.suppress(StoppedError):
            while not stop.is_set():
                with governor.acquire(PATH, stop=stop):
                    began = time.time()
                    time.sleep(0.004)
                    note("call", began, time.time())
        db.close_thread()

    crew = [threading.Thread(target=work) for _ in range(int(threads))]
    for each in crew:
        each.start()
    time.sleep(float(seconds))
    stop.set()
    for each in crew:
        each.join()
    db.close()


def call_wecom(db: Database, where: str, per_minute: int, seconds: float, threads: int) -> None:
    """Call a sandbox with a whole client; `where` is url|corp|agent|secret."""
    base_url, corp_id, agent_id, secret = where.split("|")
    clock = SystemClock()
    stop = threading.Event()
    governor = Governor(db, corp_id, Limits(per_minute=per_minute), clock=clock)
    client = WeComClient(
        base_url=base_url,
        corp_id=corp_id,
        agent_id=agent_id,
        secret=lambda: secret,
        tokens=RunTokenStore(db, corp_id, agent_id, clock, lambda: secret),
        limiter=governor,
        clock=clock,
        stop=stop,
    )

    def work() -> None:
        with contextlib.suppress(StoppedError):
            while True:
                customers.list_follow_users(client)

    crew = [threading.Thread(target=work) for _ in range(threads)]
    for each in crew:
        each.start()
    time.sleep(seconds)
    stop.set()
    for each in crew:
        each.join()
    client.close()
    db.close()


if __name__ == "__main__":
    main()
