"""A whole hub on one machine: sandbox, head office, server and back offices, to look at."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from storeops import config, secrets
from storeops.domains.sandbox import sandbox_process, sandbox_records
from storeops.errors import ConflictError, NetworkError, StoreOpsError
from storeops.hub import following, joining, office, outbox, stores
from storeops.hub import settings as hub_settings
from storeops.hub.wiring import OfficeWiring
from storeops.i18n import _
from storeops.mirror.shared import count_follows
from storeops.mirror.tag_names import TagNames
from storeops.notebook.stores import Shop, list_shops, save_shops
from storeops.operations import ownership
from storeops.sync.run import run_sync
from storeops.sync.session import Ports

OFFICE = "hub-demo"
SHOPS = 3
CHAIN = ("--stores=6", "--staff=40", "--follows=1500")
READY_S = 120.0


class DemoApp(OfficeWiring, Ports, Protocol):
    """What the demo needs of the wiring; an `App` has it."""

    def close(self) -> None:
        """Close what was opened."""


@dataclass(frozen=True, slots=True)
class DemoShop:
    """A back office of the demo.

    Attributes:
        store_code: the shop's number.
        store: its name.
        profile: of its back office.
    """

    store_code: str
    store: str
    profile: str


@dataclass(frozen=True, slots=True)
class RunningDemo:
    """What runs.

    Attributes:
        url: of the server.
        head_office: its profile.
        shops: back offices.
        trouble: set when a part has ended by itself.
        tag: name of one of the chain's tags.
    """

    url: str
    head_office: str
    shops: tuple[DemoShop, ...]
    trouble: threading.Event
    tag: str = ""


@contextmanager
def running(
    open_app: Callable[[str], DemoApp], on_step: Callable[[str], None]
) -> Iterator[RunningDemo]:
    """Start everything, wait until every back office has its shop, and end it all at the end.

    What an earlier demo left is removed first.

    Args:
        open_app: opens a profile by its name.
        on_step: told what happens, one sentence each.

    Raises:
        ConflictError: profiles of the demo's names are something else, or are at work.
        NetworkError: a part does not become ready.
        Exception: what ended a part, when the `with` block is left.
    """
    _clear()
    on_step(_("Starting a sandbox with an invented chain."))
    sandbox, process = sandbox_process.start(["--port=0", *CHAIN], detach=False)
    parts = _Parts(open_app)
    try:
        sandbox_process.make_profile(OFFICE, sandbox)
        head = parts.open(OFFICE)
        on_step(_("Head office reads the chain."))
        run_sync(head)
        settings = hub_settings.create(OFFICE, url=f"nats://127.0.0.1:{_free_port()}")
        outbox.install(head.data)
        shops = [_join(head, settings, code) for code in _codes(head)]
        on_step(_("The server starts, and each back office fills its mirror."))
        ready = threading.Event()
        parts.run(lambda: office.serve(head, stop=parts.stop, on_ready=lambda _r: ready.set()))
        parts.wait(ready.is_set)
        for shop in shops:
            back = parts.open(shop.profile)
            parts.run(lambda back=back: following.follow(back, stop=parts.stop))  # type: ignore[misc]
            parts.wait(partial(_has_all, back, head))
        yield RunningDemo(settings.url, OFFICE, tuple(shops), parts.trouble, _tag(head))
        parts.must_live()
    finally:
        parts.end()
        if process.stdin is not None:
            process.stdin.close()  # the sandbox ends with its stdin
        process.wait(timeout=20)
        if process.stdout is not None:
            process.stdout.close()
        sandbox_records.forget(sandbox)


class _Parts:
    """Threads and Apps of the demo, ended together."""

    def __init__(self, open_app: Callable[[str], DemoApp]) -> None:
        self._open_app = open_app
        self.stop = threading.Event()
        self.trouble = threading.Event()
        self._apps: list[DemoApp] = []
        self._threads: list[threading.Thread] = []
        self._error: list[BaseException] = []

    def open(self, profile: str) -> DemoApp:
        app = self._open_app(profile)
        self._apps.append(app)
        return app

    def run(self, work: Callable[[], object]) -> None:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                self._error.append(error)
                self.trouble.set()

        thread = threading.Thread(target=guarded)
        thread.start()
        self._threads.append(thread)

    def wait(self, true: Callable[[], bool]) -> None:
        """Wait until something is so, at most READY_S, and not when a part has failed."""
        until = time.monotonic() + READY_S
        while not true():
            self.must_live()
            if time.monotonic() > until:
                raise NetworkError(_("The demo did not become ready."))
            time.sleep(0.1)
        self.must_live()

    def must_live(self) -> None:
        """Raise what ended a part."""
        if self._error:
            raise self._error[0]

    def end(self) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(30)
        for app in self._apps:
            app.close()


def _has_all(back: DemoApp, head: DemoApp) -> bool:
    from storeops.hub.arriving import follow_state

    waiting, _oldest = outbox.waiting(head.data)
    return waiting == 0 and follow_state(back.data).caught_up_at is not None


def _clear() -> None:
    """Remove the profiles and files of an earlier demo."""
    for name, profile in config.load().profiles.items():
        if name != OFFICE and not name.startswith(f"{OFFICE}-"):
            continue
        if not (profile.sandbox or profile.head_office):
            raise ConflictError(_("The profile {name} is no demo's.").format(name=name))
        with suppress(FileNotFoundError):
            ownership.remove_files(name)
        secrets.forget(name)
        config.remove_profile(name)
    for folder in Path(hub_settings.file(OFFICE)).parent.parent.parent.glob(f"{OFFICE}*"):
        with suppress(StoreOpsError, FileNotFoundError):
            ownership.remove_files(folder.name)


def _tag(head: DemoApp) -> str:
    names = TagNames(head.data)
    return next((names.word(each) for each in names.tags.values() if not each.deleted), "")


def _codes(head: DemoApp) -> list[str]:
    """Numbers of the shops with most follows; they get some when the chain has none."""
    counts = count_follows(head.data.connection)
    found = [each for each in counts if each > 1][:SHOPS]
    known = {each.department_id: each.code for each in list_shops(head.data) if each.code}
    new = [Shop(each, f"SH-{at:03}") for at, each in enumerate(found, 1) if each not in known]
    save_shops(head.data, new, head.clock.now())
    return sorted(known.get(each) or f"SH-{at:03}" for at, each in enumerate(found, 1))


def _join(head: DemoApp, settings: hub_settings.HubSettings, code: str) -> DemoShop:
    import time

    store, key = stores.add(head.data, code, time.time())
    file = joining.make(settings, head.profile.corp_id, store, key, time.time() - 60)
    profile = f"{OFFICE}-{code.lower()}"
    joining.join(file, profile)
    return DemoShop(code, store.name, profile)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
