"""A sandbox for the commands, in this process, and a profile for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from storeops import config, secrets
from storeops.sandbox import local


@pytest.fixture
def sandbox() -> Iterator[local.SandboxHandle]:
    """A small chain: 3 shops, 12 members, 200 follows."""
    with local.start(stores=3, staff=12, follows=200, seed=11) as handle:
        yield handle


@pytest.fixture
def shop(
    home: Any, sandbox: local.SandboxHandle, remember: Callable[[Any], None]
) -> local.SandboxHandle:
    """The sandbox with its profile `shop`."""
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
    remember(sandbox)
    return sandbox
