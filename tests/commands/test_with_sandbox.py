"""Sync, status, doctor, api, db and demo against a sandbox: what is said is what is true."""

from __future__ import annotations

import json
import os
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest

from storeops import config, paths

SCOPES = ("departments", "staff", "tags", "follows", "groups", "unassigned", "contact_ways")


def test_sync_run_tells_each_scope(cli: Any, shop: Any) -> None:
    answer = cli("sync", "run", "--json")
    assert answer.code == 0
    result = answer.json
    assert result["outcome"] == "complete"
    scopes = {each["scope"]: each for each in result["scopes"]}
    assert list(scopes) == list(SCOPES)
    counts = shop.control.status()["counts"]
    assert scopes["follows"]["seen"] == counts["follows"]
    assert scopes["staff"]["seen"] == counts["staff"]
    assert set(scopes["follows"]) == {
        *("scope", "outcome", "seen", "added", "changed", "missing", "lost", "calls", "failures")
    }


def test_sync_run_for_people(cli: Any, shop: Any) -> None:
    answer = cli("sync", "run")
    assert answer.code == 0
    assert "Run 1: complete" in answer.out
    assert answer.err == ""  # no progress bar in a pipe


def test_sync_partial_names_the_member_and_ends_with_6(cli: Any, synced: Any) -> None:
    userid = next(row["userid"] for row in synced.control.export("follows"))
    synced.control.fault(
        "errcode", "externalcontact/batch/get_by_user", errcode=60011, match=userid
    )
    answer = cli("sync", "run")
    assert answer.code == 6
    assert userid in answer.err
    assert "nobody is believed lost" in answer.err
    assert cli("sync", "status", "--json").json["outcome"] == "partial"
    again = cli("sync", "history", "--json", "--limit", "1").json
    assert again["has_more"] is True
    assert again["items"][0]["failures"] >= 1


def test_sync_store_reads_one_shop(cli: Any, synced: Any) -> None:
    row = next(iter(synced.control.export("follows")))
    members = {each["userid"]: each for each in synced.control.export("staff")}
    department = members[row["userid"]]["main_department"]
    answer = cli("sync", "run", "--store", str(department), "--json")
    assert answer.code == 0
    assert answer.json["mode"] == "store"
    assert cli("sync", "run", "--store", "nowhere").code == 5


def test_sync_wrong_scope(cli: Any, shop: Any) -> None:
    answer = cli("sync", "run", "--scope", "follow")
    assert answer.code == 2
    assert "follows" in answer.err


def test_sync_verify_finds_what_changed_behind_our_back(cli: Any, synced: Any) -> None:
    assert cli("sync", "verify", "--all").code == 0
    row = next(iter(synced.control.export("follows")))
    synced.control.act(
        "remark_edit",
        userid=row["userid"],
        external_userid=row["external_userid"],
        remark="changed by hand",
    )
    answer = cli("sync", "verify", "--all", "--json")
    assert answer.code == 10
    (difference,) = answer.json["differences"]
    assert difference["external_userid"] == row["external_userid"]
    assert difference["wecom"] == "changed by hand"


def test_status_says_how_fresh(cli: Any, shop: Any) -> None:
    before = cli("status", "--json").json
    assert before["as_of"] is None
    assert before["stale"] is True
    cli("sync", "run", "-q")
    after = cli("status", "--json").json
    assert after["stale"] is False
    assert after["rows"]["follows"] >= shop.control.status()["counts"]["follows"]
    assert {each["scope"] for each in after["scopes"]} == {*SCOPES}
    assert any(each["path"] == "externalcontact/batch/get_by_user" for each in after["limits"])
    text = cli("status")
    assert text.code == 0
    assert "All staff of" in text.out


def test_doctor_in_order(cli: Any, shop: Any) -> None:
    answer = cli("doctor", "--json")
    assert answer.code == 0
    assert answer.json["ok"] is True
    checks = [each["check"] for each in answer.json["findings"]]
    assert checks[-9:] == [
        *("token", "departments", "members", "customer_contact", "customers", "tags"),
        *("groups", "handover", "clock"),
    ]


def test_doctor_only_reads(cli: Any, shop: Any) -> None:
    before = shop.control.status()["counts"]
    shop.control.reset_calls()
    cli("doctor")
    assert shop.control.status()["counts"] == before


@pytest.mark.parametrize(
    ("how", "check", "code", "fix"),
    [
        ({"trusted_ips": ["203.0.113.9"]}, "token", 4, "企业可信IP"),
        ({}, "tags", 4, "可调用接口的应用"),
    ],
    ids=["ip", "permission"],
)
def test_doctor_says_what_to_change_where(
    cli: Any, shop: Any, how: dict[str, Any], check: str, code: int, fix: str
) -> None:
    if how:
        shop.control.settings(**how)
    else:
        shop.control.fault("errcode", "externalcontact/get_corp_tag_list", errcode=48002)
    answer = cli("doctor", "--json")
    assert answer.code == code
    failed = [each for each in answer.json["findings"] if each["status"] == "failed"]
    assert [each["check"] for each in failed] == [check]
    assert fix in failed[0]["fix"]


@pytest.mark.parametrize(
    ("new_ip", "members", "fix"),
    [(True, "failed", "通讯录同步"), (False, "ok", "the Secret is another app's")],
    ids=["new address", "known address"],
)
def test_doctor_knows_the_wrong_kind_of_secret(
    cli: Any, shop: Any, monkeypatch: pytest.MonkeyPatch, new_ip: bool, members: str, fix: str
) -> None:
    """The secret of contact sync reads departments and no customers."""
    shop.control.settings(contact_sync_new_ip=new_ip)
    apps = shop.control.status()["apps"]
    monkeypatch.setenv(
        "STOREOPS_SECRET_SHOP", next(each["secret"] for each in apps if each["contact_sync"])
    )
    answer = cli("doctor", "--json")
    assert answer.code == 4
    found = {each["check"]: each for each in answer.json["findings"]}
    assert (found["departments"]["status"], found["members"]["status"]) == ("ok", members)
    for check in ("customer_contact", "customers", "tags", "groups", "handover"):
        assert found[check]["errcode"] == 48002
        assert fix in found[check]["fix"]
        assert found[check]["fix"].count("Console: ") == 1
    assert "可见范围" not in found["members"]["fix"]


def test_doctor_tries_the_secret_itself_not_a_kept_token(
    cli: Any, synced: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOREOPS_SECRET_SHOP", "wrong")
    answer = cli("doctor")
    assert answer.code == 4
    assert "40001" in answer.out
    assert "skipped" in answer.out


def test_doctor_without_network(cli: Any, shop: Any) -> None:
    shop.stop()
    answer = cli("doctor", "--offline", "--json")
    assert answer.code == 0
    assert "token" not in [each["check"] for each in answer.json["findings"]]


def test_doctor_finds_open_files(cli: Any, shop: Any) -> None:
    assert cli("sync", "history").code == 0
    paths.data_db("shop").chmod(0o644)
    answer = cli("doctor", "--offline")
    assert answer.code == 3
    assert "chmod" in answer.out


def test_doctor_without_any_profile(cli: Any) -> None:
    answer = cli("doctor")
    assert answer.code == 3
    assert "storeops demo" in answer.out


def test_api_get_and_post(cli: Any, shop: Any, tmp_path: Path) -> None:
    users = cli("api", "get", "externalcontact/get_follow_user_list").json["follow_user"]
    body = json.dumps({"userid_list": users[:1], "limit": 1})
    file = tmp_path / "body.json"
    file.write_text(body)
    inline = cli("api", "post", "/cgi-bin/externalcontact/batch/get_by_user", "--data", body)
    from_file = cli("api", "post", "externalcontact/batch/get_by_user", "--data", f"@{file}")
    assert inline.code == from_file.code == 0
    assert inline.json["errcode"] == 0
    assert inline.json["external_contact_list"] == from_file.json["external_contact_list"]
    one = cli("api", "get", f"user/get?userid={users[0]}", "--fields", "userid")
    assert one.json == {"userid": users[0]}


def test_api_refuses_writes_unless_asked(cli: Any, shop: Any) -> None:
    for words in (
        ["post", "externalcontact/mark_tag", "--data", "{}"],
        ["get", "user/delete", "--param", "userid=nobody"],
    ):
        answer = cli("api", *words)
        assert answer.code == 11
        assert "--allow-write" in answer.err
    assert cli("api", "get", "user/delete", "--param", "userid=nobody", "--allow-write").code != 11
    assert "mark_tag" not in json.dumps(shop.control.calls())


@pytest.mark.parametrize(
    "words",
    [
        ["get", "https://evil.test/x"],
        ["get", "user/get?access_token=x"],
        ["post", "externalcontact/batch/get_by_user", "--data", "{broken"],
        ["post", "externalcontact/batch/get_by_user", "--data", "@/no/such/file"],
        ["get", "user/get", "--param", "novalue"],
    ],
)
def test_api_bad_input_sends_nothing(cli: Any, shop: Any, words: list[str]) -> None:
    shop.control.reset_calls()
    assert cli("api", *words).code == 2
    assert "user/get" not in json.dumps(shop.control.calls())


def test_backup_and_restore(cli: Any, synced: Any, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    made = cli("db", "backup", str(file), "--json")
    assert made.code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert cli("db", "backup", str(file)).code == 3  # never over another file
    synced.control.act("random", count=20, seed=1)
    assert cli("sync", "run", "-q").code == 0
    later = cli("status", "--json").json["rows"]
    assert cli("db", "restore", str(file)).code == 2  # nobody there to say yes
    done = cli("db", "restore", str(file), "--yes", "--json")
    assert done.code == 0
    assert Path(done.json["kept"]).exists()
    runs = cli("sync", "history", "--json").json["items"]
    assert [each["run_id"] for each in runs] == [1]
    assert cli("db", "restore", done.json["kept"], "--yes").code == 0
    assert cli("status", "--json").json["rows"] == later


def test_restore_makes_unfinished_jobs_unknown(cli: Any, shop: Any, tmp_path: Path) -> None:
    from storeops.app import App

    app = App.open()
    with app.data.atomic() as connection:
        connection.execute(
            "INSERT INTO job (plan_id, action, size, status, run_at, created_at, call)"
            " VALUES (1, 'tag', 1, 'queued', 0, 0, '{}')"
            if "call" in columns(app)
            else "INSERT INTO job (plan_id, action, size, status, run_at, created_at)"
            " VALUES (1, 'tag', 1, 'queued', 0, 0)"
        )
    app.close()
    file = tmp_path / "copy.db"
    assert cli("db", "backup", str(file)).code == 0
    answer = cli("db", "restore", str(file), "--yes", "--json")
    assert answer.json["unknown_jobs"] == 1
    assert cli("status", "--json").json["jobs"] == {"unknown": 1}


def columns(app: Any) -> set[str]:
    return {row[1] for row in app.data.execute("PRAGMA table_info(job)")}


def test_restore_refuses_what_is_no_backup(cli: Any, synced: Any, tmp_path: Path) -> None:
    path = paths.data_db("shop")
    size = path.stat().st_size
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to look at " * 50)
    assert cli("db", "restore", str(text), "--yes").code == 3
    assert cli("db", "restore", str(tmp_path / "none.db"), "--yes").code == 5
    assert path.stat().st_size == size
    assert cli("db", "check").code == 0


def test_restore_over_a_damaged_database_keeps_the_damaged_one(
    cli: Any, synced: Any, tmp_path: Path
) -> None:
    file = tmp_path / "copy.db"
    cli("db", "backup", str(file))
    path = paths.data_db("shop")
    path.write_bytes(os.urandom(50_000))
    done = cli("db", "restore", str(file), "--yes", "--json")
    assert done.code == 0
    assert Path(done.json["kept"]).stat().st_size == 50_000
    assert cli("sync", "history", "--json").json["items"][0]["outcome"] == "complete"


def test_vacuum_and_paths(cli: Any, synced: Any) -> None:
    assert cli("db", "vacuum", "--json").json["bytes_after"] > 0
    assert cli("db", "path").out.strip() == str(paths.data_db("shop"))
    names = [each["name"] for each in cli("db", "path", "--all", "--json").json["items"]]
    assert names == ["data", "run"]
    assert cli("db", "check", "--thorough", "--json").json["whole"] is True


# the demo leaves its sandbox running when the command ends; here the process goes on
LEFT_RUNNING = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@LEFT_RUNNING
class TestDemo:
    """`storeops demo` as a new user runs it."""

    @pytest.fixture
    def demo(self, cli: Any) -> Any:
        answer = cli("demo", "--no-tui", "--weeks=0", "--json")
        yield answer
        cli("sandbox", "down", "--profile", "demo")

    def test_it_tells_the_truth_and_its_commands_work(self, cli: Any, demo: Any) -> None:
        assert demo.code == 0
        counts = {each["what"]: each for each in demo.json["counts"]}
        assert all(each["equal"] for each in counts.values())
        assert counts["follows"]["mirror"] == 4000
        assert counts["departments"]["mirror"] > 12
        for line in demo.json["next_steps"]:
            words = shlex.split(line)[1:]
            if words[0] == "tui":
                continue
            answer = cli(*words, "--json")
            assert answer.code == 0, (line, answer.err)
            assert answer.json.get("items", ["-"]), line

    def test_a_second_run_joins_the_first_ones_sandbox(self, cli: Any, demo: Any) -> None:
        again = cli("demo", "--no-tui", "--weeks=0", "--dairy", "--json")
        assert again.code == 0
        assert again.json["base_url"] == demo.json["base_url"]
        assert "certificate expiring" in again.json["next_steps"][0]
        assert "earlier demo" in again.err


@LEFT_RUNNING
def test_demo_leaves_a_real_default_profile_alone(cli: Any, home: Path) -> None:
    config.save_profile(config.Profile("real", "ww0123456789abcdef"))
    answer = cli("demo", "--no-tui", "--weeks=0", "--stop")
    assert answer.code == 0
    loaded = config.load()
    assert loaded.profile == "real"
    assert set(loaded.profiles) == {"real", "demo"}
    assert "--profile demo" in answer.out
    down = cli("sandbox", "status", "--profile", "demo")
    assert down.code == 8  # --stop stopped it


def test_demo_refuses_to_take_over_a_real_profile_of_its_name(cli: Any, home: Path) -> None:
    config.save_profile(config.Profile("demo", "ww0123456789abcdef"))
    answer = cli("demo", "--no-tui", "--weeks=0")
    assert answer.code == 9
    assert config.load().profiles["demo"].corp_id == "ww0123456789abcdef"


@pytest.mark.parametrize(
    ("path", "field", "words"),
    [
        ("externalcontact/get_corp_tag_list", "name",
         ("api", "post", "externalcontact/get_corp_tag_list")),
        ("externalcontact/get_corp_tag_list", "group_name", ("sync", "verify")),
        ("externalcontact/get_corp_tag_list", "group_name", ("sync", "run")),
        ("department/simplelist", "order", ("doctor",)),
    ],
)  # fmt: skip
def test_odd_values_are_said_once_where_a_command_ends(
    cli: Any, synced: Any, path: str, field: str, words: tuple[str, ...]
) -> None:
    kind = "number_as_text" if field == "order" else "cut_text"
    synced.control.fault(kind, path, field=field)
    answer = cli(*words)
    assert answer.err.count("could not be read as") == 1, answer
    assert field in answer.err


@pytest.mark.parametrize("path", ["department/simplelist", "externalcontact/get_corp_tag_list"])
def test_doctor_names_a_row_that_cannot_be_read(cli: Any, shop: Any, path: str) -> None:
    field = "id" if "simplelist" in path else "group_id"
    shop.control.fault("null_field", path, field=field)
    answer = cli("doctor")
    assert "cannot be read" in answer.out
    assert answer.code == 0


def test_verify_says_nothing_of_values_that_cannot_be_read(cli: Any, synced: Any) -> None:
    for path, field in (
        ("externalcontact/batch/get_by_user", "remark"),
        ("externalcontact/batch/get_by_user", "name"),
        ("externalcontact/get_corp_tag_list", "name"),
        ("department/list", "name"),
    ):
        synced.control.fault("null_field", path, field=field, every=True)
        answer = cli("sync", "verify", "--json")
        synced.control.clear_faults()
        assert answer.json["equal"], (field, answer.out[:400])
        assert "could not be read" in answer.err
