"""A hundred new customers in ten seconds while a full sync runs: each greeted once, in time.

Real processes: sandbox, `events serve`, `sync run`. CHAOS_WELCOMES customers (100) within
CHAOS_WELCOME_S seconds (10), CHAOS_FOLLOWS follows to sync (60000); with CHAOS_KILLS the receiver
is killed so often meanwhile (0). Names p50, p99 and the slowest, from the receipt of an event to
WeCom's yes, and how fast the receiver answered.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from storeops.domains.welcome import log
from storeops.sandbox import local
from tests.events.calling_corp import CallingCorp
from tests.handover.conftest import HandoverCorp

NEW = int(os.environ.get("CHAOS_WELCOMES", "100"))
SPAN_S = float(os.environ.get("CHAOS_WELCOME_S", "10"))
FOLLOWS = int(os.environ.get("CHAOS_FOLLOWS", "60000"))
KILLS = int(os.environ.get("CHAOS_KILLS", "0"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
LIFE_S = 20


def words(*more: str) -> list[str]:
    return [sys.executable, "-m", "storeops", *more]


def serve(port: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        words("events", "serve", "--port", str(port), "--json"), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def part(spans: list[float], share: float) -> float:
    return sorted(spans)[max(0, -(-int(share * 1000) * len(spans) // 1000) - 1)]


def drill(folder: Path, new: int, span_s: float, follows: int, kills: int) -> dict[str, float]:
    """Run it once; the figures, in seconds."""
    rules = folder / "rules" / "welcome"
    rules.mkdir(parents=True)
    (rules / "all.toml").write_text('text = "Hello from {member} of {store}."', encoding="utf-8")
    staff = max(12, follows // 200)
    with local.start(stores=max(3, staff // 5), staff=staff, follows=follows, seed=SEED) as sandbox:
        corp = HandoverCorp(sandbox)
        called = CallingCorp(corp)
        control = called.control
        port = int(called.server.url.split(":")[2].split("/")[0])
        called.server.close()
        process = serve(port)
        control.settings(callback_parallel=4, callback_retry_ms=200, callback_retries=100)
        first = len(log_rows(called))
        members = [each["userid"] for each in corp.staff()]
        sync = subprocess.Popen(
            words("sync", "run", "--full", "--json"), stdout=subprocess.PIPE, text=True
        )
        began, people, running = time.monotonic(), [], 0
        for number in range(new):
            ahead = began + number * span_s / new - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            who = control.act("customer_new", userid=members[number % len(members)], seed=number)
            people.append(who["external_userid"])
            running += sync.poll() is None
            if kills and number % (new // (kills + 1)) == new // (kills + 1) - 1:
                process.kill()
                process.wait()
                assert process.stdout is not None
                process.stdout.close()
                process = serve(port)
        took = time.monotonic() - began
        called.delivered()
        for _each in range(600):
            rows = [r for r in control.call("GET", "inbox")["items"] if r["kind"] == "text"]
            if len(rows) >= new:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()
        out, _err = sync.communicate(timeout=1800)
        told = {each["external_userid"]: each for each in log_rows(called)[first:]
                if each.get("welcome_code")}  # fmt: skip
        answers = [
            each["ms"] / 1000
            for row in told.values()
            for each in row["attempts"]
            if each.get("status") == 200
        ]
        seen = Counter(each["to"] for each in rows)
        late = [each["at"] - told[each["to"]]["create_time"] for each in rows]
        greetings = log.greetings(corp.app.data)
        spans = [each.latency_s for each in greetings if each.latency_s is not None]
        statuses = Counter(each.status for each in greetings)
        figures = {
            "customers": new, "span_s": round(took, 1), "during_sync": running,
            "greeted": len(seen), "most_each": max(seen.values(), default=0),
            "latest_of_code_s": max(late, default=0),
            "p50_s": round(part(spans, 0.5), 3), "p99_s": round(part(spans, 0.99), 3),
            "slowest_s": round(max(spans), 3), "answer_p99_s": round(part(answers, 0.99), 3),
        }  # fmt: skip
        print(f"\n{json.dumps(figures)} {dict(statuses)} sync: {json.loads(out)['outcome']}")
        assert set(people) == set(seen), "every one of them"
        assert set(seen.values()) == {1}, "one each"
        assert max(late) <= LIFE_S
        corp.close()
    return figures


def log_rows(called: CallingCorp) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    while page := called.control.events(len(rows)):
        rows += page
    return rows


def test_everybody_is_greeted_once_in_time_while_a_sync_runs(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    figures = drill(tmp_path, NEW, SPAN_S, FOLLOWS, KILLS)
    assert figures["answer_p99_s"] <= 0.25
