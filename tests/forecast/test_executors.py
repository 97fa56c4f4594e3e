"""A cluster computes what this host would have; who is not there is said in one sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storeops.domains.forecast import executors

from .test_forecast import AS_OF


def run(cli: Any, data: Path, out: Path, *more: str) -> Any:
    words = ("--data", str(data), "--as-of", AS_OF, "--out", str(out), "--json")
    return cli("forecast", "run", *words, *more)


@pytest.fixture
def cluster() -> Iterator[str]:
    """Two workers of one thread, in this process."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", host="127.0.0.1",
        dashboard_address=None,
    ) as made:  # fmt: skip
        yield made.scheduler_address


def test_a_cluster_gives_the_same_bytes_or_is_refused(
    cli: Any, data: Path, tmp_path: Path, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storeops.domains.forecast import run as module

    monkeypatch.setattr(module, "PART", 12)  # a part for each of six shops
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    assert run(cli, data, here).json["parts"] == 6
    answer = run(cli, data, there, "--scheduler", cluster)
    assert answer.code == 0, answer.err
    assert there.read_bytes() == here.read_bytes()
    found = iter([{"storeops": "1", "numpy": "2"}])
    monkeypatch.setattr(executors, "versions", lambda: next(found, {"storeops": "1", "numpy": "3"}))
    answer = run(cli, data, there, "--scheduler", cluster, "--force")
    assert answer.code == 3
    assert "numpy 3" in answer.error["message"]
    assert there.read_bytes() == here.read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--scheduler", "office"), 2, "office is no address"),
        (("--scheduler", "http://office:80"), 2, "is no address"),
        (("--scheduler", "127.0.0.1:9", "--workers", "2"), 2, "--workers are processes"),
        (("--scheduler", "127.0.0.1:9"), 8, "No Dask scheduler answers at 127.0.0.1:9"),
    ],
)
def test_who_is_not_there_is_said(
    cli: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Any, code: int,
    said: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(executors, "CONNECT_S", 0.2)
    answer = run(cli, data, tmp_path / "f.csv", *words)
    assert answer.code == code
    assert said in answer.error["message"]
    assert not list(tmp_path.glob("*f.csv*"))


def test_without_the_extra_the_sentence_names_it(
    cli: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    answer = run(cli, data, tmp_path / "f.csv", "--scheduler", "127.0.0.1:8786")
    assert answer.code == 3
    assert "storeops[dask]" in answer.error["hint"]
