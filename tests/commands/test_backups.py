"""Backups that come every night: which stay, and the proof that one can be restored."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storeops import config, paths
from storeops.database.rotation import rotation, surplus
from storeops.errors import UsageError


@pytest.fixture
def folder(cli: Any) -> Path:
    config.save_profile(config.Profile("shop", "ww0123456789abcdef"))
    assert cli("schedule", "list").code == 0  # makes data.db
    return paths.backups_dir("shop")


def nights(count: int) -> list[Path]:
    first = datetime(2026, 5, 31, 4, 30)
    days = [first - timedelta(days=back) for back in range(count)]
    return [Path(f"data-{day:%Y%m%d-%H%M%S}.db") for day in days]


def days_of(found: list[Path]) -> list[str]:
    return [each.name[9:13] for each in found]


def test_days_weeks_and_months() -> None:
    made = nights(100)
    gone = surplus(made, rotation("7d,4w"))
    kept = [each for each in made if each not in gone]
    assert days_of(kept) == [
        "0531", "0530", "0529", "0528", "0527", "0526", "0525", "0524", "0517", "0510",
    ]  # fmt: skip
    assert gone == sorted(gone)
    months = [each for each in made if each not in surplus(made, rotation("3m"))]
    assert days_of(months) == ["0531", "0430", "0331"]
    assert surplus(made[:1], rotation("1y")) == []
    # night after night the same ones stay as if it were done once
    rolling: list[Path] = []
    for each in reversed(made):
        rolling = [each, *rolling]
        rolling = [one for one in rolling if one not in surplus(rolling, rotation("7d,4w"))]
    assert rolling == kept


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "7x", "7d;4w", "-1d"])
def test_a_rule_that_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        rotation(text)


def test_the_command_removes_its_own_dated_files_only(cli: Any, folder: Path) -> None:
    first = Path(cli("db", "backup", "--json").json["path"])
    for name in ("data-20200101-040000.db", "data-20200102-040000.db"):
        shutil.copy(first, folder / name)
        shutil.copy(first, folder / name.replace(".db", ".inbox.db"))
    mine = folder / "data-mine.db"
    shutil.copy(first, mine)
    answer = cli("db", "backup", "--keep", "1d", "--json").json
    assert Path(answer["path"]).exists()
    assert {Path(each).name for each in answer["removed"]} == {
        first.name, "data-20200101-040000.db", "data-20200102-040000.db",
    }  # fmt: skip
    left = {each.name for each in folder.iterdir()}
    assert left == {Path(answer["path"]).name, mine.name}
    assert cli("db", "backup", str(folder / "x.db"), "--keep", "7d").code == 2


def test_the_newest_backup_can_be_restored(cli: Any, folder: Path) -> None:
    assert cli("db", "verify-backup").code == 5
    cli("schedule", "add", "morning", "--cron", "0 8 * * *", "--", "version")
    path = Path(cli("db", "backup", "--json").json["path"])
    before = sorted(each.name for each in paths.profile_dir("shop").rglob("*"))
    found = cli("db", "verify-backup", "--json").json
    assert (found["path"], found["restorable"]) == (str(path), True)
    assert found["bytes"] == path.stat().st_size
    assert sorted(each.name for each in paths.profile_dir("shop").rglob("*")) == before
    damaged = bytearray(path.read_bytes())
    damaged[8192:40_000] = b"\0" * (40_000 - 8192)
    path.write_bytes(damaged)
    answer = cli("db", "verify-backup")
    assert answer.code == 3
    assert str(path) in answer.err


def test_a_backup_is_named_as_it_lies_in_its_folder(cli: Any, folder: Path) -> None:
    made = json.loads(cli("db", "backup", "--json").out)["path"]
    answer = cli("db", "verify-backup", Path(made).name)
    assert answer.code == 0
    assert cli("db", "restore", Path(made).name, "--yes").code == 0
    wrong = cli("db", "restore", "data-20200101-000000.db", "--yes")
    assert wrong.code == 5
    assert f"storeops db restore {made}" in wrong.err or Path(made).name in wrong.err
