"""What is given twice, or against itself, is refused; lists offer only what they have."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands import main, tree

LISTS = {"list", "history", "results", "members", "timeline", "logs", "status", "report", "quota"}
STATUS = {
    ("sync", "status"),
    ("events", "status"),
    ("status",),
    ("sandbox", "status"),
    ("hub", "status"),
}
NO_LISTS = {("care", "report"), ("order", "members")}  # a row for each guide; takes a file in


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words."""
    tree.Root.nouns = main.nouns()
    root = tree.Root(name="storeops", rich_markup_mode=None)

    def below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        if not hasattr(command, "list_commands"):
            yield words, command
            return
        for name in command.list_commands(None):
            yield from below(command.get_command(None, name), (*words, name))

    return below(root, ())


EVERY = dict(commands())


def value_of(option: Any) -> str:
    return "1" if option.type.name in ("integer", "float", "integer range", "int") else "a"


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_a_single_value_given_twice_is_refused_everywhere(cli: Any, words: tuple[str, ...]) -> None:
    single = [
        each
        for each in EVERY[words].params
        if each.param_type_name == "option" and not each.is_flag and not each.multiple
    ]
    for option in single:
        name = max(option.opts, key=len)
        value = value_of(option)
        answer = cli(*words, name, value, f"{name}={value}")
        assert (answer.code, f"{name} is given twice" in answer.err) == (2, True), answer.err


def test_what_narrows_a_list_may_be_repeated_everywhere() -> None:
    for words, command in EVERY.items():
        if words[-1] not in LISTS | {"show"}:
            continue
        single = {
            name
            for each in command.params
            if each.param_type_name == "option" and not each.multiple
            for name in each.opts
        }
        assert not single & {"--owner", "--store", "--status"}, words


def test_global_options_are_options_like_the_others(cli: Any) -> None:
    twice = cli("--profile", "a", "profile", "list", "--profile", "b")
    assert twice.code == 2
    assert "--profile contradict each other" in twice.err
    assert cli("profile", "list", "-p", "a", "--profile", "b").code == 2
    assert cli("--profile", "a", "profile", "list", "--profile", "a").code == 0
    assert cli("--json", "profile", "list", "--json", "--json").code == 0


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("profile", "list", "--csv", "--json"), "--json, --csv"),
        (("--csv", "profile", "list", "--json"), "--csv, --json"),
        (("--ndjson", "--csv", "profile", "list"), "--ndjson, --csv"),
        (("customer", "list", "--all", "-n", "2"), "--all, --limit"),
        (("plan", "list", "--limit", "2", "--all"), "--all, --limit"),
    ],
)
def test_options_that_contradict_each_other(cli: Any, words: tuple[str, ...], named: str) -> None:
    answer = cli(*words)
    assert answer.code == 2
    assert f"{named} contradict each other" in answer.err


def test_every_list_can_be_cut_continued_and_shown_whole() -> None:
    wanted = {"--limit", "--all", "--after"}
    lists = {
        words: {name for each in command.params for name in each.opts}
        for words, command in EVERY.items()
        if words[-1] in LISTS and words not in STATUS | NO_LISTS
    }
    assert len(lists) > 20
    assert {words: wanted - there for words, there in lists.items() if wanted - there} == {}


def test_a_cut_list_names_only_options_that_there_are(cli: Any, shop: Any) -> None:
    assert cli("sync", "run").code == 0
    for words in (("staff", "list"), ("store", "list"), ("tag", "list"), ("customer", "list")):
        cut = cli(*words, "-n", "2")
        assert "--all" in cut.err
        assert "--after" in cut.err
        seen, after = [], ""
        for _page in range(200):
            page = cli(*words, "-n", "2", "--json", *(("--after", after) if after else ())).json
            seen += page["items"]
            after = page["next"]
            if not after:
                break
        assert seen == cli(*words, "--all", "--json").json["items"]
    stats = cli("stats", "owner", "-n", "1")
    assert "--all" in stats.err
    assert "--after" not in stats.err


@pytest.mark.parametrize(
    "cursor", ["zzz", "-1", "９", "9" * 30, pytest.param("9" * 5000, id="long")]
)
@pytest.mark.parametrize("noun", ["staff", "plan", "audit", "job", "events"])
def test_a_cursor_that_is_none_is_refused(cli: Any, shop: Any, noun: str, cursor: str) -> None:
    answer = cli(noun, "list", f"--after={cursor}")
    assert answer.code == 2
    assert "is no cursor of this list" in answer.err


def test_an_option_is_named_where_it_is_wrong(cli: Any, shop: Any) -> None:
    assert cli("sync", "run").code == 0
    for option, value in (
        ("--since", "someday"), ("--store", "nowhere"), ("--status", "gone"), ("--tag", "no such"),
        ("--owner", "nobody"), ("--way", "x"),
    ):  # fmt: skip
        for words in (("customer", "list"), ("stats",)):
            answer = cli(*words, option, value)
            assert answer.code == 2, (option, answer.err)
            assert f"{option}: " in answer.err
            assert "character" not in answer.err
    assert "Filter, character 11" in cli("customer", "list", "--where", "abc since:x").err


def test_words_of_another_encoding_are_named(home: Path) -> None:
    for words in (["customer", "search", "王".encode("gbk")], [b"\xff\xfe"], [b"--json=\xd5"]):
        done = subprocess.run(
            [sys.executable, "-m", "storeops", *words],
            capture_output=True, timeout=60,
            env={"STOREOPS_HOME": str(home), "STOREOPS_LANG": "en", "PATH": "/usr/bin:/bin",
                 "PYTHONUTF8": "1"},
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert b"is not UTF-8" in done.stderr
        assert b"bug" not in done.stderr
