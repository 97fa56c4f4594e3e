"""One choice of customers: the same options under every verb; whom one saw is whom one plans."""

import importlib

import pytest
import typer.main

from commands.selecting import OPTIONS

VERBS = [
    ("customer", "list"), ("customer", "export"), ("stats", "stats"), ("mark", "add"),
    ("mark", "remove"), ("tag", "plan"), ("remark", "plan"),
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
