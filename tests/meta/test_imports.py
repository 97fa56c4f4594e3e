"""Start-up speed is a feature: what help and reading commands may not import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "textual",
    "httpx",
    "sqlite_utils",
    "rich",
    "msgspec",
    "pydantic",
    "pypinyin",
    "click",
    "numpy",
)


def loaded(code: str, home: Path, *, allowed: tuple[str, ...] = ()) -> set[str]:
    """Heavy modules in sys.modules after `code` ran in a fresh process."""
    script = f"{code}\nimport json, sys\nsys.stderr.write(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"STOREOPS_HOME": str(home), "STOREOPS_LANG": "en", "PATH": "/usr/bin:/bin"},
    )
    names = set(json.loads(done.stderr.splitlines()[-1]))
    return {each for each in HEAVY if each in names} - set(allowed)


RUN = "from commands.main import run\nassert run({words!r}) == {code}"


def test_importing_the_front_door_loads_nothing_heavy(tmp_path: Path) -> None:
    assert loaded("import commands.main, commands.tree, storeops.app", tmp_path) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["profile", "list"],
        ["profile", "--help"],
        ["sync", "run", "--help"],
        ["doctor", "--help"],
        ["exit-codes"],
        ["config", "list"],
        ["version"],
    ],
    ids=" ".join,
)
def test_help_and_settings_load_nothing_heavy(tmp_path: Path, words: list[str]) -> None:
    assert loaded(RUN.format(words=words, code=0), tmp_path) == set()


def test_root_help_imports_no_noun(tmp_path: Path) -> None:
    code = (
        RUN.format(words=["--help"], code=0)
        + "\nfrom commands.main import nouns\n"
        + "import sys\nassert not [n.module for n in nouns().values() if n.module in sys.modules]"
    )
    assert loaded(code, tmp_path) == set()


def test_a_read_of_the_mirror_loads_nothing_heavy(tmp_path: Path) -> None:
    """The first read makes the database (sqlite-utils migrates); the second one must be light."""
    make = (
        "from storeops import config\nfrom storeops.app import App\n"
        "config.save_profile(config.Profile('p', 'ww1'))\n"
        "app = App.open()\napp.data.execute('SELECT 1')\napp.close()"
    )
    loaded(make, tmp_path)
    assert loaded(RUN.format(words=["sync", "history"], code=0), tmp_path) == set()


def test_what_makes_files_and_asks_wecom_loads_what_it_needs_alone(tmp_path: Path) -> None:
    """What httpx, sqlite-utils and pypinyin bring for uses of their own costs more than they do."""
    code = (
        "from storeops import config, secrets\nfrom storeops.app import App\n"
        "config.save_profile(config.Profile('p', 'ww1', base_url='http://127.0.0.1:9'))\n"
        "secrets.save('p', 'secret')\n"
        + RUN.format(words=["api", "get", "gettoken"], code=8)
        + "\nfrom storeops.mirror import indexes\nindexes.warm_up()"
    )
    needed = ("httpx", "sqlite_utils", "click", "msgspec")
    assert loaded(code, tmp_path, allowed=needed) == set()
