"""Second doors have the first one's guards: raw writes, queued work, a demo run again."""

import json
from pathlib import Path

import pytest

from storeops import config, paths
from storeops.app import App

REMARK = "externalcontact/remark"


@pytest.fixture
def follow(shop):
    row = next(iter(shop.control.export("follows")))
    return {"userid": row["userid"], "external_userid": row["external_userid"]}


def change(**values):
    from dataclasses import replace

    profile = config.load().profiles["shop"]
    config.save_profile(replace(profile, **values))


def raw(cli, follow, *more):
    body = {**follow, "remark": "call 13812345678"}
    return cli("api", "post", REMARK, "--data", json.dumps(body), "--allow-write", *more)


def journal(cli):
    return cli("audit", "list", "--json", "--all").json["items"][::-1]


def test_a_raw_write_is_in_the_journal_before_and_after(cli, shop, follow):
    answer = raw(cli, follow, "--reason", "asked by head office")
    assert answer.code == 0
    assert REMARK in answer.err, "shown before it is sent"
    assert "13812345678" not in answer.err
    intent, answered = journal(cli)
    assert (intent["kind"], answered["kind"]) == ("api.intent", "api.answer")
    assert intent["external_userid"] == follow["external_userid"]
    assert intent["payload"]["path"] == REMARK
    assert intent["payload"]["reason"] == "asked by head office"
    assert "13812345678" not in json.dumps(intent)
    assert answered["payload"] == {
        "intent": intent["seq"], "status": "done", "errcode": 0
    }  # fmt: skip
    assert cli("audit", "verify").code == 0
    erased = cli("audit", "erase", follow["external_userid"], "--yes", "--lang", "zh_CN")
    assert erased.code == 0
    assert "提成明细：" in erased.out, erased.out
    assert "_" not in erased.out.splitlines()[0], "what domains emptied is named by their words"
    assert follow["external_userid"] not in json.dumps(journal(cli))


@pytest.mark.parametrize(
    "values",
    [
        {"remark_mobiles": "13812345678"},
        {"remark_mobiles": [13812345678]},
        {"remark_mobiles": None, "note": [13812345678]},
        {"user": [{"mobile": 13812345678}]},
    ],
    ids=str,
)
def test_a_phone_is_masked_in_whatever_form_it_is_sent(cli, shop, follow, values):
    body = json.dumps({**follow, **values})
    answer = cli("api", "post", REMARK, "--data", body, "--allow-write")
    assert [each["kind"] for each in journal(cli)] == ["api.intent", "api.answer"]
    assert "13812345678" not in answer.err + json.dumps(journal(cli))


def test_a_write_by_get_is_journaled_too(cli, shop):
    assert cli("api", "get", "user/delete", "--param", "userid=nobody", "--allow-write").code == 4
    assert [each["kind"] for each in journal(cli)] == ["api.intent", "api.answer"]
    assert journal(cli)[1]["payload"]["status"] == "failed"


@pytest.mark.parametrize("kind", ["cut", "truncated_json"])
def test_a_raw_write_without_an_answer_stays_unknown(cli, shop, follow, kind):
    shop.control.fault(kind, REMARK)
    assert raw(cli, follow).code == 8
    assert journal(cli)[1]["payload"]["status"] == "unknown"


def test_what_was_not_allowed_is_neither_sent_nor_journaled(cli, shop, follow):
    for values, code in (
        ({"allow": ("tag",)}, 11), ({"allow": ("tag", "api")}, 0), ({"read_only": True}, 11),
    ):  # fmt: skip
        shop.control.reset_calls()
        change(**values)
        assert raw(cli, follow).code == code, values
        assert (REMARK in shop.control.calls()["paths"]) == (code == 0)
    change(read_only=False, allow=None)
    refused = cli("api", "post", REMARK, "--data", json.dumps({**follow, "remark": "x"}), "--json")
    assert refused.code == 11
    assert refused.error["call"]["body"]["remark"] == "x"
    assert len(journal(cli)) == 2


def test_secrets_in_a_raw_body_reach_neither_screen_nor_journal(cli, shop):
    body = json.dumps({"chat": [{"corpsecret": "hush", "phone": "13812345678"}]})
    answer = cli("api", "post", "agent/set", "--data", body, "--allow-write")
    said = answer.err + json.dumps(journal(cli))
    assert "hush" not in said
    assert "13812345678" not in said


def test_queued_work_that_is_no_longer_allowed_is_not_sent(cli, synced):
    tag = next(row["tag_id"] for row in synced.control.export("tags"))
    planned = cli(
        "tag", "plan", "--where", "status:active", "--follows", "all", "--add", tag, "--json"
    )
    assert planned.code in (0, 6), planned.err
    made = planned.json
    app = App.open("shop")
    from storeops.changes import apply

    apply.apply(app.ledger, made["plan_id"])
    app.close()
    synced.control.reset_calls()
    change(allow=("remark",))
    cli("job", "run")
    assert "externalcontact/mark_tag" not in synced.control.calls()["paths"]
    results = cli("plan", "results", made["plan_id"], "--json", "--all").json["items"]
    sent = [each for each in results if each["status"] != "blocked"]
    assert {each["status"] for each in sent} == {"failed"}
    change(allow=None)
    assert cli("job", "retry", made["plan_id"], "--failed").code == 0
    assert cli("job", "run").code == 0
    assert "externalcontact/mark_tag" in synced.control.calls()["paths"]
    assert cli("audit", "verify").code == 0


def test_no_worker_in_a_read_only_profile(home, shop):
    from storeops.errors import PolicyError

    app = App.open("shop", readonly=True)
    with pytest.raises(PolicyError):  # the screens' worker, too
        app.worker()
    app.close()


# --- the demo, run again ----------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_demo_run_again_keeps_what_a_person_made(cli, home):
    try:
        assert cli("demo", "--no-tui", "--weeks=0", "--stop").code == 0
        assert cli("view", "save", "mine", "--where", "has:phone", "--profile", "demo").code == 0
        backup = cli("db", "backup", "--profile", "demo", "--json").json["path"]
        again = cli("demo", "--no-tui", "--weeks=0", "--stop")
        assert again.code == 0
        assert "kept" in again.err
        assert "mine" in cli("view", "list", "--profile", "demo").out
        refused = cli("demo", "--no-tui", "--weeks=0", "--fresh")
        assert refused.code == 2, "nobody to ask"
        assert "views 1" in refused.err
        assert "mine" in cli("view", "list", "--profile", "demo").out
        assert cli("demo", "--no-tui", "--weeks=0", "--stop", "--fresh", "--yes").code == 0
        assert "mine" not in cli("view", "list", "--profile", "demo").out
        assert [each.name for each in paths.backups_path("demo").rglob("*.db")] == [
            Path(backup).name
        ]
    finally:
        cli("sandbox", "down", "--profile", "demo")
