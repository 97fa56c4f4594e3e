"""A name that two have is refused with both ids, wherever a name is taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NAME = "李娜"
LIKE = [NAME, "李娜\u200b", " 李娜", "李\ufe0f娜"]


@pytest.fixture
def two(chain: Any) -> tuple[str, str]:
    """Two members of one name."""
    first, second = chain.staff()[:2]
    for userid in (first, second):
        chain.act("staff_edit", userid=userid, name=NAME)
    chain.sync()
    return first, second


def refuses(answer: Any, *userids: str) -> None:
    text = answer.err + answer.out
    assert all(each in text for each in userids), text
    assert answer.code in (2, 6), text


def test_every_command_that_takes_a_name(cli: Any, chain: Any, two: tuple[str, str]) -> None:
    third = chain.staff()[2]
    for words in (
        ("customer", "list", "--owner", NAME),
        ("customer", "list", "--where", f"@{NAME}"),
        ("customer", "list", "--where", f"!@{NAME}"),
        ("customer", "export", "x.csv", "--owner", NAME),
        ("stats", "tag", "--owner", NAME),
        ("staff", "show", NAME),
        ("group", "list", "--owner", NAME),
        ("unassigned", "list", "--owner", NAME),
        ("leaver", "show", NAME),
        ("view", "save", "v", "--where", f"@{NAME}"),
        ("mark", "add", "m", "--owner", NAME),
        ("tag", "plan", "--owner", NAME, "--add", "x"),
        ("remark", "plan", "--owner", NAME, "--description", "x"),
        ("handover", "plan", "--from", NAME, "--to", third),
        ("handover", "plan", "--from", third, "--to", NAME),
        ("handover", "plan", "--from", third, "--to", two[0], "--weight", f"{NAME}=2"),
        ("handover", "plan", "--from", third, "--map", f"*={NAME}", "--rule", "by-date"),
        ("handover", "quota", "--from", NAME),
    ):
        refuses(cli(*words), *two)


@pytest.mark.parametrize("name", LIKE)
def test_files_name_both(
    cli: Any, chain: Any, two: tuple[str, str], tmp_path: Path, name: str
) -> None:
    customer, third = chain.held(two[0])[0], chain.staff()[2]
    file = tmp_path / "in.csv"
    file.write_text(f"external_userid,userid,description\n{customer},{name},x\n", "utf-8")
    answer = cli("remark", "plan", "--csv=" + str(file), "--company", "x", "--json")
    refuses(answer, *two)
    file.write_text(f"external_userid,userid,to\n{customer},{two[0]},{name}\n", "utf-8")
    refuses(cli("handover", "plan", "--csv=" + str(file), "--json"), *two)
    file.write_text(f"external_userid,userid,to\n{customer},{name},{third}\n", "utf-8")
    refuses(cli("handover", "plan", "--csv=" + str(file), "--json"), *two)


def test_a_rule_names_both(cli: Any, two: tuple[str, str], tmp_path: Path) -> None:
    rule = tmp_path / "r.toml"
    rule.write_text(f'owner = "{NAME}"\nadd = ["x"]\n', "utf-8")
    refuses(cli("tag", "rule", "check", str(rule), "--json"), *two)


@pytest.mark.parametrize("other", ["ANN", "ａｎｎ", "ann\u200b", "  Ann", "A\u2060nn"])
def test_names_that_look_alike_are_one_name(cli: Any, chain: Any, other: str) -> None:
    first, second = chain.staff()[:2]
    chain.act("staff_edit", userid=first, name="Ann")
    chain.act("staff_edit", userid=second, name=other)
    chain.sync()
    for word in ("Ann", other.strip()):
        refuses(cli("staff", "show", word), first, second)
        refuses(cli("customer", "list", "--owner", word), first, second)


def test_a_name_of_somebody_who_left_counts(cli: Any, chain: Any, two: tuple[str, str]) -> None:
    chain.act("staff_leave", userid=two[0])
    chain.sync()
    answer = cli("tag", "plan", "--owner", NAME, "--add", "x")
    refuses(answer, *two)
    assert f"{two[0]} (left)" in answer.err
    assert two[1] in cli("leaver", "show", NAME).err


def test_a_userid_that_is_the_name_of_another(cli: Any, chain: Any) -> None:
    first, second, third = chain.staff()[:3]
    chain.act("staff_edit", userid=second, name=first.upper())
    chain.sync()
    refuses(cli("customer", "list", "--owner", first), first, second)
    refuses(cli("handover", "plan", "--from", first, "--to", third), first, second)
    mine = cli("customer", "list", "--owner", f"userid:{first}", "--all", "--json").json["items"]
    assert {each["external_userid"] for each in mine} == set(chain.held(first))
    told = cli("customer", "list", "--where", f"@userid:{first}", "--all", "--json").json["items"]
    assert told == mine
    assert cli("staff", "show", second, "--json").json["userid"] == second


def test_owners_given_twice_mean_both(cli: Any, chain: Any, tmp_path: Path) -> None:
    first, second = chain.staff()[:2]
    both = {*chain.held(first), *chain.held(second)}
    listed = cli("customer", "list", "--owner", first, "--owner", second, "--all", "--json").json
    assert {each["external_userid"] for each in listed["items"]} == both
    plan = cli(
        "remark", "plan", "--owner", first, "--owner", second, "--description", "x", "--json"
    ).json
    rows = cli("plan", "results", plan["plan_id"], "--json").json["items"]
    assert {each["external_userid"] for each in rows} == both
    assert {each["userid"] for each in rows} == {first, second}


def test_two_shops_of_one_name(cli: Any, chain: Any) -> None:
    shops = cli("store", "list", "--json").json["items"]
    first, second = (str(each["department_id"]) for each in shops[:2])
    for number in (first, second):
        chain.act("department_rename", department=int(number), name="旗舰店")
    chain.sync()
    for words in (
        ("customer", "list", "--store", "旗舰店"),
        ("customer", "list", "--where", "store:旗舰店"),
        ("customer", "list", "--store", "旗艦店".replace("艦", "舰") + "\u200b"),
        ("tag", "plan", "--store", "旗舰店", "--add", "x"),
        ("staff", "list", "--store", "旗舰店"),
        ("store", "show", "旗舰店"),
        ("store", "map", "旗舰店", "--code", "X1"),
        ("sync", "run", "--store", "旗舰店"),
        ("stats", "owner", "--store", "旗舰店", "--on", "yesterday"),
    ):
        refuses(cli(*words), first, second)
    assert cli("customer", "list", "--store", first).code == 0


def test_two_tags_of_one_name(cli: Any, chain: Any) -> None:
    tags = list(cli("tag", "list", "--all", "--json").json["items"])
    groups = sorted({each["group"] for each in tags})
    paths = [f"{group}/双" for group in groups[:2]]
    for group in groups[:2]:
        made = cli("tag", "add", group, "--tag", "双", "--json").json
        assert cli("plan", "apply", made["plan_id"], "--yes").code == 0
    chain.sync()
    who = chain.staff()[0]
    for word in ("双", "双\u200b"):
        answer = cli("tag", "plan", "--owner", who, "--add", word)
        refuses(answer, *paths)
    plan = cli("tag", "plan", "--owner", who, "--add", paths[1], "--json")
    assert plan.code == 0
    assert json.loads(plan.out)["ready"]
