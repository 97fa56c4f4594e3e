"""Killing the receiver again and again while WeCom calls: nothing answered is lost, none is twice.

CHAOS_EVENT_KILLS kills (30). The sandbox is unkind as well: repeats, shuffles, several at a time.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from storeops.events.listing import events
from storeops.operations import events as callbacks
from storeops.sandbox import local
from storeops.sandbox.callback.event_xml import event_xml
from storeops.sandbox.local import ControlError
from tests.events.calling_corp import CallingCorp
from tests.handover.conftest import HandoverCorp

KILLS = int(os.environ.get("CHAOS_EVENT_KILLS", "30"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))


def serve(port: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "storeops", "events", "serve", "--port", str(port), "--json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_a_receiver_killed_at_any_moment_loses_and_doubles_nothing(home: Path) -> None:
    dice = random.Random(SEED)
    with local.start(stores=4, staff=20, follows=1200, seed=SEED) as sandbox:
        corp = HandoverCorp(sandbox)
        corp.sync()
        called = CallingCorp(corp)
        port = int(called.server.url.split(":")[2].split("/")[0])
        called.server.close()
        called.control.settings(
            callback_retries=10_000, callback_retry_ms=50, callback_repeat_rate=0.1,
            callback_reorder=5, callback_parallel=4,
        )  # fmt: skip
        first = len(log(called))
        for _ in range(KILLS):
            process = serve(port)
            for _ in range(dice.randrange(5, 25)):
                with contextlib.suppress(ControlError):  # nobody fits the act
                    called.control.act("random", count=1, seed=dice.randrange(10**6))
                time.sleep(dice.random() * 0.02)
            kill(process)
        process = serve(port)
        row = called.delivered()
        process.send_signal(signal.SIGINT)
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
        for _ in range(5):
            corp.advance(600)
            callbacks.handle(called.app)
        told = log(called)[first:]
        messages = Counter(event_xml(plain(each), sandbox.corp_id) for each in told)
        kept = events(called.app.inbox, limit=100_000)
        print(f"\n{KILLS} kills, {len(told)} events, {row['requests']} requests, {len(kept)} kept")
        assert row["failed"] == 0
        assert len(kept) == len(messages), "as many as there are different messages"
        assert Counter(each.status for each in kept)["handled"] == len(kept)
        tries = sum(len(each["attempts"]) for each in told)
        assert tries > len(told), "a killed receiver makes WeCom try again"
        # taking customer contact away is called back about by nobody: a sync finds it
        silent = {
            each["userid"]
            for each in called.control.export("staff")
            if not each["customer_contact"]
        }
        listed = {
            (each["userid"], each["external_userid"])
            for each in called.control.export("follows")
            if each["listed"]
        }
        ours = {
            (userid, external)
            for userid, external in corp.app.data.execute(
                "SELECT s.userid, c.external_userid FROM follow AS f JOIN staff AS s"
                " ON s.id = f.staff_id JOIN customer AS c ON c.id = f.customer_id"
                " WHERE f.status = 'active'"
            )
            if userid not in silent
        }
        assert ours == listed
        corp.close()


def log(called: CallingCorp) -> list[dict[str, object]]:
    """The whole control log."""
    rows: list[dict[str, object]] = []
    while page := called.control.events(len(rows)):
        rows += page
    return rows


def plain(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in ("delivery", "attempts")}
