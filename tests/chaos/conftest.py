"""A drill works in a home of its own; the tests after it find the one that was set before."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _own_home() -> Iterator[None]:
    before = os.environ.get("STOREOPS_HOME")
    yield
    if before is None:
        os.environ.pop("STOREOPS_HOME", None)
    else:
        os.environ["STOREOPS_HOME"] = before
