"""What somebody meets who types what is printed, in both languages."""

from __future__ import annotations

import time
from typing import Any

import pytest

from commands import context, diagnostics
from storeops.app import App
from storeops.changes.action import ROW_STATUSES
from tests.conftest import Cli

TAGS = "externalcontact/get_corp_tag_list"


@pytest.fixture
def plan(cli: Cli, synced: Any) -> str:
    """A plan of some rows on a synced chain."""
    tag = cli("tag", "list", "--json").json["items"][0]["tag_id"]
    made = cli("tag", "plan", "--add", tag, "--where", f"!#{tag}", "--follows", "all", "--json")
    return str(made.json["plan_id"])


def test_a_secret_that_is_missing_costs_no_option_that_was_typed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STOREOPS_SECRET_NEU", raising=False)
    answer = cli(
        "profile", "add", "neu", "--corp-id", "ww0123456789abcdef", "--agent-id", "1000002"
    )
    assert answer.code == 3
    (step,) = [each for each in answer.err.splitlines() if "next:" in each]
    assert "--corp-id ww0123456789abcdef --agent-id 1000002 --secret-stdin" in step


def test_rows_and_jobs_speak_chinese(cli: Cli, plan: str) -> None:
    zh = ("--lang", "zh_CN")
    assert "planned" not in cli(*zh, "plan", "show", plan).out
    applied = cli("plan", "apply", plan, "--yes", "--wait", "0s")
    assert applied.code == 0
    said = cli(*zh, "job", "run", "--until-empty").out
    assert "完成" in said
    assert "done" not in said
    for words in (("plan", "results", plan), ("plan", "show", plan), ("job", "list")):
        out = cli(*zh, *words).out
        assert not set(out.split()) & {*ROW_STATUSES, "succeeded"}, words
    rows = cli(*zh, "plan", "results", plan, "--json").json["items"]
    assert {each["status"] for each in rows} <= {"done", "blocked"}


@pytest.mark.parametrize("words", [("plan", "apply", "{plan}", "--yes", "--wait", "0s")])
def test_a_sentence_names_the_profile_that_was_given(
    cli: Cli, plan: str, words: tuple[str, ...]
) -> None:
    name = cli("profile", "list", "--json").json["items"][0]["name"]
    out = cli(*(each.format(plan=plan) for each in words), "--profile", name).out
    assert f"storeops job run --until-empty --profile {name}" in out


def test_every_command_line_of_a_text_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Call:
        settings = context.Settings(profile="a b")

    monkeypatch.setattr(diagnostics, "current", Call)
    given = (
        "Go on: storeops plan resume X; give it up: storeops plan cancel X.\nSee `storeops status`."
    )
    assert diagnostics.named(given) == (
        "Go on: storeops plan resume X --profile 'a b'; give it up: "
        "storeops plan cancel X --profile 'a b'.\nSee `storeops status --profile 'a b'`."
    )
    assert diagnostics.named("storeops is a word: storeops.") == "storeops is a word: storeops."


@pytest.mark.parametrize("words", [("sync", "verify"), ("api", "get", TAGS)])
def test_a_long_wait_is_explained(
    cli: Cli, shop: Any, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storeops.limits.governor.HOLD_S", 0.1)
    assert cli("sync", "run", "-q").code == 0
    app = App.open()
    app.governor.report(TAGS, 45009)
    with app.run.atomic() as connection:
        connection.execute(
            "UPDATE limit_api SET paused_until = ? WHERE path = ?", (time.time() + 1.5, TAGS)
        )
    app.close()
    answer = cli(*words)
    assert answer.code == 0
    (line,) = [each for each in answer.err.splitlines() if "45009" in each]
    assert TAGS in line


def test_nothing_that_is_due_has_no_next_step(cli: Cli, shop: Any) -> None:
    assert cli("events", "retry", "--failed").out.splitlines() == [
        "0 events are due again, 0 can be read now."
    ]
