"""Processes that live long hold as much at the end as at the beginning.

CHAOS_FLAT events and jobs (5000), CHAOS_FLAT_S seconds of screens (120). What they hold is printed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from storeops.sandbox import local
from tests.chaos.flat import must_be_flat, receive, send, sync_again, walk, watch
from tests.handover.conftest import Desk

COUNT = int(os.environ.get("CHAOS_FLAT", "5000"))
SECONDS = float(os.environ.get("CHAOS_FLAT_S", "120"))


@pytest.fixture
def desk(home: Path) -> Iterator[Desk]:
    """A synced chain."""
    with local.start(stores=4, staff=20, follows=1200, seed=1) as sandbox:
        desk = Desk(sandbox)
        desk.sync()
        yield desk
        desk.app.close()


def test_receiver_and_worker_are_flat(desk: Desk) -> None:
    must_be_flat(f"events serve, {COUNT} events", *receive(desk, COUNT), grown_mb=24)
    must_be_flat(f"job run, {COUNT} jobs", *send(desk, COUNT), grown_mb=24)


def test_watch_is_flat(desk: Desk) -> None:
    must_be_flat("handover watch, 200 rounds", *watch(desk, 200), grown_mb=8)


def test_syncs_are_flat(desk: Desk) -> None:
    must_be_flat("50 syncs", *sync_again(desk, 50), grown_mb=16)


def test_screens_that_sync_are_flat(desk: Desk) -> None:
    must_be_flat(f"screens, {SECONDS:.0f} s", *walk(desk.app, 1000, SECONDS), grown_mb=24)
