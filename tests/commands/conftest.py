"""A sandbox for the commands, in this process, and a profile for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from storeops import config, secrets
from storeops.app import App
from storeops.sandbox import local
from tests.synced import synced as copied

SHAPE = {"stores": 3, "staff": 12, "follows": 200, "seed": 11}


@pytest.fixture
def sandbox() -> Iterator[local.SandboxHandle]:
    """A small chain: 3 shops, 12 members, 200 follows."""
    with local.start(**SHAPE) as handle:
        yield handle


@pytest.fixture
def shop(
    home: Any, sandbox: local.SandboxHandle, remember: Callable[[Any], None]
) -> local.SandboxHandle:
    """The sandbox with its profile `shop`."""
    _save_shop(sandbox)
    remember(sandbox)
    return sandbox


@pytest.fixture
def synced(home: Any, remember: Callable[[Any], None]) -> Iterator[local.SandboxHandle]:
    """As `shop`, after `sync run`."""
    sandbox = copied(home, SHAPE, Opened, Opened.sync).sandbox
    remember(sandbox)
    yield sandbox
    sandbox.stop()


class Opened:
    """A sandbox with its profile `shop`; commands open that for themselves."""

    def __init__(self, sandbox: local.SandboxHandle) -> None:
        self.sandbox = sandbox
        _save_shop(sandbox)
        self.app = App.open("shop")
        self.app.close()

    def sync(self) -> None:
        from commands import logs
        from commands.main import run

        assert run(["sync", "run", "--quiet"]) == 0
        logs.stop()  # the test's own home has a log of its own


def _save_shop(sandbox: local.SandboxHandle) -> None:
    config.save_profile(
        config.Profile(
            "shop",
            sandbox.corp_id,
            agent_id=sandbox.agent_id,
            base_url=sandbox.base_url,
            sandbox=True,
        )
    )
    secrets.save("shop", sandbox.secret)
