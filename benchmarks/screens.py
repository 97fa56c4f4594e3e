"""The customers screen at 1,000,000 rows beside its floor and its peers, in one run.

    python benchmarks/screens.py [--data .bench/data.db] [--small .bench/thousand.db]

Every candidate runs in a process of its own, headless, 160×48 cells:

- ours: the screen over the mirror;
- floor: the same screen over constants, with as many facets and as long a card;
- DataTable: Textual's own, filled with the same rows, as far as it gets in a minute;
- FastDataTable: the peer of textual-fastdatatable, which `make bench` puts into `.bench/peers`; it
  is measured, never used.

A moment counts when the rows meant are on the terminal: the list was rendered while it held all of
them, and that rendering was written. What is then on the screen is compared with the rows. Floor
and ours take turns; of the turns the best counts: what others do on the machine only adds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from tables import quantiles, queries, rss_mb

SIZE = (160, 48)
PAGES, JUMPS = 200, 60
PEERS = Path(".bench/peers/bin/python")
REST = 0.6  # seconds in which facets, card and suggestions begin


class Probe:
    """Waits for the first write to the terminal that shows what is awaited."""

    def __init__(self, app: Any) -> None:
        from tui.widgets.customer_list import CustomerList

        self.app = app
        self.ready: Callable[[], bool] | None = None
        self.rendered = False
        self.at = self.cpu = 0.0
        self.event = asyncio.Event()
        display, render_lines = app._display, CustomerList.render_lines

        def rendering(table: Any, crop: Any) -> Any:
            strips = render_lines(table, crop)
            if self.ready is not None and self.ready():
                self.rendered = True
            return strips

        def displaying(screen: Any, renderable: Any) -> None:
            display(screen, renderable)
            if self.rendered and self.ready is not None:
                self.at, self.cpu = time.perf_counter(), time.process_time()
                self.ready, self.rendered = None, False
                self.event.set()

        CustomerList.render_lines = rendering  # type: ignore[method-assign]
        app._display = displaying

    def expect(self, ready: Callable[[], bool]) -> float:
        """Await a condition from now on; returns now."""
        self.event.clear()
        self.ready, self.rendered = ready, False
        return time.perf_counter()

    async def painted(self, seconds: float = 20) -> float:
        """The moment it was written."""
        await asyncio.wait_for(self.event.wait(), seconds)
        return self.at

    def check(self, table: Any) -> None:
        """The rows on the screen are those the list holds, the cursor's among them."""
        strips = self.app.screen._compositor.render_strips()
        text = ["".join(segment.text for segment in strip) for strip in strips]
        top, first = table.region.y, round(table.scroll_y)
        assert table.total > 0
        for y in (0, table.cursor - first, min(table.size.height, table.total - first) - 1):
            line = table._window.get(first + y)
            assert line is not None, first + y
            assert line.cells[0][:4] in text[top + y], (first + y, text[top + y])


async def measure_screen(
    make: Callable[[], Any], words: list[str], *, marks: bool
) -> dict[str, Any]:
    """All figures of one screen, in ms unless said."""
    from textual.events import Key

    found: dict[str, Any] = {}
    began, cpu = time.perf_counter(), time.process_time()
    app = make()
    probe = Probe(app)

    def whole() -> bool:
        table = app.base_screen.table
        first = round(table.scroll_y)
        last = min(first + table.size.height, table.total)
        return not table._fresh and table._window.covers(first, last)

    async def rest() -> None:
        await asyncio.sleep(REST)
        while app.busy:
            await asyncio.sleep(0.02)

    probe.expect(lambda: app.base_screen.table.total > 0 and whole())
    async with app.run_test(size=SIZE):
        found["first_ms"] = (await probe.painted() - began) * 1000
        found["first_cpu_ms"] = (probe.cpu - cpu) * 1000
        table = app.base_screen.table
        probe.check(table)
        await rest()  # counts, facets, card
        found["rows"] = table.total

        def press(key: str, character: str | None = None) -> None:
            app.post_message(Key(key, character))

        sent = probe.expect(lambda: table.cursor == table.total - 1 and whole())
        press("end")
        found["end_ms"] = (await probe.painted() - sent) * 1000
        probe.check(table)
        press("home")
        await rest()

        moves: list[float] = []
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(PAGES):
            target = round(table.scroll_y) + table.size.height - 1
            if target + table.size.height > table.total:
                break
            sent = probe.expect(lambda target=target: round(table.scroll_y) == target and whole())
            press("pagedown")
            moves.append((await probe.painted() - sent) * 1000)
        found["frames_per_s"] = len(moves) / (time.perf_counter() - start)
        found["page_cpu_ms"] = (time.process_time() - cpu) / len(moves) * 1000
        found["key_ms"] = quantiles(moves)
        probe.check(table)

        jumps: list[float] = []
        dice = random.Random(5)
        spent = 0.0
        for _ in range(JUMPS):
            target = dice.randrange(table.total)
            sent = probe.expect(lambda target=target: table.cursor == target and whole())
            cpu = time.process_time()
            table.go_to(target)
            jumps.append((await probe.painted() - sent) * 1000)
            spent += probe.cpu - cpu
            probe.check(table)
        found["jump_cpu_ms"] = spent / len(jumps) * 1000
        found["jump_ms"] = quantiles(jumps)

        filters: list[float] = []
        for first, second in words * 3:
            press("slash", "/")
            while not app.base_screen.bar.line.has_focus:
                await asyncio.sleep(0.01)
            press(first, first)
            await asyncio.sleep(0.3)
            where = first + second
            sent = probe.expect(
                lambda where=where: app.base_screen._good.where == where and whole()
            )
            press(second, second)
            filters.append((await probe.painted() - sent) * 1000)
            probe.check(table)
            await asyncio.sleep(0.2)
            app.base_screen.bar.put("")
            table.focus()
            await rest()
        found["filter_ms"] = quantiles(filters)
        found["rss_mb"] = rss_mb()
        if marks:
            took = []
            for key in ("A", "u", "A", "ctrl+backslash", "u"):
                await rest()
                before = app.base_screen.marks.count
                sent, cpu = time.perf_counter(), time.process_time()
                press(key, key if len(key) == 1 else None)
                while app.base_screen.marks.count == before or app.busy:
                    await asyncio.sleep(0.005)
                    assert time.perf_counter() - sent < 60, key
                seconds = time.perf_counter() - sent
                took.append((seconds, app.base_screen.marks.count, time.process_time() - cpu))
            found["mark_all_s"], found["undo_s"] = took[0][0], took[1][0]
            found["mark_all_cpu_s"] = took[0][2]
            found["marks"] = [each[1] for each in took]
            found["rss_after_marks_mb"] = rss_mb()
    return found


def ours(data: Path, *, floor: bool, total: int) -> dict[str, Any]:
    """The screen over a copy of `data`, or over constants."""
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
        from tui.screens import customers

        if floor:
            from floor import ConstantCustomers

            customers = ConstantCustomers(total)
        else:
            from storeops.reading import query, query_rows  # noqa: F401
            from tui import mirror_customers  # noqa: F401

            customers = None
        from tui.garbage import seldom_collected

        def made() -> StoreOpsApp:
            screens = StoreOpsApp(core, start="customers", customers=customers)
            screens.begun = begun
            return screens

        with seldom_collected() as begun:  # as `storeops tui` does
            found = asyncio.run(measure_screen(made, queries(data), marks=not floor))
        core.close()
        return found


# -- the table -------------------------------------------------------------------------------------


def child(args: argparse.Namespace) -> dict[str, Any]:
    """One candidate, in this process."""
    kind, _, number = args.child.partition("-")
    if kind in ("ours", "floor"):
        return ours(args.data, floor=kind == "floor", total=int(number or 1_000_000))
    from tables import measure

    return asyncio.run(measure(args.data, int(number), fast=kind == "fast"))


def run(name: str, data: Path, python: str) -> dict[str, Any] | None:
    """One candidate, in a process of its own; None when it did not get there."""
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


def best(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The best of some runs, figure by figure."""
    found: dict[str, Any] = {}
    for key, value in runs[0].items():
        if key == "frames_per_s":
            found[key] = max(each[key] for each in runs)
        elif key == "marks":
            found[key] = value
        elif isinstance(value, list):
            found[key] = [min(column) for column in zip(*(each[key] for each in runs), strict=True)]
        else:
            found[key] = min(each[key] for each in runs)
    return found


COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("first rows ms", "first_ms", ".0f"),
    ("frames/s", "frames_per_s", ".0f"),
    ("key→paint p50/p95 ms", "key_ms", ".0f"),
    ("CPU ms a page", "page_cpu_ms", ".1f"),
    ("End ms", "end_ms", ".0f"),
    ("jump p50/p95 ms", "jump_ms", ".0f"),
    ("filter p50/p95 ms", "filter_ms", ".0f"),
    ("RSS MB", "rss_mb", ".0f"),
    ("A s", "mark_all_s", ".2f"),
    ("undo s", "undo_s", ".2f"),
)


def cell(found: dict[str, Any], key: str, form: str) -> str:
    """One figure, "-" when the candidate has none."""
    value = found.get(key, "-")
    if isinstance(value, list):
        return "/".join(format(each, form) for each in value)
    return value if isinstance(value, str) else format(value, form)


def ratios(mine: dict[str, Any], base: dict[str, Any]) -> dict[str, float]:
    """What the issue bounds, as ours ÷ floor."""
    return {
        "first rows": mine["first_ms"] / base["first_ms"],
        "first rows, CPU": mine["first_cpu_ms"] / base["first_cpu_ms"],
        "held PgDn": base["frames_per_s"] / mine["frames_per_s"],
        "random jumps": mine["jump_ms"][0] / base["jump_ms"][0],
        "two-character filter": mine["filter_ms"][0] / base["filter_ms"][0],
    }


def thousand(path: Path) -> None:
    """A mirror of 1,000 customers, built when it is not there yet."""
    from data import Shape, get

    path.parent.mkdir(parents=True, exist_ok=True)
    get(path, Shape(customers=1_000, follows=2_000)).close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(".bench/data.db"))
    parser.add_argument("--small", type=Path, default=Path(".bench/thousand.db"))
    parser.add_argument(
        "--peer-python",
        default=str(PEERS) if PEERS.exists() else sys.executable,
        help="an interpreter that has textual-fastdatatable",
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true", help="ours and the floor only")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(child(args)))
        return
    if not args.data.exists():
        sys.exit(f"{args.data} is missing: run `make bench-data` first")
    thousand(args.small)
    me = sys.executable
    turns = [
        ("floor, 1,000,000 constants", "floor-1000000", args.data, me),
        ("ours, 1,000,000 customers", "ours-1000000", args.data, me),
        ("ours, 1,000 customers", "ours-1000", args.small, me),
    ]
    peers = [
        ("DataTable, 10,000 rows", "table-10000", args.data, me),
        ("DataTable, 100,000 rows", "table-100000", args.data, me),
        ("FastDataTable, 10,000 rows", "fast-10000", args.data, args.peer_python),
        ("FastDataTable, 100,000 rows", "fast-100000", args.data, args.peer_python),
        ("FastDataTable, 1,000,000 rows", "fast-1000000", args.data, args.peer_python),
    ]
    runs: dict[str, list[dict[str, Any]]] = {}
    for _ in range(args.repeats):
        for _title, name, data, python in turns:
            if (found := run(name, data, python)) is not None:
                runs.setdefault(name, []).append(found)
    print("| candidate | " + " | ".join(title for title, _key, _form in COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for title, name, data, python in turns if args.no_peers else turns + peers:
        if name not in runs and (found := run(name, data, python)) is not None:
            runs[name] = [found]
        if name not in runs:
            print(f"| {title} | did not finish or is not installed |")
            continue
        figures = best(runs[name])
        cells = (cell(figures, key, form) for _title, key, form in COLUMNS)
        print(f"| {title} | " + " | ".join(cells) + " |", flush=True)
    if not all(name in runs for _title, name, _data, _python in turns):
        return
    base, mine, small = (best(runs[name]) for _title, name, _data, _python in turns)
    print()
    for name, ratio in ratios(mine, base).items():
        print(f"{name}: {ratio:.2f} × the floor (at most 1.50)")
    memory = mine["rss_mb"] - small["rss_mb"]
    print(f"memory: {mine['rss_mb']:.0f} MB (at most 100), {memory:+.0f} MB against 1,000 rows")
    print(f"A on 1,000,000: {mine['mark_all_s']:.2f} s (at most 1.50), CPU "
          f"{mine['mark_all_cpu_s']:.2f} s; after A, u, A, clear, u: {mine['marks']}")  # fmt: skip


if __name__ == "__main__":
    main()
