"""A head office on a small sandbox chain, its server, and two back offices, once a module."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from storeops import config, secrets
from storeops.app import App
from storeops.domains.sandbox import sandbox_records
from storeops.hub import following, joining, office, outbox, stores
from storeops.hub import settings as hub_settings
from storeops.hub.credentials import NatsKey
from storeops.hub.joining import JoinFile
from storeops.notebook.stores import Shop, save_shops
from storeops.sandbox import local
from storeops.sync.run import run_sync

CODES = ("SH-1", "SH-2")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Chain:
    """Everything that a test needs of it."""

    def __init__(self, home: Path, sandbox: local.SandboxHandle, url: str = "", **hub: Any) -> None:
        self.home, self.sandbox = home, sandbox
        self.url = url or f"nats://127.0.0.1:{free_port()}"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        config.save_profile(
            config.Profile(
                "office", sandbox.corp_id, agent_id=sandbox.agent_id,
                base_url=sandbox.base_url, sandbox=True,
            )
        )  # fmt: skip
        secrets.save("office", sandbox.secret)
        sandbox_records.remember(sandbox_records.Running(**sandbox.ready))
        self.office = App.open("office")
        run_sync(self.office)
        data = self.office.data
        self.departments = [
            row[0]
            for row in data.execute(
                "SELECT store_id FROM follow GROUP BY store_id ORDER BY count(*) DESC LIMIT 2"
            )
        ]
        save_shops(data, map(Shop, self.departments, CODES), time.time())
        self.settings = hub_settings.create("office", url=self.url, **hub)
        outbox.install(data)
        self.files: dict[str, JoinFile] = {}
        self.backs: dict[str, App] = {}
        for code in CODES:
            self.join(*stores.add(data, code, time.time()))
            self.backs[code] = App.open(f"shop-{code}")

    def join(self, store: stores.JoinedStore, key: NatsKey) -> None:
        file = joining.make(self.settings, self.sandbox.corp_id, store, key, time.time() - 30)
        self.files[store.code] = file
        joining.join(file, f"shop-{store.code}")

    def serve(self) -> None:
        """Let head office serve in a thread until `rest`."""
        ready = threading.Event()
        self._stop.clear()
        self._thread = threading.Thread(
            target=office.serve, args=(self.office,),
            kwargs={"stop": self._stop, "on_ready": lambda _report: ready.set()},
        )  # fmt: skip
        self._thread.start()
        assert ready.wait(30)

    def rest(self) -> None:
        """Head office serves no more; its server ends with it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(30)
            self._thread = None

    def published(self) -> None:
        """Until everything is published."""
        until = time.monotonic() + 30
        while outbox.waiting(self.office.data)[0]:
            assert time.monotonic() < until
            time.sleep(0.02)

    def settle(self) -> None:
        """Until everything is published and has arrived."""
        self.published()
        for back in self.backs.values():
            if (back.profile.name, "active") in {
                (f"shop-{each.code}", each.status) for each in stores.every(self.office.data)
            }:
                following.follow(back, once=True)

    def sync(self) -> None:
        run_sync(self.office, full=True)

    def close(self) -> None:
        self.rest()
        for app in (self.office, *self.backs.values()):
            app.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    home = tmp_path_factory.mktemp("hub") / "home"
    os.environ["STOREOPS_HOME"] = str(home)
    with local.start(stores=4, staff=20, follows=300, seed=11) as sandbox:
        chain = Chain(home, sandbox)
        try:
            chain.serve()
            yield chain
        finally:
            chain.close()
            pid = home / "data" / "office" / "hub" / "server.pid"
            with suppress(OSError, ValueError):
                os.kill(int(pid.read_text()), signal.SIGTERM)
    os.environ.pop("STOREOPS_HOME", None)


@pytest.fixture
def chain(made: Chain, monkeypatch: pytest.MonkeyPatch) -> Chain:
    monkeypatch.setenv("STOREOPS_HOME", str(made.home))
    return made


@pytest.fixture
def home(chain: Chain) -> Path:
    """The command line works in the chain's home."""
    return chain.home
