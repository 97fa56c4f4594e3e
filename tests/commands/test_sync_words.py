"""What `sync`, `db` and `sandbox fault` say when things are unfinished, absent or mistaken."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from storeops import paths, secrets
from storeops.app import App
from storeops.sync.run import run_sync
from storeops.wecom.errors import StoppedError

GET_BY_USER = "externalcontact/batch/get_by_user"


@pytest.fixture
def interrupted(shop: Any) -> None:
    """A sync that was stopped after its tags."""
    app = App.open()
    stop = threading.Event()
    try:
        with pytest.raises(StoppedError):
            run_sync(
                app,
                stop=stop,
                on_progress=lambda progress: progress.scope == "tags" and stop.set(),
            )
    finally:
        app.close()


@pytest.mark.usefixtures("interrupted")
def test_an_interrupted_run_says_so_and_how_to_go_on(cli: Any) -> None:
    answer = cli("sync", "status")
    assert answer.code == 0
    assert "Run 1 is not finished." in answer.out
    assert answer.out.count(" open ") == 4  # follows, groups, unassigned, contact ways
    assert "interrupted" in answer.err
    assert "`storeops sync run`" in answer.err
    assert cli("sync", "history", "--json").json["items"][0]["outcome"] is None
    assert "open" in cli("sync", "history").out
    again = cli("sync", "run")
    assert "Run 1: complete" in again.out
    assert "interrupted run" in again.err
    assert "not finished" not in cli("sync", "status").out


def test_rows_that_are_read_again_are_counted_once(cli: Any, shop: Any) -> None:
    shop.control.fault("errcode", GET_BY_USER, errcode=50100, nth=2)
    result = cli("sync", "run", "--json").json
    follows = next(each for each in result["scopes"] if each["scope"] == "follows")
    assert follows["seen"] == shop.control.status()["counts"]["follows"]
    assert follows["calls"] == shop.control.calls()["paths"][GET_BY_USER]["calls"]


def test_a_moved_clock_does_not_make_a_sync_long(cli: Any, shop: Any) -> None:
    shop.control.advance(24 * 3600)
    answer = cli("sync", "run")
    assert answer.code == 0
    assert "d 0 h" not in answer.out


def test_nothing_to_verify(cli: Any, shop: Any) -> None:
    answer = cli("sync", "verify")
    assert answer.code == 5
    assert "no sync yet" in answer.err


@pytest.mark.parametrize("words", [("check",), ("vacuum",), ("backup",)])
def test_no_database_yet(cli: Any, shop: Any, words: tuple[str, ...]) -> None:
    answer = cli("db", *words)
    assert answer.code == 5
    assert "no database" in answer.err
    assert "storeops sync run" in answer.err
    assert not paths.data_db("shop").exists()


def test_vacuum_of_a_damaged_file_says_damaged(cli: Any, synced: Any, tmp_path: Path) -> None:
    file = paths.data_db("shop")
    with file.open("r+b") as out:
        out.seek(4096 * 40)
        out.write(b"\xff" * 4096 * 6)
    answer = cli("db", "vacuum")
    assert answer.code == 3
    assert "damaged" in answer.err


def test_faults_are_listed_with_what_they_do(cli: Any, shop: Any) -> None:
    add = ("sandbox", "fault", "add")
    assert cli(*add, "errcode", "--errcode", "45009", "--first", "2").code == 0
    assert cli(*add, "slow", "--seconds", "0.2", "--rate", "0.05").code == 0
    assert cli(*add, "cut", "--nth", "3").code == 0
    assert cli(*add, "status", "--status", "503").code == 0
    lines = cli("sandbox", "fault", "list").out.splitlines()[1:]
    assert [" ".join(each.split()) for each in lines] == [
        "1 errcode 45009 * the first 2 0 0",
        "2 slow 0.2 s * 5% 0 0",
        "3 cut * number 3 0 0",
        "4 status 503 * all 0 0",
    ]
    assert cli("sandbox", "fault", "list", "--json").json["items"][1]["rate"] == 0.05


def test_whole_scopes_are_named_before_members(cli: Any, synced: Any) -> None:
    synced.stop()
    answer = cli("sync", "run")
    assert answer.code == 8
    line = next(each for each in answer.err.splitlines() if "Not asked for" in each)
    assert line.startswith("tags, customers' follows, group chats, unassigned, contact ways, g")


def test_every_rule_of_the_sandbox_is_explained(cli: Any, shop: Any) -> None:
    rows = cli("sandbox", "settings", "list", "--json").json["items"]
    assert len(rows) > 50
    assert all(each["meaning"] for each in rows)
    assert "Calls per corp and API in a minute" in cli("sandbox", "settings", "list").out
    assert cli("sandbox", "fault", "clear", "99").code == 5


@pytest.mark.usefixtures("interrupted")
def test_status_names_an_interrupted_run(cli: Any) -> None:
    assert "A sync was interrupted" in cli("status").out
    found = cli("status", "--json").json["sync"]
    assert (found["run_id"], found["running"], found["scope"]) == (1, False, "follows")
    scopes = {each["scope"]: each["outcome"] for each in cli("status", "--json").json["scopes"]}
    assert {name for name, outcome in scopes.items() if outcome == "open"} == {
        "follows", "groups", "unassigned", "contact_ways",
    }  # fmt: skip
    assert cli("status").out.count(" open ") == 4, "as `sync status` says"
    assert cli("sync", "run", "-q").code == 0
    assert cli("status", "--json").json["sync"] is None
    assert "sync was" not in cli("status").out


def test_status_says_what_a_running_sync_waits_for(cli: Any, synced: Any) -> None:
    synced.control.fault("errcode", GET_BY_USER, errcode=45009, nth=2)
    app, paused = App.open(), threading.Event()

    def work() -> None:
        with pytest.raises(StoppedError):
            run_sync(
                app,
                on_progress=lambda progress: progress.held_back and paused.set(),
                held_back=lambda _scope: "".join(use.held_by for use in app.governor.snapshot()),
            )

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert paused.wait(20)
        answer = cli("status")
        found = cli("status", "--json").json
    finally:
        app.stop.set()
        thread.join(20)
        app.close()
    assert "A sync is running: customers' follows, 100 of 200." in answer.out
    assert "paused by WeCom (45009)" in answer.out
    assert found["sync"]["running"] is True
    assert 30 < found["sync"]["left_s"] < 120  # the pause alone is a minute


def test_a_damaged_run_db_stops_nobody(cli: Any, synced: Any) -> None:
    paths.run_db("shop").write_bytes(b"\xff" * 8192)
    answer = cli("customer", "list", "--json", "-n", "1")
    assert answer.code == 0
    assert cli("sync", "run", "-q").code == 0


def test_a_state_that_cannot_be_saved_is_named_as_given(
    cli: Any, shop: Any, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "nowhere" / "state", tmp_path / "folder"):
        answer = cli("sandbox", "save", str(target))
        assert answer.code == 2
        assert str(target) in answer.err
        assert ".partial" not in answer.err
    assert [each.name for each in tmp_path.iterdir() if "partial" in each.name] == []


def test_a_pause_is_said_where_nobody_watches(cli: Any, shop: Any) -> None:
    """A pause left behind by another process; a pipe hears of it once, and of its length."""
    app = App.open()
    app.governor.report(GET_BY_USER, 45009)
    with app.run.atomic() as connection:
        connection.execute("UPDATE limit_api SET paused_until = ?", (time.time() + 4,))
    app.close()
    answer = cli("sync", "run")
    assert answer.code == 0
    (line,) = answer.err.splitlines()
    assert "follows" in line
    assert "45009" in line


def test_a_profile_without_secret_begins_no_run(cli: Any, shop: Any) -> None:
    secrets.forget("shop")
    answer = cli("sync", "run")
    assert answer.code == 3
    assert "secret" in answer.err
    assert "sandbox up" not in answer.err
    assert cli("sync", "history", "--json").json["items"] == []
