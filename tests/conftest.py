"""What every test may use: a private home, the command line in process, English by default."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from storeops import i18n
from storeops.database import migrations

# the same examples every time, and no clock in the verdict: a busy machine is not a failure
settings.register_profile(
    "storeops", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("storeops")

# What collecting makes lives as long as the run: not looked through again and again for garbage,
# neither while thousands of tests are collected nor in any test after.
_USUAL = gc.get_threshold()
gc.disable()


def pytest_configure(config: pytest.Config) -> None:
    """Nothing compiled yet (a fresh checkout): once, before workers do it each for itself."""
    workers = getattr(config.option, "numprocesses", None) or 0
    if workers < 2 or hasattr(config, "workerinput") or sys.dont_write_bytecode:
        return
    ending = f".{sys.implementation.cache_tag}-pytest-{pytest.__version__}.pyc"
    folders = [each for each in map(Path, config.args) if each.is_dir()]
    files = [path for each in folders for path in each.rglob("test_*.py")]
    made = sum((path.parent / "__pycache__" / (path.stem + ending)).exists() for path in files)
    if len(files) - made > 100:  # less costs less than asking for it
        how = ["--collect-only", "-q", "-p", "no:xdist"]
        subprocess.run(
            [sys.executable, "-m", "pytest", *config.args, *how],
            stdout=subprocess.DEVNULL, check=False,
        )  # fmt: skip


def pytest_collection_finish() -> None:
    """From here on garbage is collected, less often than elsewhere: tests make little at a time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


# A home's tables are made once a process, by the migrations; the next new homes begin as copies.
_MADE: dict[tuple[migrations.Migration, ...], bytes] = {}
_apply = migrations._apply


def _copy_or_apply(path: Path, steps: Sequence[migrations.Migration]) -> None:
    if path.exists() and path.stat().st_size:
        return _apply(path, steps)
    key = tuple(steps)
    if key in _MADE:
        path.touch(0o600)
        path.write_bytes(_MADE[key])
    else:
        _apply(path, steps)
        _MADE[key] = path.read_bytes()


@pytest.fixture(autouse=True)
def _tables(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied tables, except where migrations or full disks are what is tested."""
    room, stem = request.path.parent.name, request.path.stem
    tested = room in {"database", "limits"} or "disk" in stem or stem == "test_third_party"
    if not tested:
        monkeypatch.setattr(migrations, "_apply", _copy_or_apply)


@pytest.fixture
def usual_collection() -> Iterator[None]:
    """Garbage collected as in every process: where its memory is what is tested."""
    rarely = gc.get_threshold()
    gc.set_threshold(*_USUAL)
    yield
    gc.set_threshold(*rarely)


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error object on stderr."""
        return json.loads(self.err.splitlines()[-1])


Cli = Callable[..., Answer]


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """English, no profile or secret of the person who runs the tests, no pager, no way out."""
    for name in list(os.environ):
        if name.startswith("STOREOPS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("STOREOPS_LANG", "en")
    monkeypatch.setenv("STOREOPS_PAGER", "")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # WeCom itself answers no test
    i18n.use("en")
    yield
    i18n.use("en")
    logs = sys.modules.get("commands.logs")
    if logs is not None:  # a log left open would take the next test's records
        logs.stop()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private STOREOPS_HOME."""
    folder = tmp_path / "home"
    monkeypatch.setenv("STOREOPS_HOME", str(folder))
    return folder


@pytest.fixture
def remember(home: Path) -> Callable[[Any], None]:
    """Let this home know the key of a sandbox in this process, as if it had started it."""

    def keep(handle: Any) -> None:
        from storeops.domains.sandbox import sandbox_records

        sandbox_records.remember(sandbox_records.Running(**handle.ready))

    return keep


@pytest.fixture
def cli(home: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command line in this process: `cli("profile", "list", "--json").json`."""
    from commands.main import run

    def call(*words: str) -> Answer:
        capsys.readouterr()
        code = run(words)
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return call
