"""Stock DataTable and FastDataTable with the rows of the mirror: the peers of the customer list.

They hold all rows in memory, so the rows are read beforehand, outside every measure.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from pathlib import Path
from typing import Any

SIZE = (160, 48)
PAGES, JUMPS = 100, 20
FILTERS = 5
LONGEST = 60.0  # seconds for one thing; slower ones are as good as not there

_SQL = (
    "SELECT c.name, f.remark, s.name, f.store_id, f.status, f.createtime, f.add_way,"
    " c.external_userid FROM customer c JOIN follow f ON f.customer_id = c.id"
    " JOIN staff s ON s.id = f.staff_id GROUP BY c.id ORDER BY c.createtime DESC LIMIT ?"
)
_HEADS = ("Name", "Remark", "Owner", "Store", "Status", "Added", "Way", "Id")


def read(data: Path, count: int) -> list[tuple[str, ...]]:
    """The first rows of the mirror, each a tuple of texts."""
    connection = sqlite3.connect(f"file:{data}?mode=ro", uri=True)
    # DataTable takes brackets for markup and falls over a nickname that ends with [/]
    rows = [
        tuple(str(value).replace("[", "(") for value in row)
        for row in connection.execute(_SQL, (count,))
    ]
    connection.close()
    return rows


def queries(data: Path, count: int = FILTERS) -> list[str]:
    """Two Chinese characters that begin a name, of customers spread over the mirror."""
    connection = sqlite3.connect(f"file:{data}?mode=ro", uri=True)
    total = connection.execute("SELECT max(id) FROM customer").fetchone()[0]
    found: list[str] = []
    for step in range(count):
        names = connection.execute(
            "SELECT substr(name, 1, 2) FROM customer WHERE id >= ?", (1 + step * total // count,)
        )
        found.append(next(
            name for (name,) in names
            if len(name) == 2 and all("\u4e00" <= each <= "\u9fff" for each in name)
            and name not in found
        ))  # fmt: skip
    connection.close()
    return found


async def measure(data: Path, count: int, *, fast: bool) -> dict[str, Any]:
    """First rows, held PgDn, random jumps and a filter of one peer, in ms."""
    from textual.app import App, ComposeResult
    from textual.events import Key

    if fast:
        import textual_fastdatatable  # noqa: F401 - say at once that it is not there

    rows = read(data, count)

    def backend(chosen: list[tuple[str, ...]]) -> Any:
        from textual_fastdatatable import ArrowBackend

        columns = zip(*chosen, strict=True) if chosen else ([] for _ in _HEADS)
        return ArrowBackend.from_pydict(
            {head: list(each) for head, each in zip(_HEADS, columns, strict=True)}
        )

    class Peer(App[None]):
        def compose(self) -> ComposeResult:
            if fast:
                from textual_fastdatatable import DataTable as FastDataTable

                yield FastDataTable(backend=backend(rows), cursor_type="row")
            else:
                from textual.widgets import DataTable

                table: Any = DataTable(cursor_type="row")
                table.add_columns(*_HEADS)
                yield table
                table.add_rows(rows)

        def table(self) -> Any:
            return next((w for w in self.screen.walk_children() if hasattr(w, "row_count")), None)

        async def narrow(self, words: str) -> list[tuple[str, ...]]:
            chosen = [row for row in rows if words in row[0] or words in row[1]]
            old = self.table()
            if fast:
                from textual_fastdatatable import DataTable as FastDataTable

                await old.remove()
                await self.mount(FastDataTable(backend=backend(chosen), cursor_type="row"))
            else:
                old.clear()
                old.add_rows(chosen)
            return chosen

    began = time.perf_counter()
    app = Peer()
    app.animation_level = "none"
    painted = asyncio.Event()
    display = app._display
    moment = 0.0
    wanted = rows[0][-1]  # the id of a row that must be on the screen

    def text() -> str:
        strips = app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    def wrapped(screen: Any, renderable: Any) -> None:
        nonlocal moment
        display(screen, renderable)
        now = time.perf_counter()
        if not painted.is_set() and (not wanted or wanted in text()):
            moment = now
            painted.set()

    async def until() -> float:
        await asyncio.wait_for(painted.wait(), LONGEST)
        return moment

    def expect(words: str) -> float:
        nonlocal wanted
        wanted = words
        painted.clear()
        return time.perf_counter()

    app._display = wrapped  # type: ignore[method-assign]
    found: dict[str, Any] = {"rows": count}
    async with app.run_test(size=SIZE) as pilot:
        found["first_ms"] = (await until() - began) * 1000
        await pilot.pause()
        app.table().focus()
        moves: list[float] = []
        start = time.perf_counter()
        for _ in range(min(PAGES, count // SIZE[1] - 2)):
            sent = expect("")
            app.post_message(Key("pagedown", None))
            moves.append((await until() - sent) * 1000)
        found["frames_per_s"] = len(moves) / (time.perf_counter() - start)
        found["key_ms"] = quantiles(moves)
        jumps: list[float] = []
        dice = random.Random(5)
        for _ in range(JUMPS):
            target = dice.randrange(count)
            sent = expect(rows[target][-1])
            app.table().move_cursor(row=target, animate=False)
            jumps.append((await until() - sent) * 1000)
        found["jump_ms"] = quantiles(jumps)
        found["rss_mb"] = rss_mb()
        filters: list[float] = []
        for words in queries(data):
            first = next((row for row in rows if words in row[0] or words in row[1]), None)
            if first is None:
                continue
            sent = expect(first[-1])
            await app.narrow(words)
            filters.append((await until() - sent) * 1000)
        found["filter_ms"] = quantiles(filters)
    return found


def rss_mb() -> float:
    """Resident memory of this process, MB."""
    text = Path("/proc/self/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def quantiles(values: list[float]) -> list[float]:
    """Median and 95th percentile."""
    ordered = sorted(values)
    return [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95)]
