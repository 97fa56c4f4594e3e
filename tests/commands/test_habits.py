"""Help without files, and what hands used to other tools type."""

from __future__ import annotations

import json
from typing import Any

import pytest

from commands import habits, main, tree
from storeops import __version__


def test_help_is_where_it_is_looked_for(cli: Any) -> None:
    root = cli("--help")
    assert cli("-h").out == cli().out == root.out
    assert cli("help").out.startswith(root.out.rstrip())
    assert "storeops help filter" in cli("help").out
    page = cli("plan", "apply", "--help").out
    assert cli("plan", "apply", "-h").out == page
    assert cli("help", "plan", "apply").out.split() == page.split()
    assert cli("plan").code == cli("help", "plan").code == 0
    assert cli("plan").out.split() == cli("help", "plan").out.split()
    for words in (["--version"], ["-V"]):
        assert cli(*words).out == f"storeops {__version__}\n"


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_filter_language_needs_no_file(cli: Any, language: str) -> None:
    answer = cli("help", "filter", "--lang", language)
    assert answer.code == 0
    for word in ("store:", "!#VIP", "since:7d", "handed_over", "channels", "24h", "--explain"):
        assert word in answer.out
    assert "docs/" not in answer.out
    assert ("在跟进" in answer.out) == (language == "zh_CN")
    assert cli("help", "output", "--lang", language).code == 0


def test_help_on_what_there_is_not(cli: Any) -> None:
    answer = cli("help", "custmer")
    assert answer.code == 2
    assert "customer" in answer.err


def test_reading_verbs_of_other_tools_are_understood(cli: Any, synced: Any) -> None:
    listed = cli("staff", "list", "-n", "2", "--json").out
    for line in (
        "staff get", "staff ls", "get staff", "get users", "list members", "成员 list", "users ls",
    ):  # fmt: skip
        answer = cli(*line.split(), "-n", "2", "--json")
        assert (answer.code, answer.out) == (0, listed), line
    userid = json.loads(listed)["items"][1]["userid"]
    shown = cli("staff", "show", userid, "--json").out
    for line in ("staff view", "staff describe", "staff get", "describe staff", "get member"):
        assert cli(*line.split(), userid, "--json").out == shown, line
    words = ["-n", "3", "--json"]
    found = cli("customer", "search", "王", *words).out
    assert cli("find", "王", *words).out == cli("customer", "find", "王", *words).out == found


def test_changing_verbs_are_never_guessed(cli: Any) -> None:
    for line, offered in {
        "view rm X": "storeops view delete",
        "profile delete X": "storeops profile remove",
        "tag create": "storeops tag plan",
        "plan revert X": "storeops plan undo",
        "login": "storeops profile add",
        "logs": "storeops audit list",
        "restore": "storeops db restore",
    }.items():
        answer = cli(*line.split())
        assert answer.code == 2
        assert offered in answer.err, (line, answer.err)


def test_a_noun_of_its_own_goes_before_every_habit() -> None:
    nouns = main.nouns()
    assert set(habits.NOUNS.values()) <= set(nouns)
    assert habits.turned(["get", "list"], {"get", "list"}) == ["get", "list"]
    assert habits.turned(["view", "list"], nouns) == ["view", "list"]
    assert habits.turned(["group", "view", "X"], nouns) == ["group", "view", "X"]
    root = tree.root()
    context = root.context_class(root, info_name="storeops")
    for line in habits.LINES.values():
        command: Any = root
        for word in line.split()[1:]:
            if not hasattr(command, "get_command") or word[0].isupper():
                break
            command = command.get_command(context, word)
            assert command is not None, line


def test_options_of_other_tools_are_answered(cli: Any) -> None:
    for words, told in {
        ("--jq", ".x"): "jq '.items[].name'",
        ("-l", "a=b"): "--where",
        ("--json", "name,id"): "--fields name,id",
        ("--sort-by", "name"): "--sort",
        ("--limit", "0"): "0 is too little; 1 is the least",
        ("--limit", "x"): "x is not a whole number",
    }.items():
        answer = cli("customer", "list", *words)
        assert answer.code == 2
        assert told in answer.err, (words, answer.err)
        assert "x>=" not in answer.err


def test_fields_that_there_are_not_name_those_there_are(cli: Any) -> None:
    answer = cli("exit-codes", "--fields", "meaming")
    assert answer.code == 2
    assert "Did you mean meaning?" in answer.err
    assert "Fields: code, meaning." in answer.err
    assert "Fields: code, meaning." in cli("exit-codes", "--fields", "xyz").err


def test_no_parameter_shows_a_parsers_words(cli: Any) -> None:
    for noun in main.nouns():
        page = cli("help", noun).out
        assert "<" not in page.replace("<3", "")
        assert "{" not in page.partition("\n")[0]


def test_exit_10_says_that_there_are_changes(cli: Any, synced: Any) -> None:
    tag = cli("tag", "list", "--json").json["items"][0]["tag_id"]
    words = ("tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all")
    assert cli(*words, "--detailed-exitcode").code == 10
    assert cli(*words, "--dry-run").code == 0
    assert cli("plan", "cancel", "last").code == 0
    listed = cli("plan", "list")
    assert "cancelled" not in listed.out
    assert "--status cancelled" in listed.err
    assert len(cli("plan", "list", "--json").json["items"]) == 2
    assert len(cli("plan", "list", "--status", "cancelled").out.splitlines()) == 2
    assert cli(*words).code == 0
    assert cli("plan", "apply", "last", "--yes", "--quiet").code == 0
    assert cli(*words, "--detailed-exitcode").code == 0
    assert cli("customer", "list", "--detailed-exitcode").code == 2
    assert "10" in cli("schema", "tag", "plan").json["exit_codes"]
    assert "10" not in cli("schema", "customer", "list").json["exit_codes"]


def test_the_last_plan_is_ones_own(cli: Any, shop: Any) -> None:
    assert cli("plan", "apply", "last", "--yes").code == 5
    assert cli("sync", "run", "--quiet").code == 0
    tag = cli("tag", "list", "--json").json["items"][0]["tag_id"]
    words = ("tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all")
    made = cli(*words, "--as", "王店长", "--json").json
    other = cli("plan", "apply", "last", "--yes")
    assert other.code == 9
    assert "王店长" in other.err
    assert made["plan_id"] in other.err
    assert cli("plan", "show", "last", "--json").json["plan_id"] == made["plan_id"]
    assert cli("plan", "apply", "last", "--yes", "--as", "王店长").code == 0
    undo = cli("plan", "undo", "last", "--json").json
    assert undo["ready"] == made["ready"]
    refused = cli("plan", "undo", "last")
    assert refused.code == 9, "what was applied last, not the undo that was only planned"
    assert made["plan_id"] in refused.err
    results = cli("plan", "results", "last")
    assert made["plan_id"] in results.err
    assert cli("plan", "show", "last", "--json").json["plan_id"] == undo["plan_id"]
    assert cli("plan", "pause", "last", "--json").json["plan_id"] == made["plan_id"]
    jobs = cli("job", "list", "--plan", "last", "--json").json["items"]
    assert {each["plan_id"] for each in jobs} == {made["plan_id"]}
    again = cli("handover", "back-plan", "last")
    assert made["plan_id"] in again.err, "of what was applied"
    assert cli("plan", "apply", "last", "--yes", "--quiet").code == 0
    assert cli("plan", "undo", "last", "--json").json["ready"] == made["ready"], "now the undo"


def test_the_last_plan_is_not_cancelled_instead_of_the_one_under_way(cli: Any, synced: Any) -> None:
    tag = cli("tag", "list", "--json").json["items"][0]["tag_id"]
    words = ("tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all", "--json")
    made = cli(*words).json["plan_id"]
    cli("plan", "apply", made, "--yes", "--wait", "0s", "--quiet")
    newer = cli(*words).json["plan_id"]
    assert cli("plan", "pause", "last", "--json").json["plan_id"] == made
    refused = cli("plan", "cancel", "last")
    assert refused.code == 9
    assert newer in refused.err
    assert f"storeops plan cancel {made}" in refused.err
    assert cli("plan", "cancel", made, "--json").json["plan_id"] == made
    assert cli("plan", "cancel", "last", "--json").json["plan_id"] == newer
    assert cli("plan", "results", "last", "--json").json["items"][0]["status"] == "cancelled"


def test_cron_sends_no_mail_while_all_is_well(cli: Any, shop: Any, tmp_path: Any) -> None:
    lines = ("sync run", "handover watch", "job run", "events run", f"db backup {tmp_path}/x.db")
    for line in lines:
        answer = cli(*line.split(), "--quiet")
        assert (answer.code, answer.out, answer.err) == (0, "", ""), line
        if line.startswith(("sync", "job", "handover")):
            assert cli(*line.split(), "--quiet", "--json").json, line
    assert cli("customer", "list", "-n", "1", "--quiet").out, "a list is what was asked for"
    shop.control.fault("errcode", "user/get", errcode=60011)
    shop.control.fault("errcode", "department/simplelist", errcode=60011)
    shop.control.fault("errcode", "department/list", errcode=60011)
    trouble = cli("sync", "run", "--quiet")
    assert trouble.code != 0
    assert trouble.out or trouble.err
    shop.control.clear_faults()


def test_several_rules_are_one_answer(cli: Any, synced: Any, tmp_path: Any) -> None:
    tag = cli("tag", "list", "--json").json["items"][0]["tag_id"]
    for name in ("a", "b"):
        path = tmp_path / f"{name}.toml"
        path.write_text(f'name = "{name}"\nwhere = "status:active"\nadd = ["{tag}"]\n')
    answer = cli("tag", "rule", "plan", str(tmp_path), "--json")
    assert [each["rule"] for each in answer.json["items"]] == ["a", "b"]
    one = cli("tag", "rule", "plan", str(tmp_path / "a.toml"), "--json")
    assert one.json["plan_id"]


def test_a_wrong_word_for_a_setting_is_a_wrong_word(cli: Any, shop: Any) -> None:
    answer = cli("config", "set", "language", "fr")
    assert answer.code == 2
    assert "en or zh_CN" in answer.err


def test_a_template_has_headings_of_the_language_that_are_read_again(
    cli: Any, synced: Any, tmp_path: Any
) -> None:
    template = cli("tag", "plan", "--template", "--lang", "zh_CN").out
    heading = template.splitlines()[0]
    assert "客户id" in heading
    assert "手机" in heading
    who = cli("customer", "list", "--where", "status:active !has:tag", "--json").json["items"][0]
    tag = cli("tag", "list", "--json").json["items"][0]
    line = f"{who['external_userid']},,,{who['follows'][0]['userid']},{tag['tag_id']},"
    path = tmp_path / "in.csv"
    path.write_text(f"{heading}\n{line}\n", "utf-8")
    answer = cli("tag", "plan", "--file", str(path), "--column", "添加标签=add", "--json")
    assert (answer.code, answer.json["ready"]) == (0, 1), answer.err


def test_names_are_completed_wherever_they_are_taken(
    cli: Any, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the mirror, under every command; plans that are done are not offered to be applied."""
    from commands import schema

    assert cli("sync", "run", "--quiet").code == 0
    staff = cli("staff", "list", "--json").json["items"]
    tag = cli("tag", "list", "--json").json["items"][0]
    words = ("tag", "plan", "--add", tag["tag_id"], "--where", "status:active", "--follows", "all")
    plan = cli(*words, "--json").json["plan_id"]
    assert cli("mark", "add", "picked", "--where", "has:phone").code == 0
    monkeypatch.setenv("_STOREOPS_COMPLETE", "complete_bash")
    wanted = {"USERID", "STAFF", "TAG", "STORE", "PLAN"}
    seen = 0
    for path, command, _context in schema.leaves():
        for each in command.params:
            if (each.metavar or "").strip("[]. …") in wanted or "--marked" in each.opts:
                assert each._custom_shell_complete is not None, (path, each.opts)
                seen += 1
    assert seen > 50

    def offered(path: str, option: str, start: str) -> set[str]:
        command, context = next(
            (command, context) for each, command, context in schema.leaves() if each == path
        )
        one = next(each for each in command.params if option in (*each.opts, each.name))
        return {item.value for item in one._custom_shell_complete(context, one, start)}

    assert staff[3]["userid"] in offered("handover plan", "--to", staff[3]["userid"][:2])
    assert tag["name"] in offered("tag plan", "--add", tag["name"][:1])
    assert offered("tag plan", "--marked", "pi") == {"picked"}
    assert offered("plan apply", "plan_id", "tag-") == {plan}
    monkeypatch.delenv("_STOREOPS_COMPLETE")
    assert cli("plan", "apply", plan, "--yes", "--quiet").code == 0
    monkeypatch.setenv("_STOREOPS_COMPLETE", "complete_bash")
    assert offered("plan apply", "plan_id", "tag-") == set()
    assert offered("plan results", "plan_id", "tag-") == {plan}


def test_what_looks_alike_only_by_its_dashes_is_not_offered(cli: Any, shop: Any) -> None:
    assert "--reveal" in cli("customer", "list", "--show-phone").err
    assert "Did you mean" not in cli("customer", "list", "--xyzabc").err
    assert "--quiet" not in cli("customer", "note", "x", "--list").err
    assert "--limit" in cli("customer", "list", "--lim").err


def test_no_step_names_a_profile_that_there_is_not(cli: Any, shop: Any) -> None:
    answer = cli("status", "--profile", "nosuch")
    assert answer.code == 5
    assert "--profile nosuch" not in answer.err


def test_examples_of_dates_are_no_guesses(cli: Any, shop: Any) -> None:
    assert "Did you mean" not in cli("customer", "list", "--since", "2026-13-45").err
    assert "Did you mean yesterday" in cli("customer", "list", "--since", "yestrday").err


def test_the_systems_reasons_are_told_in_our_language(cli: Any, shop: Any, tmp_path: Any) -> None:
    for words in (
        ["customer", "list", "--file", str(tmp_path / "none.csv")],
        ["customer", "list", "--file", str(tmp_path)],
        ["stock", "import", str(tmp_path / "none.csv")],
        ["forecast", "show", "--file", str(tmp_path / "none.csv")],
    ):
        answer = cli(*words, "--lang", "zh_CN")
        assert answer.code, words
        told = answer.err.replace(str(tmp_path), "")
        assert "No such" not in told, words
        assert "directory" not in told, words


def test_an_empty_list_says_how_to_fill_it(cli: Any, shop: Any) -> None:
    assert "storeops order import" in cli("order", "list").err
    assert "storeops product import" in cli("product", "list").err
