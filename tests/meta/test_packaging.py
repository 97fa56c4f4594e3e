"""The wheel holds three packages and what they need, and its metadata is the project's."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as `pip wheel` makes it, without network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--disable-pip-version-check"),
            *("--wheel-dir", str(folder), str(ROOT)),
        ],
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_top_level_is_exactly_three_packages(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {each for each in tops if not each.endswith(".dist-info")} == {
        "storeops",
        "commands",
        "tui",
    }


def test_fixtures_catalogue_and_types_travel_along(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert "storeops/locale/zh_CN/LC_MESSAGES/storeops.mo" in names
    for package in ("storeops", "commands", "tui"):
        assert f"{package}/py.typed" in names
    for fixture in (ROOT / "fixtures").rglob("*.json"):
        assert f"storeops/_fixtures/{fixture.relative_to(ROOT / 'fixtures').as_posix()}" in names


def test_screens_travel_with_their_styles(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for style in (ROOT / "tui").rglob("*.tcss"):
        assert style.relative_to(ROOT).as_posix() in names


def test_entry_point_and_licence(wheel: zipfile.ZipFile) -> None:
    info = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "storeops = commands.main:main" in wheel.read(info).decode()
    licence = next(name for name in wheel.namelist() if name.endswith("LICENSE"))
    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()


def test_no_test_and_no_secret_is_shipped(wheel: zipfile.ZipFile) -> None:
    for name in wheel.namelist():
        assert not name.startswith("tests/")
        assert not name.endswith((".db", "secrets.toml", ".log", ".pyc"))
