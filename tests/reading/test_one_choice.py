"""One choice of customers: the same options under every verb; whom one saw is whom one plans."""

import importlib

import pytest
import typer.main

from commands.selecting import OPTIONS

VERBS = [
    ("customer", "list"), ("customer", "export"), ("stats", "stats"), ("mark", "add"),
    ("mark", "remove"), ("tag", "plan"), ("remark", "plan"), ("customer", "search"),
    ("handover", "plan"), ("leaver", "plan"),
]  # fmt: skip
CHOICES = [
    ("--where", "has:phone @guide.2"),
    ("--tag", "等级/金卡", "--tag", "银卡"),
    ("--no-tag", "手机"),
    ("--state", "store*"),
    ("--way", "scan", "--way", "card"),
    ("--since", "90d", "--store", "S010", "--store", "旗舰店"),
    ("--until", "200d", "--owner", "guide.1", "--owner", "guide.4"),
    ("--marked", "picked", "--where", "has:tag"),
]


@pytest.mark.parametrize(("noun", "verb"), VERBS)
def test_every_verb_has_every_option(noun, verb):
    found = typer.main.get_command(importlib.import_module(f"commands.{noun}").app)
    command = getattr(found, "commands", {verb: found})[verb]
    options = {param.name: param for param in command.params}
    assert set(OPTIONS) <= set(options)
    assert noun == "leaver" or "file" in options
    for name, (_kind, none) in OPTIONS.items():
        assert options[name].multiple is (none is None), name
        assert options[name].help, name


@pytest.mark.parametrize("words", CHOICES, ids=" ".join)
def test_the_same_words_choose_the_same_customers(own, words, tmp_path):
    words = (*words, "--status", "active")  # of lost follows nothing can be changed
    listed = own("customer", "list", "--all", "--json", *words).json["items"]
    wanted = [each["external_userid"] for each in listed]
    assert 0 < len(wanted) < 300
    path = tmp_path / "out.csv"
    done = own("customer", "export", str(path), "--raw", "--json", *words)
    assert done.json["rows"] == len(wanted)
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == wanted
    assert own("stats", "owner", "--json", *words).json["total"] == len(wanted)
    assert own("mark", "add", "chosen", "--json", *words).json["added"] == len(wanted)
    for verb in (("tag", "plan", "--add", "兴趣/手机"), ("remark", "plan", "--remark", "新")):
        made = own(*verb, "--follows", "all", "--json", *words)
        shown = own("plan", "show", made.json["plan_id"], "--all", "--json").json
        planned = {each["external_userid"] for each in shown["items"]}
        already = sum(each["count"] for each in made.json["problems"] if each["code"] == "already")
        assert planned <= set(wanted), verb
        assert len(wanted) - len(planned) <= already, verb
        assert not already or verb[0] == "tag"


@pytest.mark.parametrize("words", CHOICES[:3], ids=" ".join)
def test_whom_one_saw_of_a_guide_is_whom_one_hands_over(own, words):
    words = ("--owner", "guide.2", "--status", "active", *words)
    listed = own("customer", "list", "--all", "--json", *words).json["items"]
    wanted = [each["external_userid"] for each in listed]
    assert wanted
    made = own("handover", "plan", "--to", "guide.5", "--no-personal-tags", "--json", *words)
    shown = own("plan", "show", made.json["plan_id"], "--all", "--json").json["items"]
    assert {each["external_userid"] for each in shown} == set(wanted)
    assert {each["userid"] for each in shown} == {"guide.2"}


def test_a_search_takes_the_same_choice(own):
    found = own("customer", "search", "王", "--all", "--json", "--tag", "银卡").json["items"]
    listed = own("customer", "list", "-w", "王 #银卡", "--all", "--json").json["items"]
    assert found == listed


def test_a_file_names_customers_under_every_list(own, tmp_path):
    everybody = own("customer", "list", "--all", "--json").json["items"]
    wanted = [each["external_userid"] for each in everybody][5:11]
    path = tmp_path / "some.csv"
    path.write_text("\n".join(["who", *wanted, "wmNobodyHasThisOne0000000000000"]), "utf-8")
    words = ("--file", str(path), "--column", "who=external_userid", "--json")
    asked = own("customer", "list", *words)
    assert [each["external_userid"] for each in asked.json["items"]] == wanted
    assert "wmNobodyHasThisOne0000000000000" in asked.err
    tagged = own("customer", "list", "--tag", "银卡", *words).json["items"]
    assert {each["external_userid"] for each in tagged} == {
        each["external_userid"]
        for each in everybody
        if each["external_userid"] in wanted
        and "银卡" in {tag["name"] for follow in each["follows"] for tag in follow["tags"]}
    }
    assert own("stats", "owner", *words).json["total"] == len(wanted)
    assert own("mark", "add", "some", *words).json["added"] == len(wanted)
    out = own("customer", "export", str(tmp_path / "out.csv"), "--raw", *words)
    assert out.json["rows"] == len(wanted)
    path.write_text("external_userid\nwmNobodyHasThisOne0000000000000\n", "utf-8")
    assert own("customer", "list", "--json", "--file", str(path)).json["items"] == []
    path.write_text("name\n王\n", "utf-8")
    assert own("customer", "list", "--json", "--file", str(path)).code == 2


def test_a_file_may_name_more_customers_than_a_statement_has_parameters(own, tmp_path, monkeypatch):
    from storeops.reading import compile as compiler

    listed = own("customer", "list", "--all", "--json").json["items"]
    monkeypatch.setattr(compiler, "MANY_IDS", 3)
    path = tmp_path / "all.csv"
    ids = [each["external_userid"] for each in listed]
    path.write_text("\n".join(["external_userid", *ids]), "utf-8")
    words = ("--file", str(path), "--all", "--json")
    assert own("customer", "list", *words).json["items"] == listed
    phoned = own("customer", "list", "--where", "has:phone", *words).json["items"]
    assert phoned == own("customer", "list", "-w", "has:phone", "--all", "--json").json["items"]


def test_a_plan_keeps_to_the_profiles_own_store_as_a_list_does(own):
    from storeops import config

    config.save_profile(
        config.Profile("chain", "ww0", agent_id=1, base_url="http://127.0.0.1:9", store="S011")
    )
    words = ("--where", "has:phone", "--status", "active")
    for more in ((), ("--store", "all"), ("--store", "S010")):
        listed = own("customer", "list", "--all", "--json", *words, *more).json["items"]
        made = own("remark", "plan", "--remark", "新", "--follows", "all", "--json", *words, *more)
        shown = own("plan", "show", made.json["plan_id"], "--all", "--json").json["items"]
        assert {each["external_userid"] for each in shown} == {
            each["external_userid"] for each in listed
        }
        assert ("S011" in made.err) is not bool(more)
