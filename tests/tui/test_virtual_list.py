"""The virtual list: windows, cursor and marks while rows come, go and move."""

from __future__ import annotations

import threading

import pytest
from textual.app import App, ComposeResult

from tui.background import BackgroundWorker
from tui.widgets.rows import Line, ListColumn, RowCount, TableRows, Window, layout
from tui.widgets.virtual_list import VirtualList


def lines(count: int, begin: int = 0) -> list[Line]:
    return [Line(at, (f"row {at}", str(at))) for at in range(begin, begin + count)]


class Rows(TableRows):
    """Counts what it is asked for."""

    asked = 0

    def window(self, start: int, count: int) -> Window:
        self.asked += 1
        assert self.asked < 500, "the list asks for ever"
        return super().window(start, count)


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.animation_level = "none"
        self.background = [BackgroundWorker(name, self.call_later) for name in ("rows", "counts")]

    def compose(self) -> ComposeResult:
        yield VirtualList(
            [ListColumn("a", "A", 8, 1), ListColumn("b", "B", 6, right=True)], *self.background
        )

    @property
    def busy(self) -> bool:
        return any(worker.busy for worker in self.background)

    def on_unmount(self) -> None:
        for worker in self.background:
            worker.close()


async def settle(app: Host, pilot) -> None:
    import asyncio

    for _ in range(500):
        await pilot.pause()
        if not app.busy:
            await pilot.pause()
            return
        await asyncio.sleep(0.002)
    raise AssertionError("never at rest")


@pytest.mark.parametrize("after", [0, 1, 3, 10, 19, 20, 21, 100])
async def test_a_list_that_shrinks(after):
    """Read again with fewer rows than believed: it ends where the rows end."""
    app = Host()
    async with app.run_test(size=(40, 20)) as pilot:
        table = app.query_one(VirtualList)
        table.show(Rows(lines(5000)))
        await settle(app, pilot)
        table.action_last()
        await settle(app, pilot)
        assert table.cursor == 4999
        table.show(Rows(lines(after)), stay=True)
        await settle(app, pilot)
        assert table.total == after
        assert table.cursor <= max(0, after - 1)
        assert (table.line is None) == (after == 0)


@pytest.mark.parametrize("shift", [-40, -3, 0, 3, 40, 900])
async def test_the_cursor_stays_on_its_row(shift):
    """Rows came or went before it: the cursor is on the same row, on the same line."""
    app = Host()
    async with app.run_test(size=(40, 20)) as pilot:
        table = app.query_one(VirtualList)
        table.show(Rows(lines(3000)))
        await settle(app, pilot)
        table.go_to(1500)
        await settle(app, pilot)
        line_on_screen = table.cursor - round(table.scroll_y)
        table.show(Rows(lines(3000 + shift, begin=-shift)), stay=True)
        await settle(app, pilot)
        assert table.line is not None
        assert table.line.key == 1500
        assert table.cursor == 1500 + shift
        assert table.cursor - round(table.scroll_y) == line_on_screen


async def test_any_walk_shows_the_rows_it_should():
    """Pages, ends, jumps in any order: what is under the cursor is the row of that number."""
    import random

    dice = random.Random(4)
    app = Host()
    async with app.run_test(size=(40, 20)) as pilot:
        table = app.query_one(VirtualList)
        table.show(Rows(lines(2000)))
        await settle(app, pilot)
        for _ in range(120):
            step = dice.choice(["page", "page", "move", "first", "last", "jump"])
            if step == "page":
                table.action_page(dice.choice([-1, 1]))
            elif step == "move":
                table.action_move(dice.choice([-1, 1]))
            elif step == "jump":
                table.go_to(dice.randrange(2000))
            else:
                getattr(table, f"action_{step}")()
            if dice.random() < 0.5:
                await settle(app, pilot)
                assert table.line is not None
                assert table.line.key == table.cursor
                first = round(table.scroll_y)
                assert first <= table.cursor < first + table.size.height


@pytest.mark.parametrize("width", range(1, 90))
def test_columns_fit(width):
    """Whatever the width, the columns and their gaps take no more of it."""
    columns = [
        ListColumn("a", "A", 8, 2, keep=9),
        ListColumn("b", "B", 6),
        ListColumn("c", "C", 20, 1, keep=3),
    ]
    places = layout(columns, width)
    assert places
    assert sum(cells for _index, cells in places) + len(places) - 1 <= max(width, 1)
    assert places[0][0] == 0


class Two(Host):
    """Two lists on the same threads, as two screens have them."""

    def compose(self) -> ComposeResult:
        for _each in range(2):
            yield VirtualList([ListColumn("a", "A", 8, 1)], *self.background)


@pytest.mark.parametrize("counts", [(0, 0), (0, 50), (50, 0), (3, 30_000)])
async def test_one_list_does_not_drop_what_another_waits_for(counts):
    app = Two()
    async with app.run_test(size=(40, 20)) as pilot:
        tables = list(app.query(VirtualList))
        for _again in range(20):
            for table, count in zip(tables, counts, strict=True):
                table.show(Rows(lines(count)))
        await settle(app, pilot)
        assert [(table.total, table.exact) for table in tables] == [(n, True) for n in counts]


class CountedLate(Rows):
    """Says how many rows there are when it is told to."""

    may = threading.Event()

    def count(self, cap: int | None) -> RowCount:
        self.may.wait(10)
        return super().count(cap)


async def test_a_list_that_grows_higher_before_it_is_counted():
    """One line of room while it is read, six when the count comes: all six are read."""
    app = Host()
    async with app.run_test(size=(40, 20)) as pilot:
        table = app.query_one(VirtualList)
        table.styles.height = 1
        await pilot.pause()
        table.show(CountedLate(lines(6)))
        table.styles.height = 6
        for _ in range(3):
            await pilot.pause()
        CountedLate.may.set()
        await settle(app, pilot)
        assert table.total == 6
        assert "…" not in "".join(table.render_line(at).text for at in range(6))


async def test_cells_that_look_alike_are_one_piece_and_blanks_between_are_the_row_s():
    """What a dim, or coloured, cell looks like begins and ends with it."""
    app = Host()
    async with app.run_test(size=(40, 8)) as pilot:
        table = app.query_one(VirtualList)
        table.show(TableRows([Line(0, ("left", "one")), Line(1, ("a", "b"))]))
        await settle(app, pilot)
        assert [each.text for each in table.render_line(1)] == [f"   {'a':29} {'b':>6}"]
        table.set_columns([ListColumn("a", "A", 8), ListColumn("b", "B", 6, tone="dim")])
        await settle(app, pilot)
        before, cell, after = table.render_line(1)
        assert (before.text, cell.text, after.text.strip()) == ("   a        ", "b     ", "")
        assert before.style == after.style != cell.style
