"""The pane of facets while they come: each kind at its place, none of another count's."""

from __future__ import annotations

import asyncio
import threading
from queue import SimpleQueue

from tui.customer_repository import FacetRows, Look
from tui.mirror_customers import MirrorCustomers
from tui.widgets import facets
from tui.widgets.facets import FacetPane
from tui.widgets.virtual_list import VirtualList


class Served(MirrorCustomers):
    """Customers with the same facets for every filter, until a test says what comes, and when."""

    def __init__(self, core, *kinds):
        super().__init__(core)
        self.kinds = kinds
        self.coming = None  # None in it ends a count
        self.counts = 0

    def hold(self):
        """From now on nothing comes that is not put into `coming`."""
        self.coming = SimpleQueue()
        self.counts = 0

    def facets(self, look):
        self.counts += 1
        yield from self.kinds if self.coming is None else iter(self.coming.get, None)

    def stop_facets(self):
        if self.coming is not None:
            self.coming.put(None)


def kind(name, count):
    return [FacetRows(name, name.title(), f"{name} {at}", f"{name}:{at}", count) for at in (1, 2)]


def seen(driver):
    """Kinds in their order, each with the number of its first value."""
    lines = driver.base.query_one("#facets").source.lines
    return [(each.data.kind, each.cells[1]) for each in lines if each.key[1].endswith(":1")]


async def until(driver, condition):
    for _ in range(2000):
        await driver.pilot.pause()
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came")


async def test_kinds_stay_without_counts_until_they_are_counted_anew(screens, core):
    """In the order counted; those that the new filter leaves without values go at the end."""
    served = Served(core, kind("status", 5), kind("store", 6), kind("way", 7))
    async with screens(start="customers", size=(160, 60), customers=served) as driver:
        await driver.rest()
        assert seen(driver) == [("status", "5"), ("store", "6"), ("way", "7")]
        served.hold()
        driver.base.query_one(FacetPane).load(driver.app, served, Look(where="王"))
        served.coming.put(kind("way", 3))
        await until(driver, lambda: ("way", "3") in seen(driver))
        assert seen(driver) == [("way", "3"), ("status", ""), ("store", "")]
        for each in ([], kind("status", 2), None):
            served.coming.put(each)
        await driver.rest()
        assert seen(driver) == [("way", "3"), ("status", "2")]


async def test_what_a_stopped_count_leaves_is_not_shown(screens, core):
    """Another terminal has written: the same filter is counted again before all kinds came."""
    served = Served(core, kind("status", 5), kind("store", 6))
    async with screens(start="customers", size=(160, 60), customers=served) as driver:
        await driver.rest()
        served.hold()
        pane, look = driver.base.query_one(FacetPane), driver.base.look
        for counts in (1, 2):
            pane.load(driver.app, served, look)
            await until(driver, lambda counts=counts: served.counts == counts)
        served.coming.put(kind("status", 8))
        await until(driver, lambda: ("status", "8") in seen(driver))
        assert seen(driver) == [("status", "8"), ("store", "")]
        served.coming.put(None)


async def test_kinds_that_come_together_are_painted_together(screens, core, monkeypatch):
    """The first at once, the others a moment later, not each for itself."""
    monkeypatch.setattr(facets, "PAINTED", 3600.0)
    painted = []
    show = VirtualList.show

    def spy(self, source, **how):
        if self.id == "facets":
            painted.append(source)
        show(self, source, **how)

    monkeypatch.setattr(VirtualList, "show", spy)
    served = Served(core, *(kind(name, 1) for name in ("status", "store", "owner", "tag")))
    async with screens(start="customers", size=(160, 60), customers=served) as driver:
        await driver.rest()
        assert len(painted) == 1
        assert seen(driver) == [("status", "1")]


async def test_all_that_came_is_painted_in_the_end(screens, core, monkeypatch):
    monkeypatch.setattr(facets, "PAINTED", 0.01)
    served = Served(core, *(kind(name, 1) for name in ("status", "store", "owner", "tag")))
    async with screens(start="customers", size=(160, 60), customers=served) as driver:
        await driver.rest()
        assert [name for name, _count in seen(driver)] == ["status", "store", "owner", "tag"]


async def test_what_comes_while_all_is_taken_down_is_thrown_away(screens, core, monkeypatch):
    """The application still works then; the pane has lost its list."""
    begun, empty, counted = threading.Event(), threading.Event(), threading.Event()

    class Late(Served):
        def facets(self, look):
            yield from super().facets(look)
            if self.coming is not None:
                begun.set()
                empty.wait(5)
                yield kind("status", 8)
                counted.set()

    def going(_pane):
        empty.set()
        counted.wait(5)

    served = Late(core, kind("status", 5))
    monkeypatch.setattr(FacetPane, "on_unmount", going, raising=False)
    async with screens(start="customers", size=(160, 60), customers=served) as driver:
        await driver.rest()
        pane, look = driver.base.query_one(FacetPane), driver.base.look
        await driver.press("1")  # this screen is taken down last
        served.hold()
        served.coming.put(None)
        pane.load(driver.app, served, look)
        await until(driver, begun.is_set)


async def test_facets_never_lie_over_the_list_that_has_the_keys(screens):
    """Chosen on a wide terminal and left: when it becomes narrow they give way to the list."""
    async with screens(start="customers", size=(130, 40)) as driver:
        await driver.press("f", "escape")
        assert driver.base.query_one(FacetPane).display
        assert driver.base.table.has_focus
        await driver.resize(80, 24)
        assert driver.base.table.region.width > 60
        await driver.press("f")
        assert driver.base.query_one(FacetPane).region.width > 60
        await driver.resize(70, 24)
        assert driver.base.query_one(FacetPane).has_keys
        assert driver.base.query_one(FacetPane).region.width > 60
