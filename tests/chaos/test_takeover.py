"""Two hosts of head office, the leader killed or stopped at random moments while shops ask.

CHAOS_TAKEOVERS kills (50), CHAOS_LEASE_S of the lease (9: the usual 18 only make it longer),
CHAOS_SEED (1). What it measures is printed.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from storeops.sandbox import local
from tests.chaos.two_hosts import Host, TwoHosts

KILLS = int(os.environ.get("CHAOS_TAKEOVERS", "50"))
LEASE_S = float(os.environ.get("CHAOS_LEASE_S", "9"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
HOWS = ("machine", "machine", "machine", "serve", "stopped", "litestream")


def test_leaders_that_are_killed(tmp_path: Path) -> None:
    led: list[float] = []
    again: list[float] = []
    counts: dict[str, int] = {}
    with local.start(stores=4, staff=24, follows=60 * KILLS + 400, seed=SEED) as sandbox:
        two = TwoHosts(tmp_path, sandbox, 3, SEED, lease_s=LEASE_S, delay_s=0.05)
        try:
            for each in two.hosts:
                each.start()
            two.leader()
            two.open_shops()
            for _kill in range(KILLS):
                leader = two.leader()
                other = two.other(leader)
                other.start()
                end = time.monotonic() + two.dice.uniform(0.5, 4)
                while time.monotonic() < end:
                    two.ask()
                    time.sleep(two.dice.uniform(0, 0.1))
                how = two.dice.choice(HOWS)
                counts[how] = counts.get(how, 0) + 1
                taken = hurt(two, leader, other, how)
                if taken is not None:
                    led.append(taken)
                    again.append(taken + two.works_again())
                leader.start()
            problems = two.settle(240)
            problems += two.wrong()
            last = two.leader()
            verified = last.run("audit", "verify")
            if verified.returncode:
                problems.append(verified.stdout + verified.stderr)
            report(two, counts, led, again)
            assert not problems, "\n".join(problems[:20])
        finally:
            two.close()


def hurt(two: TwoHosts, leader: Host, other: Host, how: str) -> float | None:
    """Do it; seconds until the other host leads, None where nobody has to take over."""
    assert leader.serving is not None
    began = time.monotonic()
    if how == "litestream":
        with suppress(OSError):
            os.kill(leader.litestream(), signal.SIGKILL)
        two.works_again()
        return None
    if how == "stopped":
        leader.serving.send_signal(signal.SIGSTOP)
        two.takes_over(other)
        taken = time.monotonic() - began
        time.sleep(two.dice.uniform(0, 2))
        leader.serving.send_signal(signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            leader.serving.wait(30)
        assert leader.serving.poll() is not None, "a leader that was stopped goes on"
        return taken
    leader.kill(machine=how == "machine")
    two.takes_over(other)
    return time.monotonic() - began


def report(two: TwoHosts, counts: dict[str, int], led: list[float], again: list[float]) -> None:
    rows = sum(map(len, two.acknowledged.values()))
    print(
        f"\n{counts}, lease {LEASE_S:.0f} s: the other led after p50 {statistics.median(led):.1f},"
        f" worst {max(led):.1f} s; took a request after p50 {statistics.median(again):.1f}, worst"
        f" {max(again):.1f} s. {len(two.acknowledged)} requests of {rows} rows acknowledged,"
        f" {len(two.relay.marked)} calls that WeCom carried out, {len(set(two.relay.marked))} of"
        " them different."
    )
