"""A disk that is full: at head office under the server's stream, at a shop under its mirror.

Each lies on a small file system of its own for a while (Linux, as root; else skipped). What is
wrong is said in one sentence, nothing is half written, and after space was made all goes on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from storeops.app import App
from storeops.hub import office, outbox
from tests.hub.conftest import CODES, Chain, chain, home, made  # noqa: F401 (fixtures)
from tests.hub.test_truth import must_agree

if sys.platform != "linux" or os.geteuid() != 0:
    pytest.skip("needs to mount file systems", allow_module_level=True)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """The folder's content on a file system of that size for a while."""
    aside = folder.with_name(folder.name + ".aside")
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    size = f"size={megabytes}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        yield folder
        back = folder.with_name(folder.name + ".back")
        shutil.copytree(folder, back)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()
        (back if "back" in locals() else aside).rename(folder)
        shutil.rmtree(aside, ignore_errors=True)


def fill(folder: Path) -> Path:
    """A file that takes all space that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 65_536)
    return filler


def rename_all(chain: Chain, word: str) -> None:  # noqa: F811
    with chain.office.data.atomic() as connection:
        connection.execute(f"UPDATE customer SET name = '{word} ' || id")


def test_a_shop_whose_disk_is_full(chain: Chain) -> None:  # noqa: F811
    chain.settle()
    code = CODES[0]
    back = chain.backs.pop(code)
    folder = back.data.path.parent
    back.close()
    rename_all(chain, "full" * 200)
    chain.settle()
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    follow = [sys.executable, "-m", "storeops", "--profile", f"shop-{code}", "hub", "follow"]
    with small_disk(folder, size // 1_000_000 + 2):
        filler = fill(folder)
        for _each in range(2):
            run = subprocess.run(
                [*follow, "--once"], capture_output=True, text=True, timeout=120, check=False
            )
            assert run.returncode == 3
            assert " is full" in run.stderr
            assert "Traceback" not in run.stderr
        read = subprocess.run(
            [*follow[:5], "customer", "list", "--limit", "1"], capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert read.returncode == 0, read.stderr
        filler.unlink()
        run = subprocess.run([*follow, "--once"], capture_output=True, timeout=120, check=False)
        assert run.returncode == 0, run.stderr
    chain.backs = {code: App.open(f"shop-{code}"), **chain.backs}
    must_agree(chain)


def test_a_head_office_whose_disk_is_full(chain: Chain) -> None:  # noqa: F811
    """Under the server's stream alone: head office says that what it publishes is not kept."""
    chain.settle()
    chain.rest()
    said: list[str] = []
    serve = office.serve

    def told(*given: object, **how: object) -> object:
        return serve(*given, **how, on_trouble=lambda error: said.append(error.message))  # type: ignore[arg-type]

    office.serve = told  # type: ignore[assignment]
    stream = chain.home / "data" / "office" / "hub" / "stream"
    size = sum(each.stat().st_size for each in stream.rglob("*") if each.is_file())
    try:
        with small_disk(stream, size // 1_000_000 + 3):
            chain.serve()
            filler = fill(stream)
            for round_ in range(6):
                rename_all(chain, f"{round_} " * 1000)
                time.sleep(1)
            until = time.monotonic() + 60
            while not said and time.monotonic() < until:
                time.sleep(0.2)
            assert any("did not keep" in each for each in said)
            assert outbox.waiting(chain.office.data)[0]
            filler.unlink()
            rename_all(chain, "room")
            until = time.monotonic() + 120
            while outbox.waiting(chain.office.data)[0]:
                assert time.monotonic() < until, said
                time.sleep(0.2)
            must_agree(chain)
            chain.rest()
    finally:
        office.serve = serve  # type: ignore[assignment]
    chain.serve()
    must_agree(chain)
