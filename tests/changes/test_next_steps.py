"""What a command tells people to type next succeeds when it is typed, in every state."""

from __future__ import annotations

import re
import shlex

import pytest

from storeops import config, retrying, secrets
from storeops.retrying import Waits

MARK, REMARK = "externalcontact/mark_tag", "externalcontact/remark"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(retrying, "JOB", Waits(2, 0.01, 0.01))
    monkeypatch.setattr(retrying, "READ_BACK", Waits(None, 0.01, 0.01))
    monkeypatch.setattr(retrying, "CALL", Waits(3, 0.01, 0.01))


@pytest.fixture
def chain(make_corp):
    """A synced profile that is not the default one: steps must name it."""
    corp = make_corp(follows=60)
    corp.app.close()
    sandbox = corp.sandbox
    other = config.Profile(
        name="other", corp_id=sandbox.corp_id, agent_id=sandbox.agent_id,
        base_url="http://127.0.0.1:9", sandbox=True,
    )  # fmt: skip
    config.save_profile(other, make_default=True)
    secrets.save("other", sandbox.secret)
    return sandbox


def steps(answer):
    """The command lines that an answer tells to type, for people and for programs."""
    printed = re.findall(r"(?:[Nn]ext|hint: .*): (storeops .*)", answer.out + "\n" + answer.err)
    return list(dict.fromkeys(printed))


def type_all(cli, answer, *, least=1):
    """Type every step, the last first, so that none takes away what another would do."""
    found = steps(answer)
    assert len(found) >= least, answer.out + answer.err
    for line in reversed(found):
        words = shlex.split(line)[1:]
        if words[:2] == ["plan", "apply"]:
            words.append("--yes")
        typed = cli(*words)
        assert typed.code == 0, f"{line}\n{typed.out}{typed.err}"
    return found


def t(cli, *words):
    return cli(*words, "--profile", "t")


def tag_ids(cli):
    rows = t(cli, "tag", "list", "--json", "--all").json["items"]
    return [each["tag_id"] for each in rows if not each.get("deleted")]


def plan_tag(cli, tag):
    answer = t(cli, "tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all",
               "--json")  # fmt: skip
    assert answer.code == 0, answer.err
    return answer.json


def apply(cli, plan):
    return t(cli, "plan", "apply", plan["plan_id"], "--yes")


def test_of_a_plan_that_was_just_made(cli, chain):
    tag = tag_ids(cli)[0]
    made = t(cli, "tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all")
    assert len(type_all(cli, made, least=2)) == 2


@pytest.mark.parametrize("kind", ["tag", "remark"])
def test_after_an_apply_that_failed_for_good(cli, chain, kind):
    if kind == "tag":
        plan = plan_tag(cli, tag_ids(cli)[0])
    else:
        plan = t(cli, "remark", "plan", "--remark", "x", "--where", "status:active",
                 "--follows", "all", "--json").json  # fmt: skip
    chain.control.fault("errcode", MARK if kind == "tag" else REMARK, errcode=40058, first=3)
    answer = apply(cli, plan)
    assert answer.code == 6
    chain.control.clear_faults()
    found = type_all(cli, answer, least=2)
    assert f"storeops {kind} plan --again {plan['plan_id']} --profile t" in found
    assert not any("job retry" in each for each in found), "they would be refused again"
    dead = t(cli, "job", "retry", plan["plan_id"])
    assert dead.code == 9
    type_all(cli, dead, least=2)


def test_what_again_plans_is_what_was_not_done(cli, chain):
    plan = plan_tag(cli, tag_ids(cli)[0])
    chain.control.fault("errcode", MARK, errcode=40058, first=4)
    assert apply(cli, plan).code == 6
    chain.control.clear_faults()
    anew = t(cli, "tag", "plan", "--again", plan["plan_id"], "--json")
    assert (anew.code, anew.json["ready"]) == (0, 4)
    assert apply(cli, anew.json).code == 0
    nothing = t(cli, "tag", "plan", "--again", plan["plan_id"], "--json")
    assert (nothing.code, nothing.json["plan_id"]) == (0, None)
    assert t(cli, "remark", "plan", "--again", plan["plan_id"]).code == 2
    both = t(cli, "tag", "plan", "--again", plan["plan_id"], "--where", "x")
    assert both.code == 2


def test_vanished_rows_are_no_dead_end(cli, chain):
    plan = plan_tag(cli, tag_ids(cli)[0])
    row = t(cli, "plan", "results", plan["plan_id"], "--json").json["items"][0]
    chain.control.act("follow_delete", userid=row["userid"], external_userid=row["external_userid"])
    answer = apply(cli, plan)
    assert answer.code == 6
    type_all(cli, answer)
    results = t(cli, "plan", "results", plan["plan_id"], "--not-done")
    assert "(84061)" in results.out or "84061" in results.out
    assert row["external_userid"] not in results.out, "names, not ids"


def test_after_an_outage(cli, chain):
    plan = plan_tag(cli, tag_ids(cli)[0])
    chain.control.fault("status", MARK, status=502)
    answer = apply(cli, plan)
    assert answer.code == 6
    chain.control.clear_faults()
    found = type_all(cli, answer, least=2)
    assert f"storeops job retry {plan['plan_id']} --profile t" in found
    run = t(cli, "job", "run", "--json")
    assert (run.code, run.json["rows"]) == (0, {"done": plan["ready"]})


def test_of_rows_that_nobody_can_be_asked_about(cli, chain, monkeypatch):
    monkeypatch.setattr(retrying, "READ_BACK", Waits(3, 0.01, 0.01))
    plan = plan_tag(cli, tag_ids(cli)[0])
    chain.control.fault("html", MARK)
    chain.control.fault("html", "externalcontact/get")
    answer = apply(cli, plan)
    assert answer.code == 6
    assert "stay unknown" in answer.err
    chain.control.clear_faults()
    found = type_all(cli, answer, least=2)
    assert found[0] == f"storeops plan resume {plan['plan_id']} --profile t"
    run = t(cli, "job", "run", "--json")
    assert (run.code, run.json["rows"]) == (0, {"done": plan["ready"]})


def test_of_a_paused_plan(cli, chain):
    plan = plan_tag(cli, tag_ids(cli)[0])
    chain.control.fault("errcode", MARK, errcode=48002)
    answer = apply(cli, plan)
    assert answer.code == 4
    chain.control.clear_faults()
    lines = [each for each in steps(answer) if each.startswith("storeops plan resume")]
    assert lines
    assert cli(*shlex.split(lines[0])[1:]).code == 0
    assert t(cli, "job", "run", "--quiet").code == 0
    assert t(cli, "plan", "show", plan["plan_id"], "--json").json["status"] == "done"


def test_of_a_plan_that_was_cancelled_half_way(cli, chain):
    plan = plan_tag(cli, tag_ids(cli)[0])
    assert t(cli, "plan", "apply", plan["plan_id"], "--yes", "--wait", "0s").code == 0
    assert t(cli, "plan", "cancel", plan["plan_id"]).code == 0
    dead = t(cli, "job", "retry", plan["plan_id"])
    assert dead.code == 9
    assert any("--again" in each for each in type_all(cli, dead, least=2))


def test_job_run_ends_as_plan_apply_does(cli, chain):
    assert t(cli, "job", "run").code == 0, "nothing to do"
    plan = plan_tag(cli, tag_ids(cli)[0])
    chain.control.fault("errcode", MARK, errcode=40058, first=2)
    assert t(cli, "plan", "apply", plan["plan_id"], "--yes", "--wait", "0s").code == 0
    answer = t(cli, "job", "run")
    assert answer.code == 6
    chain.control.clear_faults()
    type_all(cli, answer, least=2)
    other = plan_tag(cli, tag_ids(cli)[1])
    chain.control.fault("errcode", MARK, errcode=60020)
    t(cli, "plan", "apply", other["plan_id"], "--yes", "--wait", "0s")
    assert t(cli, "job", "run").code == 4


def test_nothing_to_do_is_no_plan_and_everything_left_out_is_partly(cli, chain):
    tag = tag_ids(cli)[0]
    assert apply(cli, plan_tag(cli, tag)).code == 0
    words = ("tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all")
    before = len(t(cli, "plan", "list", "--json").json["items"])
    answer = t(cli, *words, "--json")
    assert (answer.code, answer.json["plan_id"], answer.json["rows"]) == (0, None, 0)
    assert [each["code"] for each in answer.json["problems"]] == ["already"]
    assert t(cli, *words).code == 0
    assert len(t(cli, "plan", "list", "--json").json["items"]) == before
    long = t(cli, "remark", "plan", "--remark", "字" * 21, "--where", "status:active",
             "--follows", "all")  # fmt: skip
    assert long.code == 6
    assert "21" in long.out, "the reason is in the summary"
    type_all(cli, long)
    (name,) = re.findall(r"plan show (\S+)", long.out)[:1]
    assert t(cli, "plan", "apply", name, "--yes").code == 6


def test_equal_problems_are_one_line(cli, chain, tmp_path):
    row = t(cli, "customer", "list", "--json", "-n", "1").json["items"][0]
    sheet = tmp_path / "tags.csv"
    lines = [f"{row['external_userid']},黑金" for _each in range(30)]
    lines += [f"wmNobody{n:02},黑金" for n in range(3)]
    sheet.write_text("external_userid,add\n" + "\n".join(lines) + "\n", "utf-8")
    answer = t(cli, "tag", "plan", f"--csv={sheet}", "--follows", "all")
    assert answer.code == 6
    assert answer.out.count("left out") <= 5, answer.out
    assert "…" in answer.out


def test_a_signal_of_the_system_ends_a_worker_with_143(cli, chain):
    import os
    import signal
    import sqlite3
    import subprocess
    import sys
    import time

    from storeops import paths

    words = ["job", "run", "--for", "60s", "--profile", "t"]
    process = subprocess.Popen(
        [sys.executable, "-m", "storeops", *words], env={**os.environ, "STOREOPS_LANG": "en"},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    working = "SELECT 1 FROM worker WHERE finished_at IS NULL"
    try:
        for _each in range(300):
            data = sqlite3.connect(f"file:{paths.data_db('t')}?mode=ro", uri=True)
            found = data.execute(working).fetchone()
            data.close()
            if found:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _out, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 143
    assert "storeops job run" in said


def test_undo_and_cancel_of_what_is_over_point_to_no_dead_end(cli, chain):
    plan = plan_tag(cli, tag_ids(cli)[0])
    chain.control.fault("errcode", MARK, errcode=40058)
    assert apply(cli, plan).code == 6
    chain.control.clear_faults()
    for verb in ("undo", "cancel"):
        answer = t(cli, "plan", verb, plan["plan_id"])
        assert answer.code == 9
        assert "plan cancel" not in answer.err, "nothing is queued"
        type_all(cli, answer)


def restored(cli, tmp_path):
    """A plan whose calls were not finished when the backup was made that is the truth now."""
    plan = plan_tag(cli, tag_ids(cli)[0])
    assert t(cli, "plan", "apply", plan["plan_id"], "--yes", "--wait", "0s").code == 0
    copy = str(tmp_path / "copy.db")
    assert t(cli, "db", "backup", copy).code == 0
    answer = t(cli, "db", "restore", copy, "--yes")
    assert answer.code == 0
    return plan, answer


def test_of_rows_that_a_restore_holds(cli, chain, tmp_path):
    plan, _answer = restored(cli, tmp_path)
    for words in (("plan", "results"), ("plan", "show")):
        rows = t(cli, *words, plan["plan_id"], "--json").json
        found = {each["next_step"] for each in rows.get("items", rows.get("rows"))}
        assert found == {f"The plan is paused. Go on with: storeops plan resume {plan['plan_id']}"}
    assert t(cli, "job", "run", "--json").json["jobs"] == 0, "nothing is asked or sent"
    shown = t(cli, "plan", "results", plan["plan_id"])
    assert "plan resume" in shown.out
    resumed = t(cli, "plan", "resume", plan["plan_id"])
    assert "job run" in resumed.out
    rows = t(cli, "plan", "results", plan["plan_id"], "--json").json["items"]
    assert all("job run" in each["next_step"] for each in rows)
    type_all(cli, resumed)
    assert t(cli, "plan", "show", plan["plan_id"], "--json").json["status"] == "done"


def test_today_counts_what_a_restore_holds(cli, chain, tmp_path):
    from storeops.app import App
    from storeops.changes.pending_work import pending_work

    plan, _answer = restored(cli, tmp_path)
    app = App.open("t")
    ends = pending_work(app.data, app.clock.now())
    app.close()
    assert ends.held == plan["calls"]


def test_of_what_a_restore_holds_and_a_person_gives_up(cli, chain, tmp_path):
    plan, _answer = restored(cli, tmp_path)
    cancelled = t(cli, "plan", "cancel", plan["plan_id"])
    assert cancelled.code == 0
    for each in steps(cancelled):
        assert cli(*shlex.split(each)[1:]).code == 0, each
    assert t(cli, "job", "run", "--json").json["jobs"] == 0


def test_a_retry_of_a_paused_plan_waits_for_the_person(cli, chain):
    plan = plan_tag(cli, tag_ids(cli)[0])
    chain.control.fault("status", MARK, status=502)
    assert apply(cli, plan).code == 6
    chain.control.clear_faults()
    assert t(cli, "plan", "pause", plan["plan_id"]).code == 0
    again = t(cli, "job", "retry", plan["plan_id"])
    assert again.code == 0
    assert steps(again) == [f"storeops plan resume {plan['plan_id']} --profile t"]
    assert t(cli, "job", "run", "--json").json["jobs"] == 0, "it is paused"
    resumed = cli(*shlex.split(steps(again)[0])[1:])
    type_all(cli, resumed)
    assert t(cli, "plan", "show", plan["plan_id"], "--json").json["status"] == "done"


def test_a_plan_that_is_over_goes_on_with_nothing(cli, chain):
    plan = plan_tag(cli, tag_ids(cli)[0])
    assert apply(cli, plan).code == 0
    for verb in ("pause", "resume"):
        answer = t(cli, "plan", verb, plan["plan_id"])
        assert not any("job run" in each for each in steps(answer)), answer.out
