"""The words people and scripts use, end to end on the command line."""

import json

import pytest

from storeops import config, i18n, terms

SHAPE = {"plan_id", "kind", "rows", "ready", "blocked", "calls", "expires_at", "hash", "problems"}
ITEM = {"row", "external_userid", "userid", "status", "errcode", "meaning", "next_step",
        "retryable", "at"}  # fmt: skip


@pytest.fixture
def chain(corp):
    """The sandbox behind a synced profile; commands open that for themselves."""
    corp.app.close()
    return corp.sandbox


def tags(cli):
    return [
        tag for tag in cli("tag", "list", "--json", "--all").json["items"] if not tag.get("deleted")
    ]


def plan_one(cli, *more):
    tag = tags(cli)[0]
    answer = cli("tag", "plan", "--add", tag["tag_id"], "--where", "status:active",
                 "--follows", "all", "--json", *more)  # fmt: skip
    assert answer.code == 0, answer.err
    return answer.json


def test_the_shapes_that_scripts_rely_on(cli, chain):
    plan = plan_one(cli)
    assert set(plan) == SHAPE
    assert plan["expires_at"].endswith("Z")
    applied = cli("plan", "apply", plan["plan_id"], "--yes", "--wait", "5m", "--json")
    assert applied.code == 0, applied.err
    assert applied.json["rows"]["done"] == plan["ready"]
    results = cli("plan", "results", plan["plan_id"], "--json").json
    assert len(results["items"]) == plan["rows"]
    for item in results["items"]:
        assert set(item) == ITEM
    csv = cli("plan", "results", plan["plan_id"], "--csv").out.splitlines()
    assert csv[0] == ("row,external_userid,userid,status,errcode,meaning,next_step,retryable,at")
    assert len(csv) == plan["rows"] + 1
    undo = cli("plan", "undo", plan["plan_id"], "--json").json
    assert set(undo) == SHAPE
    assert undo["plan_id"] != plan["plan_id"]
    assert cli("plan", "apply", undo["plan_id"], "--yes", "--json").code == 0
    statuses = {
        each["status"] for each in cli("plan", "results", plan["plan_id"], "--json").json["items"]
    }
    assert statuses <= {"undone", "blocked"}
    assert cli("audit", "verify", "--json").json["whole"] is True


def test_apply_wants_the_count_typed_or_yes(cli, chain):
    plan = plan_one(cli)
    refused = cli("plan", "apply", plan["plan_id"], "--json")
    assert refused.code == 2
    assert "--yes" in refused.error["hint"]
    assert "externalcontact/mark_tag" not in chain.control.calls()["paths"]


def test_wait_ends_with_69_and_the_line_that_resumes(cli, chain):
    plan = plan_one(cli)
    chain.control.settings(latency_ms=60)
    answer = cli("plan", "apply", plan["plan_id"], "--yes", "--wait", "1s", "--json")
    assert answer.code == 69
    assert answer.error["category"] == "still_running"
    assert answer.error["next_steps"][0] == "storeops job run --until-empty"
    chain.control.settings(latency_ms=0)
    assert cli("job", "run", "--until-empty", "--json").code == 0
    shown = cli("plan", "show", plan["plan_id"], "--json").json
    assert shown["status"] == "done"
    assert shown["by_status"] == {"done": plan["ready"]}


def test_only_queueing_then_running(cli, chain):
    plan = plan_one(cli)
    queued = cli("plan", "apply", plan["plan_id"], "--yes", "--wait", "0s", "--json").json
    assert queued["jobs"] == {"queued": plan["calls"]}
    jobs = cli("job", "list", "--json", "--plan", plan["plan_id"], "--all").json["items"]
    assert {each["status"] for each in jobs} == {"queued"}
    cli("job", "cancel", str(jobs[0]["job_id"]))
    ended = cli("job", "run", "--once", "--json").json
    assert ended["rows"] == {"done": plan["ready"] - 1}
    shown = cli("job", "show", str(jobs[0]["job_id"]), "--json").json
    assert shown["status"] == "cancelled"
    assert [each["kind"] for each in shown["events"]] == ["cancelled"]


def test_failed_rows_end_with_6_and_can_be_retried(cli, chain, monkeypatch):
    from storeops import retrying
    from storeops.retrying import Waits

    monkeypatch.setattr(retrying, "JOB", Waits(1, 0.01, 0.01))
    monkeypatch.setattr(retrying, "CALL", Waits(3, 0.01, 0.01))
    plan = plan_one(cli)
    item = cli("plan", "results", plan["plan_id"], "--json").json["items"][0]
    chain.control.fault("errcode", "*mark_tag", errcode=-1, match=item["external_userid"])
    answer = cli("plan", "apply", plan["plan_id"], "--yes", "--json")
    assert answer.code == 6
    assert any("job retry" in step for step in answer.error["next_steps"])
    failed = cli("plan", "results", plan["plan_id"], "--not-done", "--json").json["items"]
    assert failed
    assert all(each["retryable"] and each["errcode"] == -1 for each in failed)
    chain.control.clear_faults()
    assert cli("job", "retry", plan["plan_id"], "--failed", "--json").json["rows"] == len(failed)
    assert cli("job", "run", "--json").code == 0
    assert cli("plan", "results", plan["plan_id"], "--not-done", "--json").json["items"] == []


def test_read_only_and_policy(cli, chain):
    tag = tags(cli)[0]["tag_id"]
    words = ("tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all", "--json")
    assert cli(*words, "--read-only").code == 11
    plan = plan_one(cli)
    assert cli("plan", "apply", plan["plan_id"], "--yes", "--read-only", "--json").code == 11
    profile = config.load().profiles["t"]
    config.save_profile(
        config.Profile(
            name="t", corp_id=profile.corp_id, agent_id=profile.agent_id,
            base_url=profile.base_url, sandbox=True, allow=("remark",),
        )
    )  # fmt: skip
    refused = cli("plan", "apply", plan["plan_id"], "--yes", "--json")
    assert refused.code == 11
    assert "remark" in refused.error["hint"]
    assert "externalcontact/mark_tag" not in chain.control.calls()["paths"]


def test_who_and_why_are_kept(cli, chain):
    plan = plan_one(cli, "--as", "王店长", "--reason", "opening")
    cli("plan", "apply", plan["plan_id"], "--yes", "--as", "李店长", "--reason", "go")
    items = cli("audit", "list", "--json", "--all", "--plan", plan["plan_id"]).json["items"]
    who = {each["kind"]: (each["who"], each["payload"].get("reason")) for each in items}
    assert who["plan.made"] == ("王店长", "opening")
    assert who["plan.applied"] == ("李店长", "go")
    answer = next(each for each in items if each["kind"] == "row.answer")
    shown = cli("audit", "show", str(answer["seq"]), "--lang", "en").out
    for key in ("userid", "source", "job"):  # all it says, also beside the change
        assert f"{terms.DETAIL[key]}: {answer['payload'][key]}" in " ".join(shown.split())
    person = next(each["external_userid"] for each in items if each["external_userid"])
    lines = cli("audit", "export", "--customer", person).out.splitlines()
    assert all(json.loads(line)["external_userid"] == person for line in lines)
    assert cli("audit", "erase", person, "--yes", "--json").json["lines"] == len(lines)
    assert cli("audit", "verify", "--json").json["erased"] == len(lines)
    assert cli("audit", "list", "--json", "--customer", person).json["items"] == []


def test_expired_and_foreign_plans_are_refused(cli, chain):
    plan = plan_one(cli)
    chain.control.advance(25 * 3600)
    cli("sync", "run", "--scope", "departments", "--quiet")
    answer = cli("plan", "apply", plan["plan_id"], "--yes", "--json")
    assert answer.code == 9
    assert answer.error["next_steps"][0].startswith("storeops tag plan --add")


def test_rules_are_checked_previewed_and_idempotent(cli, chain, tmp_path):
    tag = tags(cli)[0]
    folder = tmp_path / "rules"
    folder.mkdir()
    rule = folder / "gold.toml"
    rule.write_text(f'name = "Gold"\nwhere = "status:active"\nadd = ["{tag["tag_id"]}"]\n')
    assert cli("tag", "rule", "check", str(folder), "--json").json["items"][0]["troubles"] == []
    preview = cli("tag", "rule", "preview", str(folder), "--json").json["items"][0]
    assert preview["changes"] > 0
    assert len(preview["examples"]) == min(10, preview["changes"])
    plan = cli("tag", "rule", "plan", str(rule), "--json").json
    assert plan["ready"] == preview["changes"]
    assert cli("plan", "apply", plan["plan_id"], "--yes", "--json").code == 0
    assert cli("tag", "rule", "plan", str(rule), "--json").json["ready"] == 0
    rule.write_text('where = "status:active"\nadd = ["No Such"]\n')
    checked = cli("tag", "rule", "check", str(folder), "--json")
    assert checked.code == 2
    assert "No Such" in checked.json["items"][0]["troubles"][0]
    rule.write_text('wher = "x"\nadd = ["a"]\n')
    assert "where" in cli("tag", "rule", "check", str(folder), "--json").error["hint"]


def test_files_and_templates(cli, chain, tmp_path):
    template = cli("tag", "plan", "--template")
    assert template.out.startswith("external_userid,phone,unionid,userid,add,remove")
    owner = chain.control.export("follows").__next__()
    path = tmp_path / "in.csv"
    path.write_text(f"external_userid,userid\n{owner['external_userid']},{owner['userid']}\nwmX,\n")
    tag = tags(cli)[0]["tag_id"]
    strict = cli("tag", "plan", "--csv", str(path), "--add", tag, "--strict", "--json")
    assert strict.code == 2
    assert "line 3" in strict.error["message"]
    plan = cli("tag", "plan", "--csv", str(path), "--add", tag, "--json").json
    assert [each["line"] for each in plan["problems"] if not each["warning"]] == [3]


def test_remarks_on_the_command_line(cli, chain):
    plan = cli("remark", "plan", "--description", "{store}", "--where", "status:active",
               "--follows", "all", "--json").json  # fmt: skip
    assert set(plan) == SHAPE
    assert plan["ready"] > 0
    assert cli("plan", "apply", plan["plan_id"], "--yes", "--json").code == 0
    shown = cli("plan", "show", plan["plan_id"]).out
    assert "description" in shown or "店" in shown


def test_removing_rows_makes_a_new_hash(cli, chain):
    plan = plan_one(cli)
    smaller = cli("plan", "remove", plan["plan_id"], "--rows", "1,3-5", "--json").json
    assert smaller["plan_id"] == plan["plan_id"]
    assert smaller["hash"] != plan["hash"]
    assert smaller["ready"] == plan["ready"] - 4
    assert cli("plan", "apply", plan["plan_id"], "--yes", "--json").json["rows"] == {
        "done": plan["ready"] - 4
    }


def test_library_commands_are_plans(cli, chain):
    plan = cli("tag", "group", "add", "Level", "--tag", "Gold", "--json").json
    assert set(plan) == SHAPE
    assert cli("plan", "apply", plan["plan_id"], "--json").code == 0, "one row needs no --yes"
    assert cli("tag", "move", "Level/Gold", "--to", "Other", "--json").code == 2
    renamed = cli("tag", "rename", "Level/Gold", "Platin", "--json").json
    assert cli("plan", "apply", renamed["plan_id"], "--json").code == 0
    assert any(each["name"] == "Platin" for each in tags(cli))


def test_every_table_can_be_read_in_both_languages(cli, chain):
    plan = plan_one(cli)
    for lang in ("en", "zh_CN"):
        for words in (
            ("plan", "list"), ("plan", "show", plan["plan_id"]), ("job", "list"), ("job", "logs"),
            ("audit", "list"), ("audit", "verify"), ("plan", "results", plan["plan_id"]),
        ):  # fmt: skip
            answer = cli(*words, "--lang", lang)
            assert answer.code == 0, answer.err
            assert answer.out or answer.err


def test_a_plan_is_called_in_the_language_of_who_reads_it(cli, chain, tmp_path, monkeypatch):
    """Every planner's title, made in Chinese, read in English, and the other way round."""
    person = cli("customer", "list", "-n", "1", "--json").json["items"][0]["external_userid"]
    sheet = tmp_path / "people.csv"
    tag = tags(cli)[0]
    sheet.write_text(f"external_userid,tags\n{person},{tag['tag_id']}\n", encoding="utf-8")
    staff = cli("staff", "list", "--json", "--all").json["items"]
    owner = cli("customer", "show", person, "--json").json["follows"][0]["userid"]
    heir = next(each["userid"] for each in staff if each["userid"] != owner)
    ways = (
        ("tag", "plan", "--file", str(sheet), "--column", "tags=add", "--follows", "all"),
        ("remark", "plan", "--where", f"id:{person}", "--remark", "老友", "--follows", "all"),
        ("handover", "plan", "--from", owner, "--to", heir),
        ("tag", "rename", tag["tag_id"], "另名"),
        ("contact-way", "plan", "add", "--user", staff[0]["userid"], "--remark", "码"),
    )

    def read(lang, *words):
        monkeypatch.setenv("STOREOPS_LANG", lang)
        i18n.use(lang)
        answer = cli(*words)
        assert answer.code in (0, 6), answer.err  # blocked rows have a plan, too
        return answer

    for made_in in ("zh_CN", "en"):
        for way in ways:
            plan = read(made_in, *way, "--json").json["plan_id"]
            titles = {}
            for lang in ("zh_CN", "en"):
                for command in ("show", "list"):
                    said = read(lang, "plan", command, *([plan] if command == "show" else [])).out
                    assert '{"say"' not in said
                about = read(lang, "plan", "list", "--json").json["items"]
                (titles[lang],) = [each["title"] for each in about if each["plan_id"] == plan]
                assert '{"say"' not in read(lang, "audit", "list", "--plan", plan).out
            assert titles["zh_CN"] != titles["en"], titles
            ours = f"老友另名码{tag}{staff}"
            assert all(each in ours for each in titles["en"] if "\u4e00" <= each <= "\u9fff")
            read("en", "plan", "cancel", plan)
