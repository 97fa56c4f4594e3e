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
from tests.handover.conftest import HandoverCorp

COUNT = int(os.environ.get("CHAOS_FLAT", "5000"))
SECONDS = float(os.environ.get("CHAOS_FLAT_S", "120"))
pytestmark = pytest.mark.usefixtures("usual_collection")


@pytest.fixture
def corp(home: Path) -> Iterator[HandoverCorp]:
    """A synced chain."""
    with local.start(stores=4, staff=20, follows=1200, seed=1) as sandbox:
        corp = HandoverCorp(sandbox)
        corp.sync()
        yield corp
        corp.app.close()


def test_receiver_and_worker_are_flat(corp: HandoverCorp) -> None:
    must_be_flat(f"events serve, {COUNT} events", *receive(corp, COUNT), grown_mb=24)
    must_be_flat(f"job run, {COUNT} jobs", *send(corp, COUNT), grown_mb=24)


def test_watch_is_flat(corp: HandoverCorp) -> None:
    must_be_flat("handover watch, 200 rounds", *watch(corp, 200), grown_mb=8)


def test_syncs_are_flat(corp: HandoverCorp) -> None:
    must_be_flat("50 syncs", *sync_again(corp, 50), grown_mb=16)


def test_screens_that_sync_are_flat(corp: HandoverCorp) -> None:
    must_be_flat(f"screens, {SECONDS:.0f} s", *walk(corp.app, 1000, SECONDS), grown_mb=24)
