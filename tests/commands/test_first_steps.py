"""What newcomers stumbled over: shops named by zeros, filters, pipes that close, policy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from storeops import config
from storeops.app import App
from tests.conftest import Cli


def test_leading_zeros_are_part_of_a_shops_name(cli: Cli, home: Path, synced: Any) -> None:
    stores = cli("store", "list", "--json").json["items"]
    named = {each["name"].split()[-1]: each["name"] for each in stores if " 00" in each["name"]}
    assert len(named) == 3
    for number, name in named.items():
        assert int(number) < 10  # also the number of a department above the shops
        rows = cli("customer", "list", "--store", number, "--json").json["items"]
        assert rows
        for row in rows:
            assert name in {follow["store"] for follow in row["follows"]}


def test_help_explains_filters_where_they_are_taken(cli: Cli, home: Path) -> None:
    for words in (["customer", "list"], ["view", "save"], ["mark", "add"], ["tag", "plan"]):
        page = cli(*words, "--help").out
        assert "!has:tag has no tag at all" in " ".join(page.split())
    assert "!has:tag" not in cli("staff", "list", "--help").out
    page = cli("--lang", "zh_CN", "customer", "list", "--help").out
    assert "!has:tag 表示没有任何标签" in page


def test_a_filter_without_its_option_is_told_where_it_goes(cli: Cli, home: Path) -> None:
    result = cli("view", "save", "untagged", "!has:tag")
    assert result.code == 2
    assert "--where '!has:tag'" in result.err


def test_whoever_reads_the_head_of_a_list_hears_no_failure(home: Path, shop: Any) -> None:
    def storeops(*words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "storeops", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "STOREOPS_HOME": str(home), "STOREOPS_LANG": "en"},
        )

    first = storeops("sync", "run", "--quiet")
    first.communicate()
    for words in (["customer", "list", "--all"], ["customer", "list", "--all", "--ndjson"]):
        process = storeops(*words)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert b"error" not in process.stderr.read()
        process.stderr.close()


def test_without_a_line_nothing_is_called_partial(cli: Cli, home: Path, shop: Any) -> None:
    shop.stop()
    result = cli("sync", "run", "--scope", "groups", "--json")
    assert result.code == 8
    assert "sandbox up" in result.error["hint"]  # it is one, and does not answer
    answer = result.json
    assert answer["outcome"] == "failed"
    assert {each["outcome"] for each in answer["scopes"]} == {"failed"}
    checks = cli("doctor", "--json").json["findings"]
    assert {each["check"]: each["status"] for each in checks}["clock"] == "skipped"


def test_what_could_not_be_read_comes_with_advice(cli: Cli, home: Path, synced: Any) -> None:
    synced.control.fault("errcode", "externalcontact/batch/get_by_user", errcode=60011)
    result = cli("sync", "run")
    assert result.code == 6
    assert "outside the app's visible scope (60011)" in result.err
    assert "→ " in result.err


def test_ceilings_reach_the_ledger(cli: Cli, home: Path, shop: Any) -> None:
    key = "profiles.shop.policy.max_rows_per_plan"
    assert cli("config", "get", key, "--json").json["value"] == 50_000
    assert cli("config", "set", key, "7").code == 0
    assert cli("config", "set", "profiles.shop.policy.max_rows_per_day", "0").code == 0
    app = App.open()
    try:
        assert app.ledger.policy.max_rows_per_plan == 7
        assert app.ledger.policy.max_rows_per_day is None
    finally:
        app.close()
    for wrong in ("many", "1.5", "true"):
        assert cli("config", "set", key, wrong).code == 2
    assert config.load().profiles["shop"].policy.max_rows_per_plan == 7
    assert cli("config", "set", key, "").code == 0
    assert "max_rows_per_plan" not in (home / "config" / "config.toml").read_text("utf-8")


@pytest.mark.parametrize("number", ["²", "٣", "06"])
def test_numbers_of_other_kinds_are_no_departments(
    cli: Cli, home: Path, synced: Any, number: str
) -> None:
    assert cli("sync", "run", "--store", number).code in (2, 5)
    listed = cli("customer", "list", "--store", number, "--all", "--json")
    if number == "²":  # reads like 2, and shops have that in their names: no department 2 alone
        listed = {each["store"] for row in listed.json["items"] for each in row["follows"]}
        assert all("2" in name for name in listed)
    else:
        assert listed.code in (2, 5)


def test_a_profiles_own_store_that_is_none_is_named_as_such(
    cli: Cli, home: Path, synced: Any
) -> None:
    assert cli("config", "set", "profiles.shop.store", "no such shop").code == 0
    result = cli("customer", "list", "--json")
    assert result.code == 3
    assert "no such shop" in result.error["message"]
    assert "profile add shop --store" in result.error["hint"]
    assert cli("customer", "list", "--store", "all").code == 0
    assert cli("customer", "list", "--where", "stats:x").code == 2
