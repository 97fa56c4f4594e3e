"""A sandbox, a profile that is synced with it, and short words for what tests do with both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from storeops.app import App
from storeops.sandbox import local
from storeops.sync.run import run_sync
from tests.synced import synced


@dataclass
class SyncedCorp:
    """One sandbox and one App over it."""

    sandbox: local.SandboxHandle
    app: App

    def truth(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The sandbox's own follows by (userid, external_userid)."""
        return {
            (row["userid"], row["external_userid"]): row
            for row in self.sandbox.control.export("follows")
        }

    def run(self, **how: Any) -> Any:
        """Work at the queue until it is empty."""
        return self.app.worker().run(**how)


def open_app(sandbox: local.SandboxHandle, profile: str = "t", **options: Any) -> App:
    """A profile for a sandbox, in STOREOPS_HOME."""
    from storeops import config, secrets

    config.save_profile(
        config.Profile(
            name=profile,
            corp_id=sandbox.corp_id,
            agent_id=sandbox.agent_id,
            base_url=sandbox.base_url,
            sandbox=True,
            **options,
        ),
        make_default=True,
    )
    secrets.save(profile, sandbox.secret)
    return App.open(profile)


def _open(sandbox: local.SandboxHandle) -> SyncedCorp:
    return SyncedCorp(sandbox, open_app(sandbox))


def sync_corp(corp: SyncedCorp) -> None:
    """How a corp begins, unless a test asks for more: `make_corp(begun=…)`."""
    assert run_sync(corp.app).outcome == "complete"


@pytest.fixture
def make_corp(home: Path) -> Iterator[Callable[..., SyncedCorp]]:
    """Starts a sandbox of a given shape, opens a profile and syncs it."""
    open_now: list[SyncedCorp] = []

    def make(begun: Callable[[SyncedCorp], None] = sync_corp, **shape: Any) -> SyncedCorp:
        shape = {"stores": 2, "staff": 8, "follows": 120, **shape}
        open_now.append(synced(home, shape, _open, begun))
        return open_now[-1]

    yield make
    for corp in open_now:
        corp.app.close()
        corp.sandbox.stop()


@pytest.fixture
def corp(make_corp: Callable[..., SyncedCorp]) -> SyncedCorp:
    """A small chain, synced."""
    return make_corp()


@pytest.fixture
def library(corp: SyncedCorp) -> Any:
    """The corp's living corp tags by `group/name`."""
    from storeops.mirror.tag_names import TagNames

    return TagNames(corp.app.data)
