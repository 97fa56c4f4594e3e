"""Forecasts by a Dask cluster on loopback: workers, the one who asks and the scheduler are killed.

Whoever dies, the file has the bytes of the processes of one host, and what was finished is not
done again. `CHAOS_SERIES` series (50,000) of 76 days, two workers of one thread each.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchmarks.forecast import invented

pytest.importorskip("distributed")
SERIES = int(os.environ.get("CHAOS_SERIES", "50000"))
STOREOPS = (sys.executable, "-m", "storeops")
AS_OF = "2024-06-04"  # a week of the 76 days is left as the plan


class Cluster:
    """A scheduler and two workers, each a process without a nurse."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self.scheduler = self._start("scheduler", "--port", str(port))
        self.workers = [
            self._start("worker", self.address, "--no-nanny", "--nthreads", "1") for _ in range(2)
        ]

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, "--host", "127.0.0.1", "--no-dashboard"]
        with (self._folder / f"dask-{len(self._started)}.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        self._started.append(process)
        return process

    def end(self) -> None:
        """End what is left of it."""
        for each in self._started:
            each.kill()
            each.wait()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("series")
    invented(folder, SERIES)
    return folder


@pytest.fixture(scope="module")
def expected(data: Path) -> bytes:
    """By two processes of this host."""
    out = data / "pool.csv"
    assert _ended(_run(data, out, "--workers", "2"))["series"] == SERIES
    return out.read_bytes()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as ending:
        made = Cluster(tmp_path)
        ending.callback(made.end)
        yield made


def _run(data: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    words = ("forecast", "run", "--data", str(data), "--as-of", AS_OF, "--out", str(out), "--json")
    home = {**os.environ, "STOREOPS_HOME": str(out.parent / "home")}
    return subprocess.Popen(
        [*STOREOPS, *words, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=home
    )


def _ended(process: subprocess.Popen[bytes], code: int = 0) -> Any:
    out, err = process.communicate(timeout=900)
    assert process.returncode == code, err.decode()
    return json.loads(err.splitlines()[-1] if code else out)


def _parts(out: Path) -> int:
    return len(list(out.parent.glob(f".{out.name}.forecast-*/part-*.csv")))


def _at_part(process: subprocess.Popen[bytes], out: Path, count: int) -> None:
    end = time.monotonic() + 600
    while _parts(out) < count:
        assert process.poll() is None, "it ended before it could be met half-way"
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_worker_killed_in_mid_run_changes_no_byte(
    data: Path, expected: bytes, cluster: Cluster, tmp_path: Path
) -> None:
    out = tmp_path / "cluster.csv"
    running = _run(data, out, "--scheduler", cluster.address)
    _at_part(running, out, 3)
    cluster.workers[0].send_signal(signal.SIGKILL)
    killed_at = _parts(out)
    answer = _ended(running)
    print(f"\n{answer['series']:,} series in {answer['parts']} parts, a worker killed after"
          f" {killed_at}: sha256 {answer['sha256'][:16]}")  # fmt: skip
    assert killed_at < answer["parts"]
    assert answer["resumed"] == 0
    assert out.read_bytes() == expected


def test_what_was_finished_is_kept_whoever_dies(
    data: Path, expected: bytes, cluster: Cluster, tmp_path: Path
) -> None:
    out = tmp_path / "cluster.csv"
    asking = _run(data, out, "--scheduler", cluster.address)
    _at_part(asking, out, 3)
    asking.kill()
    asking.communicate()
    first = _parts(out)
    asking = _run(data, out, "--scheduler", cluster.address)
    _at_part(asking, out, first + 3)
    cluster.scheduler.kill()
    error = _ended(asking, 8)
    assert cluster.address in error["message"]
    second = _parts(out)
    assert second >= first + 3
    answer = _ended(_run(data, out, "--workers", "2"))  # and on this host to its end
    print(f"\nkilled after {first}, scheduler after {second}, of {answer['parts']} parts")
    assert answer["resumed"] == second
    assert out.read_bytes() == expected


def test_a_killed_process_of_the_pool_is_said(data: Path, expected: bytes, tmp_path: Path) -> None:
    import psutil

    out = tmp_path / "pool.csv"
    running = _run(data, out, "--workers", "2")
    _at_part(running, out, 2)
    workers = [
        each for each in psutil.Process(running.pid).children(recursive=True)
        if "spawn_main" in " ".join(each.cmdline())
    ]  # fmt: skip
    workers[0].kill()
    assert "was killed" in _ended(running, 69)["message"]
    kept = _parts(out)
    answer = _ended(_run(data, out))
    assert 0 < kept == answer["resumed"]
    assert out.read_bytes() == expected
