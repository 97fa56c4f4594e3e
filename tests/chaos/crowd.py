"""Many processes on one profile: real commands, a reader, a look at the limits, small commits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storeops.app import DATA_ROOMS, RUN_ROOMS, migrations
from storeops.database.database import open_database
from tests.chaos.harness import GET_BY_USER, SandboxProcess

PROFILE = "crowd"
LIMITED = {"45009", "45033", "45035", "40014", "42001"}  # nothing that a crowd may provoke
COMMANDS = ("sync run", "status", "customer search 王", "sync run")


@dataclass
class CrowdReport:
    """What the processes saw of each other.

    Attributes:
        reads: pages of customers that were read meanwhile.
        looks: how often the limits were looked at meanwhile.
        most_in_flight: calls of one API that WeCom saw at the same time.
        commits_ms: one-row commits meanwhile, by file, sorted.
        problems: what must not be; empty when all is well.
    """

    reads: int = 0
    looks: int = 0
    most_in_flight: int = 0
    commits_ms: dict[str, list[float]] = field(
        default_factory=lambda: {"data.db": [], "run.db": []}
    )
    problems: list[str] = field(default_factory=list)

    def p99_ms(self, name: str) -> float:
        """The 99th of a hundred commits of a file, milliseconds."""
        took = self.commits_ms[name]
        return took[min(len(took) - 1, int(len(took) * 0.99))]


class Shop:
    """A home of its own with one profile, and `storeops` on it as processes."""

    def __init__(self, folder: Path, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        self.data = folder / "home" / "data" / PROFILE
        self._env = {**os.environ, "STOREOPS_HOME": str(folder / "home"), "LC_ALL": "C.UTF-8"}
        self.run(
            f"profile add {PROFILE} --corp-id {sandbox.corp_id} --agent-id {sandbox.agent_id}"
            f" --base-url {sandbox.base_url} --secret-stdin",
            stdin=sandbox.secret,
        )

    def start(self, words: str) -> subprocess.Popen[str]:
        """`storeops --profile … WORDS --json`, under way."""
        return subprocess.Popen(
            [sys.executable, "-m", "storeops", "--profile", PROFILE, *words.split(), "--json"],
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, words: str, stdin: str = "") -> Any:
        """What it printed; AssertionError when it did not end with 0."""
        return ended(self.start(words), words, stdin)


def ended(process: subprocess.Popen[str], words: str, stdin: str = "") -> Any:
    """Wait for a command and read its JSON."""
    out, err = process.communicate(stdin, timeout=600)
    assert process.returncode == 0, f"{words}: exit {process.returncode}: {err}"
    return json.loads(out)


def _all_ended(begun: list[tuple[subprocess.Popen[str], str]]) -> list[Any]:
    """What each printed; the first that failed is raised when all of them have ended."""
    answers, errors = [], []
    for process, words in begun:
        try:
            answers.append(ended(process, words))
        except AssertionError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return answers


def crowd(sandbox: SandboxProcess, folder: Path, *, rounds: int = 3) -> CrowdReport:
    """Four processes on a new profile; then two syncs, a reader and a look at the limits at once.

    Nobody may see an error; every page is asked for once; the calls that `status` counts are
    those that WeCom counts; WeCom never sees more than four at a time and never says 45009 or
    45033. Meanwhile this process commits one row at a time to data.db and run.db.
    """
    report = CrowdReport()
    shop = Shop(folder, sandbox)
    sandbox.control.reset_calls()
    asked = 0
    try:
        begun = [(shop.start(each), each) for each in COMMANDS]
        answers = _all_ended(begun)
        asked += _once([answers[0], answers[3]], report)
        for number in range(rounds):
            sandbox.control.act("random", count=60, seed=number)
            asked += _together(shop, report)
    except AssertionError as error:
        report.problems.append(str(error))
    _limits(shop, asked, report)
    return report


def _together(shop: Shop, report: CrowdReport) -> int:
    over = threading.Event()
    threads = [
        threading.Thread(target=_guarded, args=(work, shop, over, report))
        for work in (_read, _look, _commit)
    ]
    syncs = [(shop.start("sync run --full"), "sync run"), (shop.start("sync run"), "sync run")]
    for each in threads:
        each.start()
    try:
        results = _all_ended(syncs)
    finally:
        over.set()
        for each in threads:
            each.join(60)
    return _once(results, report)


def _once(results: list[dict[str, Any]], report: CrowdReport) -> int:
    """Both syncs are whole; calls for follows of the runs that they were (one, or one each)."""
    calls = {}
    for each in results:
        if each["outcome"] != "complete":
            report.problems.append(f"a sync ends {each['outcome']}")
        scope = next(one for one in each["scopes"] if one["scope"] == "follows")
        calls[each["run_id"]] = scope["calls"]
    joined = sum(each["joined"] for each in results)
    if len(calls) + joined != len(results):
        report.problems.append(f"{len(results)} syncs, {len(calls)} runs, {joined} joined")
    return sum(calls.values())


def _guarded(work: Any, shop: Shop, over: threading.Event, report: CrowdReport) -> None:
    try:
        work(shop, over, report)
    except Exception as error:  # a thread's error must reach the report
        report.problems.append(f"{work.__name__}: {error!r}")


def _read(shop: Shop, over: threading.Event, report: CrowdReport) -> None:
    while not over.is_set():
        page = shop.run("customer list --limit 50")
        if len(page["items"]) != 50:
            report.problems.append(f"a page of {len(page['items'])}")
        report.reads += 1


def _look(shop: Shop, over: threading.Event, report: CrowdReport) -> None:
    while not over.is_set():
        found = shop.run("status")
        for each in found["limits"]:
            if each["in_flight"] > 4:
                report.problems.append(f"{each['path']}: {each['in_flight']} places")
        report.looks += 1


def _commit(shop: Shop, over: threading.Event, report: CrowdReport) -> None:
    files = {
        "data.db": open_database(shop.data / "data.db", migrations(DATA_ROOMS)),
        "run.db": open_database(shop.data / "run.db", migrations(RUN_ROOMS)),
    }
    try:
        for each in files.values():
            each.execute("CREATE TABLE IF NOT EXISTS one_row (at REAL)")
        while not over.wait(0.02):
            for name, db in files.items():
                began = time.perf_counter()
                with db.atomic() as connection:
                    connection.execute("INSERT INTO one_row VALUES (?)", (began,))
                report.commits_ms[name].append((time.perf_counter() - began) * 1000)
    finally:
        for each in files.values():
            each.close()
            report.commits_ms["data.db"].sort()
            report.commits_ms["run.db"].sort()


def _limits(shop: Shop, asked: int, report: CrowdReport) -> None:
    """What WeCom saw is what the runs and the limits say."""
    paths = shop.sandbox.control.calls()["paths"]
    for path, row in paths.items():
        report.most_in_flight = max(report.most_in_flight, row["max_in_flight"])
        if LIMITED & set(row["errcodes"]):
            report.problems.append(f"{path} answered {row['errcodes']}")
    if report.most_in_flight > 4:
        report.problems.append(f"{report.most_in_flight} calls at a time")
    if paths[GET_BY_USER]["calls"] != asked:
        report.problems.append(f"{paths[GET_BY_USER]['calls']} follow calls, {asked} in the runs")
    if paths["gettoken"]["calls"] != 1:
        report.problems.append(f"{paths['gettoken']['calls']} tokens were fetched")
    for each in shop.run("status")["limits"]:
        if each["hour"] != paths[each["path"]]["calls"]:
            report.problems.append(
                f"{each['path']}: {each['hour']} counted, {paths[each['path']]['calls']} called"
            )
