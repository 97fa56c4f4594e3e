"""What a long-lived process holds: descriptors, threads and memory, as the kernel counts them."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from storeops.app import App
from storeops.changes import apply
from storeops.changes.follow_requests import FollowRequest, select_follows
from storeops.domains.remarks.remark_plan import plan_remarks
from storeops.operations import events as callbacks
from storeops.operations.at_once import LANES
from storeops.reading.customers import Selection
from tests.events.sealing import KEY, TOKEN, event, request
from tests.handover.conftest import HandoverCorp
from tui.app import StoreOpsApp

SENDERS = 4  # connections at a time, as WeCom's repeats


@dataclass(frozen=True)
class Held:
    """What a process holds: numbers, and MiB of memory."""

    descriptors: int
    threads: int
    rss_mb: float

    def __str__(self) -> str:
        return f"{self.descriptors} descriptors, {self.threads} threads, {self.rss_mb:.0f} MiB"


def held(pid: int | None = None) -> Held:
    """What a process holds now; this one by default."""
    proc = Path("/proc") / (str(pid) if pid else "self")
    status = dict(
        line.split(":", 1) for line in (proc / "status").read_text().splitlines() if ":" in line
    )
    return Held(
        len(list((proc / "fd").iterdir())),
        int(status["Threads"]),
        int(status["VmRSS"].split()[0]) / 1024,
    )


def must_be_flat(what: str, warm: Held, end: Held, *, grown_mb: float) -> None:
    """Say the figures; no more descriptors and threads than rest and work differ by.

    Lanes for what is done at once are begun when they are first needed.
    """
    print(f"\n{what}: {warm} → {end}")
    assert end.descriptors <= warm.descriptors + 2 * SENDERS, (what, warm, end)
    assert end.threads <= warm.threads + SENDERS + LANES, (what, warm, end)
    assert end.rss_mb <= warm.rss_mb + grown_mb, (what, warm, end)


@contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own, ended by Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", "storeops", *words],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        yield process
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()


def until(done: Callable[[], bool], seconds: float = 3600.0) -> None:
    """Wait for what other processes bring about."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def receive(corp: HandoverCorp, count: int) -> tuple[Held, Held]:
    """`events serve` over so many events; after the first tenth, and at the end."""
    callbacks.keep_keys(corp.app.profile, TOKEN, KEY)
    follows = list(corp.follows())
    inbox = corp.app.inbox

    def handled(wanted: int) -> bool:
        rest = "SELECT sum(status = 'handled'), sum(due_at IS NOT NULL) FROM event"
        done, waiting = inbox.execute(rest).fetchone()
        return (done or 0) >= wanted and not waiting

    with running("events", "serve", "--port", "0", "--json") as serve:
        assert serve.stdout is not None
        url = urlsplit(json.loads(serve.stdout.readline())["url"])
        warm = None
        for number in range(count):
            userid, customer = follows[number % len(follows)]
            fields: dict[str, Any] = {
                "Event": "change_external_contact", "ChangeType": "edit_external_contact",
                "UserID": userid, "ExternalUserID": customer,
            }  # fmt: skip
            query, body = request(
                event(1_767_225_600 + number, **fields), corp=corp.sandbox.corp_id,
                nonce=str(number),
            )  # fmt: skip
            connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
            try:
                connection.request("POST", f"{url.path}?{urlencode(query)}", body)
                assert connection.getresponse().status == 200
            finally:
                connection.close()
            if number == count // 10:
                until(lambda: handled(count // 10))
                warm = held(serve.pid)
        until(lambda: handled(count))
        assert warm is not None
        return warm, held(serve.pid)


def send(corp: HandoverCorp, count: int) -> tuple[Held, Held]:
    """`job run` over so many jobs; after the first plan, and at the end."""
    app = corp.app
    with running("job", "run", "--for", "10h") as worker:
        warm = None
        sent = 0
        while sent < count or warm is None:
            selected = select_follows(
                app.data,
                FollowRequest(Selection(where="status:active"), follows="all"),
                app.clock.now(),
            )
            plan = plan_remarks(app.ledger, selected, {"remark": f"r{sent}"})
            apply.apply(app.ledger, plan.name)
            until(lambda: not unfinished(app))
            sent += plan.ready
            warm = warm or held(worker.pid)
        return warm, held(worker.pid)


def unfinished(app: App) -> int:
    """Jobs that wait or are on their way."""
    rows = "SELECT count(*) FROM job WHERE status IN ('queued', 'sending', 'unknown')"
    count: int = app.data.execute(rows).fetchone()[0]
    return count


def walk(app: App, rounds: int, seconds: float = 3600.0) -> tuple[Held, Held]:
    """So many rounds over all screens, a sync in each; after the first third, and at the end.

    When the time is over before, the end is then.
    """
    seen: list[Held] = []
    screens = StoreOpsApp(app)
    end = time.monotonic() + seconds

    async def go_round(pilot: Any) -> None:
        for number in range(rounds):
            screens.syncing.start()
            for name in screens.specs:
                await pilot.app.run_action(f"go('{name}')")
                await pilot.pause()
            while screens.syncing.running:
                await pilot.pause(0.02)
            if number == rounds // 3 or (not seen and time.monotonic() > end - seconds * 2 / 3):
                seen.append(held())
            if time.monotonic() > end:
                break
        print(f"\n{number + 1} rounds")
        seen.append(held())
        screens.exit()

    screens.run(headless=True, size=(100, 30), auto_pilot=go_round)
    assert screens.crash is None
    return seen[0], seen[-1]


class Hurried(threading.Event):
    """Instead of waiting for the next round of a watch it moves WeCom's clock; ends after some."""

    def __init__(self, corp: HandoverCorp, rounds: int) -> None:
        super().__init__()
        self._corp, self._rounds = corp, rounds
        self.seen: list[Held] = []

    def wait(self, timeout: float | None = None) -> bool:
        """A minute later, at once; every pair is due again."""
        self.seen.append(held())
        if len(self.seen) >= self._rounds:
            self.set()
        self._corp.advance(60)
        with self._corp.app.data.atomic() as connection:
            connection.execute("UPDATE handover SET ask_at = 0 WHERE status = 'waiting'")
        return self.is_set()


def watch(corp: HandoverCorp, rounds: int) -> tuple[Held, Held]:
    """One watch of so many rounds that asks about every pair in each; after a tenth, at the end."""
    from_owner, *to_owners = (m["userid"] for m in corp.staff()[:5])
    corp.hand_over(from_owner, to=to_owners, rule="round-robin", groups=False, personal_tags=False)
    corp.control.settings(handover_result_lag_s=90 * 86_400)  # nothing is ever answered
    corp.control.reset_calls()
    stop = Hurried(corp, rounds)
    found = corp.watch(until_settled=True, stop=stop)
    assert found.calls >= rounds * len(to_owners) // 2, found
    assert len(found.asked) == len(to_owners)
    return stop.seen[rounds // 10], stop.seen[-1]


def sync_again(corp: HandoverCorp, times: int) -> tuple[Held, Held]:
    """So many syncs in one process, something to read in each; after a tenth, and at the end."""
    follows = list(corp.follows())
    seen = []
    for number in range(times):
        userid, customer = follows[number % len(follows)]
        corp.control.act(
            "remark_edit", userid=userid, external_userid=customer, remark=f"r{number}"
        )
        corp.sync()
        seen.append(held())
    return seen[times // 10], seen[-1]
