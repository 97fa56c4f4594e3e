"""A synced sandbox chain, made once per process and copied for every test that writes."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual import app as textual_app
from textual import pilot as textual_pilot
from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.events import Key

from storeops import config, i18n, secrets
from storeops.app import App
from storeops.config import Profile
from storeops.domains.sandbox import sandbox_records
from storeops.sandbox.local import SandboxHandle, start
from tests.synced import synced


async def _at_rest(*_how: float) -> bool:
    """Wait until every task of the loop waits for a timer, a thread or a key.

    The pilot sends each widget of the screen a message after each key, and then waits, four times,
    for five milliseconds in which nothing is computed: slower, and a busy machine computes nothing
    for so long while there is still work. What threads do is asked of the workers by `settle`.
    """
    ready = asyncio.get_running_loop()._ready
    for _ in range(100_000):
        await asyncio.sleep(0)
        if not ready:
            return True
    raise AssertionError("the loop never came to rest")


textual_app.wait_for_idle = textual_pilot.wait_for_idle = _at_rest
textual_pilot.Pilot._wait_for_screen = _at_rest


def _unseen(self: Compositor, *_full: object, **_how: object) -> None:
    """What a terminal that nobody looks at is sent: nothing."""
    self._dirty_regions.clear()


NOON = 1_779_076_800  # 2026-05-18 12:00 in Beijing; the chain's clock begins here


@dataclass(frozen=True)
class Chain:
    """A sandbox and a home whose profile `demo` mirrors it."""

    sandbox: SandboxHandle
    home: Path


def make_profile(sandbox: SandboxHandle, name: str = "demo") -> None:
    config.save_profile(
        Profile(
            name=name,
            corp_id=sandbox.corp_id,
            agent_id=sandbox.agent_id,
            base_url=sandbox.base_url,
            sandbox=True,
        ),
        make_default=True,
    )
    secrets.save(name, sandbox.secret)
    sandbox_records.remember(sandbox_records.Running(**sandbox.ready))


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The chain, synced once."""
    from storeops.sync.run import run_sync

    home = tmp_path_factory.mktemp("chain")
    patch = pytest.MonkeyPatch()
    patch.setenv("STOREOPS_HOME", str(home))
    i18n.use("en")
    with start(stores=5, staff=24, follows=900, seed=11, start_at=NOON) as sandbox:
        make_profile(sandbox)
        core = App.open("demo")
        core._once("clock", lambda: FrozenClock(0.0))
        result = run_sync(core)
        assert result.outcome == "complete"
        core.close()
        patch.undo()
        yield Chain(sandbox, home)


class Opened:
    """A sandbox, and its profile opened at noon."""

    def __init__(self, sandbox: SandboxHandle) -> None:
        self.sandbox = sandbox
        make_profile(sandbox)
        self.app = App.open("demo")
        self.app._once("clock", lambda: FrozenClock(0.0))

    def sync(self) -> None:
        from storeops.sync.run import run_sync

        assert run_sync(self.app).outcome == "complete"


@pytest.fixture
def fresh_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    """A small chain of one's own, synced: for tests that change the sandbox."""
    home = tmp_path / "fresh"
    monkeypatch.setenv("STOREOPS_HOME", str(home))
    shape = {"stores": 3, "staff": 10, "follows": 200, "seed": 3, "start_at": NOON}
    made = synced(home, shape, Opened, Opened.sync)
    made.app.close()
    yield Chain(made.sandbox, home)
    made.sandbox.stop()


@pytest.fixture
def home(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the chain's home for one test."""
    folder = tmp_path / "home"
    shutil.copytree(chain.home, folder)
    monkeypatch.setenv("STOREOPS_HOME", str(folder))
    return folder


class FrozenClock:
    """The chain's noon, and so many seconds later."""

    offset = 0.0

    def __init__(self, later: float = 600.0) -> None:
        self.later = later

    def now(self) -> float:
        return NOON + self.later

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        pass

    def learn(self, server_time: float) -> None:
        pass

    def adopt(self, offset: float) -> None:
        pass

    def has_learnt(self) -> bool:
        return True


@pytest.fixture
def core(request: pytest.FixtureRequest) -> Iterator[App]:
    """The profile opened, its clock frozen ten minutes after the sync."""
    if "fresh_chain" not in request.fixturenames:
        request.getfixturevalue("home")
    else:
        request.getfixturevalue("fresh_chain")
    app = App.open("demo")
    app._once("clock", FrozenClock)
    yield app
    app.close()


class Driver:
    """A running application, its keys and its screen as text."""

    def __init__(self, app, pilot) -> None:
        self.app = app
        self.pilot = pilot

    async def settle(self) -> None:
        """Wait until no worker works and nothing is to be painted."""
        for _ in range(2000):
            await self._updated()
            if not self.app.busy:
                await self._updated()
                if not self.app.busy:
                    return
            await asyncio.sleep(0.002)
        raise AssertionError("the screens never came to rest")

    async def _updated(self) -> None:
        """Wait until what is to be done is done, also what screens put off to their next frame."""
        await _at_rest()
        for screen in self.app.screen_stack:
            screen._on_timer_update()
        await _at_rest()

    async def rest(self) -> None:
        """Wait until facets and card were read, which wait for a rest of the keys (`_brisk`)."""
        await self.settle()
        while self._resting():
            await asyncio.sleep(0.01)
            await self.settle()

    def _resting(self) -> bool:
        """Whether something waits for a rest: a timer that rings once, and soon."""
        nodes = [self.app, *(node for each in self.app.screen_stack for node in each.walk_children(
            with_self=True))]  # fmt: skip
        return any(
            timer._repeat == 0
            and timer._interval <= RESTS_S
            and timer._task is not None
            and not timer._task.done()
            for node in nodes for timer in node._timers
        )  # fmt: skip

    async def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        await self.pilot.resize_terminal(width, height)
        while self.app._resize_timer is not None:  # Textual tells its screens a moment later
            await asyncio.sleep(0.002)
        await self.settle()

    async def hush(self) -> None:
        """Take away every notice, also those that shine through from below a window."""
        self.app.clear_notifications()
        for screen in self.app.screen_stack:
            await screen.query("Toast").remove()
        await self.settle()

    async def press(self, *keys: str) -> None:
        """Press keys, waiting after each."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def commit(self, character: str) -> None:
        """A character as a terminal sends it: the pilot's own names lose full-width ones."""
        self.app.post_message(Key(character, character))
        await self.settle()

    async def type(self, text: str) -> None:
        """Type characters, as an input method commits them."""
        for character in text:
            await self.pilot.press(character)
        await self.settle()

    @property
    def text(self) -> str:
        """The screen, line by line, blanks at the end cut."""
        visible_screen_stack.set(self.app._background_screens)  # windows lie over what is behind
        strips = self.app.screen._compositor.render_strips()
        lines = ("".join(segment.text for segment in strip).rstrip() for strip in strips)
        return "\n".join(lines) + "\n"

    @property
    def base(self):
        """The screen below all windows."""
        return self.app.base_screen


Open = Callable[..., object]
RESTS_S = 0.2  # longer than anything but notices waits


@pytest.fixture(autouse=True)
def _brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Facets and card follow a rest at once, so that tests need not wait as people do."""
    from tui.screens.customers import screen as customers
    from tui.widgets import facets

    for each in (customers, facets):
        monkeypatch.setattr(each, "REST", 0.05)


@pytest.fixture
def painted() -> None:
    """For tests that want every change painted, as a terminal does."""


@pytest.fixture(autouse=True)
def _painted_when_read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen is painted whenever a test reads it, and once before it closes; nobody else looks.

    Painting for nobody was a third of what these tests computed.
    """
    if "painted" not in request.fixturenames:
        monkeypatch.setattr(Compositor, "render_update", _unseen)


@pytest.fixture
def screens(core: App):
    """Open the application: `async with screens(start="customers", size=(80, 24)) as driver`."""

    @asynccontextmanager
    async def open_(
        *, start: str = "today", size: tuple[int, int] = (80, 24), target: str = "", customers=None
    ) -> AsyncIterator[Driver]:
        from tui.app import StoreOpsApp

        app = StoreOpsApp(core, start=start, target=target, customers=customers)
        async with app.run_test(size=size, notifications=True) as pilot:
            driver = Driver(app, pilot)
            await driver.settle()
            yield driver
            assert driver.text

    return open_


@pytest.fixture
def box(cli, home, monkeypatch):
    """A profile that is no sandbox."""
    monkeypatch.setenv("STOREOPS_SECRET_BOX", "not-a-real-one")
    assert cli(
        "profile", "add", "box", "--corp-id", "ww0123456789abcdef", "--agent-id", "1000002",
        "--base-url", "http://127.0.0.1:9",
    ).code == 0  # fmt: skip


@pytest.fixture
def journal(core):
    """A few plans made and applied, nothing sent; returns their names."""
    from storeops.changes import apply
    from storeops.changes.drafts import freeze
    from storeops.changes.marked import MarkedCustomers, follows_of
    from storeops.domains.remarks.remark_drafts import draft_remarks

    keys = [
        row[0]
        for row in core.data.execute(
            "SELECT DISTINCT customer_id FROM follow WHERE status = 'active' LIMIT 4"
        )
    ]
    names = []
    for key, text in zip(keys, ("A", "B 13800138000", "[red]C[/]", "=D"), strict=True):
        draft, _rows = draft_remarks(
            core.ledger,
            follows_of(core.data, MarkedCustomers((key,), 0, ()), "newest"),
            {"description": text},
        )
        plan = freeze(core.ledger, draft.name)
        apply.apply(core.ledger, plan.name, reason=text)
        names.append(plan.name)
    return names
