"""Chains that are synced once a process for each shape, and copied for every test that asks.

What a test gets is the sandbox's saved state in a sandbox of its own, and the home as the sync
left it: the same that it would get by syncing, for a third of the time.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeVar

from storeops.app import App
from storeops.sandbox import local
from storeops.sandbox.local import SandboxHandle

SYNCED: dict[str, tuple[bytes, Path]] = {}  # what was asked for → state of the sandbox, data


class Corp(Protocol):
    """What a test holds: an App over a sandbox."""

    @property
    def app(self) -> App: ...


C = TypeVar("C", bound=Corp)


def synced(
    home: Path, shape: dict[str, Any], open_: Callable[[SandboxHandle], C], sync: Callable[[C], Any]
) -> C:
    """A sandbox of a shape, and `home` as a sync of it left it; the caller closes both.

    Args:
        home: STOREOPS_HOME of the test; nothing of it but its data is written here.
        shape: keywords of `local.start`.
        open_: saves the profile and opens the App.
        sync: what is done once, and once only, for all tests that ask for the same.
    """
    how = [f"{each.__module__}.{each.__qualname__}" for each in (open_, sync)]
    asked = json.dumps([*how, shape], sort_keys=True, default=str)
    if asked not in SYNCED:
        SYNCED[asked] = _made(shape, open_, sync)
    state, data = SYNCED[asked]
    # its own people make way for those of the state: as few as there can be
    sandbox = local.start(**{**shape, "stores": 1, "staff": 2, "follows": 0})
    sandbox.control.load(state)
    if "start_at" not in shape and (behind := time.time() - sandbox.control.now()) >= 1:
        sandbox.control.advance(behind)
    shutil.copytree(data, home / "data", dirs_exist_ok=True)
    return open_(sandbox)


def _made(
    shape: dict[str, Any], open_: Callable[[SandboxHandle], C], sync: Callable[[C], Any]
) -> tuple[bytes, Path]:
    """The chain, synced in a home that lives as long as the process."""
    folder = Path(tempfile.mkdtemp(prefix="synced-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    usual = os.environ["STOREOPS_HOME"]
    os.environ["STOREOPS_HOME"] = str(folder)
    try:
        with local.start(**shape) as sandbox:
            corp = open_(sandbox)
            try:
                sync(corp)
            finally:
                corp.app.close()
            for run_db in folder.glob("data/*/run.db"):  # tokens are no part of a sandbox's state
                with closing(sqlite3.connect(run_db)) as db, db:
                    db.execute("DELETE FROM token")
            return sandbox.control.saved(), folder / "data"
    finally:
        os.environ["STOREOPS_HOME"] = usual
