"""The drills of the sync, short or long: faults of every kind, and kill -9 at any moment."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from storeops.database.database import Database
from storeops.sync.members import CHAINS
from tests.chaos.harness import Home, SandboxProcess, finish, kill_after
from tests.chaos.truth import believed_gone, compare, unequal_members
from tests.chaos.world import World, scope

ERRCODES = (-1, 6000, 45009, 45033, 45035, 50100, 60011, 60111, 84061)
KINDS = (
    "status", "timeout", "cut", "truncate", "truncated_json", "invalid", "slow", "duplicate",
    "short", "reorder", "token", "token_expired", "lost",
)  # fmt: skip


def every_fault(world: World, rate: float, seed: int, seconds: float) -> None:
    """Faults of every kind, `rate` of the calls in all."""
    each = rate / (len(KINDS) + len(ERRCODES))
    for number, kind in enumerate(KINDS):
        world.sandbox.control.fault(kind, "*", rate=each, seed=seed * 100 + number, seconds=seconds)
    for number, errcode in enumerate(ERRCODES):
        world.sandbox.control.fault(
            "errcode", "*", errcode=errcode, rate=each, seed=seed * 100 + 50 + number
        )


@dataclass
class FaultReport:
    """What faulty syncs did.

    Attributes:
        outcomes: how the runs ended.
        struck: faults that happened, by kind ("errcode 45009", "cut" …).
        problems: what must not be; empty when all is well.
    """

    outcomes: Counter[str | None] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def never(self) -> list[str]:
        """Kinds of fault that did not strike once."""
        kinds = [*KINDS, *(f"errcode {each}" for each in ERRCODES)]
        return [each for each in kinds if not self.struck[each]]


def faulty_syncs(
    world: World, folder: Path, rounds: int, *, rate: float = 0.05, mirrors: int = 10, seed: int = 0
) -> FaultReport:
    """Sync under faults `rounds` times, with changes in between, and judge every run.

    After each faulty run: nobody WeCom still lists is missing or lost, and whoever is not exactly
    as WeCom says is named by the run. The clean run after it is complete, and after a second one
    (what is missing is lost by then) the mirror equals WeCom. A new mirror every `rounds /
    mirrors` runs, so that first loads meet faults as well.
    """
    report = FaultReport()
    control = world.sandbox.control
    here = world
    for number in range(rounds):
        if number % max(1, rounds // mirrors) == 0:
            if here is not world:
                here.client.close()
                here.data.close()
            here = world.fresh(folder / f"mirror{number}.db")
        control.act("random", count=25, seed=seed + number)
        every_fault(here, rate, seed + number, seconds=1.0)
        result = here.sync()
        faults = control.call("GET", "faults")["faults"]
        for each in faults:
            code = f" {each['errcode']}" if each["kind"] == "errcode" else ""
            report.struck[each["kind"] + code] += each["hit"]
        control.clear_faults()
        report.outcomes[result.outcome] += 1
        _judge(here, result, f"round {number}", report)
        here.clock.sleep(60)  # three fresh tokens refused in a row keep a client quiet for 30 s
        for _again in range(2):
            clean = here.sync()
            if clean.outcome != "complete":
                report.problems.append(f"round {number}: a clean run ends {clean.outcome}")
        if different := compare(here.data, control):
            report.problems.append(f"round {number}: {different}")
    if here is not world:
        here.client.close()
        here.data.close()
    return report


def _judge(here: World, result, name: str, report: FaultReport) -> None:
    control = here.sandbox.control
    report.problems += [f"{name}: {each}" for each in believed_gone(here.data, control)]
    follows = scope(result, "follows")
    named = {each.subject for each in follows.failures}
    if named and follows.outcome == "complete":
        report.problems.append(f"{name}: complete, with failures")
    if result.outcome != "complete" and not any(each.failures for each in result.scopes):
        report.problems.append(f"{name}: {result.outcome}, and nobody named")
    staff_whole = scope(result, "staff").outcome == "complete"
    if staff_whole and "get_follow_user_list" not in named:
        # row by row and value by value: what a member who is not named has at WeCom is here
        silent = unequal_members(here.data, control) - named
        if silent:
            report.problems.append(f"{name}: not read and not named: {sorted(silent)[:5]}")


@dataclass
class KillReport:
    """What killed syncs left behind."""

    kills: int = 0
    tries: int = 0
    most_read_again: int = 0
    problems: list[str] = field(default_factory=list)


def killed_syncs(
    sandbox: SandboxProcess, folder: Path, kills: int, *, seed: int = 0, longest_s: float = 3.0
) -> KillReport:
    """Kill first loads until `kills` of them died under way; each is resumed and compared."""
    dice = random.Random(seed)
    report = KillReport()
    whole = Home(folder / "whole", sandbox)
    whole.folder.mkdir(parents=True)
    sandbox.control.reset_calls()
    if whole.sync()["outcome"] != "complete":
        report.problems.append("the run that nobody killed is not complete")
    calls = sandbox.follow_calls()
    while report.kills < kills and report.tries < kills * 4:
        home = Home(folder / f"kill{report.tries}", sandbox)
        home.folder.mkdir()
        report.tries += 1
        sandbox.control.reset_calls()
        died = kill_after(home.start_sync(), dice.uniform(0.0, longest_s))
        result = finish(home.start_sync())
        name = f"kill {report.tries}"
        data = home.open()
        try:
            runs = data.execute("SELECT count(*) FROM sync_run").fetchone()[0]
            if died and runs == 1:
                report.kills += 1
                again = sandbox.follow_calls() - calls
                report.most_read_again = max(report.most_read_again, again)
                if again > CHAINS:
                    report.problems.append(f"{name}: {again} pages read twice")
            if result.get("outcome") != "complete":
                report.problems.append(f"{name}: {result}")
            if different := compare(data, sandbox.control):
                report.problems.append(f"{name}: {different}")
        finally:
            data.close()
    return report


def killed_again(
    sandbox: SandboxProcess, folder: Path, kills: int, *, seed: int = 0, longest_s: float = 2.0
) -> KillReport:
    """Kill later syncs of one mirror until `kills` of them died under way.

    Before each, WeCom changes. The killed run is resumed; it may call what went away missing, but
    nobody lost who was not missing before it, however often it was read. A last run, of which
    nothing is expected but the second step from missing to lost, makes both sides equal.
    """
    dice = random.Random(seed)
    report = KillReport()
    home = Home(folder / "again", sandbox)
    home.folder.mkdir(parents=True)
    if home.sync()["outcome"] != "complete":
        report.problems.append("the first run is not complete")
    data = home.open()
    try:
        while report.kills < kills and report.tries < kills * 4:
            report.tries += 1
            name = f"kill {report.tries}"
            sandbox.control.act("random", count=60, seed=seed * 1000 + report.tries)
            lost = _believed(data, "lost")
            missing = _believed(data, "missing")
            runs = data.execute("SELECT count(*) FROM sync_run").fetchone()[0]
            sandbox.control.reset_calls()
            died = kill_after(home.start_sync(), dice.uniform(0.0, longest_s))
            result = finish(home.start_sync())
            if died and data.execute("SELECT count(*) FROM sync_run").fetchone()[0] == runs + 1:
                report.kills += 1
                # what the run has counted is what it kept; the rest was read for nothing
                kept = next(each for each in result["scopes"] if each["scope"] == "follows")
                again = sandbox.follow_calls() - kept["calls"]
                report.most_read_again = max(report.most_read_again, again)
                if again > CHAINS:
                    report.problems.append(f"{name}: {again} pages read twice")
                if hasty := _believed(data, "lost") - lost - missing:
                    report.problems.append(f"{name}: lost in one step: {sorted(hasty)[:5]}")
            if result.get("outcome") != "complete":
                report.problems.append(f"{name}: {result}")
            report.problems += [f"{name}: {each}" for each in believed_gone(data, sandbox.control)]
            home.sync()
            if different := compare(data, sandbox.control):
                report.problems.append(f"{name}: {different}")
    finally:
        data.close()
    return report


def _believed(data: Database, status: str) -> set[tuple[int, int]]:
    """(staff, customer) of the follows of a status."""
    rows = data.execute("SELECT staff_id, customer_id FROM follow WHERE status = ?", (status,))
    return {(row[0], row[1]) for row in rows}
