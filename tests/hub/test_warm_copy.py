"""The copy that a host keeps put back while it stands by."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storeops.hub import copying, server
from storeops.hub import settings as hub_settings
from storeops.hub.warm_copy import WarmCopy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="head office has one host there")


@pytest.fixture
def warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WarmCopy]:
    """Of a copy that was fetched, with one row."""
    monkeypatch.setenv("STOREOPS_HOME", str(tmp_path / "home"))
    database, copy = tmp_path / "data.db", tmp_path / "copy"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (1)")
    leader = subprocess.Popen(
        [server.binary("litestream"), "replicate", str(database), f"file://{copy}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 20
    while not list(copy.rglob("*.ltx")):
        assert time.monotonic() < until
        time.sleep(0.05)
    leader.terminate()
    leader.wait(20)
    shutil.copytree(copy, copying.folder("main", 1) / copying.FILES[0])
    made = WarmCopy("main")
    yield made
    made.end()


def test_one_that_cannot_go_on_is_begun_anew(
    warm: WarmCopy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else every takeover would wait for it in vain."""
    pid, made = hub_settings.folder("main") / copying.WARM_PID, tmp_path / "made.db"
    warm.keep(1)
    assert warm.copy_to(made)
    first = pid.read_text()
    with monkeypatch.context() as patched:
        patched.setattr("storeops.hub.warm_copy.STUCK_S", 0.2)
        patched.setattr(copying, "newest", lambda _profile, _epoch: 1_000_000)
        assert not warm.copy_to(made)
    warm._again_at = 0.0
    warm.keep(1)
    assert pid.read_text() != first
    assert warm.move_to(made)
    with closing(sqlite3.connect(made)) as connection:
        assert connection.execute("SELECT x FROM t").fetchall() == [(1,)]
    assert not list(hub_settings.folder("main").glob("data.warm*"))
