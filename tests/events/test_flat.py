"""The short form of the drill tests/chaos/test_flat.py."""

from __future__ import annotations

import sys

import pytest

from tests.chaos.flat import must_be_flat, receive, send, sync_again, walk, watch
from tests.handover.conftest import HandoverCorp

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="counted in /proc"),
    pytest.mark.usefixtures("usual_collection"),
]


def test_events_serve_is_flat(corp: HandoverCorp) -> None:
    must_be_flat("events serve", *receive(corp, 200), grown_mb=24)


def test_job_run_is_flat(corp: HandoverCorp) -> None:
    must_be_flat("job run", *send(corp, 200), grown_mb=24)


def test_screens_are_flat(corp: HandoverCorp) -> None:
    must_be_flat("screens", *walk(corp.app, 3), grown_mb=48)


def test_a_watch_is_flat(corp: HandoverCorp) -> None:
    must_be_flat("handover watch", *watch(corp, 20), grown_mb=24)


def test_syncs_are_flat(corp: HandoverCorp) -> None:
    must_be_flat("syncs", *sync_again(corp, 10), grown_mb=24)
