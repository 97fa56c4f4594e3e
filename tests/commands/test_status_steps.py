"""`storeops status` says the same next steps as the screen Today, and each can be typed."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from tests.conftest import Cli


def test_steps_of_a_chain_that_was_never_read(cli: Cli, shop: Any) -> None:
    found = cli("status", "--json").json["steps"]
    assert [each["next_step"] for each in found] == ["storeops sync run"]
    assert "What to do next" in cli("status").out


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_same_steps_as_today_and_each_can_be_typed(cli: Cli, shop: Any, language: str) -> None:
    from storeops.app import App
    from storeops.operations import today

    assert cli("sync", "run", "-q").code == 0
    tag = cli("tag", "list", "--json").json["items"][0]["tag_id"]
    made = cli("tag", "plan", "--add", tag, "--where", f"!#{tag}", "--follows", "all", "--json")
    words = ("--where", "status:active", "--follows", "all", "--json")
    other = cli("remark", "plan", "--remark", "x", *words).json["plan_id"]
    assert cli("plan", "apply", other, "--yes", "--wait", "0s").code == 0
    said = cli("--lang", language, "status", "--json").json["steps"]
    app = App.open()
    seen = today.read(app.data, app.clock.now(), app.settings.stale_after).steps
    app.close()
    assert [each["text"] for each in said] == [each.text for each in seen]
    steps = {each["next_step"] for each in said}
    assert {f"storeops plan show {made.json['plan_id']}", "storeops job run --until-empty"} <= steps
    text = cli("--lang", language, "status", "--profile", "shop").out
    for each in said:
        assert f"{each['next_step']} --profile shop" in text
        typed = cli(*shlex.split(each["next_step"])[1:], "--profile", "shop")
        assert typed.code == 0, (each, typed.err)
