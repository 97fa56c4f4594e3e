"""The demo's dairy on a small chain, made once per process and copied for every test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from storeops.domains.sandbox.demo_dairy import DairyFiles
from tests.tui.conftest import NOON, make_profile


@dataclass(frozen=True)
class Company:
    """A sandbox, a home that mirrors it, and what the dairy's files were."""

    sandbox: Any
    home: Path
    files: DairyFiles


@pytest.fixture(scope="session")
def dairy_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Four shops, synced, with the dairy taken in."""
    from commands.dairy import take_in
    from storeops.app import App
    from storeops.sandbox.local import start
    from storeops.sync.run import run_sync

    home = tmp_path_factory.mktemp("dairy")
    patch = pytest.MonkeyPatch()
    patch.setenv("STOREOPS_HOME", str(home))
    with start(stores=4, staff=16, follows=240, seed=7, start_at=NOON) as sandbox:
        make_profile(sandbox)
        core = App.open("demo")
        run_sync(core)
        files = take_in(core)
        assert files is not None
        assert take_in(core) is None  # what is there is left alone
        core.close()
        patch.undo()
        yield Company(sandbox, home, files)


@pytest.fixture
def company(dairy_chain: Company, home: Path) -> Company:
    """The same in a home of the test's own."""
    shutil.copytree(dairy_chain.home, home)
    return Company(dairy_chain.sandbox, home, dairy_chain.files)
