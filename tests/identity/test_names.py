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
    first, second = (each["tag_id"] for path in paths for each in cli(
        "tag", "list", "--all", "--json").json["items"]
        if f"{each['group']}/{each['name']}" == path)  # fmt: skip
    customer = chain.held(who)[0]
    marked = cli(
        "tag", "plan", "--where", f"id:{customer}", "--owner", who, "--add", paths[0], "--json"
    ).json
    assert cli("plan", "apply", marked["plan_id"], "--yes").code == 0
    for words in (
        ("customer", "list", "--tag", "双"),
        ("customer", "list", "--no-tag", "双"),
        ("customer", "list", "--where", "#双"),
        ("customer", "list", "--where", "!#双\u200b"),
        ("tag", "plan", "--where", "#双", "--add", "x"),
        ("remark", "plan", "--where", "tag:双", "--description", "x"),
        ("mark", "add", "m", "--tag", "双"),
        ("view", "save", "v", "--where", "#双"),
        ("stats", "owner", "--tag", "双"),
    ):
        refuses(cli(*words), *paths)
    for word, there in ((paths[0], True), (f"tagid:{first}", True), (f"tagid:{second}", False)):
        found = cli("customer", "list", "--tag", word, "--all", "--json").json["items"]
        assert [each["external_userid"] for each in found] == [customer] * there, word
    assert cli("tag", "plan", "--owner", who, "--add", f"tagid:{second}", "--json").code == 0


def test_a_path_that_two_tags_have_wants_the_id(cli: Any, chain: Any) -> None:
    """A group's name may hold a slash, and so may a tag's: a path is a name, too."""
    for group, tag in (("活动", "新/客"), ("活动/新", "客")):
        chain.act("tag_create", group=group, name=tag)
    chain.sync()
    ids = [
        each["tag_id"]
        for each in cli("tag", "list", "--all", "--json").json["items"]
        if f"{each['group']}/{each['name']}" == "活动/新/客"
    ]
    assert len(ids) == 2
    refuses(cli("customer", "list", "--tag", "活动/新/客"), *(f"tagid:{each}" for each in ids))
    refuses(cli("tag", "plan", "--owner", chain.staff()[0], "--add", "活动/新/客"), *ids)
    assert cli("customer", "list", "--tag", f"tagid:{ids[0]}").code == 0


STORES = (
    ("customer", "list", "--store"),
    ("customer", "list", "--where", "store:"),
    ("tag", "plan", "--add", "x", "--store"),
    ("staff", "list", "--store"),
    ("store", "show"),
    ("sync", "run", "--store"),
    ("stats", "owner", "--on", "yesterday", "--store"),
    ("mark", "add", "m", "--store"),
)


def ask(cli: Any, words: tuple[str, ...], store: str) -> Any:
    *most, last = words
    if last.endswith(":"):
        return cli(*most, f'{last}"{store}"')
    return cli(*words, store)


def customers_of(cli: Any, store: str) -> set[str]:
    found = cli("customer", "list", "--store", store, "--all", "--json").json["items"]
    return {each["external_userid"] for each in found}


@pytest.mark.parametrize("kind", ["name", "code"])
def test_a_shop_called_like_the_number_of_another(cli: Any, chain: Any, kind: str) -> None:
    shops = cli("store", "list", "--json").json["items"]
    first, second = (each["department_id"] for each in shops[:2])
    of_first, of_second = (customers_of(cli, str(each)) for each in (first, second))
    assert of_first != of_second
    if kind == "name":
        chain.act("department_rename", department=second, name=str(first))
        chain.sync()
    else:
        answer = cli("store", "map", f"department:{second}", "--code", str(first))
        assert answer.code == 0, answer.err
    ways = [f"department:{first}"] + [f"code:{first}"] * (kind == "code")
    for words in STORES:
        refuses(ask(cli, words, str(first)), *ways)
    refuses(cli("store", "map", str(first), "--code", "X1"), *ways)
    assert customers_of(cli, f"department:{first}") == of_first
    assert customers_of(cli, f"{kind}:{first}") == of_second
    refuses(cli("customer", "list", "--where", f"store:department:{second},{first}"), *ways)


def test_a_shop_called_like_the_region_of_others(cli: Any, chain: Any) -> None:
    first, second = (e["department_id"] for e in cli("store", "list", "--json").json["items"][:2])
    chain.act("department_rename", department=first, name="华东")
    chain.sync()
    assert cli("store", "map", str(second), "--code", "S2", "--region", "华东").code == 0
    refuses(cli("customer", "list", "--store", "华东"), f"department:{first}", "region:华东")
    assert customers_of(cli, "region:华东") == customers_of(cli, "S2")
    assert customers_of(cli, "name:华东") == customers_of(cli, str(first))
    assert cli("store", "map", str(first), "--code", "S1", "--region", "华东").code == 0
    refuses(cli("customer", "list", "--store", "华东"), "code:S1", "region:华东")
    assert cli("store", "map", str(second), "--region", "华北").code == 0
    assert customers_of(cli, "华东") == customers_of(cli, "S1"), "the region is the shop"


def test_two_group_chats_of_one_name(cli: Any, chain: Any) -> None:
    ids = sorted(each["chat_id"] for each in chain.control.export("groups"))[:2]
    for each in ids:
        chain.act("group_rename", chat_id=each, name="福利群")
    chain.sync()
    refuses(cli("customer", "list", "--where", "group:福利群"), *ids)
    assert cli("customer", "list", "--where", f"group:{ids[0]}").code == 0
    assert cli("customer", "list", "--where", "group:福利").code == 0, "a part of a name is any"


def test_what_narrows_a_list_given_twice_means_both(cli: Any, chain: Any) -> None:
    def ids(key: str, *words: str) -> list[str]:
        return [str(each[key]) for each in cli(*words, "--all", "--json").json["items"]]

    first, second = (e["department_id"] for e in cli("store", "list", "--json").json["items"][:2])
    for noun, key, option, one, other in (
        ("staff", "userid", "--store", str(first), f"department:{second}"),
        ("staff", "userid", "--status", "active", "left"),
    ):
        parts = [ids(key, noun, "list", option, each) for each in (one, other)]
        assert all(parts), (noun, option)
        both = ids(key, noun, "list", option, one, option, other)
        assert sorted(both) == sorted({*parts[0], *parts[1]}), (noun, option)
    assert ids("userid", "staff", "list", "--status", "active,left") == both
    owners = sorted({each["owner"] for each in chain.control.export("groups")})[:2]
    chats = [each for each in chain.control.export("groups") if each["owner"] in owners]
    repeated = [word for each in owners for word in ("--owner", each)]
    assert set(ids("chat_id", "group", "list", *repeated)) == {e["chat_id"] for e in chats}
    leavers = sorted({each["handover_userid"] for each in chain.control.export("unassigned")})[:2]
    repeated = [word for each in leavers for word in ("--owner", each)]
    assert set(ids("handover_userid", "unassigned", "list", *repeated)) == set(leavers)
    who = chain.staff()[0]
    for kind in (("tag", "plan", "--add", cli("tag", "list", "--json").json["items"][0]["tag_id"]),
                 ("remark", "plan", "--description", "x")):  # fmt: skip
        plan = cli(*kind, "--owner", who, "--json").json["plan_id"]
    assert cli("plan", "cancel", plan).code == 0
    listed = ids("plan_id", "plan", "list", "--status", "planned", "--status", "cancelled")
    assert len(listed) == 2
    assert ids("plan_id", "plan", "list", "--kind", "tag", "--kind", "remark") == listed
    assert ids("plan_id", "plan", "list", "--status", "cancelled") == [plan]
    rows = ids("row", "plan", "results", plan, "--status", "done", "--status", "cancelled")
    assert rows
    for words in (("plan", "list"), ("staff", "list"), ("job", "list"), ("events", "list"),
                  ("plan", "show", plan)):  # fmt: skip
        answer = cli(*words, "--status", "x")
        assert (answer.code, "no status x" in answer.err) == (2, True), answer.err


def test_a_part_of_several_names_is_told_where_a_plan_is_made(cli: Any, chain: Any) -> None:
    for name in ("暗号甲", "暗号乙"):
        chain.act("tag_create", group="来历", name=name)
    chain.sync()
    who = chain.staff()[0]

    def notes(where: str) -> list[str]:
        plan = cli("remark", "plan", "--where", f"@{who} {where}", "--owner", who,
                   "--description", "x", "--json").json  # fmt: skip
        return [each["message"] for each in plan["problems"] if each["code"] == "part_of_names"]

    (told,) = notes("!#暗号")
    assert "2 names" in told
    assert "来历/暗号甲" in told
    assert not notes("!#暗号甲")
    assert not notes("!#来历/*")
    (told,) = notes("store:店")
    assert "names" in told
