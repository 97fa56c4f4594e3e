"""The customers screen at 1,000,000 rows beside its floor and its peers, in one run.

    python benchmarks/screens.py [--data .bench/data.db] [--small .bench/small.db]

Every candidate runs in a process of its own, headless, 160×48 cells:

- ours: the screen over the mirror;
- floor: the same screen over constants;
- DataTable: Textual's own, filled with the same rows, as far as it gets in a minute;
- FastDataTable: the peer of textual-fastdatatable, when the interpreter (`--peer-python`) has it.

A moment counts when the rows meant are painted: the first write to the terminal after they are all
in the window shown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZE = (160, 48)
PAGES, JUMPS, FILTERS = 200, 60, 15
QUERIES = ("王小", "李娜", "张伟", "阿姨", "小美")


def rss_mb() -> float:
    text = Path("/proc/self/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# -- ours and the floor ----------------------------------------------------------------------------


class Probe:
    """Waits for the first paint after a condition holds."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.ready: Callable[[], bool] | None = None
        self.at = 0.0
        self.event = asyncio.Event()
        display = app._display

        def wrapped(screen: Any, renderable: Any) -> None:
            display(screen, renderable)
            if self.ready is not None and self.ready():
                self.at = time.perf_counter()
                self.ready = None
                self.event.set()

        app._display = wrapped

    def expect(self, ready: Callable[[], bool]) -> None:
        self.event.clear()
        self.ready = ready

    async def painted(self) -> float:
        await asyncio.wait_for(self.event.wait(), 10)
        return self.at


async def measure_screen(make: Callable[[], Any], marks: bool) -> dict[str, Any]:
    from textual.app import ScreenStackError
    from textual.css.query import NoMatches
    from textual.events import Key

    found: dict[str, Any] = {}
    began = time.perf_counter()
    app = make()
    probe = Probe(app)

    def rows() -> Any:
        return app.room.table

    def whole() -> bool:
        try:
            table = rows()
        except (NoMatches, ScreenStackError):  # not composed yet
            return False
        first = round(table.scroll_y)
        last = min(first + table.size.height, table.total)
        return not table._fresh and table._window.covers(first, last)

    probe.expect(lambda: whole() and app.room.table.total > 0)
    async with app.run_test(size=SIZE):
        found["first_ms"] = (await probe.painted() - began) * 1000
        table = rows()
        while app.busy:  # counts and anchors
            await asyncio.sleep(0.05)
        found["rows"] = table.total
        steps = [rss_mb()]

        def press(key: str, character: str | None = None) -> None:
            app.post_message(Key(key, character))

        moves: list[float] = []
        start = time.perf_counter()
        for _ in range(PAGES):
            target = round(table.scroll_y) + table.size.height - 1
            if target + table.size.height > table.total:
                break
            probe.expect(lambda target=target: round(table.scroll_y) == target and whole())
            sent = time.perf_counter()
            press("pagedown")
            moves.append((await probe.painted() - sent) * 1000)
        found["frames_per_s"] = len(moves) / (time.perf_counter() - start)
        found["key_ms"] = [quantile(moves, 0.5), quantile(moves, 0.95)]
        jumps: list[float] = []
        dice = random.Random(5)
        for _ in range(JUMPS):
            target = dice.randrange(table.total)
            probe.expect(lambda target=target: table.cursor == target and whole())
            sent = time.perf_counter()
            table.go_to(target)
            jumps.append((await probe.painted() - sent) * 1000)
        steps.append(rss_mb())
        found["jump_ms"] = [quantile(jumps, 0.5), quantile(jumps, 0.95)]
        filters: list[float] = []
        for number in range(FILTERS):
            first, second = QUERIES[number % len(QUERIES)]
            press("slash", "/")
            while not app.room.bar.line.has_focus:
                await asyncio.sleep(0.01)
            press(first, first)
            await asyncio.sleep(0.3)
            where = first + second
            probe.expect(lambda where=where: app.room._good.where == where and whole())
            sent = time.perf_counter()
            press(second, second)
            filters.append((await probe.painted() - sent) * 1000)
            await asyncio.sleep(0.2)
            app.room.bar.put("")
            table.focus()
            await asyncio.sleep(0.3)
        found["filter_ms"] = [quantile(filters, 0.5), quantile(filters, 0.95)]
        while app.busy:
            await asyncio.sleep(0.05)
        found["rss_mb"] = rss_mb()
        if "STEPS" in os.environ:
            print(steps, found["rss_mb"], file=sys.stderr)
        if marks:
            table.focus()
            await asyncio.sleep(0.1)
            took = []
            for key in ("A", "u", "A", "ctrl+backslash", "u"):
                sent = time.perf_counter()
                app.room.marked_at = 0.0
                press(key, key if len(key) == 1 else None)
                await asyncio.sleep(0.02)
                while app.busy:
                    await asyncio.sleep(0.005)
                took.append((time.perf_counter() - sent, app.room.marked))
            found["mark_all_s"], found["undo_s"] = took[0][0], took[1][0]
            found["marks"] = [count for _seconds, count in took]
            found["rss_after_marks_mb"] = rss_mb()
    return found


def ours(data: Path, *, floor: bool, total: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        os.environ["STOREOPS_HOME"] = home
        from storeops import config, i18n, paths
        from storeops.app import App
        from storeops.config import Profile

        i18n.use("en")
        config.save_profile(Profile(name="bench", corp_id="ww0123456789abcdef"))
        for suffix in ("", "-wal"):
            source = data.with_name(data.name + suffix)
            if source.exists():
                shutil.copy(source, f"{paths.data_db('bench')}{suffix}")
        core = App.open("bench")
        _ = core.data, core.governor
        from tui.app import StoreOpsApp
        from tui.screens import customers  # noqa: F401 - imports are not what is measured

        if floor:
            sys.path.insert(0, str(Path(__file__).parent))
            from floor import ConstantBook

            book = ConstantBook(total)
        else:
            from storeops.mirror import query, query_rows  # noqa: F401
            from tui import mirror_book  # noqa: F401

            book = None
        made = lambda: StoreOpsApp(core, start="customers", book=book)  # noqa: E731
        found = asyncio.run(measure_screen(made, marks=not floor))
        core.close()
        return found


# -- peers -----------------------------------------------------------------------------------------

_SQL = (
    "SELECT c.name, f.remark, s.name, f.store_id, f.status, f.createtime, f.add_way,"
    " c.external_userid FROM customer c JOIN follow f ON f.customer_id = c.id"
    " JOIN staff s ON s.id = f.staff_id GROUP BY c.id ORDER BY c.createtime DESC LIMIT ?"
)
_HEADS = ("Name", "Remark", "Owner", "Store", "Status", "Added", "Way", "Id")


async def measure_table(data: Path, count: int, fast: bool) -> dict[str, Any]:
    from textual.app import App, ComposeResult

    connection = sqlite3.connect(f"file:{data}?mode=ro", uri=True)
    # DataTable takes brackets for markup and falls over a nickname that ends with [/]
    rows = [
        tuple(str(value).replace("[", "(") for value in row)
        for row in connection.execute(_SQL, (count,))
    ]

    class Peer(App[None]):
        def compose(self) -> ComposeResult:
            if fast:
                from textual_fastdatatable import ArrowBackend
                from textual_fastdatatable import DataTable as FastDataTable

                columns = dict(zip(_HEADS, map(list, zip(*rows, strict=True)), strict=True))
                yield FastDataTable(backend=ArrowBackend.from_pydict(columns), cursor_type="row")
            else:
                from textual.widgets import DataTable

                table: Any = DataTable(cursor_type="row")
                table.add_columns(*_HEADS)
                yield table
                table.add_rows(rows)

    began = time.perf_counter()
    app = Peer()
    app.animation_level = "none"
    painted = asyncio.Event()
    display = app._display
    moments: list[float] = []

    def wrapped(screen: Any, renderable: Any) -> None:
        display(screen, renderable)
        kind = "DataTable"
        table = next((w for w in app.screen.walk_children() if type(w).__name__ == kind), None)
        if table is not None and table.row_count and table.size.height > 3:
            moments.append(time.perf_counter())
            painted.set()

    app._display = wrapped  # type: ignore[method-assign]
    found: dict[str, Any] = {"rows": count}
    async with app.run_test(size=SIZE) as pilot:
        await asyncio.wait_for(painted.wait(), 120)
        found["first_ms"] = (moments[-1] - began) * 1000
        await pilot.pause()
        moves: list[float] = []
        start = time.perf_counter()
        from textual.events import Key

        for _ in range(min(PAGES, count // SIZE[1] - 2)):
            painted.clear()
            sent = time.perf_counter()
            app.post_message(Key("pagedown", None))
            await asyncio.wait_for(painted.wait(), 60)
            moves.append((moments[-1] - sent) * 1000)
        found["frames_per_s"] = len(moves) / (time.perf_counter() - start)
        found["key_ms"] = [quantile(moves, 0.5), quantile(moves, 0.95)]
        found["rss_mb"] = rss_mb()
    return found


# -- the table -------------------------------------------------------------------------------------


def child(args: argparse.Namespace) -> dict[str, Any]:
    kind, _, number = args.child.partition("-")
    if kind in ("ours", "floor"):
        return ours(args.data, floor=kind == "floor", total=int(number or 1_000_000))
    return asyncio.run(measure_table(args.data, int(number), kind == "fast"))


def run(name: str, data: Path, python: str) -> dict[str, Any] | None:
    command = [python, __file__, "--child", name, "--data", str(data)]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        return None
    if answer.returncode:
        sys.stderr.write(answer.stderr[-500:])
        return None
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def best(runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The best of some runs, figure by figure: what others do on the machine only adds."""
    if not runs:
        return None
    found: dict[str, Any] = {}
    for key, value in runs[0].items():
        if key == "frames_per_s":
            found[key] = max(each[key] for each in runs)
        elif isinstance(value, list):
            found[key] = [min(column) for column in zip(*(each[key] for each in runs), strict=True)]
        else:
            found[key] = min(each[key] for each in runs)
    found["marks"] = runs[0].get("marks")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(".bench/data.db"))
    parser.add_argument("--small", type=Path, default=Path(".bench/small.db"))
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(child(args)))
        return
    if not args.data.exists():
        sys.exit(f"{args.data} is missing: run `make bench-data` first")
    me = sys.executable
    plan = [
        ("floor, 1,000,000 constants", "floor-1000000", args.data, me),
        ("ours, 1,000,000 customers", "ours-1000000", args.data, me),
        ("ours, 1,000 customers", "ours-1000", args.small, me),
        ("DataTable, 10,000 rows", "table-10000", args.data, me),
        ("DataTable, 100,000 rows", "table-100000", args.data, me),
        ("FastDataTable, 10,000 rows", "fast-10000", args.data, args.peer_python),
        ("FastDataTable, 100,000 rows", "fast-100000", args.data, args.peer_python),
    ]
    # the floor and ours take turns, so that both meet the same machine
    turns: dict[str, list[dict[str, Any]]] = {}
    for _ in range(args.repeats):
        for _title, name, data, python in plan[:2]:
            if (found := run(name, data, python)) is not None:
                turns.setdefault(name, []).append(found)
    head = ("first rows ms", "frames/s", "key→paint p50/p95 ms", "jump p50/p95 ms",
            "filter p50/p95 ms", "RSS MB", "A s", "undo s")  # fmt: skip
    print("| candidate | " + " | ".join(head) + " |")
    print("|---" * (len(head) + 1) + "|")
    results = {}
    for title, name, data, python in plan:
        if not data.exists():
            print(f"| {title} | {data} is missing |")
            continue
        found = best(turns[name]) if name in turns else run(name, data, python)
        results[name] = found
        if found is None:
            print(f"| {title} | did not finish or is not installed |")
            continue

        def pair(key: str, found: dict[str, Any] = found) -> str:
            return "/".join(f"{value:.0f}" for value in found[key]) if key in found else "-"

        cells = [
            f"{found['first_ms']:.0f}", f"{found['frames_per_s']:.0f}", pair("key_ms"),
            pair("jump_ms"), pair("filter_ms"), f"{found['rss_mb']:.0f}",
            f"{found['mark_all_s']:.2f}" if "mark_all_s" in found else "-",
            f"{found['undo_s']:.2f}" if "undo_s" in found else "-",
        ]  # fmt: skip
        print(f"| {title} | " + " | ".join(cells) + " |", flush=True)
    base, mine = results.get("floor-1000000"), results.get("ours-1000000")
    if base and mine:
        ratios = {
            "first rows": mine["first_ms"] / base["first_ms"],
            "held PgDn": base["frames_per_s"] / mine["frames_per_s"],
            "random jumps": mine["jump_ms"][0] / base["jump_ms"][0],
            "two-character filter": mine["filter_ms"][0] / base["filter_ms"][0],
        }
        print()
        for name, ratio in ratios.items():
            print(f"{name}: {ratio:.2f} × the floor (at most 1.50)")
        small = results.get("ours-1000")
        if small:
            print(f"memory: {mine['rss_mb'] - small['rss_mb']:+.0f} MB against 1,000 rows")
        print(f"marks after A, u, A, clear, u: {mine['marks']}")


if __name__ == "__main__":
    main()
