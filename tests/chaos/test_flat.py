"""Processes that live long hold as much at the end as at the beginning.

CHAOS_FLAT events and jobs (5000). What they hold is printed.
"""

from __future__ import annotations

import os
from pathlib import Path

from storeops.sandbox import local
from tests.chaos.flat import must_be_flat, receive, send, walk
from tests.handover.conftest import Desk

COUNT = int(os.environ.get("CHAOS_FLAT", "5000"))


def test_receiver_worker_and_screens_are_flat(home: Path) -> None:
    with local.start(stores=4, staff=20, follows=1200, seed=1) as sandbox:
        desk = Desk(sandbox)
        desk.sync()
        must_be_flat(f"events serve, {COUNT} events", *receive(desk, COUNT), grown_mb=24)
        must_be_flat(f"job run, {COUNT} jobs", *send(desk, COUNT), grown_mb=24)
        must_be_flat(f"screens, {COUNT // 25} rounds", *walk(desk.app, COUNT // 25), grown_mb=48)
        desk.app.close()
